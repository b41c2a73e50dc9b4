"""The feedback loop: what feedback keeps, what is refused, what an interruption costs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.errors import HarnessError, IncompleteError
from harness.learning import selection
from harness.learning.jobs import Evaluation
from harness.learning.learner import Example, Training, make_learner
from harness.learning.loop import run_feedback, run_seeds, run_series
from harness.learning.round import Round
from harness.learning.selection import keep, refuse_rater
from harness.learning.training_data import conversational
from harness.rating.rater import RaterSpec, Surroundings, Work, make_rater, rating_of
from harness.records import Item, Rating, Response, digest
from harness.suite import KeepUse

TINY = {
    "digits": 2,
    "layers": 1,
    "width": 16,
    "heads": 2,
    "labelled": 200,
    "most_labelled": 200,
    "base_accuracy": 0,
    "base_steps": 20,
    "prompts": 25,
    "samples": 3,
    "steps": 4,
    "batch": 16,
}


def catalogue_rater(name: str) -> Any:
    made_by = {"answer_key": "answer_key:answer_key", "self_consistency": "self_consistency:self_consistency"}
    spec = RaterSpec(
        name=name, kind="verifier", use=f"harness.rating.{made_by[name]}", criteria=["correctness"], scale="binary"
    )
    return make_rater(spec, Surroundings())


def item(number: int, prompt: str = "") -> Item:
    return Item(task="parrot", item_id=str(number), family="other", prompt=prompt or f"say {number}", target="good")


@dataclass(frozen=True)
class Parrot:
    """A learner whose state is the list of what it was taught; it answers with the last of it."""

    seed: int = 0
    first: int = 100
    """The id of the first practice item."""
    calls: list[str] = field(default_factory=list, compare=False)
    name = "parrot"
    version = "1"

    def held_out(self, count: int) -> list[Item]:
        return [item(number) for number in range(count)]

    def practice(self, round: int) -> list[Item]:
        return [item(self.first + 10 * round + number) for number in range(4)]

    def start(self) -> tuple[list[str], Training]:
        self.calls.append("start")
        return ["base"], Training(7, 0.5)

    def answer(self, state: list[str], items: Sequence[Item]) -> list[str]:
        return [state[-1]] * len(items)

    def sample(self, state: list[str], items: Sequence[Item], round: int) -> list[list[str]]:
        self.calls.append(f"sample {round}")
        return [["bad", f"good {round}", f"good {round}"]] * 3 + [["bad", "bad", "bad"]]

    def train(self, state: list[str], examples: Sequence[Example], round: int) -> tuple[list[str], Training]:
        self.calls.append(f"train {round}")
        return [*state, *(example.text for example in examples)], Training(3, 0.25)

    def right(self, item: Item, text: str) -> bool | None:
        return text.startswith(str(item.target))

    def save(self, state: list[str], path: Path) -> None:
        path.write_text(json.dumps(state))

    def load(self, path: Path) -> list[str]:
        loaded: list[str] = json.loads(path.read_text())
        return loaded


NO_TIME = dict.fromkeys(("seconds", "sampling_seconds", "rating_seconds", "training_seconds"), 0.0)
SPEC = RaterSpec(name="fan", kind="judge", use="x:y", criteria=["quality"], scale="binary")


@dataclass
class Fan:
    """Likes answers that begin with "good"."""

    spec: RaterSpec = field(default_factory=lambda: SPEC)
    version: str = "1"
    down: bool = False
    rated: int = 0

    def rate(self, work: Sequence[Work]) -> Any:
        for piece in work:
            assert piece.response in piece.siblings
            assert len(piece.siblings) == 3
            self.rated += 1
            if self.down:
                yield rating_of(self.spec, self.version, piece, status="error", error="no provider")
            else:
                value = float((piece.response.text or "").startswith("good"))
                yield rating_of(self.spec, self.version, piece, value=value, cost_usd=0.25)


def teach(tmp_path: Path, rater: Any = None, learner: Any = None, rounds: int = 2, **how: Any) -> list[Round]:
    learner = learner or Parrot()
    held_out = learner.held_out(5)
    return list(run_series(learner, "s", rater, rounds, held_out=held_out, state_dir=tmp_path, **how))


def test_each_round_trains_on_what_the_feedback_kept_and_answers_the_held_out_items(tmp_path):
    base, first, second = teach(tmp_path, Fan())
    assert [response.text for response in base.responses] == ["base"] * 5
    assert [response.text for response in first.responses] == ["good 1"] * 5
    assert [response.text for response in second.responses] == ["good 2"] * 5
    assert {(r.series, r.round, r.seed, r.model) for r in second.responses} == {("s", 2, 0, "parrot")}
    assert base.summary.model_dump() | NO_TIME == {
        "series": "s", "round": 0, "seed": 0, "feedback": "fan", "n_prompts": 0, "n_samples": 0, "n_ratings": 0,
        "n_failed": 0, "n_kept": 0, "share_right_kept": None, "steps": 7, "train_loss": 0.5, "cost_usd": None,
        "n_tied": 0, "confidence": None, "kl": None, "data_hash": None, "n_human": 0, "n_labels": 0, "n_rejected": 0,
        **NO_TIME,
    }  # fmt: skip
    # 4 prompts of 3 samples; the fourth has no good one; 12 ratings at 0.25
    assert first.summary.model_dump() | NO_TIME == {
        "series": "s", "round": 1, "seed": 0, "feedback": "fan", "n_prompts": 4, "n_samples": 12, "n_ratings": 12,
        "n_failed": 0, "n_kept": 3, "share_right_kept": 1.0, "steps": 3, "train_loss": 0.25, "cost_usd": 3.0,
        "n_tied": 0, "confidence": None, "kl": None, "n_human": 0, "n_labels": 12, "n_rejected": 0, **NO_TIME,
        "data_hash": digest([(str(110 + number), "good 1", 1.0, None) for number in range(3)]),
    }  # fmt: skip


def test_feedback_is_marked_as_selection_and_its_samples_belong_to_the_model_that_gave_them(tmp_path):
    _, first, second = teach(tmp_path, Fan())
    assert all(rating.flags == ["selection_item"] for rating in first.ratings)
    assert {response.round for response in first.practice} == {0}
    assert {response.round for response in second.practice} == {1}
    assert [response.sample for response in first.practice] == [0, 1, 2] * 4
    rated = {rating.response_id for rating in first.ratings}
    assert rated == {response.response_id for response in first.practice}
    assert not rated & {response.response_id for response in first.responses}
    assert {response.item_id for response in first.practice} == {entry.item_id for entry in first.practice_items}


def test_the_control_keeps_the_first_sample_of_every_item_without_looking(tmp_path):
    _, first, _ = teach(tmp_path, None)
    assert (first.summary.n_kept, first.summary.share_right_kept, first.ratings) == (4, 0.0, [])
    assert [response.text for response in first.responses] == ["bad"] * 5


def test_practice_on_a_held_out_item_is_refused_by_id_and_by_prompt(tmp_path):
    with pytest.raises(HarnessError, match="round 1: 1 of 4 practice items are held-out items too"):
        teach(tmp_path, Fan(), Parrot(first=-6))  # held out are 0 to 4, and round 1 practises on 4 to 7

    class Renamer(Parrot):
        def practice(self, round: int) -> list[Item]:
            return [item(900, prompt="say 3")]

    with pytest.raises(HarnessError, match="1 of 1 practice items are held-out items too"):
        teach(tmp_path, Fan(), Renamer())


def test_a_rater_that_fails_on_everything_stops_the_series_and_a_second_call_goes_on(tmp_path):
    learner, fan = Parrot(), Fan(down=True)
    with pytest.raises(IncompleteError, match=r"the rater 'fan' failed on all 12 samples \(no provider\)"):
        teach(tmp_path, fan, learner)
    fan.down = False
    rounds = teach(tmp_path, fan, learner)
    assert [done.summary.n_kept for done in rounds] == [0, 3, 3]
    assert learner.calls == ["start", "sample 1", "train 1", "sample 2", "train 2"]


def test_a_want_of_memory_ends_a_series_and_the_others_go_on(tmp_path):
    class Large(Parrot):
        def train(self, state: Any, examples: Sequence[Example], round: int) -> Any:
            if not any(one.text == "bad" for one in examples):
                raise MemoryError
            return super().train(state, examples, round)

    ended: list[str] = []
    how = {"ended": lambda series, error: ended.append(f"{series.name}: {error}"), "workers": 1}
    held_out = Evaluation.of(Parrot().held_out(5))
    done = list(run_seeds([Large()], {"good": Fan(), "none": None}, 2, held_out, tmp_path, **how))
    assert ended == ["good: out_of_memory: no memory is left"]
    assert [(one.summary.series, one.summary.round) for one in done] == [("good", 0), *(("none", n) for n in range(3))]


def test_states_wait_for_a_caller_who_is_rounds_behind(tmp_path):
    held_out = Evaluation.of(Parrot().held_out(5))
    rounds = run_seeds(
        [Parrot()], {"s": Fan()}, 3, held_out, tmp_path, keep_states=True, call=lambda job, *arguments: job(*arguments)
    )
    base = next(rounds)
    while not list(tmp_path.glob("series-*/003.json")):
        time.sleep(0.01)
    assert all(one.state and one.state.exists() for one in (base, *rounds))


def test_what_is_done_is_not_done_again_and_only_what_the_caller_lacks_is_given(tmp_path):
    learner, fan = Parrot(), Fan()
    whole = teach(tmp_path, fan, learner, rounds=3)
    fan.rated = 0
    again = teach(tmp_path, fan, learner, rounds=3, finished=1)
    assert [without_time(done) for done in again] == [without_time(done) for done in whole[2:]]
    assert len(learner.calls) == 7
    assert fan.rated == 0  # ratings that were given before an interruption are kept, as samples are
    assert teach(tmp_path, fan, learner, rounds=3, finished=3) == []


def test_seeds_of_one_version_are_refused_since_their_states_would_be_one(tmp_path):
    with pytest.raises(HarnessError, match="the same version with several seeds"):
        list(run_seeds([Parrot(0), Parrot(1)], {"none": None}, 1, Evaluation.of([item(1)]), tmp_path))


def test_other_feedback_or_another_version_of_a_rater_is_another_lineage(tmp_path):
    ids = [{r.response_id for r in teach(tmp_path, rater)[1].responses} for rater in (Fan(), Fan(version="2"), None)]
    assert len(set.union(*ids)) == 15


SAMPLES = [
    Response(response_id=f"{i}{s}", task="t", item_id=i, model="m", sample=s) for i in ("a", "b", "c") for s in range(2)
]


def ratings(*values: float | None) -> list[Rating]:
    """One rating a sample, in order; None is a failure."""
    return [
        rating_of(SPEC, "1", Work(item(0), sample), value=value, status="ok" if value is not None else "error")
        for sample, value in zip(SAMPLES, values, strict=True)
    ]


def kept(scale: Any, *values: float | None) -> list[str]:
    return [sample.response_id for sample in keep(scale, SAMPLES, ratings(*values))]


def test_of_a_binary_scale_the_first_right_sample_is_kept_and_nothing_where_none_is():
    assert kept("binary", 0, 1, 1, 1, 0, 0) == ["a1", "b0"]
    assert kept("binary", 0, None, 0, 0.5, None, None) == []


def test_of_a_graded_scale_each_items_best_and_then_the_better_half_are_kept():
    assert kept("ordinal", 1, 2, 5, 5, 3, 4) == ["b0", "c1"]  # best 2, 5, 4; the better half of three is two
    assert kept("interval", 9, None, None, None, 2, 1) == ["a0"]  # best 9 and 2; half of two is one
    assert kept("ordinal", 3, 3, 3, 3, 3, 3) == ["a0", "b0"]


def test_unpaired_every_sample_with_a_value_is_wanted_or_rejected():
    def found(scale: Any, use: KeepUse, *values: float | None) -> dict[str, bool | None]:
        return {one.response.response_id: one.wanted for one in selection.kept(scale, SAMPLES, ratings(*values), use)}

    assert found("binary", KeepUse(rule="unpaired"), 0, 1, 1, None, 0, 0) == {
        "a0": False, "a1": True, "b0": True, "c0": False, "c1": False,
    }  # fmt: skip
    graded = KeepUse(rule="unpaired", at_least=4)
    assert found("ordinal", graded, 1, 4, None, 5, 3, None) == {"a0": False, "a1": True, "b1": True, "c0": False}
    samples = [one.model_copy(update={"text": one.response_id}) for one in SAMPLES]
    rated = selection.kept("binary", samples, ratings(0, 1, 1, None, None, 0), KeepUse(rule="unpaired"))
    items = [item(0).model_copy(update={"item_id": name, "prompt": f"say {name}"}) for name in "abc"]
    lines = [json.loads(line) for line in conversational(selection.examples_of(rated, items)).splitlines()]
    assert [line["label"] for line in lines] == [False, True, True, False]
    assert lines[1] == {
        "prompt": [{"role": "user", "content": "say a"}], "label": True,
        "completion": [{"role": "assistant", "content": "a1"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scale", "at_least", "refused"),
    [("binary", None, False), ("binary", 1, True), ("ordinal", 4, False), ("ordinal", None, True)],
)
def test_unpaired_a_graded_rater_needs_a_limit_and_a_binary_one_has_it(scale, at_least, refused):
    rater = SimpleNamespace(spec=SPEC.model_copy(update={"scale": scale}))
    learner = SimpleNamespace(name="one", takes={"wanted"})
    use = KeepUse(rule="unpaired", at_least=at_least)
    with pytest.raises(HarnessError, match="unpaired") if refused else nullcontext():
        selection.refuse_rule(learner, rater, use)
    with pytest.raises(HarnessError, match="the learner 'one' does not learn from it"):
        selection.refuse_rule(SimpleNamespace(name="one"), rater, use)


def test_with_several_criteria_the_mean_decides_and_a_failed_one_excludes():
    doubled = ratings(1, 1, 1, 0, 1, 1) + ratings(1, 0, 1, 1, None, 1)
    assert [sample.response_id for sample in keep("binary", SAMPLES, doubled)] == ["a0", "b0", "c1"]


def test_a_rater_that_cannot_choose_among_samples_is_refused():
    with pytest.raises(HarnessError, match="'fan' compares two responses"):
        refuse_rater(Fan(spec=SPEC.model_copy(update={"compares": True})))
    with pytest.raises(HarnessError, match="'fan' has a nominal scale"):
        refuse_rater(Fan(spec=SPEC.model_copy(update={"scale": "nominal"})))


def train_addition(folder: Path, workers: int, **how: Any) -> dict[tuple[str, int], Round]:
    """Train the real learner, tiny, with the catalogue's raters."""
    pytest.importorskip("torch")
    learner = make_learner("addition", TINY, 0)
    feedback = {
        "verifier": catalogue_rater("answer_key"),
        "majority": catalogue_rater("self_consistency"),
        "none": None,
    }
    given = run_feedback(learner, feedback, 2, held_out=learner.held_out(40), state_dir=folder, workers=workers, **how)
    return {(done.summary.series, done.summary.round): without_time(done) for done in given}


def without_time(done: Round) -> Round:
    return replace(done, summary=done.summary.model_copy(update=NO_TIME))


@pytest.mark.slow
def test_addition_gives_the_same_numbers_in_processes_interrupted_and_at_once(tmp_path):
    at_once = train_addition(tmp_path / "at-once", workers=1)
    assert set(at_once) == {(series, round) for series in ("verifier", "majority", "none") for round in range(3)}
    base = [[response.text for response in at_once[series, 0].responses] for series in ("verifier", "majority", "none")]
    assert base[0] == base[1] == base[2]
    assert at_once["verifier", 1].summary.share_right_kept in (None, 1.0)
    assert at_once["none", 1].summary.n_kept == 25

    learner = make_learner("addition", TINY, 0)
    feedback = {"verifier": catalogue_rater("answer_key")}
    interrupted = run_feedback(
        learner, feedback, 2, held_out=learner.held_out(40), state_dir=tmp_path / "resumed", workers=1
    )
    assert [next(interrupted).summary.round for _ in range(2)] == [0, 1]
    interrupted.close()
    resumed = train_addition(tmp_path / "resumed", workers=2, finished={"verifier": 1, "none": 2})
    assert set(resumed) == {("verifier", 2), ("majority", 0), ("majority", 1), ("majority", 2)}
    assert all(resumed[key] == at_once[key] for key in resumed)
