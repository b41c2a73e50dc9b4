"""The learner `prompt`: what feedback kept is shown to a chat model, here one that is simulated by a server."""

from __future__ import annotations

import hashlib
import json
import math
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from chat_server import GOOD, ChatServer, completion

from harness.answering import default_cache
from harness.errors import BudgetError, HarnessError, IncompleteError
from harness.learning.learner import Example, SeriesEnded, make_learner
from harness.learning.learners.demonstrations import Demonstration, choose
from harness.plan import plan_suite
from harness.records import Item
from harness.run import Run
from harness.stages import run_suite
from harness.suite import Suite

NOWHERE = SimpleNamespace(base_url="http://127.0.0.1:1/v1")


def simulated_model(body: dict) -> str:
    """A simulated model: right in 20 %, in 10 more for each right answer that it is shown, fewer for a wrong."""
    *shown, asked = [one["content"] for one in body["messages"] if one["role"] != "system"]
    points = [10 if answer == total(prompt) else -10 for prompt, answer in zip(shown[::2], shown[1::2], strict=True)]
    drawn = body.get("seed") if body["temperature"] else 0
    chance = int(hashlib.sha256(f"{asked} {drawn}".encode()).hexdigest(), 16) % 100
    return total(asked) if chance < 20 + sum(points) else "0"


def total(prompt: str) -> str:
    return str(sum(map(int, re.findall(r"\d+", prompt))))


def settings(server: ChatServer, **changes) -> dict:
    model = {"model": "openai:simulated", "base_url": server.base_url, "attempts": 1, "concurrency": 4}
    own = {"task": "two_digit_sums", "prompts": 12, "samples": 3, "demonstrations": 6}
    return own | {"model": model | changes.pop("model", {})} | changes


def suite(server: ChatServer, feedback: dict | None = None, changes: dict | None = None, **more) -> Suite:
    rounds = {
        "learner": "prompt", "rounds": 2, "items": 20, "gold": "last_number", "checkpoints": "last",
        "feedback": feedback or {"verifier": "last_number", "none": None},
        "settings": settings(server, **(changes or {})),
    }  # fmt: skip
    return Suite.model_validate({"name": "shown", "rounds": rounds | more})


def train(asked: Suite, folder, **options) -> Run:
    run_suite(asked, folder / "run", stages=["rounds"], workers=1, cache=folder / "cache", **options)
    return Run(folder / "run")


def share_right(run: Run) -> dict[tuple[str, int], float]:
    gold = run.ratings[run.ratings["rater"] == "last_number"].merge(run.responses, on="response_id")
    held_out = gold[~gold["flags"].map(lambda flags: "selection_item" in flags)]
    return held_out.groupby(["series", "round"])["value"].mean().to_dict()


def item(name: str, prompt: str) -> Item:
    return Item(task="t", item_id=name, family="other", content_hash=name, prompt=prompt)


def test_the_best_are_shown_and_of_equals_the_least_alike():
    examples = [
        Example(item("a", "red green"), "blue"),
        Example(item("b", "red green"), "grey"),  # two of four words are those of a
        Example(item("c", "one two"), "three"),  # none is
        Example(item("d", "red one"), "best", weight=2.0),  # shown first; a and b share one of four words with it, so c
        Example(item("e", "empty"), " \n"),  # nothing to show
    ]
    shown = choose(examples, (), round=3, most=3, characters=1000)
    assert [(one.item_id, one.round) for one in shown] == [("d", 3), ("a", 3), ("c", 3)]
    assert shown[0] == Demonstration("red one", "best", "d", 3)
    # 11 characters of d, 13 of a: the 12 of c do not fit into 30, and the 6 of a former one do
    former = [Demonstration("old", "new", "z", 1), Demonstration("never", "shown", "y", 1)]
    shown = choose(examples[:1] + examples[2:], former, round=3, most=4, characters=30)
    assert [one.item_id for one in shown] == ["d", "a", "z"]
    assert [one.item_id for one in choose([], former, round=4, most=8, characters=100)] == ["z", "y"], "nothing kept"


def test_right_answers_that_are_shown_help_and_unseen_ones_do_not(tmp_path):
    with ChatServer(simulated_model) as server:
        run = train(suite(server, changes={"system_prompt": "Add."}), tmp_path)
        bodies = list(server.bodies)
    right = share_right(run)
    assert right["verifier", 2] > right["verifier", 0] + 0.3
    assert right["none", 2] <= right["none", 0] < right["verifier", 2] - 0.3
    rows = run.rounds.set_index(["series", "round"])
    assert rows.loc[("verifier", 2), "share_right_kept"] == 1.0
    assert rows.loc[("verifier", 2), "steps"] == 6, "as many as are shown"
    assert rows.loc[("verifier", 0), "steps"] == 0
    kept = json.loads((run.folder / "checkpoints" / "verifier-seed0-round002.state").read_text())
    assert len(kept) == 6
    assert all(one["answer"] == total(one["prompt"]) for one in kept)
    turns = [turn for one in kept for turn in (("user", one["prompt"]), ("assistant", one["answer"]))]
    sent = [[(turn["role"], turn["content"]) for turn in body["messages"]] for body in bodies]
    last = [one for one in sent if one[:-1] == [("system", "Add."), *turns]]
    held_out = set(run.items.loc[run.items["item_id"].isin(run.responses["item_id"]), "prompt"])
    assert len(last) == 20, "each held-out item once, after all that was shown"
    assert not {one[-1][1] for one in last} & {one["prompt"] for one in kept}
    assert {one[-1][1] for one in last} <= held_out
    assert run.rounds["confidence"].isna().all(), "the server tells no probabilities"
    assert run.rounds["kl"].isna().all()


@pytest.mark.slow
@pytest.mark.parametrize("fails_at", [1, 30, 75, 110, 150])
def test_a_run_that_was_cut_goes_on_to_the_same_answers(fails_at, tmp_path, whole):
    """The server is out of order from some call on; afterwards each call that was answered is not asked again."""
    broken = [True]
    counted = [0]

    def fault(number: int, body: dict) -> str:
        counted[0] += 1
        return "401" if broken[0] and counted[0] >= fails_at else GOOD

    with ChatServer(simulated_model, fault, port=0) as server:
        asked = suite(server)
        with pytest.raises(IncompleteError, match="wrong key"):
            train(asked, tmp_path)
        broken[0] = False
        run = train(asked, tmp_path)
        assert answers_of(run) == whole
        asked_before = server.requests
        train(asked, tmp_path)
        assert server.requests == asked_before


def answers_of(run: Run) -> list[tuple]:
    rows = run.responses[["series", "round", "item_id", "sample", "text"]]
    return sorted(map(tuple, rows.fillna("-").values.tolist()))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with ChatServer(simulated_model) as server:
        return answers_of(train(suite(server), tmp_path_factory.mktemp("whole")))


def test_probabilities_that_the_server_tells_are_the_confidence(tmp_path):
    def fault(number: int, body: dict) -> tuple[int, dict]:
        assert body["logprobs"] is True
        tokens = [{"token": text, "logprob": -0.5, "top_logprobs": []} for text in ("4", "2")]
        return 200, completion("42", choice={"logprobs": {"content": tokens}})

    with ChatServer(fault=fault) as server:
        run = train(suite(server, {"own": "answer_probability"}, explore={"items": 20, "samples": 2}), tmp_path)
    assert run.rounds["confidence"].tolist() == pytest.approx([math.exp(-1)] * 3)
    assert run.rounds["n_kept"].tolist() == [0, 6, 6], "the better half of 12"
    assert run.rounds["kl"].isna().all(), "what a chat model has not written it does not score"


def test_what_the_model_refuses_is_its_own_failure_and_is_never_shown(tmp_path):
    with ChatServer(fault=lambda number, body: "refusal") as server:
        run = train(suite(server, {"none": None}, rounds=1), tmp_path)
    assert set(run.responses["status"]) == {"refused"}
    assert run.rounds["steps"].tolist() == [0, 0]
    assert set(share_right(run).values()) == {0.0}


def test_what_is_too_long_to_ask_ends_the_series_and_is_no_wrong_answer(tmp_path):
    with ChatServer(fault=lambda number, body: "too-long") as server:
        one = make_learner("prompt", settings(server), 0, cache=tmp_path)
        with pytest.raises(SeriesEnded, match="no_answer: 2 of 2 calls failed"):
            one.answer((), one.held_out(2))


def test_calls_count_against_what_the_command_and_the_series_may_spend(tmp_path):
    """20 tokens of prompt and 5 of answer at 1 and 2 dollars a thousand: .03 for each of 20 + 2 (36 + 20) calls."""
    priced = {"model": {"rates": {"prompt": 1000, "completion": 2000}}}
    with ChatServer(simulated_model) as server:
        asked = suite(server, {"none": None}, {**priced, "max_new_tokens": 5})
        with pytest.raises(BudgetError):
            train(asked, tmp_path, max_cost=1.0)
        run = train(asked, tmp_path, max_cost=100.0)
        assert run.responses["cost_usd"].sum() == pytest.approx(132 * 0.03)
        capped = suite(server, {"none": None}, {**priced, "max_new_tokens": 6}, budget={"usd": 1.5})
        run = train(capped, tmp_path / "capped")
    assert run.rounds["round"].tolist() == [0, 1], "56 calls of round 1 cost 1.68"
    assert "1.68 of 1.5 usd are spent before round 2" in run.manifest["ended"]["none, seed 0"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"demonstrations": 0}, "rounds.settings.demonstrations"),
        ({"demonstration": 3}, "demonstration.*demonstrations"),
        ({"model": {"modle": "x"}}, "modle"),
        ({"model": {"model": "opnai:x"}}, "no chat model 'opnai:x'"),
        ({"task": "gsm8k"}, "has no generator"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(HarnessError, match=message):
        make_learner("prompt", settings(NOWHERE, **changes), 0)


def test_how_hard_the_server_is_pressed_makes_no_other_learner():
    one, gentle, other = (
        make_learner("prompt", settings(NOWHERE, model=changes), 0)
        for changes in ({}, {"concurrency": 1, "timeout": 5}, {"options": {"top_p": 0.5}})
    )
    assert one.version == gentle.version != other.version


def test_a_plan_says_no_cost_of_calls_that_it_cannot_know(tmp_path):
    def cost(**rounds):
        asked = suite(NOWHERE, **rounds)
        [line] = plan_suite(asked, tmp_path / "run").lines
        return line.cost_usd

    assert cost() is None
    assert cost(settings=settings(NOWHERE) | {"model": "embedded"}) == (0.0, 0.0)


@pytest.mark.slow
def test_another_interface_is_shown_the_same_and_asked_for_no_probabilities(tmp_path):
    with ChatServer(lambda body: "7") as server:
        model = {"model": "anthropic:simulated", "base_url": server.base_url.removesuffix("/v1"), "attempts": 1}
        one = make_learner("prompt", settings(server) | {"model": model, "system_prompt": "Add."}, 0, cache=tmp_path)
        shown, training = one.train((), [Example(item("a", "3 + 4"), "7")], 1)
        [answer] = one.answer(shown, one.held_out(1))
        [body] = server.bodies
    assert (answer.text, answer.logprobs, training.steps) == ("7", None, 1)
    said = [(turn["role"], turn["content"]) for turn in body["messages"]]
    assert said == [("user", "3 + 4"), ("assistant", "7"), ("user", one.held_out(1)[0].prompt)]
    assert "Add." in str(body["system"])


@pytest.mark.slow
def test_neither_torch_nor_transformers_is_needed(tmp_path):
    script = tmp_path / "two_rounds.py"
    script.write_text(
        "import json, sys\n"
        "sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "from harness.stages import run_suite\n"
        "from harness.suite import Suite\n"
        "run_suite(Suite.model_validate(json.load(open(sys.argv[1]))), sys.argv[2], stages=['rounds'], workers=1)\n"
    )
    with ChatServer(simulated_model) as server:
        (tmp_path / "suite.json").write_text(suite(server).model_dump_json(exclude_none=False))
        subprocess.run([sys.executable, script, tmp_path / "suite.json", tmp_path / "run"], check=True)
    assert Run(tmp_path / "run").rounds["round"].max() == 2


@pytest.mark.slow
def test_the_embedded_model_is_shown_what_was_kept_and_answers_the_same_twice(tmp_path):
    asked = Suite.model_validate({
        "name": "shown",
        "rounds": {
            "learner": "prompt", "rounds": 1, "items": 20, "gold": "last_number", "feedback": {"gold": None},
            "keep": {"gold": {"rule": "reference"}},
            "settings": {"task": "two_digit_sums", "prompts": 4, "samples": 1, "demonstrations": 4},
        },
    })  # fmt: skip
    runs = []
    for place in ("one", "two"):
        (tmp_path / f"{place}-cache").mkdir()
        (tmp_path / f"{place}-cache" / "models").symlink_to(default_cache() / "models")
        run_suite(asked, tmp_path / place, stages=["rounds"], workers=1, cache=tmp_path / f"{place}-cache")
        runs.append(Run(tmp_path / place))
    assert runs[0].rounds["steps"].tolist() == [0, 4]
    assert runs[0].rounds["confidence"].between(0, 1).all()
    assert answers_of(runs[0]) == answers_of(runs[1])
    before, after = (
        runs[0].responses.loc[runs[0].responses["round"] == number, "text"].str.len().mean() for number in (0, 1)
    )
    assert after < before, "numbers alone were shown, and the sum was written out before"
