"""What rounds are called: whole numbers, training steps, dates; each counts by its place in the order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.rounds.harms.flags import flag_sentence
from harness.rounds.scores.labels import label_rounds
from harness.rounds.verdict.rounds import compare_rounds


def long(names, means=(0.4, 0.5, 0.6, 0.7), n=500, **columns):
    """Return right-or-wrong scores with these means, the rounds called by these names; the rows in no order."""
    luck = np.random.default_rng(0).random(n)
    frames = [
        pd.DataFrame({"item": range(n), "round": [name] * n, "score": (luck < mean).astype(float), **columns})
        for name, mean in zip(names, means, strict=True)
    ]
    return pd.concat(frames).sample(frac=1, random_state=0)


@pytest.mark.parametrize(
    "names",
    [
        [0, 1000, 2000, 3000],
        ["step-0", "step-1000", "step-2000", "step-10000"],  # not in the order of the alphabet
        ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"],
        ["0", "1", "2", "3"],
        [0.0, 1.0, 2.0, 3.0],
    ],
)
def test_labels_change_no_verdict(names):
    plain, called = (compare_rounds(long(each)) for each in ([0, 1, 2, 3], names))
    one, other = plain.results[0], called.results[0]
    assert (
        (other.verdict, other.rate, other.low) == (one.verdict, one.rate, one.low) == ("improving", one.rate, one.low)
    )
    assert one.rate == pytest.approx(0.1, abs=0.03)
    assert [str(label).removesuffix(".0") for label in other.rounds] == [str(name).removesuffix(".0") for name in names]
    assert other.last_gain.shown == 3
    assert str(other.last_gain.shown_label) == str(other.rounds[3])
    shown = str(other.rounds[3])  # a number is a round's; a name says by itself what it is
    assert f"gain shown up to {'round ' if shown.isdigit() else ''}{shown}" in other.sentence


def test_flags_measured_a_round_do_not_depend_on_labels_either():
    length = np.repeat([100.0, 110, 121, 133.1], 500)
    flags = []
    for names in ([0, 1, 2, 3], [0, 1000, 2000, 3000]):
        frame = long(names).sort_values("round", kind="stable").assign(length=length)
        flags.append(next(one for one in compare_rounds(frame).results[0].flags if one["flag"] == "length_growth"))
    assert flags[0] == flags[1]
    assert flags[0]["growth"] == pytest.approx(0.1, abs=0.005)
    assert "% a round" in flag_sentence(flags[0])


def test_uneven_gaps_are_said():
    assert compare_rounds(long([0, 1000, 2000, 3000])).warnings == []
    assert compare_rounds(long(["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"])).warnings == []
    (warning,) = compare_rounds(long([0, 1000, 2000, 5000])).warnings
    assert warning["code"] == "uneven_rounds"
    assert "0, 1000, 2000, 5000" in warning["message"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["base", "sft"], "have no order"),
        (["step-1", "epoch-2"], "have no order"),
        (["step-1", "step-01"], "one round by two names"),
        ([0, 1.5], "1.5 is no whole number"),
        ([0, -1], "no whole number"),
        ([0, None], "no whole number"),
    ],
)
def test_names_without_an_order_are_refused(names, said):
    with pytest.raises(HarnessError, match=said):
        label_rounds(pd.Series(names, dtype=object))
