"""Long files of ratings: what is read, and what is said where it cannot be."""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

from harness.agreement import agree
from harness.errors import HarnessError
from harness.rating.files.direct import read_any
from harness.rating.files.presets import recognise
from harness.rating.files.ratings_file import kind_of, read_ratings
from harness.rating.files.source import read_source

PLAIN = "item_id,rater,criterion,value,rater_kind\ni,ann,c,1,human\ni,bot,c,2,llm_judge\n"


def write(folder, text, name="ratings.csv"):
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_parquet_of_several_row_groups_has_one_list_of_names(tmp_path, dtype):
    frame = pd.DataFrame({"item_id": ["b", "a", None, "c", "a"], "rater": list("xyxxx"), "value": range(5)})
    frame.astype({"item_id": dtype, "rater": dtype}).to_parquet(tmp_path / "r.parquet", row_group_size=2)
    read = read_ratings(tmp_path / "r.parquet")
    assert sorted(read["item_id"].cat.categories) == ["a", "b", "c"]
    assert read["item_id"].astype(object).where(read["item_id"].notna(), None).tolist() == ["b", "a", None, "c", "a"]
    assert read["rater"].tolist() == list("xyxxx")
    assert read["value"].tolist() == [0, 1, 2, 3, 4]


def test_csv_gz_and_parquet_say_the_same(tmp_path):
    plain = read_ratings(write(tmp_path, PLAIN))
    packed = read_ratings(write(tmp_path, gzip.compress(PLAIN.encode()), "r.csv.gz"))
    pd.testing.assert_frame_equal(plain, packed)
    pd.DataFrame(
        {
            "item_id": ["i", "i"],
            "rater": ["ann", "bot"],
            "criterion": "c",
            "value": [1, 2],
            "rater_kind": ["human", "ai"],
        }
    ).to_parquet(tmp_path / "r.parquet")
    parquet = read_ratings(tmp_path / "r.parquet")
    columns = ["item_id", "rater", "criterion", "value", "rater_kind"]
    assert parquet[columns].astype(str).values.tolist() == plain[columns].astype(str).values.tolist()
    assert plain["value"].dtype == float
    assert list(plain["rater_kind"]) == ["human", "judge"]


def test_columns_go_by_other_names_and_one_may_serve_twice(tmp_path):
    path = write(tmp_path, "id,who,dimension,score,note\ni,ann,c,1,x\n")
    found = read_ratings(path, item="id", rater="who", criterion="dimension", value="score", also=["note"])
    assert found.iloc[0][["item_id", "rater", "criterion", "value", "note"]].tolist() == ["i", "ann", "c", 1.0, "x"]
    twice = read_ratings(path, item="id", rater="who", criterion="dimension", value="who")
    assert twice["label"].tolist() == ["ann"]
    assert twice["rater"].tolist() == ["ann"]


def test_without_a_criterion_and_a_kind_there_is_one_and_all_are_human(tmp_path):
    path = write(tmp_path, "item_id,rater,value\ni,ann,1\ni,gpt-1,2\n")
    found = read_ratings(path)
    assert set(found["criterion"]) == {"rating"}
    assert set(found["rater_kind"]) == {"human"}
    assert list(read_ratings(path, ai="gpt-*")["rater_kind"]) == ["human", "judge"]
    with pytest.raises(HarnessError, match="no rater matches 'claude"):
        read_ratings(path, ai="claude-*")


@pytest.mark.parametrize(
    ("word", "kind"),
    [("human", "human"), ("human_crowd", "human"), ("human_aggregate", "human"), ("llm_judge", "judge"),
     ("ai", "judge"), ("gold", "verifier"), ("unit_tests", "verifier"), ("metric", "metric"),
     ("reward_model", "reward_model")],
)  # fmt: skip
def test_other_words_for_kinds(word, kind):
    assert kind_of(word) == kind


def test_an_aggregate_is_marked_and_an_unknown_kind_refused(tmp_path):
    head = "item_id,rater,value,rater_kind\n"
    found = read_ratings(write(tmp_path, head + "i,mean,1,human_aggregate\ni,ann,1,human\n"))
    assert found["flags"].tolist() == [["aggregate"], []]
    with pytest.raises(HarnessError, match=r"ratings.csv: no kind of rater 'robot'\. Known: human"):
        read_ratings(write(tmp_path, head + "i,r2,1,robot\n"))


def test_words_become_labels_and_empty_cells_nothing(tmp_path):
    found = read_ratings(write(tmp_path, "item_id,rater,value\ni,ann,None\nj,ann,\nk,ann,2\nl,ann,nan\n"))
    assert found["label"].tolist() == ["None", None, None, "nan"]
    assert found["value"].isna().tolist() == [True, True, False, True]


def test_a_word_where_a_number_is_needed_is_named_with_its_line(tmp_path):
    text = 'item_id,rater,value,note\ni,ann,1,"two\nlines"\nj,ann,good,x\ni,bob,1,x\n'
    found = read_ratings(write(tmp_path, text))
    with pytest.raises(HarnessError, match=r"ratings.csv:4: 'good' is no number, and the interval level"):
        agree(found, level="interval")
    assert agree(found, level="nominal").tables[0].n_items == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"item_id,rater,value\n", "has no ratings, only a header"),
        (b"itm_id,rater,value\ni,a,1\n", "ratings.csv:1: has no column 'item_id'. Did you mean 'itm_id'"),
        (b"\x1f\x8bnot really", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path, content, complaint):
    with pytest.raises(HarnessError) as error:
        read_ratings(write(tmp_path, content))
    assert complaint in str(error.value)


def test_other_files_that_are_none(tmp_path):
    for path, complaint in (
        (tmp_path / "missing.csv", "no such file"),
        (tmp_path, "is a folder that is no run"),
        (write(tmp_path, "no parquet", "r.parquet"), "cannot be read as Parquet"),
    ):
        with pytest.raises(HarnessError, match=complaint):
            read_ratings(path)
    with pytest.raises(HarnessError, match="has no column 'kind'"):
        read_ratings(write(tmp_path, PLAIN), kind="kind")


def test_semicolons_and_a_byte_order_mark_are_understood(tmp_path):
    found = read_ratings(write(tmp_path, "\ufeffitem_id;rater;value\r\ni;ann;1\r\n"))
    assert found["value"].tolist() == [1.0]


def test_a_row_of_another_length_is_left_out_and_told_as_in_an_import(tmp_path):
    """One reader for both doors: half of a file is half of it."""
    found = read_any(write(tmp_path, "item_id,rater,value\ni,a,1\nj,a,1,2,3\nk,a,2\n"))
    assert found["item_id"].tolist() == ["i", "k"]
    assert found.index.tolist() == [2, 4]
    assert "1 rows left out: line 3 has 5 cells, the header has 3" in found.attrs["notes"]


def test_what_is_not_utf_8_is_windows_1252_as_in_an_import(tmp_path):
    found = read_any(write(tmp_path, b"item_id,rater,value\ni,Zo\xeb,1\n"))
    assert found["rater"].tolist() == ["Zoë"]
    assert "is not UTF-8: read as Windows-1252" in found.attrs["notes"]


def test_a_large_file_is_recognised_by_its_first_rows(tmp_path):
    rows = range(300)
    frame = pd.DataFrame({"item_id": [f"i{n // 2}" for n in rows], "rater": ["ann", "bob"] * 150, "value": rows})
    frame.to_parquet(tmp_path / "r.parquet", row_group_size=100)
    source = read_source(tmp_path / "r.parquet")
    records = [one.record for one in source.entries]
    assert records == frame.to_dict("records")  # made piece by piece, also those beyond the first rows
    assert [source.entries[place].record for place in (0, 63, 64, 299)] == [records[n] for n in (0, 63, 64, 299)]
    source.table.load = None  # a column that is read whole would raise
    assert recognise(source).table is not None
    assert [one.row for one in source.entries[:50]] == list(range(1, 51))
