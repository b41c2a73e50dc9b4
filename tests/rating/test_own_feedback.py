"""Self-consistency and the model's own probability: AI feedback without a second model."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.catalog import Catalog
from harness.rating.judges.own_probability import softmax
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.records import Item, Response


def item(choices=None):
    return Item(task="t", item_id="1", family="other", prompt="?", choices=choices, target="0")


def responses(*texts):
    return tuple(
        Response(response_id=f"r{n}", task="t", item_id="1", model="m", sample=n, text=text)
        for n, text in enumerate(texts)
    )


def rate(name, work):
    return list(find_rater(name, Catalog(), Surroundings()).rate(work))


def consistency(*texts):
    samples = responses(*texts)
    return rate("self_consistency", [Work(item(), sample, siblings=samples) for sample in samples])


def test_the_plurality_answer_is_rated_1_whatever_its_case_and_spaces():
    ratings = consistency("Paris", " paris. ", "Rome", "Oslo")
    assert [rating.value for rating in ratings] == [1, 1, 0, 0]
    assert ratings[0].rater_kind == "judge"
    assert ratings[0].scale == "binary"


def test_a_tie_has_no_majority():
    ratings = consistency("Paris", "Rome", "Paris", "Rome", "Oslo")
    assert [rating.value for rating in ratings] == [0, 0, 0, 0, 0]
    assert ratings[0].error == "the samples are tied"


def test_an_empty_sample_takes_no_part_and_one_sample_is_no_majority():
    assert [rating.value for rating in consistency("Paris", "Paris", "")] == [1, 1, 0]
    alone = consistency("Paris", "")
    assert [rating.status for rating in alone] == ["skipped", "skipped"]
    assert [rating.value for rating in alone] == [None, None]


@settings(max_examples=50)  # each reads the catalogue
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=9))
def test_at_most_one_answer_is_rated_1(texts):
    ratings = consistency(*texts)
    chosen = {text for text, rating in zip(texts, ratings, strict=True) if rating.value == 1}
    assert len(chosen) <= 1
    if chosen:
        (answer,) = chosen
        assert all(texts.count(answer) > texts.count(other) for other in set(texts) - chosen)


def probability(response, choices=None):
    (rating,) = rate("own_probability", [Work(item(choices), response)])
    return rating


def test_the_probability_of_a_choice_is_the_softmax_of_the_log_likelihoods():
    # e^-1 / (e^-1 + e^-2 + e^-3) = 1 / (1 + e^-1 + e^-2) = 0.66524
    response = Response(response_id="r", task="t", item_id="1", model="m", text="x", logprobs=[-1.0, -2.0, -3.0])
    assert probability(response, ["x", "y", "z"]).value == pytest.approx(0.66524, abs=1e-5)


def test_the_probability_of_a_text_is_the_mean_log_probability_of_its_tokens():
    response = Response(response_id="r", task="t", item_id="1", model="m", text="x y", logprobs=[-1.0, -2.0])
    rating = probability(response)
    assert rating.value == -1.5
    assert rating.scale == "interval"


@pytest.mark.parametrize("logprobs", [None, [], [-1.0, -math.inf], [-1.0]])
def test_without_usable_log_probabilities_there_is_no_rating(logprobs):
    response = Response(response_id="r", task="t", item_id="1", model="m", text="x", logprobs=logprobs)
    rating = probability(response, ["x", "y"])
    assert (rating.value, rating.status) == (None, "skipped")
    assert rating.error


def test_a_provider_error_is_no_rating_and_keeps_its_status():
    response = Response(response_id="r", task="t", item_id="1", model="m", status="error", error="HTTP 500")
    rating = probability(response)
    assert (rating.value, rating.status, rating.error) == (None, "error", "no answer: HTTP 500")


@given(st.lists(st.floats(-1e6, 0), min_size=1, max_size=6), st.floats(-100, 100))
def test_softmax_sums_to_1_and_ignores_a_common_shift(values, shift):
    weights = softmax(values)
    assert math.fsum(weights) == pytest.approx(1)
    assert softmax([value + shift for value in values]) == pytest.approx(weights, abs=1e-6)
