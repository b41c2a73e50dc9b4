"""Nothing that happened to a run's files changes a number without a word: named, with the command that mends it."""

from __future__ import annotations

import json
import os
import random
import runpy
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError, IncompleteError
from harness.records import Item, Rating, Response
from harness.run import Run, check_run, file_name, read_events, seal, set_aside
from harness.run import checksums as sums

DAMAGE = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "damage.py"))


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch):
    monkeypatch.setattr(sums, "PAUSE", 0.0)


@pytest.fixture
def run(tmp_path):
    return DAMAGE["small_run"](tmp_path / "run")


def states(run):
    return {one.file: one.state for one in check_run(run) if one.state != "ok"}


def part(run, folder="ratings", number=0):
    return sorted((run.folder / folder).glob("*.parquet"))[number]


def test_a_whole_run_is_found_whole(run):
    assert states(run) == {}
    assert len(check_run(run)) > 10
    for path in run.folder.rglob("*.parquet"):  # also by who reads them without us
        pq.read_table(path, page_checksum_verification=True)


def test_flipped_bits_never_change_a_number_in_silence(run):
    """A part of what benchmarks/damage.py does."""
    before = DAMAGE["said"](run.folder)
    draw = random.Random(7)
    files = [path for path in sorted(run.folder.rglob("*")) if path.is_file() and path.name != ".lock"]
    found = set()
    for _ in range(60):
        path = draw.choice(files)
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(flipped)
        found.add(DAMAGE["outcome"](run.folder, before))
        path.write_bytes(content)
    assert found <= {"named when read", "named by harness check", "harmless"}
    assert DAMAGE["said"](run.folder) == before


def test_page_checksums_find_a_flipped_bit_without_our_own(run):
    path = part(run, "items")
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with pytest.raises((pa.ArrowException, OSError)):
        pq.read_table(path, page_checksum_verification=True)


@pytest.mark.parametrize(
    ("what", "state"),
    [("empty", "empty"), ("truncate", "truncated"), ("remove", "missing"), ("swap", "damaged"), ("add", "foreign")],
)
@pytest.mark.parametrize("folder", ["items", "responses", "ratings"])
def test_every_damage_is_named_and_mended(run, what, state, folder):
    path, whole = part(run, folder), len(getattr(run, folder))
    if what == "empty":
        path.write_bytes(b"")
    elif what == "truncate":
        path.write_bytes(path.read_bytes()[:-9])
    elif what == "remove":
        path.unlink()
    elif what == "swap":
        path.write_bytes(part(run, folder, -1).read_bytes() + bytes(10_000))
    else:
        path = path.with_name("brought.parquet")
        path.write_bytes(part(run, folder).read_bytes())
    file = str(path.relative_to(run.folder))
    assert states(run) == {file: state}
    fresh = Run(run.folder)
    with pytest.raises(HarnessError, match=rf"{path.name}: is {state}.*harness check .* --set-aside"):
        _ = getattr(fresh, folder)
    result = CliRunner().invoke(app, ["check", str(run.folder), "--json"])
    assert isinstance(result.exception, IncompleteError)
    assert json.loads(result.stdout)["states"][state] == 1
    assert CliRunner().invoke(app, ["check", str(run.folder), "--set-aside"]).exit_code == 0
    assert states(run) == {}
    left = getattr(Run(run.folder), folder)
    assert len(left) == whole if what == "add" else len(left) < whole
    assert (run.folder / "set-aside" / file).exists() == (what != "remove")


def test_the_command_that_makes_a_part_again_is_named(run):
    path = next(path for path in (run.folder / "ratings").glob("*.parquet") if "judge%20one" in path.name)
    path.write_bytes(b"PAR1")
    with pytest.raises(HarnessError, match=r"then `harness rate .* --rater 'judge one' --task small` makes it alone"):
        _ = Run(run.folder).ratings
    (run.folder / "manifest.json").write_text("{}")
    with pytest.raises(HarnessError, match=r"manifest.json: is truncated"):
        _ = Run(run.folder).manifest


def test_a_run_without_checksums_is_read_and_said_to_be_so(run):
    before = run.ratings
    for path in sorted((run.folder / "checksums").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    (run.folder / "checksums").rmdir()
    old = Run(run.folder)
    assert old.ratings.equals(before)
    assert set(states(old).values()) == {"without checksum"}
    old.note(more=True)
    old.write([Item(task="later", item_id="1", family="other", prompt="?")], "later")
    assert Run(run.folder).items["task"].nunique() == 2
    path = part(run)
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    assert states(old)[f"ratings/{path.name}"] == "damaged"
    with pytest.raises(HarnessError, match=path.name):
        _ = Run(run.folder).ratings
    path.write_bytes(content)
    assert len(seal(old)) > 5
    assert states(old) == {}
    path.write_bytes(content[:-20])
    assert states(old) == {f"ratings/{path.name}": "truncated"}


def test_a_column_that_no_record_has_is_no_part_of_an_old_run(tmp_path, run):
    """A flipped bit in a footer renames a column: what it held would be missing without a word."""
    rows = pq.read_table(part(run))
    rows = rows.rename_columns(["valuf" if name == "value" else name for name in rows.column_names])
    for entry in (run.folder / "checksums").rglob("*.json"):
        entry.unlink()
    pq.write_table(rows, part(run))
    with pytest.raises(HarnessError, match="has the column 'valuf', which no Rating has"):
        _ = Run(run.folder).ratings


KILLED = """
import os, sys
from harness.records import Item
from harness.run import Run
at, count = int(sys.argv[2]), 0
def killing(function):
    def replace(self, target):
        global count
        count += 1
        if count == at: os._exit(9)
        return function(self, target)
    return replace
import pathlib
pathlib.Path.replace = killing(pathlib.Path.replace)
Run(sys.argv[1]).replace_items("small", [Item(task="small", item_id="1", family="other", prompt="new?")])
"""


def test_a_file_written_anew_by_a_command_killed_before_its_checksum_is_read(run, monkeypatch):
    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(sums.Checksums, "_settle", dies)
        with pytest.raises(KeyboardInterrupt):
            run.note(seed=5)
    again = Run(run.folder)
    assert again.manifest["seed"] == 5  # without having been swept
    assert states(again) == {}


@pytest.mark.parametrize("at", range(1, 9))
def test_a_command_killed_between_a_file_and_its_checksum_leaves_a_run_that_goes_on(run, at):
    done = subprocess.run([sys.executable, "-c", KILLED, str(run.folder), str(at)], check=False)
    again = Run(run.folder)
    assert len(again.items) in (1, 24)  # without having been swept
    with again.lock():
        assert states(again) == {}
    assert done.returncode in (0, 9)


@given(st.text(max_size=200), st.text(max_size=200))
def test_two_names_never_share_a_file(one, other):
    assert (file_name(one) == file_name(other)) == (one == other)
    assert len(file_name(one).encode()) <= 120
    assert "/" not in file_name(one)
    assert not file_name(one).startswith(".")


@pytest.mark.parametrize(("one", "other"), [("a b", "a_b"), ("a/b", "a_b"), ("é", "e"), ("a%20b", "a b"), ("A", "a")])
def test_tasks_and_series_whose_names_differ_in_one_sign_keep_what_is_theirs(tmp_path, one, other):
    run = DAMAGE["Run"].create(tmp_path / "run", DAMAGE["Suite"].model_validate(DAMAGE["SUITE"]))
    for name in (one, other):
        run.replace_items(name, [Item(task=name, item_id="1", family="other", prompt=f"of {name}")])
        run.write_round({"series": name, "seed": 0, "round": 0, "kept": len(name)})
    assert set(Run(run.folder).items["task"]) == {one, other}
    assert set(Run(run.folder).rounds["series"]) == {one, other}


def rating(value, name="1", **fields):
    given = {"task": "small", "item_id": "1", "rater": "r", "rater_kind": "human", "criterion": "c", "scale": "ordinal"}
    return Rating(rating_id=name, value=value, **{**given, **fields})


@pytest.mark.parametrize(("first", "then"), [("a", "z"), ("z", "a"), ("a", "a")])
def test_of_two_ratings_with_one_id_the_later_written_counts_whatever_the_parts_are_called(run, first, then):
    run.write([rating(1.0, source="sheet"), rating(5.0, "2", source="sheet")], first)
    run.write([rating(2.0, source="sheet"), rating(5.0, "2", source="sheet")], then)
    now = Run(run.folder)
    values = dict(zip(now.ratings["rating_id"], now.ratings["value"], strict=True))
    assert (values["1"], values["2"]) == (2.0, 5.0)
    assert now.replaced.loc[now.replaced["rating_id"] == "1", "value"].tolist() == [1.0]
    run.write([rating(None, status="skipped", source="sheet")], first)  # taken back
    assert Run(run.folder).ratings.set_index("rating_id").loc["1", "status"] == "skipped"


def test_a_second_answer_and_a_second_summary_of_a_round_replace_the_first_which_is_kept(run):
    for text, name in (("old", "z"), ("new", "a")):
        run.write([Response(response_id="r00", task="small", item_id="0", model="m", text=text)], name)
    assert Run(run.folder).responses.set_index("response_id").loc["r00", "text"] == "new"
    for kept in (1, 2):
        run.write_round({"series": "s", "seed": 0, "round": 9, "kept": kept})
    assert Run(run.folder).rounds.set_index("series").loc["s", "kept"] == 2
    (earlier,) = (run.folder / "rounds").glob("*.replaced")
    assert json.loads(earlier.read_text())["kept"] == 1
    assert states(run) == {}


def test_a_journals_lines_are_checked_and_only_an_unfinished_one_is_cut_off(run):
    (path,) = (run.folder / "annotation").glob("*.jsonl")
    content = path.read_bytes()
    events, whole = read_events(path, content)
    assert (len(events), whole) == (5, content)
    assert read_events(path, content[:-1]) == (events, content)  # all but its end is there
    assert read_events(path, content[:-9])[0] == events[:-1]
    for place in (len(content) // 2, len(content) - 1, content.index(b"\n"), len(content) - 3):
        flipped = bytearray(content)
        flipped[place] ^= 2
        with pytest.raises(HarnessError, match=r"jsonl:\d+: is damaged"):
            read_events(path, bytes(flipped))


def test_set_aside_leaves_what_is_whole(run):
    assert set_aside(run, check_run(run)) == []
    os.chmod(part(run), 0o000)
    if os.geteuid():
        assert list(states(run).values()) == ["damaged"]
