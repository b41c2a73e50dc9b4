"""Runs that lie elsewhere: in memory, and on a real S3 server on loopback; the same command, the same tables."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid

import pandas as pd
import pytest

from harness import agree, load
from harness.errors import HarnessError, IncompleteError
from harness.records import Item, Rating, Response
from harness.run import Run, is_run, place_of
from harness.run.place import writer
from harness.stages import rate
from harness.suite import Suite

SUITE = Suite.model_validate({"name": "far", "models": [{"name": "m", "model": "imported"}], "tasks": [{"task": "t"}]})


@pytest.fixture(scope="module")
def bucket():
    """Give the address of a bucket of a server of its own; its keys are in the environment, and nowhere else."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "planted-key")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "planted-secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        place_of("s3://runs/x").fs.mkdir("runs")
        yield "s3://runs"
    server.stop()


@pytest.fixture(params=["memory", "s3"])
def address(request):
    root = "memory://" if request.param == "memory" else request.getfixturevalue("bucket") + "/"
    return f"{root}{uuid.uuid4().hex}"


def filled(address: str) -> Run:
    run = Run.create(address, SUITE)
    items = [Item(task="t", item_id=str(n), family="mathematics", prompt=f"{n}?", target=str(n)) for n in range(6)]
    answers = [
        Response(response_id=f"r{n}", task="t", item_id=str(n), model="m", text=str(n if n % 2 else 0))
        for n in range(6)
    ]
    run.write(items, "t")
    run.write(answers, "t-m")
    return run


def test_a_run_elsewhere_is_rated_read_and_compared_as_one_here(address, tmp_path):
    here, there = filled(str(tmp_path / "run")), filled(address)
    assert is_run(address)
    assert not is_run(address + "-other")
    for run in (here, there):
        rate(run, ["exact_match", "numeric"])
    columns = ["item_id", "rater", "criterion", "value", "error"]
    pd.testing.assert_frame_equal(load(address).ratings[columns], load(tmp_path / "run").ratings[columns])
    assert load(address).ratings["value"].sum() == 2 * 4  # 0, 1, 3 and 5 are right, by both raters
    tables = [agree(run.ratings.assign(criterion="right"), resamples=0).df for run in (here, there)]
    pd.testing.assert_frame_equal(*tables)


def test_the_command_takes_an_address(bucket):
    address = f"{bucket}/{uuid.uuid4().hex}"
    filled(address)
    command = [sys.executable, "-m", "harness", "rate", address, "--rater", "exact_match", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    assert len(load(address).ratings) == 6
    kept = b"".join(path.read_bytes() for path in place_of(address).rglob("*") if path.is_file())
    assert b"planted" not in kept


def test_one_command_at_a_time_and_a_killed_one_lets_go(address, monkeypatch):
    run = filled(address)
    with run.lock(), pytest.raises(IncompleteError, match="run_locked"), Run(address).lock():
        pass
    with Run(address).lock():
        pass
    lease = json.dumps({"holder": "somebody", "until": time.time() + 60})
    (run.folder / ".lock").write_text(lease)  # as one leaves it who is killed
    with pytest.raises(IncompleteError, match="run_locked"), run.lock():
        pass
    monkeypatch.setattr(time, "time", lambda now=time.time: now() + 61)
    with run.lock():
        pass
    assert not (run.folder / ".lock").exists()


def test_addresses(tmp_path):
    assert place_of(f"file://{tmp_path}/run") == tmp_path / "run"
    assert str(place_of("s3:/bucket/run")) == "s3://bucket/run"  # what is left of it when it was a path
    with pytest.raises(HarnessError, match="no file system"):
        place_of("nowhere://run")
    with pytest.raises(HarnessError, match="is no run"):
        load("memory://absent")


def test_ratings_keep_their_order(address):
    run = filled(address)
    for n in (2, 0, 1):
        rating = Rating(
            rating_id=str(n), task="t", item_id="0", response_id="r0", rater="a", rater_kind="human", criterion="c",
            value=n, scale="interval",
        )  # fmt: skip
        run.write([rating], f"part{n}")
    assert load(address).ratings["value"].tolist() == [0, 1, 2]


def test_what_another_machine_is_writing_on_a_shared_disk_is_left_to_it_for_a_while(tmp_path):
    run = filled(str(tmp_path / "run"))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = {
        "there": f".writing-a.parquet.{gone.pid}-1-otherhost",  # a process of this number may be at work there
        "long ago": f".writing-b.parquet.{gone.pid}-1-otherhost",
        "here": f".writing-c.parquet.{writer().replace(str(os.getpid()), str(gone.pid), 1)}",
    }
    for name in names.values():
        (run.folder / "ratings").mkdir(exist_ok=True)
        (run.folder / "ratings" / name).write_bytes(b"half")
    old = time.time() - 3600
    os.utime(run.folder / "ratings" / names["long ago"], (old, old))
    with run.lock():
        assert [path.name for path in (run.folder / "ratings").iterdir()] == [names["there"]]
