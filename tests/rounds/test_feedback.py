"""Several raters of one series, budgets, people who are waited for, and judges of every kind in the loop.

All raters are simulated but those of the catalogue, whose chat client is scripted.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import toys
import yaml
from scripted_chat import ScriptedChat

from harness.answering.chat.chat import Answer
from harness.catalog import Catalog
from harness.errors import HarnessError, IncompleteError
from harness.learning import Mixture, Part, run_series
from harness.learning.feedback import deciding, gathered
from harness.plan import plan_suite
from harness.rating import asked_of, find_rater
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.records import Item, Rating, Response, digest
from harness.reporting.evidence import Evidence
from harness.reporting.methods import methods
from harness.run import Run
from harness.stages import run_suite
from harness.suite import Suite


class Says:
    """A simulated rater: a function of the answer's number, None where it cannot say."""

    def __init__(self, name, value, scale="binary"):
        self.spec = RaterSpec(name=name, kind="verifier", use="x:y", criteria=["quality"], scale=scale)
        self.version, self.value = "1", value

    def rate(self, work):
        for one in work:
            value = self.value(int(one.response.response_id))
            fields = {"value": value} if value is not None else {"status": "skipped", "error": "no key"}
            yield rating_of(self.spec, self.version, one, **fields)


def samples(items: int, each: int = 2, start: int = 0) -> list[Work]:
    found = []
    for number in range(start, start + items):
        item = Item(task="t", item_id=f"i{number}", family="other", prompt="?")
        for sample in range(each):
            answer = Response(
                response_id=str(each * number + sample), task="t", item_id=f"i{number}", model="m", text="x"
            )
            found.append(Work(item, answer))
    return found


def by(ratings: list[Rating]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for one in ratings:
        found.setdefault(one.rater, []).append(int(one.response_id or ""))
    return found


def test_the_first_labels_of_a_series_are_one_raters_and_the_rest_the_next_ones():
    parts = (Part(Says("dear", lambda n: 1.0), labels=5), Part(Says("cheap", lambda n: 0.0)))
    first = gathered(parts, samples(2), ())
    assert by(first) == {"dear": [0, 1, 2, 3]}  # two items of two samples: four of its five labels
    second = gathered(parts, samples(2, start=2), first)
    assert by(second) == {"cheap": [4, 5, 6, 7]}  # the fifth would be half an item


def test_what_one_rater_cannot_say_the_next_one_says():
    parts = (Part(Says("key", lambda n: 1.0 if n < 2 else None)), Part(Says("judge", lambda n: 0.0)))
    ratings = gathered(parts, samples(2), ())
    assert by(ratings) == {"key": [0, 1, 2, 3], "judge": [2, 3]}
    assert {int(one.response_id or ""): one.value for one in deciding(parts, ratings, ())} == {0: 1, 1: 1, 2: 0, 3: 0}


def test_a_judge_is_read_in_the_terms_of_who_corrects_it():
    """The judge gives 1 to 5 as its number says; who corrects says twice that and one more: 2 x + 1 for every one."""
    judge = Says("judge", lambda n: float(n % 5 + 1), "interval")
    truth = Says("person", lambda n: 2.0 * (n % 5 + 1) + 1, "interval")
    parts = (Part(judge), Part(truth, share=0.4, corrects=True))
    work = samples(30)
    ratings = gathered(parts, work, ())
    audited = by(ratings)["person"]
    assert 10 < len(audited) < 40
    values = {int(one.response_id or ""): one.value for one in deciding(parts, ratings, ())}
    assert values == pytest.approx({n: 2.0 * (n % 5 + 1) + 1 for n in range(60)})
    few = [one for one in ratings if one.rater == "judge" or int(one.response_id or "") in audited[:3]]
    untouched = {int(one.response_id or ""): one.value for one in deciding(parts, few, ())}
    assert untouched[next(n for n in range(60) if n not in audited[:3])] <= 5  # three are too few to fit a line


def test_raters_of_one_series_need_one_scale():
    with pytest.raises(HarnessError, match="need one scale"):
        Mixture((Part(Says("a", lambda n: 1.0)), Part(Says("b", lambda n: 1.0, "ordinal"))))


def suite(feedback: dict, **rounds) -> Suite:
    own = {"learner": "toys:parrot", "rounds": 3, "items": 40, "gold": "gold", "feedback": feedback, **rounds}
    return Suite.model_validate({"name": "mixed", "rounds": own})


@pytest.fixture
def mine(tmp_path) -> Path:
    for name in ("gold", "judge"):
        toys.rater_folder(tmp_path / "mine", name, criteria=["correctness"])
    return tmp_path / "mine"


def says(run: Run, name: str) -> int:
    """Let a simulated person rate all that is waited for; returns how much that was."""
    asked = asked_of(run)
    values = [float(one.response.text == "good") for one in asked]
    run.write(
        [
            Rating(
                rating_id=digest(name, one.response.response_id), task=one.response.task, item_id=one.response.item_id,
                response_id=one.response.response_id, rater=name, rater_kind="human", criterion="correctness",
                scale="binary", value=value,
            )
            for one, value in zip(asked, values, strict=True)
        ],
        f"simulated-{name}",
    )  # fmt: skip
    return len(asked)


def test_a_series_waits_for_people_and_goes_on_when_they_have_rated(mine, tmp_path):
    asked = suite({"people": [{"rater": "human_correctness", "labels": 14}, {"rater": "judge"}], "none": None})
    go = {"out": tmp_path / "run", "stages": ["rounds"], "include": [mine], "workers": 1}
    with pytest.raises(IncompleteError, match=r"people, seed 0: waiting: 12 of 12 samples .*\n.*harness annotate"):
        run_suite(asked, **go)
    run = Run(tmp_path / "run")
    assert set(run.rounds.loc[run.rounds["series"] == "none", "round"]) == {0, 1, 2, 3}  # the others went on
    with pytest.raises(IncompleteError, match="waiting: 12 of 12"):
        run_suite(asked, **go)
    assert says(Run(run.folder), "simulated") == 12  # round 1: six items of two samples, and nothing else of the run
    with pytest.raises(IncompleteError, match="waiting: 2 of 2"):
        run_suite(asked, **go)  # two labels are left: one item of round 2
    assert says(Run(run.folder), "simulated") == 2
    run_suite(asked, **go)
    rows = Run(run.folder).rounds.query("series == 'people'").set_index("round")
    assert rows["n_human"].tolist() == [0, 12, 2, 0]
    assert rows["n_labels"].tolist() == [0, 12, 12, 12]
    assert rows["n_kept"].tolist() == [0, 6, 6, 6]
    ratings = Run(run.folder).ratings
    assert set(ratings.loc[ratings["rater"] == "simulated", "flags"].map(tuple)) == {("selection_item",)}


def test_people_alone_never_stand_for_no_feedback(mine, tmp_path):
    with pytest.raises(IncompleteError, match="waiting: 12 of 12"):
        run_suite(
            suite({"people": "human_correctness"}), tmp_path / "run", stages=["rounds"], include=[mine], workers=1
        )
    assert Run(tmp_path / "run").rounds["round"].tolist() == [0]


def test_a_rater_that_fails_on_everything_ends_its_series_alone(mine, tmp_path, monkeypatch):
    asked = suite({"judged": "judge", "sure": "answer_probability", "none": None}, seeds=2)
    go = {"out": tmp_path / "run", "stages": ["rounds"], "include": [mine], "workers": 1}
    monkeypatch.setattr(toys, "DOWN", {"judge"})
    with pytest.raises(IncompleteError) as failed:
        run_suite(asked, **go)
    told = str(failed.value)
    assert "judged, seed 0: no_feedback: " in told
    assert "judged, seed 1: no_feedback: series 'judged': the rater 'judge' failed on all 12 samples (no provi" in told
    assert "the rater 'answer_probability' failed on all 12 samples (the response has no log-probabilities)" in told
    run = Run(tmp_path / "run")
    assert run.rounds.groupby("series")["round"].max().to_dict() == {"judged": 0, "sure": 0, "none": 3}
    assert len(run.manifest["ended"]) == 4
    monkeypatch.setattr(toys, "DOWN", set())
    with pytest.raises(IncompleteError, match="sure, seed 1: no_feedback"):
        run_suite(asked, **go)
    run = Run(tmp_path / "run")
    assert run.rounds.groupby("series")["round"].max().to_dict() == {"judged": 3, "sure": 0, "none": 3}
    told = dict(methods(Evidence(run))["facts"])["Series that ended early"]
    assert "sure, seed 1: no_feedback" in told
    assert "judged" not in told


def test_a_series_that_has_spent_its_budget_has_ended(mine, tmp_path):
    asked = suite({"judged": "judge", "none": None}, budget={"labels": 20})
    go = {"out": tmp_path / "run", "stages": ["rounds"], "include": [mine], "workers": 1}
    run = run_suite(asked, **go)  # twelve labels a round: the third round would begin with 24 of 20
    done = {series: max(rows) for series, rows in run.rounds.groupby("series")["round"]}
    assert done == {"judged": 2, "none": 3}
    assert run.manifest["ended"] == {"judged, seed 0": "budget: 24 of 20 labels are spent before round 3"}
    before = sorted(path.name for path in run.folder.rglob("*.json"))
    run_suite(asked, **go)
    assert sorted(path.name for path in run.folder.rglob("*.json")) == before


def test_a_plan_tells_labels_before_and_time_and_disk_when_some_rounds_are_there(mine, tmp_path):
    parts = [{"rater": "human_correctness", "labels": 14}, "judge"]
    asked = suite({"mixed": parts, "judged": "judge", "none": None}, settings={"prompts": 6, "samples": 2})
    how = {"include": [mine], "workers": 1}
    [line] = plan_suite(asked, tmp_path / "run", **how).lines
    # twelve samples a round, three rounds, two series with raters; fourteen of them are people's
    assert (line.labels, line.seconds, line.disk_bytes) == ({"all": 72, "people": 14}, None, None)
    with pytest.raises(IncompleteError):
        run_suite(asked, tmp_path / "run", stages=["rounds"], **how)
    there = Run(tmp_path / "run").rounds
    trained = there.loc[there["round"] > 0, "seconds"]
    [line] = plan_suite(asked, tmp_path / "run", **how).lines
    assert (line.there, line.wanted) == (len(there), 12)
    left = line.wanted - line.there
    assert line.seconds == pytest.approx((left * trained.min(), left * trained.max()))
    assert line.disk_bytes > 0


def test_data_for_those_who_train_elsewhere(mine, tmp_path):
    asked = suite({"judged": "judge", "none": None}, export="only")
    go = {"out": tmp_path / "run", "stages": ["rounds"], "include": [mine], "workers": 1}
    run = run_suite(asked, **go)
    assert set(run.rounds["round"]) == {0}
    assert len(run.manifest["exported"]) == 2
    path = run.folder / run.manifest["exported"]["judged, seed 0"]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {
        "prompt": [{"role": "user", "content": "say practice-1-0"}],
        "completion": [{"role": "assistant", "content": "good"}],
    }
    assert len(lines) == 6
    none = run.folder / run.manifest["exported"]["none, seed 0"]
    assert "bad" in none.read_text()
    before = {one: one.stat().st_mtime_ns for one in run.folder.rglob("*.parquet")}
    run_suite(asked, **go)
    assert {one: one.stat().st_mtime_ns for one in run.folder.rglob("*.parquet")} == before


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match="corrects nobody"):
        suite({"a": ["judge", {"rater": "gold", "corrects": True}]})
    with pytest.raises(ValueError, match="at least 1 item"):
        suite({"a": []})


PROMPT = "{% block user %}{{ fence(response, 'answer') }} RUBRIC Yes or No?{% endblock %}"


@pytest.mark.parametrize("kind", ["panel", "constitution"])
def test_panels_and_constitutions_teach(kind, tmp_path):
    """The scripted judges say Yes to what is good."""

    def write(name: str, settings: dict, use: str = "judge.pointwise", scale: str = "binary") -> None:
        folder = tmp_path / "raters" / name
        folder.mkdir(parents=True)
        (folder / "prompt.j2").write_text(
            PROMPT.replace("RUBRIC", "{{ rubric }}" if "constitution" in settings else "")
        )
        principles = [{"name": name, "description": f"It is {name}."} for name in ("kind", "true")]
        (folder / "constitution.yaml").write_text(yaml.safe_dump({"principles": principles}))
        facts = {"kind": "judge", "use": use, "criteria": ["correctness"], "scale": scale, "settings": settings}
        (folder / "rater.yaml").write_text(json.dumps(facts))

    def answer(call) -> Answer:
        return Answer(text="Yes" if any("good" in text for _, text in call.messages) else "No")

    judge = {"model": "openai:x", "by": "text", "prompt": "prompt.j2", "answers": {"Yes": 1, "No": 0}}
    for name in ("one", "two", "three"):
        write(name, judge)
    write("panel", {"raters": ["one", "two", "three"], "rule": "majority"}, "judge.panel")
    write("constitution", judge | {"constitution": "constitution.yaml", "overall": "lowest"}, scale="interval")
    chat = ScriptedChat(answer)
    rater = find_rater(kind, Catalog([tmp_path]), Surroundings(chat=lambda model: chat))
    learner = toys.Parrot()
    held_out = learner.held_out(5)
    rounds = list(run_series(learner, "s", rater, 1, held_out=held_out, state_dir=tmp_path / "state"))
    kept = rounds[1].examples
    assert len(kept) > 1
    assert {one.text for one in kept} == {"good"}
