"""The learner `command`: another program trains, by a folder; its failures end a series and no other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chat_server import ChatServer

from harness.errors import HarnessError, IncompleteError
from harness.learning.learner import Example, SeriesEnded, make_learner
from harness.run import Run
from harness.stages import run_suite
from harness.suite import Suite

pytest.importorskip("transformers")
from tiny_model import make_tiny_model

TRAINER = Path(__file__).with_name("trainer.py")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


def settings(model: Path | str | dict, **changes) -> dict:
    own = {"run": [sys.executable, str(TRAINER)], "task": "two_digit_sums", "model": model, "prompts": 4, "samples": 2}
    own["model"] = str(model) if isinstance(model, Path) else model
    return own | {"max_new_tokens": 4} | changes


def learner(model: Path | str | dict, work: Path, **changes):
    return make_learner("command", settings(model, **changes), 0, work=work)


def taught(one, round: int = 1) -> list[Example]:
    return [Example(item, "7") for item in one.practice(round)]


def trained(one, state=None, round: int = 1):
    return one.train(state or one.start()[0], taught(one, round), round)


@pytest.mark.slow
def test_the_documented_program_gets_the_data_and_gives_a_model_that_answers(tiny, tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "learners.md").read_text(encoding="utf-8")
    [script] = [one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if one.startswith('"""train.py')]
    (tmp_path / "train.py").write_text(script)
    one = learner(tiny, tmp_path / "work", run=[sys.executable, str(tmp_path / "train.py")])
    base, nothing = one.start()
    state, training = trained(one)
    assert (nothing.steps, training.steps, training.loss) == (0, 40, None)
    job = json.loads((state.folder / "job.json").read_text())
    assert job == {
        "round": 1, "seed": 0, "model": str(tiny), "data": "train.jsonl", "examples": 4, "task": "two_digit_sums",
        "options": {},
    }  # fmt: skip
    lines = [json.loads(line) for line in (state.folder / "train.jsonl").read_text().splitlines()]
    assert [line["completion"] for line in lines] == [[{"role": "assistant", "content": "7"}]] * 4
    items = one.held_out(3)
    answers = one.answer(state, items)
    assert [a.logprobs for a in answers] != [b.logprobs for b in one.answer(base, items)]
    assert all(answer.kl > 0 for group in one.explore(state, items, 2, 1) for answer in group)
    assert all(answer.kl == 0 for group in one.explore(base, items, 2, 0) for answer in group)
    one.save(state, tmp_path / "state")
    again = one.load(tmp_path / "state")
    assert one.answer(again, items) == answers
    assert list((tmp_path / "work").iterdir()) == []  # what it left there lies with the state
    one.save(base, tmp_path / "base")
    assert one.load(tmp_path / "base").model == base.model


@pytest.mark.slow
def test_a_program_that_was_killed_goes_on_in_the_same_folder(tiny, tmp_path):
    one = learner(tiny, tmp_path, options={"killed": True})
    with pytest.raises(SeriesEnded, match="failed: the program was killed by signal 9"):
        trained(one)
    state, _ = trained(one)
    assert (state.folder / "went_on").exists()
    made = (state.folder / "weights" / "config.json").stat().st_mtime_ns
    assert trained(one)[0].model == state.model
    assert (state.folder / "weights" / "config.json").stat().st_mtime_ns == made, "trained once is enough"


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"model": "nowhere"}, "failed: .*no folder .*nowhere"),
        ({"modle": "weights"}, "failed: .*modle"),
        ({"steps": -1}, "failed: .*steps"),
        ({"model": {"modl": "x"}}, "failed: .*modl"),
        ({"loss": float("nan")}, "diverged: .*the loss is nan"),
    ],
)
def test_what_the_program_says_wrongly_ends_the_series(report, message, tiny, tmp_path):
    wish = {"endpoint": "http://127.0.0.1:1/v1", "report": report}
    with pytest.raises(SeriesEnded, match=message):
        trained(learner(tiny, tmp_path, options=wish))


@pytest.mark.slow
def test_a_model_that_cannot_be_read_ends_the_series(tiny, tmp_path):
    script = tmp_path / "garbage.py"
    script.write_text(
        "import json, pathlib, shutil, sys\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "shutil.copytree(json.loads((folder / 'job.json').read_text())['model'], folder / 'weights')\n"
        "(folder / 'weights' / 'model.safetensors').write_bytes(b'cut')\n"
        "(folder / 'model.json').write_text(json.dumps({'model': 'weights', 'steps': 1}))\n"
    )
    one = learner(tiny, tmp_path / "work", run=[sys.executable, str(script)])
    state, _ = trained(one)
    with pytest.raises(SeriesEnded, match=r"failed: the model '.*weights' cannot be loaded: "):
        one.answer(state, one.held_out(2))
    with pytest.raises(HarnessError, match="the model '/nowhere' cannot be loaded: "):
        learner("/nowhere", tmp_path).answer(one.start()[0].__class__("/nowhere"), one.held_out(2))


def test_a_program_that_takes_too_long_is_ended_with_all_that_it_started(tiny, tmp_path):
    one = learner(tiny, tmp_path, options={"sleeps": True}, timeout=2)
    with pytest.raises(SeriesEnded, match="timeout: the program took more than 2 s"):
        trained(one)
    assert is_over(int(next(tmp_path.rglob("at_work")).read_text()))


def test_the_program_ends_when_the_harness_is_killed(tiny, tmp_path):
    how = settings(tiny, options={"sleeps": True})
    code = (
        "from harness.learning import Example, make_learner\n"
        f"from pathlib import Path\none = make_learner('command', {how!r}, 0, work=Path({str(tmp_path)!r}))\n"
        "one.train(one.start()[0], [], 1)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", code])
    while not (at_work := list(tmp_path.rglob("at_work"))) or not at_work[0].read_text():
        assert started.poll() is None
        time.sleep(0.05)
    started.kill()
    started.wait()
    assert is_over(int(at_work[0].read_text()))


def is_over(process: int) -> bool:
    """Whether a process ends within ten seconds; one that has ended and that nobody has asked about yet has, too."""
    for _ in range(100):
        try:
            os.kill(process, 0)
            state = Path(f"/proc/{process}/stat")
            if state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.1)
    return False


def test_an_endpoint_answers_and_what_it_cannot_answer_ends_the_series(tmp_path):
    with ChatServer(lambda body: f"{body['model']} {body.get('temperature')}") as server:
        base = {"model": "openai:base", "base_url": server.base_url, "attempts": 1}
        one = learner(base, tmp_path, options={"endpoint": server.base_url}, system_prompt="Be brief.")
        start, _ = one.start()
        items = one.held_out(2)
        assert [answer.text for answer in one.answer(start, items)] == ["base 0.0"] * 2
        assert [answer.text for answer in one.answer(start, items)] == ["base 0.0"] * 2
        assert server.requests == 4, "a model behind an endpoint may be another one by now: it is asked again"
        state, _ = trained(one)
        one.save(state, tmp_path / "state")
        drawn = one.sample(one.load(tmp_path / "state"), items, 2)
        assert [[answer.text for answer in group] for group in drawn] == [["round-1 1.0"] * 2] * 2
        assert server.bodies[-1]["messages"][0] == {"role": "system", "content": "Be brief."}
        assert len({body["seed"] for body in server.bodies[-2:]}) == 2
        assert one.explore(state, items, 2, 1)[0][0].kl is None
    with pytest.raises(SeriesEnded, match="no_answer: 2 of 2 calls failed"):
        one.answer(start, items)


def test_another_program_is_another_learner(tiny, tmp_path):
    script = tmp_path / "train.py"
    script.write_text("1")
    before = learner(tiny, tmp_path, run=f"{sys.executable} {script}")
    script.write_text("2")
    after = learner(tiny, tmp_path / "elsewhere", run=f"{sys.executable} {script}")
    assert before.version != after.version
    assert after.version == learner(tiny, tmp_path, run=f"{sys.executable} {script}").version
    with pytest.raises(HarnessError, match="there is no program 'nowhere'"):
        learner(tiny, tmp_path, run="nowhere --fast")


def suite(tiny: Path, feedback: dict, **options) -> Suite:
    rounds = {
        "learner": "command", "rounds": 2, "items": 20, "gold": "last_number", "feedback": feedback,
        "keep": {"gold": {"rule": "reference"}}, "checkpoints": "last", "settings": settings(tiny, options=options),
    }  # fmt: skip
    return Suite.model_validate({"name": "elsewhere", "rounds": rounds})


@pytest.mark.slow
def test_a_run_goes_on_where_its_program_failed(tiny, tmp_path):
    """Killed in each round of each series, the program goes on in its folder when the same command is run again."""
    asked = suite(tiny, {"gold": None, "none": None}, killed=True)
    go = {"out": tmp_path / "run", "stages": ["rounds"], "workers": 1}
    for _ in range(2):  # round 1 of both, then round 2 of both
        with pytest.raises(IncompleteError, match=r"gold, seed 0: failed: .*signal 9(.|\n)*none, seed 0: failed: "):
            run_suite(asked, **go)
    run_suite(asked, **go)
    run = Run(tmp_path / "run")
    assert run.rounds.groupby("series")["round"].max().to_dict() == {"gold": 2, "none": 2}
    assert set(run.rounds.loc[run.rounds["round"] > 0, "steps"]) == {4}
    kept = sorted(one.name for one in (run.folder / "checkpoints").iterdir())
    assert kept == ["gold-seed0-round002.state", "none-seed0-round002.state"]
    assert (run.folder / "checkpoints" / kept[0] / "weights" / "model.safetensors").is_file()
    before = {one: one.stat().st_mtime_ns for one in run.folder.rglob("*.parquet")}
    run_suite(asked, **go)
    assert {one: one.stat().st_mtime_ns for one in run.folder.rglob("*.parquet")} == before


def test_a_series_whose_program_fails_ends_and_the_others_go_on(tmp_path):
    """The model says 80 to all, which the control keeps and the program fails on; the teacher's data have none."""
    with ChatServer(lambda body: "80") as server:
        base = {"model": "openai:base", "base_url": server.base_url}
        asked = suite(tmp_path, {"none": None, "gold": None}, endpoint=server.base_url, fails_on='"content": "80"')
        asked.rounds.settings["model"] = base
        with pytest.raises(IncompleteError, match="none, seed 0: failed: the program ended with 1: the disk is full"):
            run_suite(asked, tmp_path / "run", stages=["rounds"], workers=1)
        run = Run(tmp_path / "run")
        assert run.rounds.groupby("series")["round"].max().to_dict() == {"gold": 2, "none": 0}
        assert list(run.manifest["ended"]) == ["none, seed 0"]
        assert set(run.responses["model"]) == {"openai:base"}
