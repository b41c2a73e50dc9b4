"""What no reader can read for sure, or to its end, is an error at once: bombs, nesting, doubled keys, infinity."""

from __future__ import annotations

import bz2
import csv
import gzip
import json
import lzma
import time
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError
from harness.rating.files import limits
from harness.rating.files.limits import allow_bytes, read_json
from harness.rating.files.mapping import Mapping
from harness.rating.files.presets import recognise
from harness.rating.files.reading import read_ratings
from harness.rating.files.source import read_source
from harness.rating.people.formulas import guarded, unguarded
from harness.records import Rating
from harness.suite import read_document

HEADER = "item_id,rater,criterion,value\n"
ROW = {"item_id": "1", "rater": "ada", "criterion": "c", "value": 1}


@pytest.fixture(autouse=True)
def limits_again():
    yield
    allow_bytes(None)


def quickly(function, *arguments):
    """Call a function that must say what is wrong, and return what it says; a machine under load gets five seconds."""
    started = time.perf_counter()
    with pytest.raises(HarnessError) as caught:
        function(*arguments)
    assert time.perf_counter() - started < 5
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('[{"value": ' + "[" * 100_000, "nested too deeply"),
        ('[{"value": ' + "9" * 5_000 + "}]", "a number has 5,000 digits"),
        ('[{"value": 1, "value": 5}]', "the key 'value' stands twice in one object"),
        ('[{"a": {"b": 1, "c": 2, "b": 1}}]', "the key 'b' stands twice"),
        ('[{"rater": "\\ud800"}]', "half a character"),
    ],
)
def test_json_that_cannot_be_read_for_sure(tmp_path, text, said):
    path = tmp_path / "a.json"
    path.write_text(text)
    assert said in quickly(read_source, path)
    lines = tmp_path / "a.jsonl"
    line = text.removeprefix("[").removesuffix("]")
    lines.write_text(json.dumps(ROW) + "\n" + line + "\n" + json.dumps(ROW) + "\n")
    found = read_source(lines)
    assert len(found.entries) == 2
    assert [row for row, _ in found.unreadable] == [2]
    assert said in found.unreadable[0][1]


@given(
    st.text()
    | st.recursive(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.text(), st.lists).map(json.dumps)
)
def test_json_is_read_as_python_reads_it_or_not_at_all(text):
    try:
        found = read_json(text)
    except ValueError:
        return
    assert found == json.loads(text)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_what_unpacks_without_end_is_not_unpacked(tmp_path, pack):
    path = tmp_path / "bomb.csv.packed"
    path.write_bytes(pack(HEADER.encode() + b"0" * (80 << 20)))
    assert "unpacks to more than 100 times" in quickly(read_source, path)
    path.write_bytes(pack((HEADER + "1,ada,c,1\n").encode()))
    assert len(read_source(path).entries) == 1


def test_max_bytes_says_how_much_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(HEADER + "1,ada,c,1\n" * 100)
    allow_bytes(500)
    assert f"has {path.stat().st_size:,} bytes, and 500 are read at most; --max-bytes N reads more" in quickly(
        read_source, path
    )
    packed = tmp_path / "a.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert "500 are read at most" in quickly(read_source, packed)
    result = CliRunner().invoke(app, ["import", str(path), "--dry-run", "--max-bytes", "500"])
    assert isinstance(result.exception, HarnessError)
    assert CliRunner().invoke(app, ["import", str(path), "--dry-run", "--max-bytes", "5000"]).exit_code == 0


def test_an_excel_file_that_unpacks_without_end(tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (80 << 20))
    assert "unpacks to 83,886,080 bytes" in quickly(read_source, path)


def test_a_table_with_more_columns_than_any_has(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{n}" for n in range(100_000)) + "\n" + "1," * 99_999 + "1\n")
    assert "wide.csv:1: has 100,000 columns" in quickly(read_source, path)
    assert limits.MOST_COLUMNS < 100_000


def test_infinity_is_no_time_and_no_value(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("item_id,rater,criterion,value,seconds\n1,ada,c,1,inf\n2,ada,c,1e999,2\n3,ada,c,1,2\n")
    source = read_source(path)
    found = read_ratings(source, recognise(source))
    assert [one.item_id for one in found.ratings] == ["3"]
    assert [one.row for one in found.rejected] == [1, 2]
    assert all("finite" in one.reason for one in found.rejected)
    mapping = Mapping.model_validate(
        {
            "name": "m",
            "reads": ["json"],
            "fields": {**dict(zip(["item_id", "rater", "criterion", "value"], "ircv", strict=True)),
                       "created_at": {"path": "t", "unix": True}},
        }
    )  # fmt: skip
    rows = [{"i": "1", "r": "a", "c": "c", "v": 1, "t": when} for when in (1e300, 0)]
    timed = tmp_path / "a.json"
    timed.write_text(json.dumps(rows))
    found = read_ratings(read_source(timed), mapping)
    assert [one.created_at for one in found.ratings] == ["1970-01-01T00:00:00+00:00"]
    assert [one.reason.split(" is no time")[0] for one in found.rejected] == ["'1e+300'"]
    with pytest.raises(ValueError, match="finite"):
        Rating.model_validate(
            {**ROW, "rating_id": "1", "task": "t", "rater_kind": "human", "scale": "ordinal", "value": float("inf")}
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 20_000 + "]" * 20_000, "nested too deeply"),
        ("[" * 1_000_000, "nested too deeply"),
        ("- " * 1_000_000 + "x", "nested too deeply"),
        ("? " * 100_000 + "x", "nested too deeply"),
        ("a: " + "{a: " * 20_000, "nested too deeply"),
        ("a: " + "9" * 5_000, "is not YAML"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 40)), "aliases"),
        ("a: &a [*a]", "aliases stand for more"),
        ("? [a, b]\n: 1\n? {c: d}\n: 2", "is not YAML"),
        ("a: 2024-99-99", "is not YAML"),
    ],
)  # fmt: skip
def test_yaml_that_cannot_be_read(tmp_path, text, said):
    path = tmp_path / "suite.yaml"
    path.write_text(text)
    assert said in quickly(read_document, path)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_every_cell_that_a_spreadsheet_takes_for_a_formula_is_guarded_and_comes_back(start):
    assert guarded(f"{start}1+1") == f"'{start}1+1"
    assert unguarded(guarded(f"{start}1+1")) == f"{start}1+1"
    assert unguarded(guarded("'quoted'")) == "'quoted'"


def test_control_characters_never_reach_a_terminal(tmp_path):
    path = tmp_path / "a.csv"
    name = "ada\x1b[31m\x07\x9b0m"
    with path.open("w", newline="") as handle:
        rows = [[str(n), name + rater, "c\x1b]0;title\x07", str(n % 3)] for n in range(6) for rater in "ab"]
        csv.writer(handle).writerows([HEADER.strip().split(","), *rows])
    for command in (
        ["agree", str(path), "--level", "interval"],
        ["import", str(path), "--dry-run"],
        ["agree", str(path) + "\x1b[0m"],
    ):
        result = CliRunner().invoke(app, command)
        said = result.output + str(result.exception or "")
        assert "\x07" not in result.output
        assert "\x1b" not in result.output
        assert "ada" in said or "no such file" in said
