"""Groups and tags of lm-eval in a suite: the tasks below them, and lm-eval's own aggregates in its own table."""

import json
import shutil

import pytest
from tiny_model import make_tiny_model

from harness.answering.lm_eval_scores import lm_eval_table
from harness.answering.tasks.definitions import lm_eval_folder, quiet_lm_eval
from harness.answering.tasks.groups import expanded, leaves_of, read_groups
from harness.answering.tasks.hub import tracing
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.reporting import report, summary
from harness.stages.stages import run_suite
from harness.suite import Suite

OWN = """group: everyday
task:
  - piqa
  - {group: science, task: [arc_challenge, arc_easy], aggregate_metric_list: [{metric: acc, weight_by_size: false}]}
aggregate_metric_list:
  - {metric: acc, weight_by_size: true}
metadata: {version: 2}
"""


def suite(tmp_path, *tasks):
    args = {"pretrained": str(tmp_path / "model"), "dtype": "float32", "device": "cpu", "batch_size": 1}
    models = [{"name": "tiny", "model": "hf", "args": args}]
    return Suite.model_validate({"name": "groups", "models": models, "tasks": list(tasks)})


@pytest.fixture
def own(tmp_path):
    (tmp_path / "mine" / "tasks").mkdir(parents=True)
    (tmp_path / "mine" / "tasks" / "everyday.yaml").write_text(OWN)
    return Catalog([tmp_path / "mine"])


def test_a_group_and_a_tag_stand_for_their_tasks(own):
    groups = {}
    assert leaves_of("ai2_arc", own, groups) == ["arc_challenge", "arc_easy"]
    assert groups == {}
    assert leaves_of("everyday", own, groups) == ["piqa", "arc_challenge", "arc_easy"]
    assert groups["everyday"].members == ["piqa", "everyday::science"]
    assert leaves_of("piqa", own, groups) is None
    assert leaves_of("no such", own, groups) is None
    assert len(leaves_of("mmlu_stem", own, groups)) == 19  # a group of a tag
    assert groups["mmlu_stem"].alias == "stem"


def test_each_task_is_used_as_the_group_was(own, tmp_path):
    whole = suite(tmp_path, {"task": "everyday", "num_fewshot": 1, "limit": 3, "raters": [{"rater": "answer_key"}]})
    found, _ = expanded(whole, own)
    assert [(use.task, use.num_fewshot, use.limit, len(use.raters)) for use in found.tasks] == [
        ("piqa", 1, 3, 1), ("arc_challenge", 1, 3, 1), ("arc_easy", 1, 3, 1),
    ]  # fmt: skip
    with pytest.raises(HarnessError, match="`name` is for one"):
        expanded(suite(tmp_path, {"task": "everyday", "name": "e"}), own)
    with pytest.raises(HarnessError, match="'piqa' is used twice"):
        expanded(suite(tmp_path, {"task": "piqa", "limit": 9}, {"task": "everyday"}), own)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("group: everyday\ntask: [everyday]\n", "holds itself: everyday > everyday"),
        ("group: everyday\ntask: [{task: piqa, num_fewshot: 3}]\n", "changes settings of 'piqa'"),
        ("group: everyday\ntasks: [piqa]\n", "says `tasks` for its tasks"),
    ],
)
def test_a_group_that_cannot_be_kept_is_refused(own, tmp_path, text, said):
    (tmp_path / "mine" / "tasks" / "everyday.yaml").write_text(text)
    with pytest.raises(HarnessError, match=said):
        leaves_of("everyday", own, {})


TASK = """task: {name}
dataset_path: json
dataset_kwargs: {{data_files: {{test: {name}.jsonl}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{q}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{answer}}}}"
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""


def test_the_page_has_the_groups_with_the_commands_numbers(tmp_path):
    folder = tmp_path / "mine" / "tasks"
    folder.mkdir(parents=True)
    for name, count in (("few", 2), ("many", 6)):
        (folder / f"{name}.yaml").write_text(TASK.format(name=name))
        row = {"q": "?", "choices": ["a", "b"]}
        lines = [json.dumps({**row, "answer": n % 2}) + "\n" for n in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(lines))
    group = "group: both\ntask: [few, many]\naggregate_metric_list: [{metric: acc, weight_by_size: true}]\n"
    (folder / "both.yaml").write_text(group)
    models = [{"name": "guesses", "model": "dummy"}]  # lm-eval's: it reads nothing
    whole = Suite.model_validate({"name": "groups", "models": models, "tasks": [{"task": "both"}]})
    run = run_suite(whole, tmp_path / "run", stages=["answer"], include=[tmp_path / "mine"])

    rows = summary(run)["methods"]["lm_eval"]
    by_task = {row["task"]: row for row in rows}
    assert list(by_task) == ["both", "few", "many"]
    assert [by_task[task]["members"] for task in by_task] == [["few", "many"], [], []]
    weighed = (2 * by_task["few"]["value"] + 6 * by_task["many"]["value"]) / 8
    assert by_task["both"]["value"] == pytest.approx(weighed)
    printed = lm_eval_table(run.manifest["scores"]["guesses"], read_groups(run.manifest["groups"]))
    cells = [line.replace(" ", "").split("|") for line in printed.splitlines() if line.startswith("|both")]
    shown = (round(by_task["both"]["value"], 4), round(by_task["both"]["stderr"], 4))
    assert [(float(line[7]), float(line[9])) for line in cells] == [shown, shown]  # of all, and of groups alone
    assert "group of few, many" in report(run).read_text()


@pytest.mark.slow
def test_the_aggregates_are_lm_evals_to_the_letter(own, hub_mirror, tmp_path):
    from lm_eval import simple_evaluate
    from lm_eval.tasks import TaskManager
    from lm_eval.utils import make_table

    make_tiny_model(tmp_path / "model")
    tasks = [{"task": "everyday", "limit": 3}]
    whole = suite(tmp_path, *tasks)
    run = run_suite(whole, tmp_path / "run", stages=["answer"], include=[tmp_path / "mine"])
    files = tmp_path / "files"
    shutil.copytree(lm_eval_folder() / "tasks" / "arc", files / "arc")
    shutil.copytree(lm_eval_folder() / "tasks" / "piqa", files / "piqa")
    (files / "everyday.yaml").write_text(OWN)
    manager = TaskManager(include_path=str(files), include_defaults=False)
    args = whole.models[0].args
    with quiet_lm_eval(), tracing():
        found = simple_evaluate(model="hf", model_args=args, tasks=["everyday"], limit=3, task_manager=manager)
    for group in ("everyday", "everyday::science"):
        stored = run.manifest["group_scores"]["tiny"][group]
        assert {key: value for key, value in stored.items() if "," in key} == {
            key: value for key, value in found["results"][group].items() if "," in key
        }
    printed = lm_eval_table(run.manifest["scores"]["tiny"], read_groups(run.manifest["groups"]))
    assert printed == make_table(found) + "\n" + make_table(found, "groups")
