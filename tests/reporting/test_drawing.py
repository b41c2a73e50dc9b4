"""How figures and numbers are drawn: names that cover nothing, signs of print, nothing heavy before it is needed."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import altair
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from harness.reporting import charts, panels
from harness.reporting.evidence import Evidence
from harness.reporting.finding import decimals, points, spanned
from harness.reporting.labels import LINE, broken, placed, spread
from harness.reporting.vega import Chart
from harness.reporting.wording import typeset


def test_what_rounds_to_nothing_has_no_sign():
    assert points(-0.0004) == points(0.0) == "0.0"
    assert points(-0.018) == "−1.8"
    assert decimals(-0.001) == "0.00"


def test_a_bound_beside_zero_never_reads_as_zero():
    assert spanned(-0.0089, -0.0174, -0.0003, 0.01) == ("−0.89", "[−1.74, −0.03]")
    assert spanned(-0.0001, -0.004, 0.0042, 0.01) == ("0.0", "[−0.4, 0.4]")
    assert spanned(None, None, None) == ("–", "–")


def test_sentences_are_set_with_the_signs_of_print():
    text = "-0.9 [-1.7, -0.1] over rounds 2-4 (90 % interval)"
    assert typeset(text) == "−0.9 [−1.7, −0.1] over rounds 2–4 (90\u00a0% interval)"
    assert typeset("lm-eval 0.4.13, gpt-4, 2026-01-02, v1-2") == "lm-eval 0.4.13, gpt-4, 2026-01-02, v1-2"


def test_a_long_name_breaks_at_its_joints_into_two_lines_at_most():
    assert broken("correctness_judge", 13) == "correctness_\njudge"
    assert broken("a b", 13) == "a b"
    assert all(len(line) <= 13 for line in broken("an_unreasonably_long_name_for_a_rater", 13).split("\n"))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_names_at_the_ends_of_lines_stand_a_gap_apart(ends):
    heights = sorted(spread(ends, 0.0, 1.0, height=300, gap=17))
    assert all(after - before > 17 / 300 - 1e-9 for before, after in pairwise(heights))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=6, unique=True))
def test_names_of_points_that_lie_apart_cover_neither_points_nor_each_other(cells):
    points = [(60.0 + 110 * x, 50.0 + 90 * y) for x, y in cells]
    names = ["judge"] * len(points)
    boxes = []
    for spot, name in zip(placed(points, names, [], 720, 300), names, strict=True):
        left = spot.x - (7 * len(name) if spot.align == "right" else 0)
        boxes.append((left, spot.y - LINE / 2, left + 7 * len(name), spot.y + LINE / 2))
    for place, (left, top, right, bottom) in enumerate(boxes):
        assert left >= 0
        assert right <= 720
        assert not any(left < x < right and top < y < bottom for x, y in points)
        for other in boxes[place + 1 :]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top


def test_a_run_is_asked_once_while_its_tables_stay(made_up_run, tmp_path):
    run = made_up_run(tmp_path / "run", questions=4, series={})
    first = Evidence.of(run)
    assert Evidence.of(run) is first
    paid = Evidence.of(run, usd_per_hour=30.0)
    assert (paid.usd_per_hour, paid.pairs) == (30.0, first.pairs)
    run.write([], "nothing")
    del run.ratings
    assert Evidence.of(run) is not first


def test_altair_waits_for_a_figure():
    code = (
        "import sys, harness.cli.terminal, harness.reporting.gallery\n"
        "print('altair' in sys.modules, 'vl_convert' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["False", "False"]


def test_charts_are_valid_vega_lite_that_a_notebook_can_show():
    rows = pd.DataFrame({"series": ["a", "a", "b"], "round": [0, 1, 0], "x": [1.0, 20.0, 3.0], "y": [0.1, 0.9, 0.4]})
    bands = rows.assign(name=["a", "b", "c"], value=rows["y"], low=[0.0, None, 0.2], high=[0.3, None, 0.5], best=True)
    count = rows.assign(won=[3, 4, 5], lost=[1, 0, 2])
    made = [
        charts.lines(bands, ["a", "b"], x="round", y="y", x_title="round", y_title="score", width=704, zero=True),
        charts.paths(rows, ["a", "b"], x_title="x", y_title="y", width=340),
        charts.dots(bands, title="share", width=704, domain=(0.0, 1.0), mark=0.5),
        charts.scatter(bands, x_title="price", y_title="alpha", width=704),
        panels.flows(count, ["a", "b"], width=704),
        panels.shares(bands, ["a", "b"], x_title="stated", y_title="true", width=704),
    ]
    for chart in made:
        altair.Chart.from_dict(chart, validate=True).to_dict()  # raises where the schema of Vega-Lite says no


def test_a_number_that_is_none_is_null_in_a_chart():
    frame = pd.DataFrame({"x": [1.0, float("nan")], "n": pd.array([2, None], dtype="Int64")})
    assert Chart(frame).mark("point").encode(x="x:Q", opacity=0.5).spec() == {
        "data": {"values": [{"x": 1.0, "n": 2}, {"x": None, "n": None}]},
        "mark": {"type": "point"},
        "encoding": {"x": {"field": "x", "type": "quantitative"}, "opacity": {"value": 0.5}},
    }
