"""What the measured precision of feedback explains: values worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from harness.reporting import Evidence
from harness.reporting.precision import explained, precision


def kinds(rows: list[tuple[str, int, float, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["series", "seed", "precision", "gain"])


def test_a_line_through_all_kinds_explains_all():
    found = explained(kinds([("a", 0, 0.2, 10.0), ("b", 0, 0.5, 25.0), ("c", 0, 0.8, 40.0), ("d", 0, 1.0, 50.0)]))
    assert (found.share, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.between is None
    assert found.sentence.startswith("The measured precision of the feedback explains 100 % of the variation")


def test_the_share_is_the_squared_correlation_with_each_kind_left_out():
    # precision 0 .5 1 .5, gain 0 30 20 50: about the means .5 and 25 the products sum to 12.5 - 2.5 = 10, the squares
    # to .5 and 625 + 25 + 25 + 625 = 1300: r squared = 100 / 650
    rows = [("a", 0, 0.0, 0.0), ("b", 0, 0.5, 30.0), ("c", 0, 1.0, 20.0), ("d", 0, 0.5, 50.0)]
    found = explained(kinds(rows))
    assert found.share == pytest.approx(2 / 13)
    # without a: (20/3)^2 / (1/6 x 1400/3) = 4/7; without b: 3/19; without c: 16/19; without d: 3/7
    assert (found.low, found.high) == pytest.approx((3 / 19, 16 / 19))


def test_variance_between_kinds_needs_seeds():
    # gains 0 2 | 10 12 | 20 22 | 30 32 about 16: 8 x 1 within, 2 x (15^2 + 5^2 + 5^2 + 15^2) = 1000 between
    shares = dict(zip("abcd", (0.1, 0.2, 0.3, 0.35), strict=True))
    rows = [(name, seed, shares[name], 10.0 * "abcd".index(name) + 2 * seed) for name in shares for seed in (0, 1)]
    assert explained(kinds(rows)).between == pytest.approx(1000 / 1008)


def test_few_kinds_or_one_precision_explain_nothing():
    assert explained(kinds([("a", 0, 0.2, 1.0), ("b", 0, 0.5, 2.0), ("c", 0, 0.7, 2.0)])) is None
    assert explained(kinds([(name, 0, 0.5, float(n)) for n, name in enumerate("abcd")])) is None
    assert explained(pd.DataFrame()) is None


def test_a_run_says_what_each_kind_kept_and_gained(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", held_out=60)
    rows = precision(Evidence.of(run)).set_index("series")
    own = run.rounds[run.rounds["round"] > 0].groupby("series")["n_kept"].sum()
    assert rows["kept"].to_dict() == own.to_dict()
    control = Evidence.of(run).control
    assert rows.loc[control, "beyond"] == 0
    assert (rows["gain"] - rows.loc[control, "gain"]).tolist() == pytest.approx(rows["beyond"].tolist())
