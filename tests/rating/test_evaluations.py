"""Evaluations of lm-eval and Inspect become runs: the folders are written by lm-eval and Inspect themselves."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.answering import samples_in
from harness.errors import HarnessError
from harness.rating.files.evaluations.imported import import_evaluations
from harness.records import Item
from harness.rounds.scores.logs import lm_eval_scores
from harness.rounds.scores.run_scores import from_run
from harness.rounds.verdict.rounds import compare_rounds
from harness.run.folder import Run
from harness.stages.stages import rate, run_suite

QUESTIONS = [
    {"q": "What falls from clouds?", "choices": ["rain", "milk"], "answer": 0},
    {"q": "What do cows eat?", "choices": ["stones", "grass"], "answer": 1},
    {"q": "What do fish live in?", "choices": ["water", "trees"], "answer": 0},
]
WORD = [{"function": "regex", "regex_pattern": r"(\w+)"}, {"function": "take_first"}]


@pytest.fixture(scope="module")
def output(tmp_path_factory) -> Path:
    """What lm-eval writes of its model that answers by chance, on two tasks."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    folder = tmp_path_factory.mktemp("lm-eval")
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUESTIONS))
    common = {
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / "data.jsonl")}},
        "test_split": "test",
        "doc_to_text": "Question: {{q}} Answer:",
    }
    chosen = common | {
        "task": "chosen",
        "output_type": "multiple_choice",
        "doc_to_choice": "{{choices}}",
        "doc_to_target": "{{answer}}",
        "metric_list": [{"metric": "acc"}, {"metric": "acc_norm"}],
    }
    written = common | {
        "task": "written",
        "output_type": "generate_until",
        "doc_to_target": "{{choices[answer]}}",
        "generation_kwargs": {"until": ["."]},
        "repeats": 2,
        "filter_list": [{"name": "first", "filter": WORD[1:]}, {"name": "word", "filter": WORD}],
        "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}],
    }
    tracker = EvaluationTracker(output_path=str(folder / "out"))
    how = {"log_samples": True, "evaluation_tracker": tracker, "task_manager": TaskManager(include_defaults=False)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lm_eval.evaluator.add_env_info", lambda storage: None)  # asks pip and more, for half a minute
        patch.setattr("lm_eval.evaluator.add_tokenizer_info", lambda storage, model: None)  # asks the Hub, for a model
        results = simple_evaluate("dummy", model_args={"api_key": "sk-123456"}, tasks=[chosen, written], **how)
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task in samples:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    return folder / "out"


def logged(output: Path, task: str) -> list[dict]:
    (path,) = output.rglob(f"samples_{task}_*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_an_output_folder_of_lm_eval_becomes_a_run(output, tmp_path):
    run, notes = import_evaluations("lm-eval", [output], tmp_path / "run", family="commonsense")
    assert notes == []
    assert [(who.name, who.model) for who in run.suite.models] == [("dummy", "imported")]
    items = run.items.set_index(["task", "item_id"])
    for number, row in enumerate(QUESTIONS):
        item = items.loc["chosen", str(number)]
        assert (list(item["choices"]), item["target"]) == (row["choices"], str(row["answer"]))
        assert (item["prompt"], item["family"]) == (f"Question: {row['q']} Answer:", "commonsense")
        assert list(items.loc["written", str(number)]["references"]) == [row["choices"][row["answer"]]]
    responses = run.responses[run.responses["model"] == "dummy"].set_index(["task", "item_id", "sample"])
    assert responses.groupby("task").size().to_dict() == {
        "chosen": 3,
        "written": 6,
    }  # two repeats, whatever the filters
    for row in logged(output, "chosen"):
        response = responses.loc["chosen", str(row["doc_id"]), 0]
        logprobs = [float(group[0][0]) for group in row["resps"]]
        assert list(response["logprobs"]) == logprobs
        best = QUESTIONS[row["doc_id"]]["choices"][logprobs.index(max(logprobs))]
        assert response["text"] == best
    ratings = run.ratings
    assert set(ratings["rater"]) == {
        "lm-eval:acc", "lm-eval:acc_norm", "lm-eval:exact_match,first", "lm-eval:exact_match,word"
    }  # fmt: skip
    acc = ratings[ratings["rater"] == "lm-eval:acc"].set_index("item_id")["value"].to_dict()
    assert acc == {str(row["doc_id"]): row["acc"] for row in logged(output, "chosen")}
    assert set(ratings.loc[ratings["rater"] == "lm-eval:acc", "criterion"]) == {"correctness"}
    (settings,) = {json.dumps(one["config"]["model_args"]) for one in run.manifest["imported"].values()}
    assert "sk-123456" not in settings + (run.folder / "suite.yaml").read_text()


def test_our_raters_agree_with_lm_evals_own_and_nobody_is_asked_again(output, tmp_path):
    run, _ = import_evaluations("lm-eval", [output], tmp_path / "run", family="commonsense")
    rate(run, ["answer_key"], tasks=["chosen"])
    ratings = Run(run.folder).ratings
    values = {
        rater: ratings[(ratings["rater"] == rater) & (ratings["task"] == "chosen")]
        .set_index("item_id")["value"]
        .to_dict()
        for rater in ("answer_key", "lm-eval:acc")
    }
    assert values["answer_key"] == values["lm-eval:acc"]
    before = len(run.responses)
    again = run_suite(run.folder / "suite.yaml", run.folder, stages=["answer", "rate"])
    assert len(again.responses) == before


def test_importing_again_is_harmless_and_newer_answers_take_the_place_of_older(output, tmp_path):
    run, _ = import_evaluations("lm-eval", [output], tmp_path / "run")
    counts = {name: len(getattr(run, name)) for name in ("items", "responses", "ratings")}
    run, _ = import_evaluations("lm-eval", [output], tmp_path / "run")
    assert {name: len(getattr(run, name)) for name in counts} == counts
    newer = tmp_path / "newer"
    shutil.copytree(output, newer)
    (path,) = newer.rglob("samples_written_*.jsonl")
    rows = [json.loads(line) | {"resps": [["rain", "rain"]]} for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run, _ = import_evaluations("lm-eval", [newer], tmp_path / "run")
    texts = run.responses.loc[(run.responses["task"] == "written") & (run.responses["model"] == "dummy"), "text"]
    assert (set(texts), len(texts)) == ({"rain"}, 6)
    assert len(run.every_response) == counts["responses"] + 6


def test_folders_are_the_rounds_of_a_series(output, tmp_path):
    for number in range(3):  # 40 items; the first 10 (number + 1) are right
        folder = tmp_path / f"out{number}"
        shutil.copytree(output, folder)
        (path,) = folder.rglob("samples_chosen_*.jsonl")
        row = json.loads(path.read_text().splitlines()[0])
        rows = [row | {"doc_id": n, "doc_hash": str(n), "acc": float(n < 10 * number + 10)} for n in range(40)]
        path.write_text("".join(json.dumps(one) + "\n" for one in rows))
        next(folder.rglob("samples_written_*.jsonl")).unlink()
    sources = [tmp_path / "out0", tmp_path / "out1"]
    import_evaluations("lm-eval", sources, tmp_path / "run", series="dpo")
    run, _ = import_evaluations("lm-eval", [f"dpo:2={tmp_path / 'out2'}"], tmp_path / "run")
    assert [(who.series, who.round) for who in run.suite.models] == [("dpo", 0), ("dpo", 1), ("dpo", 2)]
    scores = from_run(run, "lm-eval:acc")
    assert scores.groupby("round")["score"].mean().to_dict() == {0: 0.25, 1: 0.5, 2: 0.75}
    (result,) = compare_rounds(scores).results
    assert (result.series, result.verdict) == ("dpo", "improving")
    (tmp_path / "evals").mkdir()
    for number, step in enumerate((5, 25, 100)):
        (tmp_path / f"out{number}").rename(tmp_path / "evals" / f"step-{step}")
    run, _ = import_evaluations("lm-eval", [tmp_path / "evals"], tmp_path / "named", series="dpo")
    (result,) = compare_rounds(run).results
    assert result.rounds == ["step-5", "step-25", "step-100"]  # a folder of checkpoints is its rounds, by their names
    globbed = sorted((tmp_path / "evals").iterdir())  # step-100, step-25, step-5
    with pytest.raises(HarnessError, match="these names say another"):
        import_evaluations("lm-eval", globbed, tmp_path / "wrong", series="dpo")


def test_the_older_shape_of_arguments_is_read_too(output, tmp_path):
    older = tmp_path / "older"
    shutil.copytree(output, older)
    for path in older.rglob("samples_*.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        for row in rows:
            row["arguments"] = [list(one.values()) for one in row["arguments"].values()]
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    new, _ = import_evaluations("lm-eval", [output], tmp_path / "a")
    old, _ = import_evaluations("lm-eval", [older], tmp_path / "b")
    assert old.responses.equals(new.responses)
    assert old.items.equals(new.items)


def test_what_cannot_be_imported_is_told(output, tmp_path):
    with pytest.raises(HarnessError, match=r"no evaluations of 'lm_eval' can be imported. Did you mean 'lm-eval'\?"):
        import_evaluations("lm_eval", [output], tmp_path / "run")
    with pytest.raises(HarnessError, match=r"has no samples_\*.jsonl of lm-eval; evaluate with `--log_samples"):
        import_evaluations("lm-eval", [tmp_path], tmp_path / "run")
    broken = tmp_path / "broken"
    shutil.copytree(output, broken)
    (path,) = broken.rglob("samples_chosen_*.jsonl")
    path.write_text(path.read_text() + '{"doc_id": 3, "resps": 1}\n')
    told = rf"{re.escape(path.name)}, line 4: is no sample of lm-eval"
    run, notes = import_evaluations("lm-eval", [broken], tmp_path / "rest")  # one broken file is told, the rest goes on
    assert set(run.items["task"]) == {"written"}
    assert re.search(f"left out: .*{told}", notes[0])
    next(broken.rglob("samples_written_*.jsonl")).unlink()
    with pytest.raises(HarnessError, match=told):
        import_evaluations("lm-eval", [broken], tmp_path / "run")
    run, _ = import_evaluations("lm-eval", [output], tmp_path / "run")
    other = tmp_path / "other"
    shutil.copytree(output, other)
    (path,) = other.rglob("samples_chosen_*.jsonl")
    path.write_text(path.read_text().replace('"doc_hash": "', '"doc_hash": "x'))
    with pytest.raises(HarnessError, match=r"its item '0' of 'chosen' is another one than that of samples_chosen"):
        import_evaluations("lm-eval", [f"1={other}"], run.folder)


DAY, LATER = "2024-05-01T10-00-00.000000", "2024-06-01T10-00-00.000000"


def weighed(number, scores, said="True", **fields):
    """A row of a log-likelihood task, as lm-eval wrote it before 0.4.3."""
    row = {"doc_id": number, "doc": {"text": f"it was {number}"}, "target": " dog"}
    asked = {"arguments": [[f"it was {number} a", " dog"]], "resps": [[[-0.5, said]]], "filtered_resps": [[-0.5, said]]}
    return {**row, **asked, **scores, **fields}


def written(folder, name, rows, date=DAY, model="org/small", array=False, **args):
    """Write a file of samples and its results; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(rows, indent=2) if array else "".join(json.dumps(row) + "\n" for row in rows)
    (folder / name).write_text(text)
    told = ",".join(f"{key}={value}" for key, value in {"pretrained": model, **args}.items())
    results = {"config": {"model": "hf", "model_args": told}, "results": {"lost": {}}}
    (folder / (f"results_{date}.json" if date else "results.json")).write_text(json.dumps(results))
    return folder


def test_rows_that_name_neither_metrics_nor_filter_are_read(tmp_path):
    rows = [weighed(0, {"acc": 1.0, "perplexity": -0.5}), weighed(1, {"acc": 0.0, "perplexity": -2.0}, said="False")]
    folder = written(tmp_path / "old", "pretrained__org__small_lost.jsonl", rows, date="", array=True)
    run, notes = import_evaluations("lm-eval", [folder], tmp_path / "run")
    texts = run.responses[run.responses["model"] == "small"].sort_values("item_id")["text"]
    assert [text if isinstance(text, str) else None for text in texts] == [
        " dog",
        None,
    ]  # what was weighed is the answer only where the model would have written it
    values = run.ratings.set_index(["rater", "item_id"])["value"].to_dict()
    assert values["lm-eval:acc", "0"] == 1
    assert values["lm-eval:perplexity", "1"] == -2
    assert (run.items["choices"].isna().all(), notes) == (True, [])


def test_no_number_is_missing_not_a_score(tmp_path):
    rows = [weighed(0, {"acc": 1.0}), weighed(1, {"acc": None}), weighed(2, {"acc": float("nan")})]
    run, _ = import_evaluations("lm-eval", [written(tmp_path / "o", f"samples_lost_{DAY}.jsonl", rows)], tmp_path / "r")
    rows = run.ratings.sort_values("item_id")
    assert rows["status"].tolist() == ["ok", "skipped", "skipped"]
    assert rows["value"].isna().tolist() == [False, True, True]
    assert set(rows["scale"]) == {"binary"}


def test_samples_go_with_the_results_of_their_day_and_an_older_log_replaces_no_newer_one(tmp_path):
    folder = written(tmp_path / "o", f"samples_lost_{DAY}.jsonl", [weighed(0, {"acc": 0.0})], revision="step1")
    written(folder, f"samples_more_{LATER}.jsonl", [weighed(0, {"acc": 1.0})], date=LATER, revision="step2")
    run, _ = import_evaluations("lm-eval", [folder], tmp_path / "run")
    assert [who.name for who in run.suite.models] == ["small@step1", "small@step2"]
    newer = written(tmp_path / "n", f"samples_lost_{LATER}.jsonl", [weighed(0, {"acc": 1.0})], LATER, revision="step1")
    import_evaluations("lm-eval", [newer], tmp_path / "run")
    run, notes = import_evaluations("lm-eval", [folder], tmp_path / "run")
    ours = run.ratings[run.ratings["task"] == "lost"]
    assert ours["value"].tolist() == [1]
    assert "is older than what there is of small@step1 on lost" in notes[0]
    both, _ = import_evaluations("lm-eval", [newer, folder], tmp_path / "both")
    assert both.ratings[both.ratings["task"] == "lost"]["value"].tolist() == [1]


def test_an_adapter_makes_another_model(tmp_path):
    one = written(tmp_path / "a", f"samples_lost_{DAY}.jsonl", [weighed(0, {"acc": 0.0})], peft="org/adapter")
    two = written(tmp_path / "b", f"samples_lost_{DAY}.jsonl", [weighed(0, {"acc": 1.0})])
    run, _ = import_evaluations("lm-eval", [one, two], tmp_path / "run")
    assert [who.name for who in run.suite.models] == ["small+adapter", "small"]


def test_an_empty_file_is_told_and_the_rest_goes_on(tmp_path):
    folder = written(tmp_path / "o", f"samples_lost_{DAY}.jsonl", [weighed(0, {"acc": 1.0})])
    (folder / f"samples_void_{DAY}.jsonl").write_text("")
    run, notes = import_evaluations("lm-eval", [folder], tmp_path / "run")
    assert len(run.ratings) == 1
    assert len(notes) == 1
    assert "samples_void" in notes[0]


def generated(number, target, text="42", doc=None, **fields):
    """A row of a task that writes, as lm-eval has written it since 0.4.9: all but the metrics as text."""
    asked = {"gen_args_0": {"arg_0": f"ask {number}", "arg_1": {"until": ["."]}}}
    row = {"doc_id": number, "doc": doc or {"n": number}, "target": target, "arguments": asked, "resps": [[text]]}
    scores = {"metrics": ["exact_match"], "exact_match": 1.0}
    return {**row, "filtered_resps": [text], "filter": "none", **scores, "doc_hash": f"d{number}", **fields}


def chosen(number, target, words=("no", "yes"), logprobs=(-1.0, -2.0), **fields):
    """A row of multiple choice, likewise."""
    asked = {f"gen_args_{n}": {"arg_0": "ask", "arg_1": f" {word}"} for n, word in enumerate(words)}
    resps = [[[str(logprob), "False"]] for logprob in logprobs]
    row = {"doc_id": number, "doc": {"n": number}, "target": target, "arguments": asked, "resps": resps}
    return {**row, "filter": "none", "metrics": ["acc"], "acc": 1.0, "doc_hash": f"d{number}", **fields}


def brought(tmp_path, rows, configs=None, name="t", **args):
    folder = written(tmp_path / "o", f"samples_{name}_{DAY}.jsonl", rows, **args)
    if configs:
        path = folder / f"results_{DAY}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "configs": {name: configs}}))
    return import_evaluations("lm-eval", [folder], tmp_path / "run")


def rights(run):
    items = run.records(Item, run.items)
    return {item.item_id: item.right for item in items}


def test_several_targets_written_as_text_are_several(tmp_path):
    rows = [
        generated(0, "['Paris', 'paris']"),
        generated(1, "[3, 5]", doc={"answers": [3, 5]}),
        generated(2, "[1, 2]", doc={"answer": "[1, 2]"}),  # the one answer is a list's text
        generated(3, "['a', 'b']", doc={"output": "['a', 'b']"}),
        generated(4, "[1, 2]"),  # nothing tells: as it is written
        generated(5, "[the end]"),
        generated(6, "7"),
    ]
    run, notes = brought(tmp_path, rows)
    assert notes == []
    assert rights(run) == {
        "0": ["Paris", "paris"], "1": ["3", "5"], "2": ["[1, 2]"], "3": ["['a', 'b']"], "4": ["[1, 2]"],
        "5": ["[the end]"], "6": ["7"],
    }  # fmt: skip


def test_targets_of_choices_are_numbers_texts_truths_or_lists_of_them(tmp_path):
    rows = [
        chosen(0, "1"), chosen(1, "True"), chosen(2, "[0, 1]"), chosen(3, "yes"), chosen(4, "maybe"),
        chosen(5, "True", words=("False", "True")), chosen(6, "False"), chosen(7, 0), chosen(8, True), chosen(9, [1]),
    ]  # fmt: skip
    run, _ = brought(tmp_path, rows)
    assert rights(run) == {
        "0": ["1"], "1": ["1"], "2": ["0", "1"], "3": ["1"], "4": [], "5": ["1"], "6": ["0"], "7": ["0"], "8": ["1"],
        "9": ["1"],
    }  # fmt: skip


def test_the_right_choice_of_a_task_that_writes_is_its_text(tmp_path):
    rows = [generated(0, "1", doc={"options": {"text": ["red", "blue"]}}), generated(1, "3", doc={"options": {}})]
    run, _ = brought(tmp_path, rows, {"output_type": "generate_until", "doc_to_choice": "{{options.text}}"})
    assert rights(run) == {"0": ["blue"], "1": []}


def test_choices_weighed_without_their_question_are_no_further_choices(tmp_path):
    row = chosen(0, "0", words=("no", "yes", "no", "yes"), logprobs=(-2.0, -1.0, -9.0, -0.1))
    for n in (2, 3):
        row["arguments"][f"gen_args_{n}"]["arg_0"] = ""
    run, _ = brought(tmp_path, [row])
    (item,) = run.records(Item, run.items)
    assert (item.choices, item.prompt) == (["no", "yes"], "ask")
    assert run.responses.set_index("model").loc["small", "text"] == "yes"


def test_what_was_not_scored_has_no_score_and_numpys_values_are_read(tmp_path):
    rows = [
        generated(0, "1", metrics=["bypass"], bypass=999),
        generated(1, "1", metrics=["acc", "f1"], acc="True", f1="0.25"),
        generated(2, "1", metrics=["acc", "f1"], acc=False, f1="nan"),
        generated(3, "1", metrics=["pass_at_1"], pass_at_1=1.0),
    ]
    run, notes = brought(tmp_path, rows)
    values = run.ratings.set_index(["rater", "item_id"])["value"]
    assert {key: None if value != value else value for key, value in values.items()} == {
        ("lm-eval:acc", "1"): 1, ("lm-eval:f1", "1"): 0.25, ("lm-eval:acc", "2"): 0, ("lm-eval:f1", "2"): None,
        ("lm-eval:pass_at_1", "3"): 1,
    }  # fmt: skip
    assert set(run.ratings.loc[run.ratings["rater"] == "lm-eval:pass_at_1", "criterion"]) == {"correctness"}
    assert notes == []


def test_a_document_twice_is_one_where_it_is_the_same_and_else_refused(tmp_path):
    run, _ = brought(tmp_path, [generated(0, "1"), generated(0, "1")])
    assert len(run.ratings) == 1
    with pytest.raises(HarnessError, match="document 0 stands there twice"):
        brought(tmp_path / "b", [generated(0, "1"), generated(0, "1", exact_match=0.0)])


def test_a_number_over_zero_is_no_log_likelihood(tmp_path):
    row = generated(0, "42")
    row["arguments"]["gen_args_0"]["arg_1"] = '{"until": ["."]}'  # as text: not a continuation that was weighed
    with pytest.raises(HarnessError, match=r"line 1: is no sample of lm-eval .*42\.0 is no log-likelihood"):
        brought(tmp_path, [row])


def test_models_of_one_folder_before_0_4_3_are_told_apart(tmp_path):
    """`results.json` is the last model's; the others' files say theirs, and one of a task that it lacks is told."""
    rows = {"one": [weighed(0, {"acc": 0.0})], "two": [weighed(0, {"acc": 1.0})]}
    for model in rows:
        folder = written(
            tmp_path / "o", f"pretrained__org__{model}_lost.jsonl", rows[model], date="", model=f"org/{model}"
        )
    (folder / "pretrained__org__one_other.jsonl").write_text("[]")
    run, notes = import_evaluations("lm-eval", [folder], tmp_path / "run")
    values = run.ratings.merge(run.responses[["response_id", "model"]], on="response_id")
    assert values.set_index("model")["value"].to_dict() == {"org__one": 0, "two": 1}
    assert "pretrained__org__one_other.jsonl: left out: its task" in notes[0]
    with pytest.raises(HarnessError, match="lost was answered by several models"):
        lm_eval_scores(folder, 0)


def test_a_file_alone_is_the_file_that_is_named(tmp_path):
    folder = written(tmp_path / "o", f"samples_lost_{DAY}.jsonl", [weighed(0, {"acc": 0.0})])
    written(folder, f"samples_lost_{LATER}.jsonl", [weighed(0, {"acc": 1.0})], date=LATER)
    written(folder, f"samples_more_{LATER}.jsonl", [weighed(0, {"acc": 1.0})], date=LATER)
    run, _ = import_evaluations("lm-eval", [folder / f"samples_lost_{DAY}.jsonl"], tmp_path / "run")
    assert run.ratings[["task", "value"]].to_numpy().tolist() == [["lost", 0.0]]


def test_results_of_another_day_name_no_model_unless_all_are_of_one(tmp_path):
    folder = written(tmp_path / "org__small", f"samples_lost_{LATER}.jsonl", [weighed(0, {"acc": 0.0})], revision="a")
    (folder / f"samples_lost_{LATER}.jsonl").rename(folder / "samples_lost_2024-07-01T00-00-00.jsonl")
    run, _ = import_evaluations("lm-eval", [folder], tmp_path / "one")
    assert [who.name for who in run.suite.models] == ["small@a"]
    other = {"config": {"model": "hf", "model_args": "pretrained=org/small,revision=b"}}
    (folder / f"results_{LATER}.json").write_text(json.dumps(other))
    run, notes = import_evaluations("lm-eval", [folder], tmp_path / "two")
    assert [who.name for who in run.suite.models] == ["org__small"]
    assert "no results of its day" in notes[0]


def test_of_logs_without_a_date_the_last_counts_and_it_is_said(tmp_path):
    one, two = (
        written(tmp_path / name, "pretrained__org__small_lost.jsonl", [weighed(0, {"acc": acc}, said=said)], date="")
        for name, acc, said in (("a", 0.0, "False"), ("b", 1.0, "True"))
    )
    run, notes = import_evaluations("lm-eval", [one, two], tmp_path / "run")
    assert run.ratings["value"].tolist() == [1]
    assert len([note for note in notes if "has no date" in note]) == 2
    _, notes = import_evaluations("lm-eval", [two], tmp_path / "run")
    assert notes == []
    results = json.loads((one / "results.json").read_text())
    (one / "results.json").write_text(json.dumps({**results, "date": 1.7e9}))  # as 0.4.2 writes: a second of the day
    (two / "results.json").write_text(json.dumps({**results, "date": 1.6e9}))
    run, notes = import_evaluations("lm-eval", [one, two], tmp_path / "dated")
    assert run.ratings["value"].tolist() == [0]


INSPECT = """
import sys
from inspect_ai import Task, eval
from inspect_ai.solver import multiple_choice
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate
outputs = [ModelOutput.from_content("mockllm/model", text) for text in ("2", "5", "2", "4")]
for output in outputs:
    output.usage = ModelUsage(input_tokens=9, output_tokens=1, total_tokens=10)
samples = [Sample(id="one", input="1 + 1 =", target="2"), Sample(id="two", input="2 + 2 =", target=["4", "four"])]
eval(Task(dataset=samples, solver=generate(), scorer=match(), name="sums", epochs=2),
     model=get_model("mockllm/model", custom_outputs=outputs), max_connections=1, max_samples=1,
     log_dir=sys.argv[1], display="none")
words = ["Bern", "Canberra", "Oslo"]
samples = [Sample(id=str(n), input="Which?", choices=words, target=target)
           for n, target in enumerate(["B", ["A", "C"], "AC", "Oslo", "Cab", "b"])]
outputs = [ModelOutput.from_content("mockllm/model", f"ANSWER: {text}") for text in ("B", "A", "A,C", "C", "C", "B")]
for output in outputs:
    output.usage = ModelUsage(input_tokens=9, output_tokens=1, total_tokens=10)
eval(Task(dataset=samples, solver=multiple_choice(multiple_correct=True), scorer=match(), name="letters"),
     model=get_model("mockllm/model", custom_outputs=outputs), max_connections=1, max_samples=1,
     log_dir=sys.argv[1], display="none")
"""


@pytest.mark.slow
def test_a_log_of_inspect_becomes_a_run(tmp_path):
    pytest.importorskip("inspect_ai")
    subprocess.run([sys.executable, "-c", INSPECT, str(tmp_path)], check=True, capture_output=True, cwd=tmp_path)
    log, letters = sorted(tmp_path.glob("*.eval"))
    chosen, _ = import_evaluations("inspect", [letters], tmp_path / "letters", family="commonsense")
    assert rights(chosen) == {"0": ["1"], "1": ["0", "2"], "2": ["0", "2"], "3": ["2"], "4": [], "5": ["1"]}
    rate(chosen, ["multiple_choice"])
    ratings = Run(chosen.folder).ratings
    values = ratings.set_index(["item_id", "rater"])["value"].unstack().sort_index()
    assert values["multiple_choice"].fillna(-1).tolist() == [1, -1, -1, 1, -1, 1]  # both of A and C: no value by any
    run, _ = import_evaluations("inspect", [log], tmp_path / "run", family="mathematics")
    responses = run.responses[run.responses["model"] == "mockllm/model"]
    assert responses.groupby("item_id")["sample"].apply(sorted).to_dict() == {"one": [0, 1], "two": [0, 1]}
    assert set(run.ratings["rater"]) == {"inspect:match"}
    assert set(run.ratings["criterion"]) == {"correctness"}
    targets = run.items.set_index("item_id")["targets"].to_dict()
    assert (list(targets["one"]), list(targets["two"])) == ([], ["4", "four"])
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "broken.eval").write_text("none")
    log.rename(tmp_path / "logs" / log.name)
    folder, notes = import_evaluations("inspect", [tmp_path / "logs"], tmp_path / "again", family="mathematics")
    assert len(folder.ratings) == len(run.ratings)
    assert "broken.eval" in notes[0]
    rate(run, ["numeric"])
    values = Run(run.folder).ratings.set_index(["response_id", "rater"])["value"].unstack()
    assert (values["inspect:match"] == values["numeric"]).all()


@pytest.mark.parametrize(
    "results",
    [{"results": [1], "config": 3}, {"results": {"t": 1}, "date": math.nan}, {"date": 1e300}, {"date": -1e18}],
)
def test_results_of_another_shape_say_no_day(tmp_path, results):
    (tmp_path / "results.json").write_text(json.dumps(results))
    (tmp_path / "samples_t.jsonl").touch()
    assert [file.made for file in samples_in(tmp_path)] == [""]
