"""A run's folder: whole parts, no doubles, no other suite, one command at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from harness.errors import HarnessError, IncompleteError
from harness.records import Item, Rating, Response
from harness.run.folder import Run
from harness.suite import Suite

SUITE = Suite.model_validate({"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "a"}]})


def item(number: int) -> Item:
    return Item(task="a", item_id=str(number), family="other", prompt="?", choices=["x", "y"], target="1")


def rating(number: int, **fields) -> Rating:
    given = {
        "task": "a",
        "item_id": str(number),
        "rater": "r",
        "rater_kind": "judge",
        "criterion": "c",
        "scale": "binary",
    }
    return Rating(rating_id=str(number), **{**given, **fields})


def test_records_come_back_as_they_went(tmp_path):
    run = Run.create(tmp_path / "run", SUITE)
    response = Response(
        response_id="1", task="a", item_id="1", model="m", logprobs=[-1.5, -0.5], text="\u202eé\x00", round=2
    )
    run.write([item(1), item(2)], "a")
    run.write([response], "a")
    run.write([rating(1, value=0.5, flags=["visible_only"])], "r")
    again = Run(tmp_path / "run")
    assert list(again.records(Item)) == [item(1), item(2)]
    assert list(again.records(Response)) == [response]
    assert list(again.records(Rating)) == [rating(1, value=0.5, flags=["visible_only"])]
    assert list(again.ratings.columns) == list(Rating.model_fields)


def test_writing_twice_is_harmless(tmp_path):
    run = Run.create(tmp_path / "run", SUITE)
    run.write([rating(1, value=1), rating(2, value=0)], "r")
    run.write([rating(2, value=0), rating(3, value=0)], "r")
    run.write([rating(1, value=1), rating(2, value=0)], "r")
    assert sorted(run.ratings["rating_id"]) == ["1", "2", "3"]


def test_an_answer_replaces_an_earlier_failure_and_never_the_other_way(tmp_path):
    run = Run.create(tmp_path / "run", SUITE)
    run.write([rating(1, value=1)], "b")
    run.write([rating(1, status="timeout", error="late"), rating(2, status="unparsed")], "z")
    run.write([rating(2, value=0)], "a")
    assert dict(zip(run.ratings["rating_id"], run.ratings["status"], strict=True)) == {"1": "ok", "2": "ok"}


def test_another_suite_in_the_same_folder_is_refused_with_the_difference(tmp_path):
    Run.create(tmp_path / "run", SUITE)
    with pytest.raises(HarnessError, match=r"holds a run of another suite:\n  seed: 0 there, 7 here"):
        Run.create(tmp_path / "run", SUITE.model_copy(update={"seed": 7}))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(HarnessError, match="is no run"):
        Run.create(tmp_path / "other", SUITE)
    with pytest.raises(HarnessError, match="is no run"):
        Run(tmp_path / "nowhere")


def test_a_second_command_on_the_same_run_is_told(tmp_path):
    run = Run.create(tmp_path / "run", SUITE)
    with run.lock(), pytest.raises(IncompleteError, match="run_locked"), Run(run.folder).lock():
        pass
    with run.lock():
        pass


WRITER = """
import sys
from harness.records import Rating
from harness.run import Run
run = Run(sys.argv[1])
for shard in range(10_000):
    entries = [Rating(rating_id=f"{shard}-{n}", task="a", item_id=str(n), rater="r", rater_kind="judge", criterion="c",
                      scale="binary", value=1.0) for n in range(50)]
    run.write(entries, f"shard{shard}")
    print(shard, flush=True)
"""


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path):
    run = Run.create(tmp_path / "run", SUITE)
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(run.folder)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    seen = [int(writer.stdout.readline()) for _ in range(3)]
    time.sleep(0.05)
    os.kill(writer.pid, signal.SIGKILL)
    seen += [int(line) for line in writer.stdout.read().split()]
    writer.wait()
    shards = run.ratings["rating_id"].str.split("-").str[0].astype(int).value_counts()
    assert set(seen) <= set(shards.index)
    assert set(shards) == {50}


def test_the_next_command_sweeps_what_a_killed_one_left_half_written(tmp_path):
    run = Run.create(tmp_path / "run", SUITE)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (run.folder / "ratings").mkdir()
    left = run.folder / "ratings" / f".writing-a.parquet.{gone.pid}"
    at_work = run.folder / "ratings" / f".writing-a.parquet.{os.getpid()}"
    for path in (left, at_work):
        path.write_bytes(b"half")
    with run.lock():
        assert not left.exists()
        assert at_work.exists()
