"""A site of many runs, the page on loopback, and what leaves for other tools."""

from __future__ import annotations

import importlib.util
import json
import shutil
import urllib.error
import urllib.request
from xml.etree import ElementTree

import pytest
import yaml

from harness.errors import HarnessError
from harness.reporting.exports import to_hub_card, to_mlflow, to_wandb
from harness.reporting.server import view
from harness.reporting.site import publish
from harness.run.folder import Run

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def runs(made_up_run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    rise = {"verifier": [0.3, 0.6, 0.9], "none": [0.3, 0.3, 0.3]}
    made_up_run(folder / "one", questions=4, held_out=60, series=rise, people=2)
    made_up_run(folder / "deep" / "one", questions=4, series={}, hostile="\x07<b> someone@example.org")
    return folder


@pytest.fixture(scope="module")
def site(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    publish(runs, folder, base_url="https://example.org/feedback")
    return folder


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(runs, site, tmp_path):
    publish(runs, tmp_path, base_url="https://example.org/feedback")
    assert files_of(tmp_path) == files_of(site)
    names = {name.split("/")[1] for name in files_of(site) if name.startswith("runs/")}
    assert len(names) == 2
    assert any(name.startswith("deep-one") for name in names)


def test_only_what_changed_is_drawn_again_and_the_bytes_are_those_of_a_fresh_site(runs, tmp_path, monkeypatch):
    shutil.copytree(runs, tmp_path / "runs")
    publish(tmp_path / "runs", tmp_path / "site")
    pages = sorted((tmp_path / "site" / "runs").rglob("index.html"))
    before = [path.stat().st_mtime_ns for path in pages]
    publish(tmp_path / "runs", tmp_path / "site")
    assert [path.stat().st_mtime_ns for path in pages] == before  # nothing was drawn
    Run(tmp_path / "runs" / "one").note(git="another state")
    publish(tmp_path / "runs", tmp_path / "site")
    after = [path.stat().st_mtime_ns for path in pages]
    assert [path.parent.name for path, old, new in zip(pages, before, after, strict=True) if old != new] == ["runs-one"]
    publish(tmp_path / "runs", tmp_path / "fresh")
    assert files_of(tmp_path / "site") == files_of(tmp_path / "fresh")
    publish(tmp_path / "runs", tmp_path / "site", redact_text=True)
    assert all(b"texts left out" in path.read_bytes() for path in pages)  # another option draws anew


def test_the_feed_has_an_entry_a_verdict_and_no_address_of_a_person(site):
    feed = ElementTree.parse(site / "feed.xml").getroot()
    entries = feed.findall(f"{ATOM}entry")
    titles = [entry.findtext(f"{ATOM}title") for entry in entries]
    assert "made-up: verifier on addition: improving" in titles
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    assert all(
        entry.find(f"{ATOM}link").get("href").startswith("https://example.org/feedback/runs/") for entry in entries
    )
    pictures = {name: content for name, content in files_of(site).items() if name.endswith(".png")}
    texts = [content.decode() for name, content in files_of(site).items() if name not in pictures]
    assert "someone@" not in "".join(texts)
    # Each page has its card beside it, 1200 by 630 pixels by the PNG's own head, and names its whole address.
    assert len(pictures) == 2
    assert all(content[16:24] == bytes.fromhex("000004b000000276") for content in pictures.values())
    slug = next(name.split("/")[1] for name in pictures)
    page = (site / "runs" / slug / "index.html").read_text(encoding="utf-8")
    assert f'<meta property="og:image" content="https://example.org/feedback/runs/{slug}/card.png">' in page


def test_a_folder_without_runs_is_an_error(tmp_path):
    with pytest.raises(HarnessError, match="holds no run"):
        publish(tmp_path, tmp_path / "site")


def test_a_run_is_served_on_loopback_to_its_own_name_alone(runs):
    with view(runs / "one") as address:
        assert address.startswith("http://127.0.0.1:")
        page = urllib.request.urlopen(address, timeout=10)
        assert b"harnessShard" in page.read()
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert urllib.request.urlopen(f"{address}data/shard-0000.js", timeout=10).status == 200
        for path, headers in (("", {"Host": "evil.example"}), ("data/", {}), ("../../etc/passwd", {})):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(urllib.request.Request(address + path, headers=headers), timeout=10)


def test_a_model_card_has_the_scores_as_the_hub_reads_them_and_the_verdicts(runs, tmp_path):
    from harness.run.folder import Run

    to_hub_card(Run(runs / "one"), tmp_path / "card.md")
    _, head, body = (tmp_path / "card.md").read_text(encoding="utf-8").split("---\n", 2)
    [model] = yaml.safe_load(head)["model-index"]
    metrics = [metric for result in model["results"] for metric in result["metrics"]]
    assert {metric["name"] for metric in metrics} >= {"mean score after round 2 of verifier feedback"}
    assert "| verifier | addition | ▲ improving |" in body


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("sqlalchemy"), reason="the extra `mlflow` is not installed")
def test_ratings_become_assessments_in_mlflow(runs, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    from harness.run.folder import Run

    to_mlflow(Run(runs / "one"), tmp_path)
    [experiment] = [one for one in mlflow.search_experiments() if one.name == "made-up"]
    traces = mlflow.search_traces(locations=[experiment.experiment_id], return_type="list")
    found = [one for trace in traces for one in trace.info.assessments]
    kinds = {one.source.source_type for one in found}
    assert kinds == {"HUMAN", "LLM_JUDGE", "CODE"}
    assert {one.source.source_id for one in found if one.source.source_type == "HUMAN"} == {"Human A", "Human B"}
    assert all(one.feedback.value is not None or one.feedback.error for one in found)


@pytest.mark.slow
def test_weights_and_biases_gets_a_table(runs, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    from harness.run.folder import Run

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    to_wandb(Run(runs / "one"), tmp_path)
    [table] = list(tmp_path.rglob("ratings*.table.json"))
    assert "rater_kind" in json.loads(table.read_text())["columns"]


def test_the_page_on_loopback_answers_before_the_run_is_read(runs):
    waiting = []

    def listening(address):
        with urllib.request.urlopen(address) as answer:
            waiting.append(answer.read())

    with view(runs / "one", listening=listening) as address, urllib.request.urlopen(address) as answer:
        assert b'http-equiv="refresh"' in waiting[0]
        assert b"Reading the run" in waiting[0]
        assert b"Does the feedback still help?" in answer.read()
