"""One number: every file, by the command and by an import, as CSV, JSON, JSON Lines, Parquet and Excel."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.agreement import agree
from harness.rating.files.direct import form_of, frame_of, read_any
from harness.rating.files.reading import read_ratings
from harness.rating.files.source import read_source

FIXTURES = Path(__file__).parent / "fixtures"
OTHERS = ("programs.jsonl", "own_types.jsonl", "tokens.jsonl", "choices.jsonl", "numbers.jsonl", "judges.jsonl")
"""Fixtures that are no ratings."""
FILES = sorted(path for path in FIXTURES.rglob("*.*") if path.suffix in (".csv", ".json", ".jsonl"))
FILES = [path for path in FILES if not path.name.endswith(".min.json") and path.name not in OTHERS]
SHEETS = [
    path for path in FILES if path.suffix == ".csv" and path.name not in ("qualtrics_long.csv", "long_cp1252.csv")
]
MIXED = ("label_studio.json", "mt_bench.jsonl")
"""Fixtures with a text in one record where another has a list or a mapping: no column of Parquet holds both."""
COLUMNS = ["item_id", "rater", "rater_kind", "criterion", "value", "label"]


def told(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """Every rating that has a value, as text and in order."""
    frame = frame.assign(label=frame.get("label"))
    frame = frame[frame["value"].notna() | frame["label"].notna()]
    rows = frame[COLUMNS].astype(object).where(frame[COLUMNS].notna(), None)
    return sorted(tuple(str(cell) for cell in row) for row in rows.itertuples(index=False, name=None))


def numbers(frame: pd.DataFrame) -> dict[str, tuple[float, float, int]]:
    found = agree(frame, resamples=0)
    return {
        table.criterion: (*(one.value for one in list(table.coefficients.values())[:2]), table.n_items)
        for table in found.tables
    }


def same(a, b):
    assert a.keys() == b.keys()
    for name in a:
        assert a[name] == pytest.approx(b[name], nan_ok=True)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_both_doors_read_the_same_ratings(path):
    by_command = read_any(path)
    source = read_source(path)
    by_import = frame_of(read_ratings(source, form_of(source)))
    first = by_command
    if "repetition" not in first:  # a command takes the first rating; an import numbers them
        cell = [name for name in ("item_id", "response_id", "rater", "criterion") if name in first]
        first = first[~first.duplicated(cell)]
    assert told(first) == told(by_import[by_import["repetition"] == 0])
    same(numbers(by_command), numbers(by_import))


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: path.name)
def test_a_table_is_the_same_in_every_format(path, tmp_path):
    with path.open(newline="", encoding="utf-8") as file:
        text = file.read().replace("\r\n", "\n").replace("\r", "\n")
    rows = list(csv.reader(text.splitlines(keepends=True)))
    header, cells = rows[0], [row for row in rows[1:] if row]
    records = [dict(zip(header, row, strict=True)) for row in cells]
    name = path.stem
    (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    (tmp_path / f"{name}.json").write_text(json.dumps(records))
    pq.write_table(pa.Table.from_pylist(records), tmp_path / f"{name}.parquet")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(tmp_path / f"{name}.xlsx")
    wanted = read_any(path)
    for other in sorted(tmp_path.iterdir()):
        found = read_any(other)
        assert told(found) == told(wanted), other.name
        same(numbers(found), numbers(wanted))


@pytest.mark.parametrize(
    "path", [path for path in FILES if path not in SHEETS and path.suffix != ".csv"], ids=lambda p: p.name
)
def test_records_are_the_same_in_every_wrapping(path, tmp_path):
    text = path.read_text(encoding="utf-8")
    records = json.loads(text) if text.lstrip()[0] == "[" else [json.loads(line) for line in text.splitlines() if line]
    (tmp_path / f"{path.stem}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    (tmp_path / f"{path.stem}.json").write_text(json.dumps(records))
    wanted = read_any(path)
    for other in sorted(tmp_path.iterdir()):
        assert told(read_any(other)) == told(wanted), other.name


def filled(node):
    """What Parquet keeps of a record: a mapping without a key has no type of its own, and is null."""
    if isinstance(node, dict):
        return {key: filled(value) for key, value in node.items()} or None
    return [filled(one) for one in node] if isinstance(node, list) else node


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.suffix != ".csv" and path.name not in MIXED],
    ids=lambda path: path.name,
)
def test_nested_records_are_the_same_from_parquet(path, tmp_path):
    """A column of mappings has the keys of all records, null where a record has none: that is no answer."""
    text = path.read_text(encoding="utf-8")
    records = json.loads(text) if text.lstrip()[0] == "[" else [json.loads(line) for line in text.splitlines() if line]
    other = tmp_path / f"{path.stem}.parquet"
    pq.write_table(pa.Table.from_pylist([filled(one) for one in records]), other)
    wanted, found = read_any(path), read_any(other)
    assert told(found) == told(wanted)
    same(numbers(found), numbers(wanted))


def test_numbers_are_written_as_numbers_or_as_words(tmp_path):
    """Grades as text in CSV, as whole numbers in JSON, as floats in Parquet; ids as numbers, or as text."""
    frame = pd.DataFrame({"item_id": [1, 1, 2, 2, 3, 3], "rater": ["a", "b"] * 3, "value": [1.0, 1, 2, 3, 3, 3]})
    frame.to_csv(tmp_path / "r.csv", index=False)
    frame.to_parquet(tmp_path / "r.parquet")
    frame.to_json(tmp_path / "r.json", orient="records")
    frame.to_excel(tmp_path / "r.xlsx", index=False)
    found = [read_any(path) for path in sorted(tmp_path.iterdir())]
    assert len({json.dumps(told(one)) for one in found}) == 1


def test_ids_keep_their_last_digit(tmp_path):
    """Ids longer than a double can hold are not rounded into one another."""
    ids = [1234567890123456780, 1234567890123456781]
    frame = pd.DataFrame({"item_id": [*ids, *ids], "rater": list("aabb"), "value": [1, 2, 1, 2]})
    frame.to_parquet(tmp_path / "r.parquet")
    (tmp_path / "r.json").write_text(json.dumps(frame.to_dict("records")))
    for path in tmp_path.iterdir():
        assert sorted(read_any(path)["item_id"].unique()) == [str(one) for one in ids]
