"""The learner `language_model`: what it writes and how sure it is, what training does, and a run that was killed."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

from harness.errors import HarnessError
from harness.learning.learner import Example, SeriesEnded, make_learner
from harness.rounds.scores.run_scores import from_run, settings_of
from harness.rounds.verdict.rounds import compare_rounds
from harness.run.folder import Run

pytest.importorskip("transformers")
from tiny_model import make_tiny_model

BLOCKED = ["lm_eval", "datasets", "trl", "altair", "evaluate", "xllamacpp", "openai", "duckdb"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_model(tmp_path_factory.mktemp("tiny"))


def learner(tiny: Path, seed: int = 0, **changes):
    settings = {"model": str(tiny), "task": "two_digit_sums", "prompts": 6, "samples": 3, "steps": 4, "batch": 4}
    return make_learner("language_model", settings | {"max_new_tokens": 8, "learning_rate": 0.01} | changes, seed)


def test_the_likeliest_answer_is_what_transformers_generates_and_its_probability_what_it_says(tiny):
    import torch
    from transformers import AutoModelForCausalLM

    one = learner(tiny)
    state, _ = one.start()
    items = one.held_out(5)
    model = AutoModelForCausalLM.from_pretrained(tiny)
    for item, answer in zip(items, one.answer(state, items), strict=True):
        prompt = torch.tensor([list(f"{item.prompt}\n".encode())])
        with one._at_work(state) as network:
            prompt = torch.tensor([network.prompt(item.prompt, None)])
            stops = network.stops(("\n",)).tolist()
        whole = model.generate(prompt, do_sample=False, max_new_tokens=8, eos_token_id=stops, pad_token_id=0)
        written = whole[0, prompt.shape[1] :]
        logits = model(whole).logits[0, prompt.shape[1] - 1 : -1]
        wanted = torch.log_softmax(logits, -1).gather(1, written[:, None])[:, 0]
        assert answer.logprobs == pytest.approx(wanted.tolist(), abs=1e-4)
        assert answer.finish_reason == ("stop" if int(written[-1]) in stops else "length")


def test_answers_do_not_depend_on_what_is_written_beside_them(tiny):
    one = learner(tiny)
    state, _ = one.start()
    items = one.held_out(9)
    alone = [one.answer(state, [item])[0] for item in items]
    together = one.answer(state, items)
    assert [answer.text for answer in alone] == [answer.text for answer in together]
    assert all(a.logprobs == pytest.approx(b.logprobs, abs=1e-4) for a, b in zip(alone, together, strict=True))


def test_the_distance_from_the_base_is_nothing_before_training_and_something_after(tiny):
    one = learner(tiny)
    base, _ = one.start()
    items = one.held_out(4)
    assert [answer.kl for group in one.explore(base, items, 2, 0) for answer in group] == pytest.approx(
        [0] * 8, abs=1e-6
    )
    trained, _ = one.train(base, [Example(item, "7") for item in one.practice(1)], 1)
    assert all(answer.kl > 0 for group in one.explore(trained, items, 2, 1) for answer in group)


def test_it_learns_what_is_kept_and_changes_no_state(tiny, tmp_path):
    one = learner(tiny, steps=60)
    base, nothing = one.start()
    items = one.practice(1)
    before = one.answer(base, items)
    trained, training = one.train(base, [Example(item, "12") for item in items], 1)
    assert (nothing.steps, nothing.loss, training.steps) == (0, None, 60)
    assert training.loss < 0.5
    assert {answer.text for answer in one.answer(trained, items)} == {"12"}
    assert one.answer(base, items) == before
    one.save(trained, tmp_path / "state")
    assert one.sample(one.load(tmp_path / "state"), items, 2) == one.sample(trained, items, 2)


def test_an_example_without_weight_teaches_nothing_beside_one_with(tiny):
    one = learner(tiny, steps=60, batch=2)
    base, _ = one.start()
    first, second = one.practice(1)[:2]
    trained, _ = one.train(base, [Example(first, "12"), Example(second, "99", weight=1e-9)], 1)
    assert one.answer(trained, [second])[0].text != "99"


def test_nothing_kept_trains_nothing(tiny):
    one = learner(tiny)
    base, _ = one.start()
    same, training = one.train(base, [], 1)
    assert (training.steps, training.loss) == (0, None)
    assert one.answer(same, one.held_out(3)) == one.answer(base, one.held_out(3))


def test_a_loss_that_is_no_number_ends_the_series(tiny):
    one = learner(tiny, learning_rate=1e30, steps=8)
    base, _ = one.start()
    with pytest.raises(SeriesEnded, match="diverged: the loss of step"):
        one.train(base, [Example(item, "12") for item in one.practice(1)], 1)
    assert pickle.loads(pickle.dumps(SeriesEnded("diverged", "why"))).status == "diverged"


def test_a_batch_that_does_not_fit_is_halved(tiny, monkeypatch):
    import torch

    from harness.learning.learners.network import Network

    one = learner(tiny)
    state, _ = one.start()
    items, write, sizes = one.held_out(8), Network._write, []

    def narrow(self, prompts, *how):
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise torch.OutOfMemoryError("full")
        return write(self, prompts, *how)

    whole = one.answer(state, items)
    monkeypatch.setattr(Network, "_write", narrow)
    assert [answer.text for answer in one.answer(state, items)] == [answer.text for answer in whole]
    assert sizes[-1] == 2
    monkeypatch.setattr(Network, "_write", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("full")))
    with pytest.raises(SeriesEnded, match="out_of_memory: full"):
        one.answer(state, items)


def test_an_adapter_is_all_that_is_trained(tiny):
    pytest.importorskip("peft")
    one = learner(tiny, lora={"rank": 2}, steps=2)
    base, _ = one.start()
    assert base
    assert all("lora" in name for name in base)
    trained, _ = one.train(base, [Example(item, "12") for item in one.practice(1)], 1)
    assert any(not value.equal(trained[name]) for name, value in base.items())


def test_rounds_and_seeds_practise_on_other_items_and_never_on_held_out_ones(tiny):
    one, other = learner(tiny), learner(tiny, seed=1)
    practised = [item.item_id for round in range(1, 30) for item in one.practice(round)]
    assert len(practised) == len(set(practised)) == 29 * 6
    assert not set(practised) & {item.item_id for item in one.held_out(1200)}
    assert one.practice(1) != other.practice(1)
    assert one.held_out(20) == other.held_out(30)[:20]


def test_wrong_settings_are_told(tiny):
    with pytest.raises(HarnessError, match=r"rounds\.settings\.sampels: .*Did you mean 'samples'\?"):
        learner(tiny, sampels=3)
    with pytest.raises(HarnessError, match="the task 'gsm8k' has no generator"):
        learner(tiny, task="gsm8k")


def suite(folder: Path, model: Path | str, **changes) -> Path:
    rounds = {
        "learner": "language_model",
        "rounds": 2,
        "seeds": 2,
        "items": 40,
        "explore": {"items": 20, "samples": 3},
        "off_target": [{"task": "count_letters", "items": 20}],
        "gold": "last_number",
        "feedback": {
            "own_probability": "answer_probability", "gold": None, "majority": "self_consistency", "none": None,
        },
        "keep": {"gold": {"rule": "reference"}, "own_probability": {"rule": "best", "share": 1}},
        "checkpoints": "last",
        "settings": {
            "model": str(model), "task": "two_digit_sums", "prompts": 8, "samples": 3, "steps": 2, "batch": 4,
            "max_new_tokens": 6, "learning_rate": 0.01,
        },
    }  # fmt: skip
    path = folder / "suite.yaml"
    path.write_text(yaml.safe_dump({"name": "tiny", "rounds": rounds | changes}))
    return path


def script(path: Path, out: Path, workers: int = 1) -> list[str]:
    """A command that trains with the modules blocked that a bare GPU machine has not."""
    code = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {BLOCKED!r}: raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "from harness.stages import run_suite\n"
        "if __name__ == '__main__':\n"
        f"    run_suite({str(path)!r}, {str(out)!r}, stages=['rounds'], workers={workers})\n"
    )
    file = path.parent / "train.py"
    file.write_text(code)
    return [sys.executable, str(file)]


def content(run: Run) -> dict[str, pd.DataFrame]:
    ratings = run.ratings.drop(columns=["created_at", "seconds"]).sort_values("rating_id", ignore_index=True)
    responses = run.responses.sort_values("response_id", ignore_index=True)
    rounds = run.rounds.drop(columns=[name for name in run.rounds if "seconds" in name])
    return {"ratings": ratings, "responses": responses, "rounds": rounds}


@pytest.mark.slow
def test_two_rounds_on_a_bare_machine_killed_and_resumed_are_the_same_bits(tiny, tmp_path):
    path = suite(tmp_path, tiny)
    subprocess.run(script(path, tmp_path / "whole"), check=True)
    killed = subprocess.Popen(script(path, tmp_path / "killed"), start_new_session=True)
    folder = tmp_path / "killed" / "rounds"
    while not (folder.is_dir() and len(list(folder.glob("*.json"))) >= 4):
        assert killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert len(list(folder.glob("*.json"))) < 24
    subprocess.run(script(path, tmp_path / "killed", workers=2), check=True)
    whole, resumed = content(Run(tmp_path / "whole")), content(Run(tmp_path / "killed"))
    for name, rows in whole.items():
        pd.testing.assert_frame_equal(rows, resumed[name], check_exact=True)
    rounds = whole["rounds"]
    assert len(rounds) == 4 * 2 * 3
    assert rounds.groupby("series")["seed"].nunique().eq(2).all()
    assert (rounds.loc[(rounds["series"] == "gold") & (rounds["round"] > 0), "share_right_kept"] == 1).all()
    assert rounds["confidence"].between(0, 1).all()
    assert (rounds.loc[rounds["round"] == 0, "kl"].abs() < 1e-6).all()
    run = Run(tmp_path / "whole")
    assert set(run.responses["task"]) == {"two_digit_sums", "two_digit_sums_explored", "count_letters"}
    explored = run.responses[run.responses["task"] == "two_digit_sums_explored"]
    assert explored.groupby(["series", "seed", "round", "item_id"]).size().eq(3).all()
    own = run.ratings[(run.ratings["rater"] == "answer_probability") & run.ratings["task"].str.endswith("explored")]
    assert own["value"].between(0, 1).all()
    assert len(own) == 20 * 3 * 2 * 3
    assert sorted(one.name for one in (run.folder / "checkpoints").iterdir()) == sorted(
        f"{series}-seed{seed}-round002.state" for series in rounds["series"].unique() for seed in (0, 1)
    )
    scores = from_run(run)
    told = scores.groupby("benchmark")[["confidence", "kl"]].count().gt(0)
    assert told["confidence"].all()
    assert list(told.index[told["kl"]]) == ["two_digit_sums_explored"]
    assert settings_of(run)["control"] == "none"  # the teacher asks no rater either
    named = {flag["flag"] for result in compare_rounds(scores).results for flag in result.flags}
    assert {"over_confident", "sharpening", "collapsing", "less_diverse", "length_growth"} <= named
    line = json.loads((run.folder / "data" / "gold-seed0-round001.jsonl").read_text().splitlines()[0])
    assert line["prompt"].startswith("What is ")
    first, second = (int(word) for word in line["prompt"].split("?")[0].removeprefix("What is ").split(" + "))
    assert line["completion"] == str(first + second)


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_model_in_two_rounds_of_forty_prompts(tmp_path):
    settings = {"task": "two_digit_sums", "prompts": 40, "samples": 2, "steps": 2, "batch": 4, "max_new_tokens": 10}
    path = suite(
        tmp_path, "embedded", seeds=1, items=20, explore=None, off_target=[], feedback={"verifier": "last_number"},
        keep={}, checkpoints="none", settings=settings,
    )  # fmt: skip
    killed = subprocess.Popen(script(path, tmp_path / "run"), start_new_session=True)
    folder = tmp_path / "run" / "rounds"
    while not (folder.is_dir() and any(folder.glob("*.json"))):
        assert killed.poll() is None
        time.sleep(0.1)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    subprocess.run(script(path, tmp_path / "run"), check=True)
    rounds = Run(tmp_path / "run").rounds
    assert list(rounds["round"]) == [0, 1, 2]
    assert (rounds["n_samples"][1:] == 80).all()
    assert (rounds["share_right_kept"].dropna() == 1).all()
    assert math.isfinite(rounds["confidence"].mean())


def test_a_want_of_memory_on_a_cpu_ends_the_series_and_other_errors_are_errors():
    import torch

    from harness.learning.learners.network import ends_series

    with pytest.raises(SeriesEnded, match=r"out_of_memory: .*can't allocate memory"), ends_series():
        torch.empty(10**15)
    with pytest.raises(RuntimeError, match="inconsistent tensor size"), ends_series():
        torch.empty(2) @ torch.empty(3)


needs_trl = pytest.mark.skipif(importlib.util.find_spec("trl") is None, reason="the extra `train` is not installed")


@needs_trl
@pytest.mark.slow
def test_trl_trains_on_the_same_tokens_as_plainly(tiny):
    """One step of one batch of all examples at a rate without warm-up: the same gradient, so the same weights."""
    import torch

    how = {"steps": 1, "batch": 4, "warmup_steps": 0, "learning_rate": 1e-3}
    plain, by_trl = learner(tiny, **how), learner(tiny, **how, trainer="trl-sft")
    state, _ = plain.start()
    examples = [Example(item, f"{number} it is") for number, item in enumerate(plain.practice(1)[:4])]
    ours, one = plain.train(state, examples, 1)
    theirs, other = by_trl.train(state, examples, 1)
    again, _ = by_trl.train(state, examples, 1)
    assert other.loss == pytest.approx(one.loss, rel=1e-4)
    for name in ours:
        torch.testing.assert_close(theirs[name], ours[name], atol=2e-4, rtol=0)
        assert theirs[name].equal(again[name]), "the same bits"


@needs_trl
@pytest.mark.slow
def test_single_answers_that_are_wanted_rise_over_those_that_are_rejected(tiny):
    one = learner(tiny, trainer="trl-kto", steps=8, learning_rate=0.003, batch=4)
    state, _ = one.start()
    items = one.practice(1)[:4]
    examples = [Example(item, text, wanted=text == "yes") for item in items for text in ("yes", "no", "no")]
    after, training = one.train(state, examples, 1)
    again, _ = one.train(state, examples, 1)
    assert training.steps == 8
    assert all(after[name].equal(again[name]) for name in after), "the same bits"

    def likely(weights, text: str) -> float:
        with one._at_work(weights) as network:
            prompts = [network.prompt(item.prompt, None) for item in items]
            lost, _ = network.losses(prompts, [network.target(text)] * 4)
        return -float(lost.mean())

    assert likely(after, "yes") - likely(after, "no") > likely(state, "yes") - likely(state, "no") + 0.1
    assert one.takes == {"wanted"}
    control, _ = one.train(state, [Example(item, "yes") for item in items], 1)
    assert likely(control, "yes") > likely(state, "yes"), "where nothing is rejected it is fine-tuned"
    same, nothing = one.train(state, [Example(item, "no", wanted=False) for item in items], 1)
    assert nothing.steps == 0
    assert all(same[name].equal(state[name]) for name in state), "nothing is wanted"
    with pytest.raises(HarnessError, match="2 at least"):
        learner(tiny, trainer="trl-kto", at_once=1)


@needs_trl
@pytest.mark.slow
def test_preferences_raise_what_was_preferred(tiny):
    one = learner(tiny, trainer="trl-dpo", steps=8, learning_rate=0.003, batch=4)
    state, _ = one.start()
    examples = [Example(item, "yes", rejected="no") for item in one.practice(1)[:4]]
    after, training = one.train(state, examples, 1)
    assert training.steps == 8

    def lead(weights) -> float:
        with one._at_work(weights) as network:
            prompts = [network.prompt(example.item.prompt, None) for example in examples]
            yes, _ = network.losses(prompts, [network.target("yes")] * 4)
            no, _ = network.losses(prompts, [network.target("no")] * 4)
        return float((no - yes).mean())

    assert lead(after) > lead(state) + 0.1
    assert one.takes == {"rejected"}
    control, _ = one.train(state, [Example(example.item, "yes") for example in examples], 1)
    assert not all(control[name].equal(state[name]) for name in state), "without pairs it is fine-tuned"
