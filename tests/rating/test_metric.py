"""Metrics: any module of `evaluate`, ROUGE from the catalogue among them, without a network."""

import json

import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError, UnavailableError
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.records import Item, Response


def piece(text, references=("the cat sat on the mat",), **fields):
    item = Item(task="t", item_id="1", family="summarization", prompt="?", references=list(references))
    return Work(item, Response(response_id="r", task="t", item_id="1", model="m", text=text, **fields))


def rate(work, name="rouge", include=()):
    return {r.criterion: r for r in find_rater(name, Catalog(include), Surroundings()).rate([work])}


def test_rouge_by_hand():
    found = rate(piece("the cat lay on the mat"))
    # unigrams: 5 of 6 in common both ways, F1 = 5/6; bigrams: the-cat, on-the, the-mat, 3 of 5; longest common
    # subsequence: the cat on the mat, 5 of 6
    assert found["rouge1"].value == pytest.approx(5 / 6)
    assert found["rouge2"].value == pytest.approx(3 / 5)
    assert found["rougeL"].value == pytest.approx(5 / 6)
    assert found["rouge1"].rater_kind == "metric"
    assert found["rouge1"].scale == "interval"


def test_the_best_of_several_references_counts():
    assert rate(piece("a dog", ["the cat", "a dog"]))["rougeL"].value == 1


def test_an_empty_answer_scores_nothing_and_a_missing_one_has_no_score():
    assert rate(piece(""))["rouge1"].value == 0
    lost = rate(piece(None, status="timeout", error="late"))["rouge1"]
    assert (lost.status, lost.value) == ("timeout", None)
    refused = rate(piece(None, status="refused", error="no"))["rouge1"]
    assert (refused.status, refused.value) == ("ok", 0)


def test_without_a_reference_there_is_no_score():
    lost = rate(piece("x", []))["rouge1"]
    assert (lost.status, lost.value) == ("error", None)
    assert "no reference" in lost.error


def own(tmp_path, body, **settings):
    place = tmp_path / "raters" / "mine"
    place.mkdir(parents=True)
    spec = {
        "kind": "metric",
        "use": "metric",
        "criteria": ["length"],
        "scale": "interval",
    }
    (place / "rater.yaml").write_text(json.dumps({**spec, "settings": {"module": "mine.py", **settings}}))
    (place / "mine.py").write_text(body)
    return [tmp_path]


MODULE = """
import datasets
import evaluate


class Length(evaluate.Metric):
    def _info(self):
        features = {"predictions": datasets.Value("string"), "references": datasets.Sequence(datasets.Value("string"))}
        return evaluate.MetricInfo(
            description="", citation="", inputs_description="", features=datasets.Features(features)
        )

    def _compute(self, predictions, references, factor=1):
        return {"n": factor * len(predictions[0])}
"""


def test_a_module_of_ones_own_with_its_output_and_arguments_named(tmp_path):
    include = own(tmp_path, MODULE, outputs={"length": "n"}, arguments={"factor": 2})
    assert rate(piece("abc"), "mine", include)["length"].value == 6


def test_a_result_that_is_not_there_is_an_error_with_what_is(tmp_path):
    lost = rate(piece("abc"), "mine", own(tmp_path, MODULE))["length"]
    assert lost.status == "error"
    assert "it gave n" in lost.error


def test_a_module_that_needs_a_missing_package_or_is_wrongly_set_says_so(tmp_path):
    with pytest.raises(UnavailableError, match="no_such_package"):
        rate(piece("x"), "mine", own(tmp_path / "a", "import no_such_package\n" + MODULE))
    with pytest.raises(HarnessError, match="modul"):
        rate(piece("x"), "mine", own(tmp_path / "b", MODULE, modul="x"))
