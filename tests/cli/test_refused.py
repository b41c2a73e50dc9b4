"""A full disk, a folder that may not be written, a damaged cache, too little memory: a message, never a traceback."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys

import pytest

from harness import cli
from harness.errors import HarnessError
from harness.run import write_whole

RATINGS = "item_id,rater,criterion,value\n1,ada,quality,3\n1,bob,quality,4\n2,ada,quality,2\n2,bob,quality,2\n"


def harness(folder, *arguments, **how):
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **how)


@pytest.mark.parametrize(
    ("command", "out", "room"), [(("report", "r.csv"), "out.html", 30_000), (("demo",), "out.run", 300)]
)
def test_files_that_may_grow_no_further_are_named(tmp_path, command, out, room):
    (tmp_path / "r.csv").write_text(RATINGS)
    small = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))}  # as a full disk
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = harness(tmp_path, *command, "--out", out, env=environment, **small)
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert out in done.stderr
    assert "File too large" in done.stderr
    assert not [path for path in tmp_path.glob(f".*{out}*") if path.is_file()]


def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    (tmp_path / "r.csv").write_text(RATINGS)
    done = harness(tmp_path, "report", "r.csv", "--out", "/proc/no/page.html")
    assert done.returncode == 2
    assert "/proc/no/page.html: cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_half_a_file_does_not_keep_a_full_disk_full(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "page.html").write_bytes(b"before")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(HarnessError, match="No space left on device"):
        write_whole(tmp_path / "page.html", b"x" * 1000)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_bytes() == b"before"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a.csv"), "a.csv: No space left on device; make room"),
        (PermissionError(errno.EACCES, "Permission denied", "a.csv"), "a.csv: Permission denied; choose a place"),
        (OSError(errno.EROFS, "Read-only file system"), "a file: Read-only file system; choose a place"),
        (MemoryError(), "too little memory"),
    ],
)
def test_what_the_machine_refuses_anywhere_is_a_message(monkeypatch, capsys, error, said):
    def refused():
        raise error

    monkeypatch.setattr(cli, "app", refused)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    def broken():
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(cli, "app", broken)
    with pytest.raises(OSError, match="Bad file"):
        cli.main()
