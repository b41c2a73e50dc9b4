"""What is not installed is named with the line that installs it, at every door that needs it; never a traceback."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from harness.answering import read_inspect_log
from harness.answering.chat.anthropic_chat import AnthropicChat
from harness.answering.chat.embedded_chat import EmbeddedServer
from harness.answering.chat.limits import TrafficLimits
from harness.answering.models.embedded import torch_folder
from harness.answering.models.model import LmEvalModel
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.learning import make_learner
from harness.rating import Surroundings, annotate, find_rater
from harness.reporting import run_notebook
from harness.reporting.exports import to_mlflow, to_wandb
from harness.run import Run, place_of
from harness.stages.cluster import cluster_of

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


def rater(name):
    return lambda _: find_rater(name, Catalog(), Surroundings())


def excel(folder):
    from harness import agree

    (folder / "sheet.xlsx").write_bytes(b"PK\x03\x04")
    agree(folder / "sheet.xlsx")


def inspect_log(folder):
    (folder / "log.eval").write_bytes(b"PK")
    read_inspect_log(folder / "log.eval")


def a_run(folder):
    (folder / "suite.yaml").write_text("name: made-up\n")
    return Run(folder)


def on_a_cluster(_):
    with cluster_of("dask"):
        pass


def embedded_server(folder):
    with EmbeddedServer(folder / "model.gguf"):
        pass


LANGUAGE_MODEL = {"model": "embedded", "task": "two_digit_sums"}
NEEDS = [
    ("quickstart", ["xllamacpp"], embedded_server),
    ("quickstart", ["torch", "transformers"], torch_folder),
    ("quickstart", ["gguf"], torch_folder),
    ("torch", ["torch", "transformers"], lambda _: LmEvalModel("hf", {"pretrained": "x"}).lm),
    ("torch", ["accelerate"], lambda _: LmEvalModel("hf-multimodal", {"pretrained": "x"}).lm),
    ("torch", ["torch"], lambda _: make_learner("addition", {}, 0)),
    ("train", ["torch", "transformers"], lambda _: make_learner("language_model", LANGUAGE_MODEL, 0)),
    ("train", ["trl"], lambda _: make_learner("language_model", {**LANGUAGE_MODEL, "trainer": "trl-dpo"}, 0)),
    ("train", ["peft"], lambda _: make_learner("language_model", {**LANGUAGE_MODEL, "lora": {"rank": 2}}, 0)),
    ("train", ["transformers"], rater("reward_model")),
    ("excel", ["openpyxl"], excel),
    ("dask", ["distributed"], on_a_cluster),
    ("s3", ["s3fs"], lambda _: place_of("s3://bucket/run")),
    ("math", ["math_verify"], rater("math_verify")),
    ("anthropic", ["anthropic"], lambda _: AnthropicChat("claude-haiku-4-5", limits=TrafficLimits())),
    ("inspect", ["inspect_ai", "inspect_ai.log"], inspect_log),
    ("mlflow", ["mlflow"], lambda folder: to_mlflow(a_run(folder))),
    ("wandb", ["wandb"], lambda folder: to_wandb(a_run(folder))),
    ("notebook", ["nbclient"], lambda folder: run_notebook("rounds", folder)),
    ("notebook", ["jupytext"], lambda folder: run_notebook("rounds", folder)),
    ("notebook", ["anywidget"], lambda folder: annotate(folder, "human_quality", "a")),
]


@pytest.mark.parametrize(
    ("extra", "blocked", "use"), NEEDS, ids=[f"{extra}: {packages}" for extra, packages, _ in NEEDS]
)
def test_what_is_not_installed_is_named_with_its_line(extra, blocked, use, tmp_path, monkeypatch):
    for name in blocked:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(HarnessError, match=re.escape(f"pip install 'feedback-harness[{extra}]'")):
        use(tmp_path)


def test_a_kind_of_model_whose_package_is_missing_is_no_traceback(monkeypatch):
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.delitem(sys.modules, "lm_eval.models.vllm_causallms", raising=False)
    with pytest.raises(HarnessError, match=r"'vllm' needs a package that is not installed: .*vllm"):
        _ = LmEvalModel("vllm", {"pretrained": "x"}).lm


def test_every_extra_for_users_has_a_case():
    together = {"local", "all", "docs", "dev"}  # `local` is named as the quickstart it belongs to
    assert {extra for extra, _, _ in NEEDS} == set(EXTRAS) - together


def test_a_line_that_installs_an_extra_names_one_that_there_is():
    places = [*(ROOT / "harness").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "raters").rglob("*.md")]
    for path in (*places, ROOT / "README.md"):
        for named in re.findall(r"feedback-harness\[([\w,]+)\]", path.read_text()):
            assert set(named.split(",")) <= set(EXTRAS), f"{path}: {named}"
