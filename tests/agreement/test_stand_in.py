"""Whether an AI rater can stand in for a human: published figures, and what simulation says of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from harness.agreement import agree
from harness.agreement.grid.units import Units, encode
from harness.agreement.stand_in.raters import dawid_skene, severity
from harness.agreement.stand_in.shared_errors import error_correlation
from harness.agreement.stand_in.stand_in import can_stand_in, shown_of
from harness.errors import HarnessError
from harness.rating.files.ratings_file import read_ratings

EPSILON = {"wax": 0.1, "mtbench": 0.2, "summeval": 0.2, "cebab_stars": 0.1, "10k_prompts": 0.15}


@pytest.mark.parametrize("name", sorted(EPSILON))
def test_the_published_winning_rates_and_advantage_probabilities(data_dir, name):
    path = data_dir / ("summeval/ratings.csv.gz" if name == "summeval" else f"alttest/{name}.ratings.csv.gz")
    frame = read_ratings(path, criterion="dimension", value="score", kind="rater_type")
    found = agree(
        frame,
        level="nominal" if name in ("wax", "mtbench") else "interval",
        raters=["expert_*", "alttest:*"] if name == "summeval" else None,
        pool=True,
        coefficients=["alpha"],
        stand_in=True,
        epsilon=EPSILON[name],
        resamples=0,
    )
    published = pd.read_csv(data_dir / "alttest" / "published_alt_test.csv")
    published = published[published["dataset"] == name].set_index("llm")
    assert len(found.stand_in) == len(published) == 6
    for one in found.stand_in:
        row = published.loc[one.rater.split(":")[1]]
        assert round(one.omega, 2) == row["winning_rate"]
        assert round(one.rho, 2) == row["advantage_prob"]
        assert one.passes == (row["verdict"] == "PASSED")


def test_the_judge_with_the_best_advantage_has_not_the_best_correlation(data_dir):
    """On SummEval mistral answers 5 almost always: the best advantage, the worst correlation with people."""
    frame = read_ratings(
        data_dir / "summeval" / "ratings.csv.gz", criterion="dimension", value="score", kind="rater_type"
    )
    found = agree(frame, level="interval", raters=["expert_*", "alttest:*"], pool=True, stand_in=True, resamples=0)
    best = max(found.stand_in, key=lambda one: one.rho)
    assert best.ceiling.ai.value < max(one.ceiling.ai.value for one in found.stand_in)
    assert best.ceiling.ai.value == min(one.ceiling.ai.value for one in found.stand_in)


def simulated(rng, items=300, humans=3, accuracy=0.8, ai=0.8, values=4):
    truth = rng.integers(0, values, items)
    shares = [accuracy] * humans + [ai]
    codes = [np.where(rng.random(items) < share, truth, rng.integers(0, values, items)) for share in shares]
    names = [f"h{i}" for i in range(humans)] + ["ai"]
    return Units("c", names, np.array(codes, np.int8), np.arange(values).astype(str))


def test_an_ai_that_is_one_of_them_is_neither_flattered_nor_belittled():
    """Exchangeable raters: the mean difference from the ceiling over repetitions is 0 within its error."""
    gaps = []
    for seed in range(60):
        units = simulated(np.random.default_rng(seed))
        found = can_stand_in(units, "ai", ["h0", "h1", "h2"], "nominal", resamples=0)
        gaps.append(found.ceiling.difference.value)
    assert abs(np.mean(gaps)) < 3 * np.std(gaps) / np.sqrt(len(gaps))


def test_the_curve_rises_and_the_sentence_says_it():
    units = simulated(np.random.default_rng(0), ai=0.7)
    found = can_stand_in(units, "ai", ["h0", "h1", "h2"], "nominal", epsilon=0.15)
    omegas = [step["omega"] for step in found.curve]
    assert omegas == sorted(omegas)
    assert [step["epsilon"] for step in found.curve] == [0.0, 0.05, 0.1, 0.15, 0.2]
    assert found.ceiling.difference.low < found.ceiling.difference.value < found.ceiling.difference.high
    assert found.ceiling.difference.value == pytest.approx(found.ceiling.ai.value - found.ceiling.human.value)
    assert "epsilon 0.15" in found.sentence
    assert f"from epsilon {found.smallest:.2f}" in found.sentence
    assert found.alphas[1].value < found.alphas[0].value  # a worse rater lowers it
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_items_with_equal_ratings_count_once_and_many_have_the_normal_interval(level):
    """Each item a hundred times: the same figures, from as many patterns, with intervals a tenth as wide."""
    rng = np.random.default_rng(5)
    few = simulated(rng, items=2500)
    few = few if level == "nominal" else Units("c", few.raters, few.codes, np.arange(4.0))
    many = Units("c", few.raters, np.tile(few.codes, 100), few.values)
    one, hundred = (can_stand_in(units, "ai", ["h0", "h1", "h2"], level) for units in (few, many))
    assert hundred.n_items == 250_000
    for small, large in ((getattr(one.ceiling, name), getattr(hundred.ceiling, name)) for name in ("human", "ai")):
        assert (small.method, large.method) == ("bca", "clt")
        assert large.value == pytest.approx(small.value)
        assert large.high - large.low == pytest.approx((small.high - small.low) / 10, rel=0.1)


def test_too_few_items_are_a_reason():
    units = simulated(np.random.default_rng(0), items=20)
    found = can_stand_in(units, "ai", ["h0", "h1", "h2"], "nominal", resamples=100)
    assert (found.passes, found.reason, found.n_humans, found.smallest) == (None, "too_few_items", 0, None)
    assert found.to_dict()["omega"] is None
    lowered = can_stand_in(units, "ai", ["h0", "h1", "h2"], "nominal", resamples=100, min_items=10)
    assert lowered.reason is None  # by the signed-rank test


def test_without_humans_or_machines_it_says_what_to_do():
    rows = pd.DataFrame([(i, r, i % 3) for i in range(5) for r in "ab"], columns=["item_id", "rater", "value"])
    with pytest.raises(HarnessError, match=r"there are 2 and 0; name the AI raters"):
        agree(rows, stand_in=True)


def test_benjamini_yekutieli_by_hand():
    """q = .05, m = 3: c = 1 + 1/2 + 1/3 = 11/6; limits .00909, .01818, .02727."""
    assert shown_of(np.array([0.02, 0.009, 0.03]), 0.05).tolist() == [False, True, False]
    assert shown_of(np.array([0.027, 0.02, 0.001]), 0.05).tolist() == [True, True, True]


def test_dawid_and_skene_recover_accuracies_without_a_key():
    rng = np.random.default_rng(1)
    shares = [0.9, 0.75, 0.6, 0.5]
    truth = rng.choice(3, 4000, p=[0.5, 0.3, 0.2])
    codes = [np.where(rng.random(4000) < share, truth, rng.integers(0, 3, 4000)) for share in shares]
    units = Units("c", list("abcd"), np.array(codes, np.int8), np.array(["x", "y", "z"]))
    found = dawid_skene(units, ["a", "b"])
    for name, share in zip("abcd", shares, strict=True):
        assert found.accuracy[name] == pytest.approx(
            share + (1 - share) / 3, abs=0.03
        )  # a random guess is right 1 in 3
    assert found.prevalence == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
    assert dawid_skene(units.of(["a", "b"])) == "too_few_raters"


def test_severity_finds_who_is_strict_though_they_rated_other_items():
    rng = np.random.default_rng(2)
    quality, strict = rng.normal(0, 1, 600), {"a": -0.6, "b": 0.0, "c": 0.6}
    grid = np.stack([np.round((quality + shift + rng.normal(0, 0.5, 600)) * 4) / 4 for shift in strict.values()])
    grid[0, quality > 0.5] = np.nan  # the strict one never saw the good ones: a plain mean would exaggerate
    columns = list(grid)
    from harness.agreement.grid.units import encode

    codes, values = encode(columns)
    found = severity(Units("c", list(strict), np.stack(codes), values))
    assert found["a"]["severity"] - found["c"]["severity"] == pytest.approx(-1.2, abs=0.12)
    assert severity(Units("c", ["a", "b"], np.zeros((2, 5), np.int8), np.array(["x"]))) == "not_numbers"


def test_judges_that_err_together_are_seen():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 800)
    humans = [np.where(rng.random(800) < 0.95, truth, 1 - truth) for _ in range(3)]
    wrong = rng.random(800) < 0.3
    twins = [np.where(wrong, 1 - truth, truth)] * 2
    alone = np.where(rng.random(800) < 0.3, 1 - truth, truth)
    names = ["h0", "h1", "h2", "twin1", "twin2", "alone"]
    units = Units("c", names, np.array([*humans, *twins, alone], np.int8), np.array(["n", "y"]))
    found = {(row["rater_a"], row["rater_b"]): row["value"] for row in error_correlation(units, names[:3], "nominal")}
    assert found[("twin1", "twin2")] == pytest.approx(1.0)
    assert abs(found[("twin1", "alone")]) < 0.2


def test_a_pass_means_nothing_where_people_guess_or_all_say_the_same():
    """A rater that always says yes "wins against 100 % of three people" who answer at random: that is said first."""
    rng = np.random.default_rng(0)
    guesses = rng.integers(0, 2, (3, 100))
    same = np.ones((3, 100), dtype=int)
    same[0, :4] = same[1, 50:53] = 0
    for people, why in ((guesses, "people do not agree with each other"), (same, "people nearly all say the same")):
        codes = np.vstack([people, np.ones(100, dtype=int)]).astype(np.int8)
        found = can_stand_in(Units("yes", ["a", "b", "c", "ai"], codes, np.arange(2.0)), "ai", list("abc"), "nominal")
        assert found.passes
        assert found.sentence.startswith("A pass means nothing here: ")
        assert why in found.sentence
        assert any(why in one for one in found.to_dict()["caveats"])
    truth = rng.integers(0, 2, 100)
    people = np.where(rng.random((3, 100)) < 0.9, truth, 1 - truth)
    codes = np.vstack([people, truth]).astype(np.int8)
    good = can_stand_in(Units("yes", ["a", "b", "c", "ai"], codes, np.arange(2.0)), "ai", list("abc"), "nominal")
    assert good.caveats == []


@pytest.mark.parametrize(("shared", "expected"), [(0.0, 0.0), (0.5, 0.5)])
@pytest.mark.parametrize("level", ["nominal", "interval"])
def test_errors_are_shared_by_raters_not_by_whoever_stands_for_truth(level, shared, expected):
    """Two raters that copy one draw in half of the items share errors at .5, else at 0.

    With one other person as the truth, whose errors both then seem to make, independent raters were given .84.
    """
    found = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, 500) if level == "nominal" else rng.normal(size=500)

        def rating(rng=rng, truth=truth):
            if level == "nominal":
                return np.where(rng.random(500) < 0.8, truth, 1 - truth).astype(float)
            return truth + rng.normal(size=500)

        copied, same = rating(), rng.random(500) < shared
        pair = [np.where(same, copied, rating()) for _ in range(2)]
        codes, values = encode([*pair, rating(), rating()])
        units = Units("c", ["a", "b", "p", "q"], np.stack(codes), values)
        rows = {(row["rater_a"], row["rater_b"]): row for row in error_correlation(units, ["p", "q"], level)}
        found.append(rows["a", "b"]["value"])
        assert rows["p", "q"]["reason"] == "no_overlap"
        assert rows["a", "p"]["reason"] == "too_few_people"
    assert np.mean(found) == pytest.approx(expected, abs=0.08)
