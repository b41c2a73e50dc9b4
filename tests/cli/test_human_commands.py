"""`harness import`, `export`, `annotate` as a user types them."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from functools import partial
from pathlib import Path

import pytest

from harness.records import Item, Rating, Response
from harness.run.folder import Run
from harness.suite import Suite

FIXTURES = Path(__file__).parent.parent / "rating" / "fixtures"


@pytest.fixture
def run(tmp_path) -> Run:
    contents = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "t"}]}
    run = Run.create(tmp_path / "run", Suite.model_validate(contents))
    run.write([Item(task="t", item_id=str(n), family="commonsense", prompt="?") for n in range(3)], "t")
    answers = [
        Response(response_id=f"r{n}", task="t", item_id=str(n), model="hidden", text=f"yes {n}") for n in range(3)
    ]
    run.write(answers, "t")
    return run


@pytest.fixture
def harness(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_KEY_FILE", str(tmp_path / "key"))

    def call(*words):
        command = [sys.executable, "-m", "harness", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    return call


def test_export_fill_import(run, harness, tmp_path):
    sheet = tmp_path / "sheet.csv"
    told = harness("export", "csv", run.folder, "--out", sheet)
    assert (told.returncode, "3 rows to rate" in told.stdout) == (0, True)
    assert "fill in its column `rater`" in harness("import", "csv", sheet, "--into", run.folder).stderr
    with sheet.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    for row, value in zip(rows, ("1", "0", "9"), strict=True):
        row.update(rater="Ada", value=value)
    with sheet.open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    told = harness("import", "csv", sheet, "--into", run.folder, "--json")
    said = json.loads(told.stdout)
    assert (said["format"], said["read"], len(said["ratings"]), len(said["rejected"])) == ("csv", 3, 2, 1)
    assert "outside the scale" in said["rejected"][0]["reason"]
    assert sorted(Run(run.folder).ratings["value"]) == [0, 1]
    again = sheet.read_text().replace("Ada", "Bob").replace(",9,", ",1,")
    sheet.write_text(again)
    assert harness("import", sheet, "--into", run.folder).returncode == 0
    people = set(Run(run.folder).ratings["rater"])
    told = harness("agree", run.folder, "--json")
    assert told.returncode == 0, told.stderr
    assert len(people) == 2
    assert all(person in told.stdout for person in people)


def test_a_dry_run_needs_no_run_and_keeps_the_files_own_names(harness):
    told = harness("import", "label-studio", FIXTURES / "label_studio.json", "--dry-run", "--json")
    said = json.loads(told.stdout)
    assert said["format"] == "label-studio"
    assert said["ratings"][0]["rater"] == "ada@example.org"
    assert list(said) == ["format", "ratings", "read", "rejected", "replaced", "repeated"]
    assert {key for one in said["rejected"] for key in one} == {"row", "reason"}
    assert said["read"] == len(said["ratings"]) + len(said["rejected"])
    told = harness("import", FIXTURES / "wide.csv", "--dry-run", "--map", "(?P<rater>.+)_(?P<criterion>.+)")
    assert "8 ratings would be imported" in told.stdout


def test_wrong_input_is_exit_2_and_says_what_to_do(run, harness, tmp_path):
    for words, message in (
        (("import", FIXTURES / "wide.csv"), "--into RUN"),
        (("import", "no-such.csv", "--dry-run"), "no-such.csv: cannot be read"),
        (("import", "labelstudio", FIXTURES / "label_studio.json", "--dry-run"), "Did you mean 'label-studio'"),
        (("export", "cvs", run.folder, "--out", tmp_path / "x"), "Did you mean 'csv'"),
        (
            ("export", "csv", run.folder, "--out", tmp_path / "x", "--question", "human_qualty"),
            "Did you mean 'human_quality'",
        ),
    ):
        told = harness(*words)
        assert told.returncode == 2, told.stdout
        assert message in told.stderr


def test_annotate_gives_an_address_and_ends_at_a_signal(run, tmp_path):
    command = [sys.executable, "-m", "harness", "annotate", str(run.folder), "--rater-id", "Ada", "--repeats", "0"]
    environment = {**os.environ, "HARNESS_KEY_FILE": str(tmp_path / "key")}
    listens = partial(signal.signal, signal.SIGINT, signal.default_int_handler)  # what runs in the background may not
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, preexec_fn=listens)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.fullmatch(r"Ada: (http://127\.0\.0\.1:\d+/h_[0-9a-f]{8}/\?token=\S+)\n", line)
        assert address, line
        with urllib.request.urlopen(address[1], timeout=10) as reply:
            assert "HttpOnly" in reply.headers["Set-Cookie"]
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert "0 of 3 rated" in out


def test_many_raters_get_their_links_in_one_command(run, tmp_path):
    (tmp_path / "team.txt").write_text("Ada\n\nBob\nAda\n")
    command = [sys.executable, "-m", "harness", "annotate", str(run.folder), "--raters", str(tmp_path / "team.txt")]
    command += ["--links", str(tmp_path / "links.csv"), "--lead", "Grace", "--limit", "1"]
    environment = {**os.environ, "HARNESS_KEY_FILE": str(tmp_path / "key")}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        assert [line.partition(":")[0] for line in lines[:3]] == ["Ada", "Bob", "the lead"]
        links = (tmp_path / "links.csv").read_text().splitlines()
        assert [line.partition(",")[0] for line in links] == ["rater", "Ada", "Bob", "the lead"]
        assert (tmp_path / "links.csv").stat().st_mode & 0o077 == 0
        process.terminate()
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert out.count("0 of 1 rated") == 2


def test_offline_pages_of_a_team_lie_in_a_folder(run, harness, tmp_path):
    told = harness(
        "annotate", run.folder, "--rater-id", "Ada", "--rater-id", "Bob", "--export-html", tmp_path / "pages"
    )
    assert told.returncode == 0, told.stderr
    assert len(list((tmp_path / "pages").glob("h_*.html"))) == 2
    told = harness("annotate", run.folder)
    assert told.returncode == 2
    assert "--rater-id NAME, or --raters FILE" in told.stderr


def test_annotate_refuses_the_network_without_a_guard(run, harness):
    told = harness("annotate", run.folder, "--rater-id", "Ada", "--host", "0.0.0.0")
    assert told.returncode == 2
    assert "--allow-remote" in told.stderr


def test_people_are_priced_and_the_unsteady_named(run, harness):
    ratings = [
        Rating(
            rating_id=f"{n}-{again}", task="t", item_id=str(n), response_id=f"r{n}", rater="h_00000001", seconds=20,
            rater_kind="human", criterion="quality", scale="ordinal", value=n % 5 if again == 0 else 4 - n % 5,
            repetition=again, created_at=f"2026-01-01T00:{n:02d}:00Z",
        )
        for n in range(12)
        for again in (0, 1)
    ]  # fmt: skip
    run.write(ratings, "people")
    told = harness("people", run.folder, "--usd-per-hour", "18", "--json")
    (row,) = json.loads(told.stdout)["people"]
    assert row["usd_per_1000"] == pytest.approx(100)  # 20 s at 18 an hour
    assert (row["repeated"], row["same"]) == (12, pytest.approx(2 / 12))  # 2 of 0..4 is its own mirror: items 2, 7
    shown = harness("people", run.folder)
    assert "attention: h_00000001 on quality: says the same again in 17%" in shown.stdout


def test_people_of_a_run_that_nobody_rated(run, harness):
    assert harness("people", run.folder).returncode == 2
