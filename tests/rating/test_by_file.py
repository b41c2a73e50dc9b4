"""One file a rater: the file's name is taken for the rater where nothing else says who rated, and that is said."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from harness.agreement import agree
from harness.errors import HarnessError
from harness.rating import read_any

PEOPLE = {"ann": 1, "bob": 2, "cat": 3}
ROWS = pd.DataFrame(
    [(f"i{n}", rater, (n * step) % 5 + 1) for rater, step in PEOPLE.items() for n in range(12)],
    columns=["item_id", "rater", "value"],
)
WRITE = {
    "csv": lambda rows, path: rows.to_csv(path, index=False),
    "parquet": lambda rows, path: rows.to_parquet(path, index=False),
    "jsonl": lambda rows, path: rows.to_json(path, orient="records", lines=True),
    "xlsx": lambda rows, path: rows.to_excel(path, index=False),
}


def sheets(folder, called="{}.csv", column="score", rows=ROWS, **beside):
    """Write each rater's ratings as a file of its own, without saying whose they are."""
    paths = [folder / called.format(name) for name in PEOPLE]
    for path, name in zip(paths, PEOPLE, strict=True):
        path.parent.mkdir(exist_ok=True)
        own = rows[rows["rater"] == name].drop(columns="rater").rename(columns={"value": column})
        WRITE[path.suffix[1:]](own.assign(**beside), path)
    return paths


def alphas(source, **options):
    found = agree(source, resamples=0, **options)
    return {table.criterion: (table.raters, table.coefficients["alpha"].value) for table in found.tables}


RIGHT = alphas(ROWS)["rating"]


@pytest.mark.parametrize(
    "called", ["{}.csv", "{}.xlsx", "{}.parquet", "{}.jsonl", "ratings_{}_2024-05.csv", "{}/labels.csv"]
)
def test_a_file_of_each_rater_is_read_as_the_table_of_all(tmp_path, called):
    paths = sheets(tmp_path, called)
    assert alphas(paths) == {"rating": RIGHT}
    said = [note for note in read_any(paths).attrs["notes"] if "taken for the rater's (ann, bob, cat)" in note]
    assert len(said) == 1


def test_columns_beside_it_are_criteria_of_each(tmp_path):
    paths = sheets(tmp_path, column="fluency", relevance=3)
    assert alphas(paths)["fluency"] == RIGHT


def test_rows_that_sum_up_a_file_are_no_items(tmp_path):
    paths = sheets(tmp_path)
    for path in paths:
        path.write_text(path.read_text() + "Mean,3\n")
    assert alphas(paths) == {"rating": RIGHT}


@pytest.mark.parametrize("called", ["{}-prodigy.jsonl", "{}.jsonl"])
def test_exports_of_one_person_each_are_the_persons(tmp_path, called):
    """Prodigy with a dataset a person; doccano, which writes a file a user."""
    for name, step in PEOPLE.items():
        rows = [(n, ("pos", "neg", "neu")[n * step % 3]) for n in range(9)]
        if "prodigy" in called:
            beside = {"text": "a", "options": [{"id": one} for one in ("pos", "neg", "neu")], "answer": "accept"}
            told = [{**beside, "_input_hash": n, "accept": [said]} for n, said in rows]
        else:
            told = [{"id": n, "text": "a", "label": [said], "Comments": []} for n, said in rows]
        (tmp_path / called.format(name)).write_text("\n".join(map(json.dumps, told)))
    paths = [tmp_path / called.format(name) for name in PEOPLE]
    ((raters, alpha),) = alphas(paths).values()
    assert raters == ["ann", "bob", "cat"]
    # three items are pos of all, six are of all three: 6 x 6 / 2 pairs differ; pos 15 times, neg 6, neu 6
    assert alpha == pytest.approx(1 - 26 * 18 / (27**2 - 15**2 - 6**2 - 6**2))


def test_nothing_is_taken_for_a_rater_that_may_be_none(tmp_path):
    parts = ROWS.assign(item_id=ROWS["rater"] + ROWS["item_id"])  # each rated other items: parts of one table
    assert alphas(sheets(tmp_path, rows=parts))["rating"][0] == ["score"]
    for called in ("batch-{}.csv", "{}.csv"):  # numbers are nobody's names, nor are words for what is rated
        names = [called.format(name) for name in ((1, 2, 3) if "batch" in called else ("fluency", "tone", "style"))]
        paths = [path.rename(tmp_path / name) for path, name in zip(sheets(tmp_path), names, strict=True)]
        assert alphas(paths)["rating"][0] == ["score"]
    across = ROWS.pivot(index="item_id", columns="rater", values="value").reset_index()
    paths = [tmp_path / "north.csv", tmp_path / "south.csv"]
    for path in paths:  # raters are columns
        across.to_csv(path, index=False)
    assert alphas(paths)["rating"][0] == ["ann", "bob", "cat"]


def test_what_is_said_of_the_rater_counts(tmp_path):
    paths = sheets(tmp_path, who="x")
    assert read_any(paths, rater_name="dan")["rater"].unique().tolist() == ["dan"]
    assert read_any(paths, rater="who", value="score")["rater"].unique().tolist() == ["x"]
    with pytest.raises(HarnessError, match="has no column 'nobody'"):
        read_any(paths, rater="nobody")
