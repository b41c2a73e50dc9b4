"""A sheet goes out blind, comes back filled in, and people stand beside the other raters."""

from __future__ import annotations

import csv

import pytest

from harness.errors import HarnessError
from harness.rating.people.human import import_ratings
from harness.rating.people.sheets import export_csv
from harness.records import Item, Response
from harness.run.folder import Run
from harness.suite import Suite

KEY = bytes(range(32))


@pytest.fixture
def run(tmp_path) -> Run:
    suite = Suite.model_validate(
        {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    )
    run = Run.create(tmp_path / "run", suite)
    run.write([Item(task="t", item_id=str(n), family="commonsense", prompt=f"Question {n}?") for n in range(4)], "t")
    answers = [
        Response(response_id=f"{n * 7919:08x}{model}", task="t", item_id=str(n), model=name, text=f"={model}{n}")
        for n in range(4)
        for model, name in (("a", "secret-model"), ("b", "other-model"))
    ]
    run.write(answers, "t")
    return run


def fill(path, values, rater="Ada Lovelace"):
    with path.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row, value in zip(rows, values, strict=False):
        row.update(rater=rater, value=value)
    with path.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_sheet_is_blind_and_safe_in_a_spreadsheet(run, tmp_path):
    assert export_csv(run, tmp_path / "sheet.csv") == 8
    text = (tmp_path / "sheet.csv").read_text()
    assert "secret-model" not in text
    assert "other-model" not in text
    assert "'=a0" in text


def test_a_filled_sheet_becomes_ratings_under_a_pseudonym(run, tmp_path):
    sheet = tmp_path / "sheet.csv"
    export_csv(run, sheet)
    fill(sheet, ["1", "0", "right", "wrong", "1", "0", "1", ""])
    found = import_ratings(sheet, run, key=KEY)
    assert (found.read, len(found.ratings), found.rejected) == (8, 8, [])
    rows = Run(run.folder).ratings.set_index("response_id").loc[[one.response_id for one in found.ratings]]
    assert rows["value"].tolist()[:7] == [1, 0, 1, 0, 1, 0, 1]
    assert rows["status"].tolist() == ["ok"] * 7 + ["skipped"]
    assert rows["rater"].nunique() == 1
    assert rows["rater"].str.fullmatch("h_[0-9a-f]{8}").all()
    assert "Lovelace" not in "".join(str(row) for row in rows.to_dict("records"))
    assert set(rows["scale"]) == {"binary"}
    assert set(rows["criterion"]) == {"correctness"}


def test_importing_twice_is_harmless_and_a_later_answer_fills_a_skip(run, tmp_path):
    sheet = tmp_path / "sheet.csv"
    export_csv(run, sheet)
    fill(sheet, ["1"] * 7 + [""])
    import_ratings(sheet, run, key=KEY)
    fill(sheet, ["1"] * 8)
    import_ratings(sheet, run, key=KEY)
    import_ratings(sheet, run, key=KEY)
    assert Run(run.folder).ratings["value"].tolist() == [1] * 8


def test_what_does_not_fit_is_left_out_with_its_line(run, tmp_path):
    sheet = tmp_path / "sheet.csv"
    export_csv(run, sheet)
    fill(sheet, ["1", "7", "perhaps", "1", "1", "1", "1", "1"])
    lines = sheet.read_text().splitlines()
    lines[4] = lines[4].replace(lines[4].split(",")[1], "unknown")
    sheet.write_text("\n".join(lines))
    found = import_ratings(sheet, run, key=KEY)
    assert found.read == len(found.ratings) + len(found.rejected) == 8
    assert [one.row for one in found.rejected] == [2, 3, 4]
    reasons = [one.reason for one in found.rejected]
    assert "line 3: value 7 for correctness is outside the scale: 0 (wrong), 1 (right)" in reasons[0]
    assert "line 4: value 'perhaps' for correctness: expected a number" in reasons[1]
    assert "line 5: the run has no response 'unknown'" in reasons[2]


def test_rows_whose_columns_were_sorted_apart_are_left_out(run, tmp_path):
    sheet = tmp_path / "sheet.csv"
    export_csv(run, sheet)
    fill(sheet, ["1"] * 8)
    head, *rows = [line.split(",", 1) for line in sheet.read_text().splitlines()]
    by_item = [item for item, _ in rows]
    by_item[0], by_item[-1] = by_item[-1], by_item[0]
    apart = [f"{item},{rest}" for item, (_, rest) in zip(by_item, rows, strict=True)]
    sheet.write_text("\n".join([",".join(head), *apart]))
    found = import_ratings(sheet, run, key=KEY)
    assert [one.row for one in found.rejected] == [1, 8]
    assert all("is to item" in one.reason and "export the sheet from this run" in one.reason for one in found.rejected)


def test_a_file_of_another_run_is_an_error(run, tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("item_id,rater,criterion,value\n99,ada,correctness,1\n")
    with pytest.raises(HarnessError, match="none of its 1 rows fits"):
        import_ratings(other, run, key=KEY)


def test_a_pair_is_told_from_one_side_whoever_was_shown_first(run, tmp_path):
    rows = sorted(run.responses[run.responses["item_id"] == "1"].to_dict("records"), key=lambda row: row["model"])
    first, second = (row["response_id"] for row in rows)  # other-model, secret-model
    sheet = tmp_path / "pairs.csv"
    sheet.write_text(
        "item_id,response_id,against_id,rater,criterion,value\n"
        f"1,{first},{second},ada,preference,1\n1,{second},{first},bob,preference,1\n"
    )
    found = import_ratings(sheet, run, key=KEY)
    assert [(one.response_id, one.against_id, one.value, one.order) for one in found.ratings] == [
        (first, second, 1, "response_first"),
        (first, second, 0, "against_first"),
    ]


def test_an_exported_pair_is_answered_with_a_b_or_tie(run, tmp_path):
    sheet = tmp_path / "pairs.csv"
    assert export_csv(run, sheet, ["human_preference"]) == 4
    fill(sheet, ["A", "B", "tie", "A"])
    found = import_ratings(sheet, run, key=KEY)
    assert sorted(one.value for one in found.ratings if one.value == 0.5) == [0.5]
    assert found.rejected == []


def test_judges_and_slots_keep_their_names(run, tmp_path):
    sheet = tmp_path / "long.csv"
    answer = run.responses["response_id"].iloc[0]
    lines = [f"{answer},{who},correctness,1,{kind}\n" for who, kind in (("gpt-9", "ai"), ("crowd_slot_2", "human"))]
    sheet.write_text("response_id,rater,criterion,value,rater_kind\n" + "".join(lines))
    found = import_ratings(sheet, run, "csv-long", key=KEY)
    assert [one.rater for one in found.ratings] == ["gpt-9", "crowd_slot_2"]


def test_the_key_decides_the_pseudonym(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_KEY_FILE", str(tmp_path / "keys" / "key"))
    sheet = tmp_path / "sheet.csv"
    export_csv(run, sheet)
    fill(sheet, ["1"] * 8)
    raters = {
        import_ratings(sheet, run, dry_run=True, key=key).ratings[0].rater for key in (None, None, KEY, b"x" * 32)
    }
    assert len(raters) == 3
    assert (tmp_path / "keys" / "key").stat().st_mode & 0o077 == 0
    assert Run(run.folder).ratings.empty


def long_sheet(path, value, time="", more=""):
    header = "response_id,rater,criterion,value" + (",created_at" if time else "") + (",rating_id" if more else "")
    cells = [one for one in (time, more) if one]
    path.write_text(header + "\n" + ",".join(["00000000a", "ada", "correctness", str(value), *cells]) + "\n")
    return path


def counted(run):
    """Values by repetition, and those that were replaced."""
    now = Run(run.folder)
    return dict(zip(now.ratings["repetition"], now.ratings["value"], strict=True)), now.replaced["value"].tolist()


def test_a_corrected_sheet_of_the_same_name_replaces_and_the_earlier_is_kept(run, tmp_path):
    import_ratings(long_sheet(tmp_path / "z.csv", 0), run, key=KEY)
    found = import_ratings(long_sheet(tmp_path / "z.csv", 1), run, key=KEY)
    assert (found.replaced, found.repeated) == (1, 0)
    assert "1 ratings replace earlier ones, which stay in the run as replaced" in found.notes
    assert counted(run) == ({0: 1.0}, [0.0])


@pytest.mark.parametrize(("first", "then"), [("a", "z"), ("z", "a")])
def test_a_corrected_sheet_of_another_name_is_asked_about_and_nothing_is_written(run, tmp_path, first, then):
    import_ratings(long_sheet(tmp_path / f"{first}.csv", 0), run, key=KEY)
    corrected = long_sheet(tmp_path / f"{then}.csv", 1)
    with pytest.raises(
        HarnessError, match=rf"from {first}.csv.* was 0, and is 1 here. Say --replace .*--as-repetition"
    ):
        import_ratings(corrected, run, key=KEY)
    assert counted(run) == ({0: 0.0}, [])
    assert import_ratings(corrected, run, key=KEY, over="replace").replaced == 1
    assert counted(run) == ({0: 1.0}, [0.0])
    assert import_ratings(corrected, run, key=KEY).replaced == 0  # the same again changes nothing
    assert counted(run)[0] == {0: 1.0}


def test_a_second_round_of_the_same_people_is_a_repetition_by_word_or_by_time(run, tmp_path):
    import_ratings(long_sheet(tmp_path / "a.csv", 0), run, key=KEY)
    assert import_ratings(long_sheet(tmp_path / "b.csv", 1), run, key=KEY, over="repetition").repeated == 1
    assert counted(run) == ({0: 0.0, 1: 1.0}, [])


def test_times_tell_a_later_rating_from_a_correction(run, tmp_path):
    import_ratings(long_sheet(tmp_path / "a.csv", 0, "2026-01-02T10:00:00+02:00"), run, key=KEY)
    assert import_ratings(long_sheet(tmp_path / "b.csv", 1, "2026-01-02T08:30:00Z"), run, key=KEY).repeated == 1
    with pytest.raises(HarnessError, match="neither ids nor times"):
        import_ratings(long_sheet(tmp_path / "c.csv", 1, "2025-12-31"), run, key=KEY)
    assert counted(run) == ({0: 0.0, 1: 1.0}, [])


def test_the_same_rating_id_replaces_whatever_the_file_is_called(run, tmp_path):
    import_ratings(long_sheet(tmp_path / "z.csv", 0, more="r-17"), run, key=KEY)
    assert import_ratings(long_sheet(tmp_path / "a.csv", 1, more="r-17"), run, key=KEY).replaced == 1
    assert counted(run) == ({0: 1.0}, [0.0])
    with pytest.raises(HarnessError, match="neither ids nor times"):
        import_ratings(long_sheet(tmp_path / "b.csv", 0, more="r-18"), run, key=KEY)


def test_an_empty_cell_of_another_sheet_takes_nothing_away_and_a_corrected_one_does(run, tmp_path):
    import_ratings(long_sheet(tmp_path / "a.csv", 1), run, key=KEY)
    found = import_ratings(long_sheet(tmp_path / "b.csv", ""), run, key=KEY)
    assert [one.reason for one in found.rejected] == ["skipped, but the run has an answer of this rater already"]
    import_ratings(long_sheet(tmp_path / "a.csv", ""), run, key=KEY)
    now = Run(run.folder)
    assert now.ratings["status"].tolist() == ["skipped"]
    assert now.replaced["value"].tolist() == [1.0]
