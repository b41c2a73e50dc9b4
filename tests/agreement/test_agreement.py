"""`agree` on frames: published figures, what counts, and the warnings that people need."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.agreement import agree
from harness.agreement.grid.ratings import read
from harness.errors import HarnessError
from harness.rating.files.ratings_file import read_ratings

PUBLISHED = {"coherence": 0.559, "consistency": 0.899, "fluency": 0.726, "relevance": 0.453}


@pytest.fixture(scope="module")
def summeval(data_dir):
    path = data_dir / "summeval" / "ratings.csv.gz"
    return read_ratings(path, criterion="dimension", value="score", kind="rater_type")


def test_summeval_experts_have_the_published_alpha(summeval):
    found = agree(summeval, level="interval", raters="expert_*")
    for table in found.tables:
        alpha = table.coefficients["alpha"]
        assert round(alpha.value, 3) == PUBLISHED[table.criterion]
        assert alpha.low < alpha.value < alpha.high
        assert alpha.method == "bca"
        assert (table.n_items, table.n_ratings) == (1600, 4800)
        assert table.check["difference"] < 1e-9


def test_summeval_pooled_has_the_published_alpha_and_articles_widen_its_interval(summeval):
    pooled = agree(summeval, level="interval", raters="expert_*", pool=True, coefficients=["alpha"]).tables[0]
    alpha = pooled.coefficients["alpha"]
    assert (pooled.criterion, pooled.n_items, round(alpha.value, 4)) == ("all", 6400, 0.7187)
    assert (alpha.low, alpha.high) == pytest.approx((0.707, 0.731), abs=0.003)  # by item: units of an item go together
    articles = summeval.assign(article=summeval["item_id"].astype(str).str.split("__").str[0])
    wide = agree(articles, level="interval", raters="expert_*", pool=True, cluster="article", coefficients=["alpha"])
    found = wide.tables[0].coefficients["alpha"]
    assert (found.low, found.high) == pytest.approx((0.699, 0.736), abs=0.004)


def test_the_crowd_agrees_with_itself_and_not_with_the_experts(summeval):
    """Alpha of the crowd is .446 on these 12 systems, while its mean has nothing to do with the experts' mean."""
    crowd = agree(summeval, level="interval", raters="turker_*", pool=True, coefficients=["alpha"])
    assert round(crowd.tables[0].coefficients["alpha"].value, 4) == 0.4459
    assert "slots" in {warning["code"] for warning in crowd.warnings}
    means = summeval.assign(group=np.where(summeval["rater"].astype(str).str.startswith("expert"), "expert", "crowd"))
    means = means[means["rater"].astype(str).str.match("expert|turker")]
    wide = means.groupby(["item_id", "criterion", "group"], observed=True)["value"].mean().unstack("group").dropna()
    assert abs(wide.corr().iloc[0, 1]) < 0.15


def test_shared_prefixes_are_pointed_out_unless_clusters_are_given(summeval):
    some = summeval[summeval["criterion"] == "fluency"]
    found = agree(some, level="interval", raters="expert_*", resamples=0)
    (warning,) = [w for w in found.warnings if w["code"] == "possible_clusters"]
    assert warning["n"] == 1600
    assert "100 prefixes" in warning["message"]


@pytest.mark.parametrize(
    ("file", "figures"),
    [
        ("topical_chat", {"naturalness": 0.513986, "coherence": 0.612942, "engagingness": 0.604739,
                          "groundedness": 0.574954, "understandability": 0.467807, "overall": 0.662583}),
        ("qags_xsum", {"": 0.48792}),
        ("qags_cnndm", {"": 0.662255}),
    ],
)  # fmt: skip
def test_unieval_correlates_with_people_as_published(data_dir, file, figures):
    frame = read_ratings(
        data_dir / "unieval_meta" / f"{file}.ratings.csv.gz", criterion="dimension", value="score", kind="rater_type"
    )
    found = agree(frame, level="interval", coefficients=["spearman"], resamples=50)
    values = {table.criterion: table.coefficients["spearman"].value for table in found.tables}
    for criterion, figure in figures.items():
        name = criterion or next(iter(values))
        assert round(values[name], 6) == figure


def long(rows, columns=("item_id", "rater", "value")):
    return pd.DataFrame(rows, columns=list(columns))


def test_wide_and_long_frames_say_the_same():
    rng = np.random.default_rng(0)
    wide = pd.DataFrame(rng.integers(1, 6, (50, 3)), columns=["a", "b", "c"]).where(rng.random((50, 3)) > 0.1)
    rows = wide.rename_axis("item_id").reset_index().melt("item_id", var_name="rater").dropna()
    assert agree(wide, level="ordinal").df.equals(
        agree(rows.sort_values("item_id"), level="ordinal").df.assign(criterion="rating")
    )


def test_the_level_that_fits_is_chosen_and_the_table_says_why():
    def chosen(values, **more):
        rows = long([(i, r, v) for i, v in enumerate(values) for r in "ab"]).assign(**more)
        table = agree(rows, resamples=0).tables[0]
        return table.level, table.why

    assert chosen(["x", "y", "z"])[0] == "nominal"
    assert chosen([0, 1, 1])[0] == "nominal"
    assert chosen([1, 2, 5]) == ("ordinal", chosen([1, 2, 5])[1])
    assert "3 whole numbers" in chosen([1, 2, 5])[1]
    assert chosen([0.5, 0.25, 0.1])[0] == "interval"
    assert chosen([0.5, 0.25, 0.1], scale="ordinal")[0] == "ordinal"


def test_what_does_not_count_is_counted():
    rows = pd.DataFrame(
        {
            "item_id": ["i", "i", "j", "j", "j", "k"], "rater": ["a", "b", "a", "b", "b", "a"],
            "value": [1.0, 1.0, 2.0, 3.0, 2.0, None], "status": ["ok", "ok", "ok", "ok", "ok", "unparsed"],
            "repetition": [0, 0, 0, 0, 1, 0],
        }
    )  # fmt: skip
    found = agree(rows, level="interval", resamples=0)
    assert (found.tables[0].n_items, found.tables[0].n_ratings) == (2, 4)
    assert {w["n"] for w in found.warnings if w["code"] == "left_out"} == {1}
    assert sum(w["code"] == "left_out" for w in found.warnings) == 2


def test_second_ratings_are_told_from_copies():
    rows = long([("i", "a", 1), ("i", "a", 1), ("j", "a", 1), ("j", "a", 3), ("i", "b", 1), ("j", "b", 2)])
    found = agree(rows, level="ordinal", resamples=0)
    by_code = {w["code"]: w for w in found.warnings}
    assert (by_code["duplicates"]["n"], by_code["duplicates"]["raters"]) == (1, ["a"])
    assert (by_code["self_agreement"]["n"], by_code["self_agreement"]["raters"]) == (1, ["a"])
    # the first rating counts: a gave 1 and 1, b gave 1 and 2: one of two items is equal
    assert found.tables[0].coefficients["percent_agreement"].value == 0.5


def made_for_warnings():
    rng = np.random.default_rng(0)
    truth = rng.integers(1, 6, 80)
    raters = {
        "good": truth, "copy": truth, "turned": 6 - truth, "steady": np.full(80, 3), "percent": truth * 20.0,
    }  # fmt: skip
    return long([(f"i{i}", name, float(v)) for name, values in raters.items() for i, v in enumerate(values)])


def test_people_are_warned():
    found = agree(made_for_warnings(), level="interval", resamples=0)
    by_code: dict[str, list[list[str]]] = {}
    for warning in found.warnings:
        by_code.setdefault(warning["code"], []).append(warning["raters"])
        assert warning["n"] > 0
        assert all(rater in warning["message"] for rater in warning["raters"])
    assert by_code["identical_raters"] == [["copy", "good"]]
    assert by_code["constant_rater"] == [["steady"]]
    assert ["good", "turned"] in by_code["reversed_rater"]
    assert by_code["scales_differ"] == [["percent"]]


def test_rare_values_and_little_overlap_are_pointed_out():
    rows = [(i, r, float(i == 3)) for i in range(30) for r in "ab"] + [(i, "a", 0.0) for i in range(30, 100)]
    codes = {w["code"]: w["n"] for w in agree(long(rows), resamples=0).warnings}
    assert codes["low_prevalence"] == 2
    assert codes["little_overlap"] == 30


@pytest.mark.parametrize(
    ("frame", "options", "complaint"),
    [
        (long([("i", "a", 1)], ("item_d", "rater", "value")), {}, "no column 'item_id'. Did you mean 'item_d'"),
        (long([("i", "a", 1)]), {"level": "ordinl"}, "Did you mean 'ordinal'"),
        (long([("i", "a", 1)]), {"coefficients": ["kapa"]}, "no coefficient 'kapa'"),
        (long([("i", "a", 1)]), {"raters": "expert_*"}, "no rater matches 'expert_*'"),
        (long([("i", "a", "good")]), {"level": "interval"}, "row 1: 'good' is no number"),
        (long([("i", "a", -1)]), {"level": "ratio"}, "-1 is negative"),
        (long([("i", "a", math.inf)]), {"level": "interval"}, "infinite"),
        (long([("i", "a", None)]), {}, "no rating with a value is left (1 no value)"),
        (long([("i", "a", 1)]), {"cluster": "doc"}, "no column 'doc'"),
    ],
)
def test_what_cannot_be_read_is_said(frame, options, complaint):
    with pytest.raises(HarnessError) as error:
        agree(frame, **options)
    assert complaint in str(error.value)


def test_json_has_null_and_a_reason_and_never_nan():
    found = agree(long([("i", "a", 1), ("j", "a", 2)]), level="ordinal")
    content = json.loads(json.dumps(found.to_json(), allow_nan=False))
    (table,) = content["tables"]
    assert table["alpha"] == {"value": None, "low": None, "high": None, "n": 0, "reason": "one_rater"}
    assert set(table) >= {"criterion", "level", "raters", "n_items", "n_ratings", "alpha", "percent_agreement"}
    assert not found.defined


def test_the_matrix_has_every_pair_and_the_html_is_escaped():
    rows = long([(i, r, (i * k) % 3) for i in range(20) for k, r in enumerate(["a", "b", "<script>"], 1)])
    found = agree(rows.assign(criterion="<b>"), level="ordinal", resamples=20)
    assert set(zip(found.matrix["rater_a"], found.matrix["rater_b"], strict=True)) == {
        ("<script>", "a"), ("<script>", "b"), ("a", "b"),
    }  # fmt: skip
    assert set(found.matrix["n"]) == {20}
    html = found._repr_html_()
    assert "<script>" not in html
    assert "<b>" not in html


def test_labels_that_look_like_missing_are_labels():
    rows = long([("i", "a", "None"), ("i", "b", "nan"), ("j", "a", "None"), ("j", "b", "None")])
    assert agree(rows, resamples=0).tables[0].coefficients["percent_agreement"].value == 0.5


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3), st.integers(1, 5)), min_size=2, max_size=400))
def test_of_several_ratings_in_one_cell_the_first_counts(rows):
    frame = pd.DataFrame(rows, columns=["item_id", "rater", "value"])
    firsts = frame.drop_duplicates(["item_id", "rater"])
    once, all_rows = (read(one, level="ordinal").units("rating") for one in (firsts, frame))
    np.testing.assert_array_equal(once.grid(), all_rows.grid())
