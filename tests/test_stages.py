"""The quickstart's own suite, smaller: interrupted, resumed, run again; and what happens where a part is missing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from harness.catalog import Catalog
from harness.errors import HarnessError, IncompleteError
from harness.rating.people.human import import_ratings
from harness.rating.people.sheets import export_csv
from harness.records import Item, Response
from harness.reporting import report
from harness.run import BAD, check_run, is_stale
from harness.run.folder import Run
from harness.stages.stages import rate, run_suite
from harness.suite import Suite
from harness.suite.file import read_suite

LIMIT = 20

TEXTS = {"sp1": "A clock stopped because of birds.", "sp2": "Yeast makes bread rise."}


def stored_answers(folder: Path) -> Run:
    """A run whose answers are there already, as after an import: raters need no model under test."""
    suite = Suite.model_validate(
        {"name": "stored", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "short_passages"}]}
    )
    run = Run.create(folder, suite)
    run.write(
        [
            Item(task="short_passages", item_id=name, family="summarization", prompt="?", references=[text])
            for name, text in TEXTS.items()
        ],
        "items",
    )
    run.write(
        [
            Response(response_id=name, task="short_passages", item_id=name, model="m", text=text)
            for name, text in TEXTS.items()
        ],
        "responses",
    )
    return run


def test_a_rater_added_later_rates_stored_answers_once(tmp_path):
    run = stored_answers(tmp_path / "run")
    rate(run, ["rouge"])
    first = run.ratings
    assert set(first["value"]) == {1.0}  # each answer is its own reference
    assert len(first) == 2 * first["criterion"].nunique()
    rate(run, ["rouge"])
    pd.testing.assert_frame_equal(first, Run(run.folder).ratings)


def test_a_page_older_than_its_run_says_so_until_it_is_made_anew(tmp_path):
    run = stored_answers(tmp_path / "run")
    page = report(run)
    made = page.read_bytes()
    assert not is_stale(page)
    rate(run, ["rouge"])
    assert is_stale(page)
    assert page.read_bytes().count(b'class="stale"') == 1
    rate(run, ["exact_match"], tasks=["short_passages"])
    assert page.read_bytes().count(b'class="stale"') == 1
    marked = page.read_bytes()
    rate(Run(run.folder), ["rouge"])  # nothing is left to rate
    assert page.read_bytes() == marked
    assert [found.file for found in check_run(run) if found.state in BAD] == []
    report(run)
    assert not is_stale(page)
    assert page.read_bytes() != made
    rate(run, ["answer_key"], tasks=["short_passages"])  # the same process, after a page of its own
    assert is_stale(page)
    page.write_bytes(b"<body>\nmine")  # none of the run's: left as it is
    Run(run.folder).write_round({"series": "s", "seed": 0, "round": 0})
    assert page.read_bytes() == b"<body>\nmine"


def test_a_rater_or_task_that_is_not_there_is_named(tmp_path):
    run = stored_answers(tmp_path / "run")
    with pytest.raises(HarnessError, match=r"no 'rough' in raters/. Did you mean 'rouge'\?"):
        rate(run, ["rough"])
    with pytest.raises(HarnessError, match=r"has no task 'short_pasages'. Did you mean 'short_passages'\?"):
        rate(run, ["rouge"], tasks=["short_pasages"])
    with pytest.raises(HarnessError, match=r"answer_key rates .*, and the run has none; name one by --task"):
        rate(run, ["answer_key"])  # a summary is no answer that a key could hold: it was a silent 0
    with pytest.raises(HarnessError, match=r"no stage 'answers'. Did you mean 'answer'\?"):
        run_suite(run.suite, run.folder, stages=["answers"])


def test_people_can_rate_the_answers_by_a_sheet(tmp_path):
    run = stored_answers(tmp_path / "run")
    sheet = tmp_path / "sheet.csv"
    export_csv(run, sheet)
    rows = pd.read_csv(sheet, dtype=str, keep_default_na=False)
    assert "model" not in rows.columns
    rows.assign(rater="ann", value=["4", "2"]).to_csv(sheet, index=False)
    import_ratings(sheet, run)
    ratings = Run(run.folder).ratings
    assert sorted(ratings["value"]) == [2.0, 4.0]
    assert set(ratings["rater_kind"]) == {"human"}
    assert not ratings["rater"].str.contains("ann").any()


def test_without_a_sandbox_the_verifier_refuses_and_the_run_says_so(tmp_path, monkeypatch):
    run = stored_answers(tmp_path / "run")

    def none_here(*_: object) -> None:
        raise HarnessError("not here")

    for jail in ("bubblewrap", "landlock"):
        monkeypatch.setattr(f"harness.rating.sandbox.attacks.{jail}", none_here)
    with pytest.raises(IncompleteError, match=r"no ratings by\n  unit_tests: .*bubblewrap"):
        rate(run, ["unit_tests"], tasks=["short_passages"])
    assert Run(run.folder).ratings.empty


def harness_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "harness", *arguments]


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.sandbox
def test_the_quickstart_interrupted_and_resumed_is_the_quickstart(tmp_path):
    """Killed twice in the middle, the same command ends with every record, once, and what a whole run gives."""
    suite = tmp_path / "small.yaml"
    small = read_suite(Catalog().find("suites", "quickstart")).model_copy(update={"limit": LIMIT})
    assert small.rounds is not None
    learner = small.rounds.model_copy(update={"rounds": 2})
    suite.write_text(small.model_copy(update={"rounds": learner}).to_yaml())
    folder = tmp_path / "run"
    command = harness_command("run", str(suite), "--out", str(folder), "--json")
    for sign in ("responses/short_passages*.parquet", "rounds/*.json"):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(folder, sign, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    run = Run(folder)
    asked = run.responses[run.responses["model"] != "reference"]
    counts = asked[asked["series"].isna()].groupby("task").size().to_dict()
    assert counts == {"commonsense_basics": LIMIT, "small_functions": LIMIT, "short_passages": LIMIT}
    for key, frame in (("response_id", run.responses), ("rating_id", run.ratings)):
        assert frame[key].is_unique
    assert not list(folder.rglob(".writing-*"))
    assert {row["series"] for row in found["rounds"]} == {"verifier", "self_consistency", "none"}
    held_out = asked[asked["series"].notna() & asked["item_id"].isin(run.items["item_id"])]
    assert (held_out.groupby(["series", "round"])["item_id"].nunique() >= LIMIT).all()
    assert "raters" in run.manifest
    assert (folder / "report.html").stat().st_size > 10_000

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")} == before
    assert json.loads(again.stdout) == found


def wait_for(folder: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a file of the pattern is there; a command that ends before it is a failure."""
    end = time.monotonic() + 300
    while not list(folder.glob(pattern)):
        assert process.poll() is None, f"the command ended before it wrote {pattern}"
        assert time.monotonic() < end, f"no {pattern} after five minutes"
        time.sleep(0.1)


def test_wrong_names_are_told_before_a_folder_is_made(tmp_path):
    right = {"name": "x", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "short_passages"}]}
    wrong = [
        ({"models": [{"name": "m", "model": "embeded"}]}, "no model 'embeded'. Did you mean 'embedded'"),
        ({"tasks": [{"task": "short_passages", "raters": ["rough"]}]}, "no 'rough' in raters/. Did you mean 'rouge'"),
        ({"rounds": {"learner": "adition", "feedback": {}}}, "no learner 'adition'. Did you mean 'addition'"),
    ]
    for change, message in wrong:
        with pytest.raises(HarnessError, match=message):
            run_suite(Suite.model_validate({**right, **change}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_people_are_not_asked_about_a_learners_thousands_of_answers(tmp_path):
    run = stored_answers(tmp_path / "run")
    sums = [Item(task="addition", item_id=str(n), family="mathematics", prompt=f"{n}+1=") for n in range(30)]
    run.write(sums, "sums")
    learnt = [
        Response(response_id=f"r{n}", task="addition", item_id=str(n), model="a", series="s", round=0, text="1")
        for n in range(30)
    ]
    run.write(learnt, "learnt")
    export_csv(run, tmp_path / "sheet.csv")
    assert set(pd.read_csv(tmp_path / "sheet.csv")["item_id"]) == set(TEXTS)


def test_people_are_no_rater_that_a_command_can_ask(tmp_path):
    with pytest.raises(HarnessError, match=r"human_quality is people: `harness annotate"):
        rate(stored_answers(tmp_path / "run"), ["human_quality"])
