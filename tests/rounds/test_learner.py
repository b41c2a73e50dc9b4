"""The learner protocol by name, and the learner `addition`: its problems, its answers, its files."""

from __future__ import annotations

import pickle

import pytest

from harness.errors import HarnessError
from harness.learning.learner import Example, make_learner

pytest.importorskip("torch")

SMALL = {
    "digits": 2,
    "layers": 1,
    "width": 32,
    "heads": 2,
    "labelled": 600,
    "most_labelled": 600,
    "base_accuracy": 0,
    "base_steps": 60,
    "prompts": 30,
    "samples": 3,
    "steps": 5,
    "batch": 32,
}


def small(seed: int = 0, **changes):
    return make_learner("addition", SMALL | changes, seed)


def pair(item) -> frozenset[str]:
    return frozenset(item.item_id.split("+"))


def test_a_learner_is_found_by_name_or_by_module_and_function():
    assert make_learner("addition", SMALL, 3) == small(3)
    with pytest.raises(HarnessError, match=r"no learner 'adition'\. Did you mean 'addition'\?"):
        make_learner("adition", {}, 0)
    with pytest.raises(HarnessError, match="'nowhere:f' names no function"):
        make_learner("nowhere:f", {}, 0)


def test_wrong_settings_name_the_key_and_the_nearest_one():
    with pytest.raises(HarnessError, match=r"rounds\.settings\.widht: .*Did you mean 'width'\?"):
        make_learner("addition", {"widht": 8}, 0)
    with pytest.raises(HarnessError, match="width 30 is no multiple of heads 4"):
        make_learner("addition", {"width": 30}, 0)
    # two digits: 100 * 101 / 2 = 5,050 unordered pairs, of which 505 are held out and 4,545 are left
    with pytest.raises(HarnessError, match="more than the 4,545 problems of 2 digits"):
        small(most_labelled=4000, prompts=300)


def test_items_carry_the_sum_and_held_out_problems_are_never_trained_on_in_either_order():
    learner = small(seed=1)
    held_out = learner.held_out(505)
    for item in held_out:
        assert sum(map(int, item.item_id.split("+"))) == int(item.target or "")
        assert (item.task, item.family) == ("addition", "mathematics")
    kept_apart = {pair(item) for item in held_out}
    assert len(kept_apart) == 505
    practised = [item for round in range(1, 40) for item in learner.practice(round)]
    labelled = {frozenset(map(str, row)) for row in learner.start()[0].problems.tolist()}
    assert len(labelled) == 600
    assert not kept_apart & {pair(item) for item in practised}
    assert not kept_apart & labelled
    assert not labelled & {pair(item) for item in practised}
    with pytest.raises(HarnessError, match="506 are more than the 505 held-out problems"):
        learner.held_out(506)


def test_held_out_items_are_the_same_for_every_seed_and_begin_the_same_for_every_count():
    assert small(seed=0).held_out(20) == small(seed=9).held_out(50)[:20]
    assert small(seed=0).practice(1) != small(seed=9).practice(1)
    assert small(seed=0).practice(1) != small(seed=0).practice(2)


def test_a_version_follows_from_settings_and_seed():
    assert small().version == small().version == pickle.loads(pickle.dumps(small())).version
    assert len({small().version, small(1).version, small(steps=6).version}) == 3


def test_the_same_call_gives_the_same_result_and_changes_no_state(tmp_path):
    learner = small()
    base, training = learner.start()
    again, same_training = learner.start()
    items = learner.practice(1)
    samples = learner.sample(base, items, 1)
    assert training == same_training
    assert [len(texts) for texts in samples] == [3] * 30
    assert samples == learner.sample(again, items, 1) != learner.sample(base, items, 2)
    answers = learner.answer(base, items)
    trained, _ = learner.train(base, [Example(items[0], "12")], 1)
    assert learner.answer(base, items) == answers
    assert trained.answers == [*base.answers, "12"]
    learner.save(trained, tmp_path / "state")
    loaded = learner.load(tmp_path / "state")
    assert learner.sample(loaded, items, 2) == learner.sample(trained, items, 2)
    further, same = (learner.train(state, [], 2)[0] for state in (trained, loaded))
    assert learner.sample(further, items, 3) == learner.sample(same, items, 3)


def test_it_learns_what_it_is_taught():
    """Fifty problems by heart: the answers to nine in ten at least come back."""
    learner = small(labelled=50, most_labelled=50, base_steps=300, batch=50, learning_rate=0.005, width=64)
    base, training = learner.start()
    right = [learner.right(item, text) for item, text in known(learner, base)]
    assert training.loss < 0.1
    assert sum(right) >= 45


def known(learner, state):
    from harness.learning.learners.addition import _item

    items = [_item(first, second, "practice") for first, second in state.problems.tolist()]
    return zip(items, learner.answer(state, items), strict=True)


def test_a_cache_changes_no_answer():
    """Writing with cached keys and values gives what reading everything anew for each token gives."""
    import torch

    from harness.learning.learners.gpt import GPT

    network = GPT(vocabulary=12, positions=8, layers=2, width=16, heads=2, seed=0)
    prompts = torch.randint(12, (40, 5), generator=torch.Generator().manual_seed(0))
    read = prompts
    for _ in range(3):
        logits, _ = network(read)
        read = torch.cat([read, logits[:, -1].argmax(-1, keepdim=True)], 1)
    assert network.write(prompts, 3).squeeze(1).tolist() == read[:, 5:].tolist()


def test_draws_follow_the_networks_probabilities():
    """Of 20,000 draws of one token, each symbol's share is within 5 standard errors of its probability."""
    import torch

    from harness.learning.learners.gpt import GPT

    network = GPT(vocabulary=4, positions=3, layers=1, width=8, heads=2, seed=1)
    prompt = torch.tensor([[0, 1, 2]])
    wanted = torch.softmax(network(prompt)[0][0, -1] / 0.7, -1).detach()
    drawn = network.write(prompt, 1, 20_000, torch.Generator().manual_seed(0), 0.7).flatten()
    shares = torch.bincount(drawn, minlength=4) / 20_000
    assert bool(((shares - wanted).abs() <= 5 * (wanted * (1 - wanted) / 20_000).sqrt()).all())
