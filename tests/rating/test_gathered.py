"""Large tables: their different rows and what each unit has of them say what all rows say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.agreement import AgreementOptions, agree, agree_in_frame
from harness.errors import HarnessError
from harness.rating import Gathered, Words, read_any, read_gathered
from harness.rating.files import gathered

PLAIN = AgreementOptions(resamples=50)


@pytest.fixture(autouse=True)
def _any_size(monkeypatch):
    monkeypatch.setattr(gathered, "GATHERED_FROM", 0)
    monkeypatch.setattr(gathered, "PIECE", 7)


def said(ratings, asked=PLAIN):
    """What `agree` says: all its figures, notes and cautions, and the file of items; or what is wrong."""
    try:
        found = agree_in_frame(ratings, asked)
        return json.dumps(found.to_json()), found.items.to_csv(), found.labels.to_csv()
    except HarnessError as error:
        return str(error)


def both(path, asked=PLAIN, gathers=True, **read):
    """Return what is said of a file's rows, after it is seen that its units say the same."""
    by_unit = read_gathered(path, **read)
    assert isinstance(by_unit, Gathered) == gathers
    by_row = said(read_any(path, **read), asked)
    assert said(by_unit, asked) == by_row
    return by_row


def written(folder, frame, **options):
    frame.to_parquet(Path(folder) / "r.parquet", **options)
    return Path(folder) / "r.parquet"


def table(items=40, raters=("ann", "bob", "bot"), seed=0, values=(1, 2, 3, 4, 5)):
    """Every rater on every item, but for a tenth; in an order of no meaning."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        [(f"i-{n}", rater, values[rng.integers(len(values))]) for n in range(items) for rater in raters],
        columns=["item_id", "rater", "value"],
    )
    return rows[rng.random(len(rows)) > 0.1].sample(frac=1, random_state=seed)


OPTIONS = [
    PLAIN,
    AgreementOptions(level="nominal", resamples=50),
    AgreementOptions(level="ratio", resamples=50),
    AgreementOptions(raters=["ann", "bo*"], resamples=50),
    AgreementOptions(stand_in=True, resamples=50),
    AgreementOptions(correct=True, chosen="random", resamples=50),
    AgreementOptions(score_range=(1, 7), resamples=50),
    AgreementOptions(score_range=(1, 4), resamples=50),  # a value is outside: the same complaint of the same row
    AgreementOptions(categories=["1", "2", "3", "4", "5"], resamples=50),
    AgreementOptions(drop_outvoted=True, weights=True, resamples=0),
    AgreementOptions(kind="human", cross_check=True, resamples=50),
]


@pytest.mark.parametrize("asked", OPTIONS)
def test_every_option_says_the_same_of_units_as_of_rows(tmp_path, asked):
    both(written(tmp_path, table()), asked, ai="bot")


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.assign(value=rows["value"].map({1: "poor", 2: "Poor", 3: "n/a", 4: " fair", 5: "good"})),
        lambda rows: rows.assign(value=rows["value"].map({1: "1", 2: "85%", 3: None, 4: "", 5: "5%"})),
        lambda rows: rows.assign(value=rows["value"].where(rows["value"] < 4)),
        lambda rows: rows.assign(value=rows["value"].map({1: "a;b", 2: "b;a", 3: "a", 4: "b", 5: "c"})),
        lambda rows: rows.assign(value=pd.Categorical(rows["value"].map(str), list("54321"), ordered=True)),
        lambda rows: rows.assign(criterion=np.where(np.arange(len(rows)) % 2, "tone", "style")),
        lambda rows: rows.assign(criterion=np.where(rows["rater"] == "ann", None, "tone")),
        lambda rows: rows.assign(rater_kind=np.where(rows["rater"] == "ann", "human_aggregate", "llm_judge")),
        lambda rows: rows.assign(status=np.where(rows["value"] > 1, "ok", "skipped"), confidence=0.5),
        lambda rows: rows.assign(rater=np.where(np.arange(len(rows)) % 2, rows["rater"], rows["rater"] + " ")),
        lambda rows: rows.assign(rater=rows["rater"].astype("category")),
        lambda rows: rows.assign(item_id=rows["item_id"].str[2:].astype(int)),
        lambda rows: rows.rename(columns={"item_id": "prompt", "rater": "annotator", "value": "Score"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("group", [5, 1000])
def test_every_rule_of_rows_holds_for_units(tmp_path, change, group):
    both(written(tmp_path, change(table()), row_group_size=group))
    both(written(tmp_path, change(table())), words=Words(missing=("1", "poor")))


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: pd.concat([rows, rows[:1]]),  # a duplicate, of which a caution tells
        lambda rows: pd.concat([rows, rows[:1].assign(value=9)]),
        lambda rows: rows.assign(item_id=rows["item_id"].where(rows["item_id"] != "i-3")),
        lambda rows: rows.assign(item_id=rows["item_id"].replace("i-3", " i-3")),
        lambda rows: rows.assign(item_id=rows["item_id"].replace("i-3", "")),
        lambda rows: rows.assign(repetition=0),
        lambda rows: rows.assign(model=np.where(np.arange(len(rows)) % 2, "a", "b")),
        lambda rows: rows.assign(item_id=rows["item_id"].str[2:].astype(float)),
        lambda rows: rows.assign(item_id=rows["item_id"].astype("category")),
    ],
)  # fmt: skip
def test_what_only_rows_can_say_is_read_by_rows(tmp_path, change):
    both(written(tmp_path, change(table())), gathers=False)


def test_more_raters_than_one_number_holds(tmp_path):
    both(written(tmp_path, table(20, [f"r{n:02}" for n in range(50)])), AgreementOptions(resamples=0))


def test_words_that_mean_another(tmp_path):
    path = written(tmp_path, table())
    both(path, words=Words(recode={"2": "3", "5": "1"}))
    complaints = []
    for read in (read_any, read_gathered):
        with pytest.raises(HarnessError, match="no rating is '9'") as wrong:
            read(path, words=Words(recode={"9": "3"}))
        complaints.append(str(wrong.value))
    assert complaints[0] == complaints[1]


def test_columns_that_are_asked_for_are_taken_along(tmp_path):
    path = written(tmp_path, table().assign(document=lambda rows: rows["item_id"].str[2:].astype(int) % 5))
    assert said(read_any(path, also=["document"]), AgreementOptions(cluster="document")) == said(
        read_gathered(path, also=["document"]), AgreementOptions(cluster="document")
    )
    assert agree(path, cluster="document", resamples=0).units[0].clusters is not None


def test_a_damaged_column_of_items_is_said_as_by_rows(tmp_path):
    path = written(tmp_path, table(400), write_page_checksum=True, compression=None, use_dictionary=["rater"])
    content = path.read_bytes()
    place = content.index(b"i-", 200)
    path.write_bytes(content[:place] + b"x" + content[place + 1 :])
    with pytest.raises(HarnessError, match="cannot be read as Parquet") as by_row:
        read_any(path)
    with pytest.raises(HarnessError) as by_unit:
        read_gathered(path)
    assert str(by_unit.value) == str(by_row.value)


def test_chunks_of_a_long_table_are_put_together(tmp_path, monkeypatch):
    monkeypatch.setattr(gathered, "CHUNK", 20)
    both(written(tmp_path, table()))
    both(written(tmp_path, pd.concat([table(), table()[:1]])), gathers=False)  # rated twice, far apart


def test_more_items_than_have_room_are_gathered_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(gathered, "MEMORY", "1MB")
    both(written(tmp_path, table()))


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", "e"]),
            st.sampled_from(["ann", "bob", "cat"]),
            st.sampled_from(["x", "y"]),
            st.sampled_from([1.0, 2.0, 2.5, float("nan")]),
        ),
        min_size=4,
        max_size=30,
    )
)
def test_any_rows_say_the_same(tmp_path_factory, rows):
    frame = pd.DataFrame(rows, columns=["item_id", "rater", "criterion", "value"])
    path = written(tmp_path_factory.mktemp("any"), frame, row_group_size=3)
    by_unit = read_gathered(path)
    assert isinstance(by_unit, Gathered) or frame.duplicated(["item_id", "rater", "criterion"]).any()
    assert said(by_unit) == said(read_any(path))
