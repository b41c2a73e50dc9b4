"""An item has all its right answers, and raters agree with lm-eval's table, task by task, on a tiny mirror of each."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.answering.lm_eval_scores import item_scores, mean_metrics
from harness.answering.tasks.task import load_task, right_answers
from harness.catalog import Catalog
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.records import Item, Response
from harness.suite import TaskUse


@pytest.mark.parametrize(
    ("target", "choices", "doc", "right"),
    [
        ("a", None, {}, ["a"]),
        (["a", "b", "a"], None, {}, ["a", "b"]),
        ([], None, {}, []),
        (None, None, {}, []),
        (3, None, {}, ["3"]),
        (True, None, {}, ["True"]),
        ([("a", "b"), ("c",)], None, {}, ["a, b", "c"]),
        (" a", None, {"answers": {"text": ["a", "b"]}}, [" a", "b"]),  # SQuAD
        ("", None, {"answers": [("5",), ("x", "y")]}, ["5", "x, y"]),  # DROP
        (" unanswerable", None, {"answers": {"text": []}}, [" unanswerable"]),
        (1, ["x", "y"], {}, ["1"]),
        (True, ["no", "yes"], {}, ["1"]),
        (False, ["no", "yes"], {}, ["0"]),
        ("y", ["x", "y"], {}, ["1"]),
        ("1", ["x", "y"], {}, ["1"]),
        ("1", ["1", "2"], {}, ["0"]),
        ([0, 2], ["x", "y", "z"], {}, ["0", "2"]),
        (["x", "z"], ["x", "y", "z"], {}, ["0", "2"]),
        (-100, ["x", "y"], {}, []),
        ("none", ["x", "y"], {}, []),
        (0, ["x", "y", "z"], {"mc2_targets": {"labels": [1, 0, 1]}}, ["0", "2"]),  # TruthfulQA
        (1, ["x", "y"], {"mc2_targets": {"labels": [1, 0]}}, ["1"]),
    ],
)
def test_all_right_answers_are_the_items(target, choices, doc, right):
    assert right_answers(target, choices, doc) == right


def item(**fields):
    return Item(task="t", item_id="1", family="other", prompt="q", **fields)


@pytest.mark.parametrize(
    ("rater", "fields", "text", "value"),
    [
        ("exact_match", {"target": "Paris", "targets": ["Paris", "City of Light"]}, "city of light", 1),
        ("answer_key", {"target": "a", "targets": ["a", "b"]}, "B.", 1),
        ("answer_key", {"target": "0", "targets": ["0", "2"], "choices": ["x", "y", "z"]}, "z", 1),
        ("answer_key", {"target": "0", "targets": ["0", "2"], "choices": ["x", "y", "z"]}, "y", 0),
        ("multiple_choice", {"target": "0", "targets": ["0", "2"], "choices": ["x", "y", "z"]}, "The answer is C", 1),
        ("numeric", {"target": "5", "targets": ["5", "7"]}, "It is 7.", 1),
        ("numeric", {"target": "five", "targets": ["five", "5"]}, "It is 5.", 1),
        ("numeric", {"target": "5", "targets": ["5", "7"]}, "It is 6.", 0),
    ],
)
def test_an_answer_is_right_where_it_is_any_of_them(rater, fields, text, value):
    made = find_rater(rater, Catalog(), Surroundings())
    response = Response(response_id="r", task="t", item_id="1", model="m", text=text)
    (rating,) = made.rate([Work(item(**fields), response)])
    assert (rating.value, rating.status) == (value, "ok")


def test_an_item_of_an_earlier_version_has_the_one_target():
    assert Item.model_validate({**item(target="a").model_dump(), "targets": None}).right == ["a"]


def table(mirror, name, split, rows):
    for part in ("train", split):  # some tasks take examples from `train`
        path = mirror / name / f"{part}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), path)


SPAN = {"number": "", "date": {"day": "", "month": "", "year": ""}}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A mirror with two or three written rows of each data set."""
    mirror = tmp_path_factory.mktemp("tiny")
    table(
        mirror,
        "google-research-datasets/nq_open",
        "validation",
        [{"question": "who sang it", "answer": ["The Hills", "Ann Hill"]}, {"question": "when", "answer": ["1999"]}],
    )
    alias = {"aliases": ["Sol", "The Sun"], "value": "Sun"}
    table(
        mirror,
        "mandarjoshi/trivia_qa/rc.nocontext",
        "validation",
        [{"question": "what shines", "answer": alias}, {"question": "what else", "answer": alias}],
    )
    table(
        mirror,
        "aps/super_glue/boolq",
        "validation",
        [{"passage": "p", "question": "is it", "label": 1}, {"passage": "p", "question": "is it not", "label": 0}],
    )
    table(
        mirror,
        "truthfulqa/truthful_qa/multiple_choice",
        "validation",
        [
            {
                "question": f"what {n}",
                "mc1_targets": {"choices": ["a", "b"], "labels": [1, 0]},
                "mc2_targets": {"choices": ["a", "b", "c"], "labels": [1, 1, 0]},
            }
            for n in range(2)
        ],
    )
    table(
        mirror,
        "cais/mmlu/abstract_algebra",
        "test",
        [{"question": f"q{n}", "choices": ["w", "x", "y", "z"], "answer": n} for n in range(3)],
    )
    table(mirror, "cais/mmlu/abstract_algebra", "dev", [{"question": "d", "choices": list("wxyz"), "answer": 0}])
    table(
        mirror,
        "SaylorTwift/bbh/boolean_expressions",
        "test",
        [{"input": "not True is", "target": "False"}, {"input": "True is", "target": "True"}],
    )
    table(mirror, "EleutherAI/lambada_openai/default", "test", [{"text": "it was a dog"}, {"text": "she had a cat"}])
    table(
        mirror,
        "EleutherAI/drop",
        "validation",
        [
            {
                "section_id": "s",
                "query_id": str(n),
                "passage": "p",
                "question": "how many",
                "answer": {**SPAN, "number": "5", "spans": [""][:0] or ["x"]},
                "validated_answers": {
                    "number": ["5", ""],
                    "date": [SPAN["date"]] * 2,
                    "spans": [["x"], ["five", "people"]],
                },
            }
            for n in range(2)
        ],
    )
    return mirror


LIKELY = {"logprobs": [-1.0, -2.0, -3.0, -4.0], "greedy": [True, False, False, False]}
ANSWERS = {  # a task, texts or nothing for log-likelihoods, what lm-eval makes of each by its first metric
    "nq_open": (["hills", "2000"], [1, 0]),
    "triviaqa": (["the sun!", "moon"], [1, 0]),
    "bbh_zeroshot_boolean_expressions": (["False.", "no"], [1, 0]),
    "drop": (["5", "people five"], [1, 0]),
    "boolq": (None, [0, 1]),
    "mmlu_abstract_algebra": (None, [1, 0, 0]),
    "truthfulqa_mc2": (None, None),
    "lambada_openai": (None, None),
}  # fmt: skip


def responses(task, texts):
    for place, one in enumerate(task.items):
        fields = {"response_id": f"r{place}", "task": task.name, "item_id": one.item_id, "model": "m"}
        if texts is not None:
            yield Response(**fields, text=texts[place])
        else:
            count = len(one.choices or [""])
            scores = {name: values[:count] for name, values in LIKELY.items()}
            yield Response(**fields, **scores, text=one.choices[0] if one.choices else one.target)


@pytest.mark.parametrize("name", ANSWERS)
def test_raters_agree_with_lm_evals_table(name, tiny, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tiny))
    task = load_task(TaskUse(task=name), Catalog())
    texts, expected = ANSWERS[name]
    given = list(responses(task, texts))
    scores = item_scores(task, {one.item_id: [one] for one in given})
    rater = find_rater("lm_eval_metric", Catalog(), Surroundings(task=lambda _: task))
    work = [Work(known, one) for known, one in zip(task.items, given, strict=True)]
    found = {rating.item_id: rating for rating in rater.rate(work)}
    (facts,) = {rating.metadata for rating in found.values()}
    metric, filter_ = json.loads(facts)["metric"], json.loads(facts)["filter"]
    assert metric in mean_metrics(task)
    by_table = scores[metric, filter_]
    assert {name: rating.value for name, rating in found.items()} == {name: float(v) for name, v in by_table.items()}
    assert expected is None or [found[one.item_id].value for one in task.items] == expected
    if name in ("boolq", "mmlu_abstract_algebra"):
        key = find_rater("answer_key", Catalog(), Surroundings())
        assert [rating.value for rating in key.rate(work)] == expected
    if name == "truthfulqa_mc2":
        assert [one.right for one in task.items] == [["0", "1"]] * 2
    if name == "triviaqa":
        assert task.items[0].right == ["Sol", "The Sun"]
    if name == "drop":
        assert task.items[0].right == ["5", "five, people"]


def test_a_metric_over_all_items_is_named_as_what_no_rater_can_give(tiny, monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tiny))
    task = load_task(TaskUse(task="lambada_openai"), Catalog())
    folder = tmp_path / "raters" / "lost"
    folder.mkdir(parents=True)
    facts = {"kind": "verifier", "use": "verifier.lm_eval_metric", "criteria": ["c"], "scale": "interval"}
    (folder / "rater.yaml").write_text(json.dumps({**facts, "settings": {"metric": "perplexity"}}))
    rater = find_rater("lost", Catalog([tmp_path]), Surroundings(task=lambda _: task))
    work = [Work(known, one) for known, one in zip(task.items, responses(task, None), strict=True)]
    ratings = list(rater.rate(work))
    assert {rating.status for rating in ratings} == {"skipped"}
    assert "perplexity over all items" in ratings[0].error


def test_what_a_task_asks_beyond_a_text_is_no_figure_of_an_answer(tiny, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tiny))
    row = {"id": "1", "title": "t", "context": "c", "question": "q", "answers": {"text": ["Ann", "Ann H."]}}
    table(tiny, "lighteval/squad_v2", "validation", [row])
    task = load_task(TaskUse(task="squadv2"), Catalog())
    assert task.items[0].right == [" Ann", "Ann H."]
    (one,) = responses(task, ["Ann H."])
    assert item_scores(task, {one.item_id: [one]}) == {}
    (rating,) = find_rater("lm_eval_metric", Catalog(), Surroundings(task=lambda _: task)).rate(
        [Work(task.items[0], one)]
    )
    assert (rating.status, rating.value) == ("error", None)
    (rating,) = find_rater("exact_match", Catalog(), Surroundings()).rate([Work(task.items[0], one)])
    assert rating.value == 1


def test_instructions_that_were_followed_are_counted_by_answer(tiny, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA_DIR", str(tiny))
    table(
        tiny,
        "google/IFEval",
        "train",
        [
            {
                "key": n,
                "prompt": "Write no comma.",
                "instruction_id_list": ["punctuation:no_comma"],
                "kwargs": [{"n": None}],
            }
            for n in range(2)
        ],
    )
    task = load_task(TaskUse(task="ifeval"), Catalog())
    work = [Work(known, one) for known, one in zip(task.items, responses(task, ["none", "a, b"]), strict=True)]
    rater = find_rater("lm_eval_metric", Catalog(), Surroundings(task=lambda _: task))
    assert [rating.value for rating in rater.rate(work)] == [1, 0]
