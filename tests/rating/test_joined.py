"""Several files given together mean the same as one that holds the records of all."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.agreement import agree
from harness.cli import app
from harness.errors import HarnessError
from harness.rating import read_any
from harness.rating.files import gathered
from harness.rating.files.source import read_source

FIXTURES = Path(__file__).parent / "fixtures"
ROWS = pd.DataFrame(
    [(f"i{n}", rater, (n * step) % 5 + 1) for n in range(12) for step, rater in ((1, "ann"), (2, "bob"), (3, "cat"))],
    columns=["item_id", "rater", "value"],
)


def figures(source, **options):
    found = agree(source, resamples=20, **options).to_json()
    found["read"] = [note for note in found["read"] if not note.startswith("csv: ")]
    return json.dumps(found)


def files(folder, parts, ending="csv"):
    """Write each part as a file of its own, and all as one."""
    write = {
        "csv": lambda rows, path: rows.to_csv(path, index=False),
        "parquet": lambda rows, path: rows.to_parquet(path, index=False),
        "jsonl": lambda rows, path: rows.to_json(path, orient="records", lines=True),
        "xlsx": lambda rows, path: rows.to_excel(path, index=False),
    }[ending]
    paths = [folder / f"part-{n}.{ending}" for n in range(len(parts))]
    for part, path in zip(parts, paths, strict=True):
        write(part, path)
    write(pd.concat(parts, ignore_index=True), folder / f"all.{ending}")
    return paths, folder / f"all.{ending}"


CUTS = {
    "items in one file each": lambda rows: [rows[:18], rows[18:]],
    "raters in one file each": lambda rows: [rows[rows["rater"] == rater] for rater in ("bob", "ann", "cat")],
    "one row by itself": lambda rows: [rows[:1], rows[1:7], rows[7:]],
    "some rated again": lambda rows: [rows, rows[3:9].assign(value=2)],
    "a column more": lambda rows: [rows[:18], rows[18:].assign(criterion="tone")],
    "words in one": lambda rows: [rows[:18], rows[18:].assign(value=lambda some: some["value"].map("{}/5".format))],
    "halves in one": lambda rows: [rows[:18], rows[18:].assign(value=lambda some: some["value"] + 0.5)],
    "other names": lambda rows: [rows[:18], rows[18:].assign(item_id=lambda some: some["item_id"].str[1:].astype(int))],
}


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl", "xlsx"])
@pytest.mark.parametrize("cut", CUTS.values(), ids=list(CUTS))
def test_files_are_as_one(tmp_path, cut, ending):
    parts = cut(ROWS)
    if ending == "parquet":  # what pandas makes of columns of two kinds, no Parquet holds
        mixed = pd.concat(parts).infer_objects().dtypes.eq(object).any()
        parts = [part.astype(str) if mixed else part for part in parts]
    paths, whole = files(tmp_path, parts, ending)
    assert figures(paths) == figures(whole)


@pytest.mark.parametrize("least", [0, 1 << 20], ids=["by unit", "by row"])
def test_large_files_are_as_one(tmp_path, monkeypatch, least):
    monkeypatch.setattr(gathered, "GATHERED_FROM", least)
    paths, whole = files(tmp_path, [ROWS[:17], ROWS[17:20], ROWS[20:]], "parquet")
    assert figures(paths) == figures(whole)
    assert agree(paths, resamples=0).units[0].names.tolist() == [f"i{n}" for n in range(12)]


def test_tables_of_two_formats_are_one(tmp_path):
    (first, _), whole = files(tmp_path, [ROWS[:18], ROWS[18:]])
    ROWS[18:].to_parquet(tmp_path / "rest.parquet")
    assert figures([first, tmp_path / "rest.parquet"]) == figures(whole)


def test_exports_of_other_tools_are_one(tmp_path):
    export = FIXTURES / "label_studio.json"
    tasks = json.loads(export.read_text())
    for name, some in (("a", tasks[:1]), ("b", tasks[1:])):
        (tmp_path / f"{name}.json").write_text(json.dumps(some))
    joined, whole = read_any([tmp_path / "a.json", tmp_path / "b.json"]), read_any(export)
    columns = ["item_id", "rater", "criterion", "value", "label"]
    assert joined[columns].astype(str).values.tolist() == whole[columns].astype(str).values.tolist()
    assert joined.index.tolist() == whole.index.tolist()


def test_a_complaint_names_the_file_and_its_row(tmp_path):
    paths, _ = files(tmp_path, [ROWS[:18], ROWS[18:].assign(value=lambda rows: rows["value"].replace(5, 9))])
    bad = int((ROWS["value"][18:].to_numpy() == 5).argmax()) + 1
    with pytest.raises(HarnessError, match=f"part-1.csv: row {bad}: 9 for rating is outside"):
        agree(paths, score_range=(1, 5))
    (tmp_path / "half.csv").write_text("item_id,rater,value\ni1,ann\n")
    assert "1 rows left out: half.csv: line 2 has 2 cells, the header has 3" in str(
        read_any([*paths, tmp_path / "half.csv"]).attrs["notes"]
    )


def test_files_that_cannot_be_one_are_refused(tmp_path):
    paths, whole = files(tmp_path, [ROWS[:18], ROWS[18:]])
    ROWS.to_json(tmp_path / "all.jsonl", orient="records", lines=True)
    ROWS.to_csv(tmp_path / "comma.csv", index=False, sep=";")
    for second, wrong in ((paths[0], "is given twice"), (tmp_path / "all.jsonl", "give files of one kind"),
                          (tmp_path / "comma.csv", "a comma is decimal in it")):  # fmt: skip
        with pytest.raises(HarnessError, match=wrong):
            read_any([paths[0], second])
    with pytest.raises(HarnessError, match="no file is given"):
        read_any([])
    assert read_source(whole).files == []


def test_the_command_takes_several_files(tmp_path):
    paths, whole = files(tmp_path, [ROWS[:18], ROWS[18:]])
    run = CliRunner()
    both, one = (
        run.invoke(app, ["agree", *map(str, some), "--json", "--resamples", "20"]) for some in (paths, [whole])
    )
    assert both.exit_code == 0
    assert json.loads(both.stdout)["tables"] == json.loads(one.stdout)["tables"]
