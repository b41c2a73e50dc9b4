"""Answers that a run's folder keeps until their shard is written: for the next worker, and the next command."""

from __future__ import annotations

import uuid

import pytest

from harness.answering.chat import run_calls
from harness.answering.chat.chat import Answer
from harness.answering.chat.run_calls import RunCalls
from harness.errors import IncompleteError
from harness.run import place_of


@pytest.fixture(params=["here", "memory"])
def folder(request, tmp_path, monkeypatch):
    monkeypatch.setattr(run_calls, "LOOK", 0.0)
    monkeypatch.setattr(run_calls, "FAR_LOOK", 0.0)
    return tmp_path if request.param == "here" else place_of(f"memory://{uuid.uuid4().hex}")


def worker(folder, command="one", shard="s"):
    calls = RunCalls(folder, command)
    calls.begin(shard)
    return calls


def keep(calls, *keys):
    for key in keys:
        calls.keep(key, "m", Answer(text=key))


def texts(calls, *keys):
    return {key: answer.text for key, answer in calls.find(keys).items()}


def test_what_a_worker_of_an_earlier_command_has_stays_for_the_next(folder):
    first = worker(folder, "one")
    first.take_over()
    keep(first, "a")
    RunCalls(folder, "two").take_over()
    first.end()  # its part is written, perhaps after the second command has looked what is left
    assert texts(worker(folder, "two", "u"), "a") == {"a": "a"}


def test_who_gets_the_shard_of_a_dead_worker_finds_what_it_received(folder):
    RunCalls(folder, "one").take_over()
    keep(worker(folder), "a", "b")
    other = worker(folder)
    assert texts(other, "a", "b", "c") == {"a": "a", "b": "b"}
    keep(other, "c")
    other.end()
    assert texts(worker(folder), "a", "c") == {}


def test_the_shards_of_a_command_do_not_read_each_other(folder):
    keep(worker(folder, shard="s"), "a")
    other = worker(folder, shard="t")
    assert texts(other, "a") == {}
    other.end()
    assert texts(worker(folder, shard="s"), "a") == {"a": "a"}


def test_the_next_command_cuts_other_shards_and_finds_all(folder):
    first = worker(folder, "one", "s")
    keep(first, "a")
    keep(worker(folder, "one", "t"), "b")
    second = worker(folder, "two", "u")
    assert texts(second, "a", "b") == {"a": "a", "b": "b"}
    keep(first, "c")  # it was on its way when the first command was killed
    assert texts(second, "c") == {"c": "c"}
    second.clear()
    assert not (folder / "calls").is_dir()


def test_a_worker_of_an_earlier_command_asks_no_more(folder):
    first = worker(folder, "one")
    assert not first.take_over()
    first.refuse_other()
    assert RunCalls(folder, "two").take_over()
    with pytest.raises(IncompleteError, match="another command"):
        first.refuse_other()


def test_a_line_that_was_cut_by_the_kill_is_not_there_and_the_others_are(tmp_path, monkeypatch):
    monkeypatch.setattr(run_calls, "LOOK", 0.0)
    keep(worker(tmp_path), "a", "b")
    (file,) = (tmp_path / "calls").rglob("*.jsonl")
    file.write_bytes(file.read_bytes()[:-20])
    assert texts(worker(tmp_path), "a", "b") == {"a": "a"}
