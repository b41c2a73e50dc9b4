"""The learner `addition`: a tiny GPT that learns to add numbers of a few digits, from scratch, in seconds.

It stands for a language model that has seen some labelled examples and goes on with feedback on its own answers: small
enough to train on one processor core, and exact enough that every answer is right or wrong. It reads `007+458=` and
writes the digits of the sum from the last to the first, in which order each digit follows from what is there already.

a + b and b + a are one problem: neither order of a held-out problem is ever trained on. The network is in `gpt.py`;
this module says what is learnt: the problems, who sees which, and the training.
"""

from __future__ import annotations

import copy
import importlib.util
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.errors import HarnessError
from harness.learning.learner import Example, Training
from harness.records import Item, digest
from harness.suite import fitted

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from harness.learning.learners.gpt import GPT

TASK = "addition"
SYMBOLS = "0123456789+="
HELD_OUT_SHARE = 10
"""One in so many problems is held out; the others may be practised on."""
CHECKED = 300
"""Problems that tell when the base has learnt enough."""
BATCH = 1024
"""Prompts answered at once."""

Pairs = NDArray[np.int64]
"""Problems, one a row: the two numbers to add."""


class AdditionSettings(BaseModel):
    """`rounds: settings:` of a suite whose learner is `addition`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digits: int = Field(default=3, ge=2, le=3)
    layers: int = Field(default=3, ge=1)
    width: int = Field(default=96, ge=8)
    heads: int = Field(default=4, ge=1)
    """Attention heads a layer; they share the width, so it must be a multiple."""
    labelled: int = Field(default=1000, ge=1)
    """Problems with their right sums that the base is trained on at first, and that stay among the data."""
    base_steps: int = Field(default=350, ge=1)
    """Steps on them; afterwards it gets a fifth more problems and `steps` more steps, again and again ..."""
    base_accuracy: float = Field(default=0.4, ge=0, le=1)
    """... until it answers this share of 300 other problems, neither held out nor practised on, ..."""
    most_labelled: int = Field(default=3000, ge=1)
    """... or has so many."""
    prompts: int = Field(default=500, ge=1)
    """New problems to practise on each round."""
    samples: int = Field(default=4, ge=1)
    """Answers drawn for each of them, of which feedback keeps at most one."""
    temperature: float = Field(default=1.0, gt=0)
    steps: int = Field(default=100, ge=1)
    """Steps of AdamW a round, the same whatever was kept."""
    batch: int = Field(default=64, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    warmup: float = Field(default=0.1, ge=0, lt=1)
    """The share of the steps over which the learning rate rises; afterwards it falls as a cosine."""

    @model_validator(mode="after")
    def _fits(self) -> AdditionSettings:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        free = len(_problems(self.digits)) - _reserved(self.digits)
        if self.labelled > self.most_labelled:
            raise ValueError(f"labelled {self.labelled:,} is more than most_labelled {self.most_labelled:,}")
        if self.most_labelled + CHECKED + self.prompts > free:
            raise ValueError(
                f"most_labelled, the {CHECKED} that check the base, and prompts are together more than the {free:,} "
                f"problems of {self.digits} digits"
            )
        return self


@dataclass(frozen=True)
class State:
    """A trained network and all that it was trained on."""

    network: GPT
    problems: Pairs
    answers: list[str]
    """What it was taught to answer to each problem."""


@dataclass(frozen=True)
class Addition:
    """The learner; see `harness.learning.learner.Learner`."""

    settings: AdditionSettings
    seed: int

    @property
    def name(self) -> str:
        """The name of the model in responses."""
        return "addition-gpt"

    @property
    def version(self) -> str:
        """The hash of settings, seed and the recipe's own version."""
        return digest(TASK, self.settings.model_dump(), self.seed, 1)

    def held_out(self, count: int) -> list[Item]:
        """Return the first `count` held-out problems, the same for every seed.

        Raises:
            HarnessError: More are asked for than are held out.
        """
        reserved = _problems(self.settings.digits)[: _reserved(self.settings.digits)]
        if count > len(reserved):
            raise HarnessError(
                f"rounds: items: {count:,} are more than the {len(reserved):,} held-out problems of "
                f"{self.settings.digits} digits"
            )
        return [_item(first, second, "held_out") for first, second in reserved[:count].tolist()]

    def practice(self, round: int) -> list[Item]:
        """Return a round's problems, drawn from those that are neither held out nor labelled."""
        free = _trainable(self.settings.digits, self.seed)[self.settings.most_labelled + CHECKED :]
        random = np.random.default_rng(self._seed("practice", round))
        drawn = random.choice(len(free), self.settings.prompts, replace=False)
        return [_item(first, second, "practice") for first, second in free[drawn].tolist()]

    def start(self) -> tuple[State, Training]:
        """Train a fresh network on labelled problems, on more and more until it is as good as is asked for.

        How many examples a network needs before it generalises differs much between seeds, how good it is to start
        with should not.
        """
        wanted = self.settings
        problems = _trainable(wanted.digits, self.seed)
        checked = problems[wanted.most_labelled : wanted.most_labelled + CHECKED]
        check = [_item(first, second, "check") for first, second in checked.tolist()]
        base, steps, labelled = State(self._network(), problems[:0], []), 0, wanted.labelled
        while True:
            base = State(base.network, problems[:labelled], _sums(problems[:labelled]))
            training = self._fit(base, wanted.steps if steps else wanted.base_steps, -labelled)
            steps += training.steps
            right = sum(map(self.right, check, self.answer(base, check)))
            if right >= wanted.base_accuracy * CHECKED or labelled == wanted.most_labelled:
                return base, Training(steps, training.loss)
            labelled = min(labelled + max(1, wanted.labelled // 5), wanted.most_labelled)

    def answer(self, state: State, items: Sequence[Item]) -> list[str]:
        """Return the likeliest answer to each item."""
        return [texts[0] for texts in self._write(state, items, 1, None)]

    def sample(self, state: State, items: Sequence[Item], round: int) -> list[list[str]]:
        """Return `samples` drawn answers to each item."""
        import torch

        draw = torch.Generator().manual_seed(self._seed("samples", round))
        return self._write(state, items, self.settings.samples, draw)

    def train(self, state: State, examples: Sequence[Example], round: int) -> tuple[State, Training]:
        """Add the examples to the data and train on all of it."""
        new = np.array([_numbers(example.item) for example in examples], dtype=np.int64).reshape(-1, 2)
        after = State(
            copy.deepcopy(state.network),
            np.concatenate([state.problems, new]),
            [*state.answers, *(example.text for example in examples)],
        )
        return after, self._fit(after, self.settings.steps, round)

    def right(self, item: Item, text: str) -> bool:
        """Say whether an answer is the sum."""
        return text == item.target

    def save(self, state: State, path: Path) -> None:
        """Write weights and data to a file."""
        import torch

        data = {"problems": torch.from_numpy(state.problems), "answers": state.answers}
        torch.save({"weights": state.network.state_dict(), **data}, path)

    def load(self, path: Path) -> State:
        """Read what `save` wrote."""
        import torch

        stored = torch.load(path, weights_only=True)
        network = self._network()
        network.load_state_dict(stored["weights"])
        return State(network, stored["problems"].numpy(), stored["answers"])

    def _network(self) -> GPT:
        from harness.learning.learners.gpt import GPT

        wanted = self.settings
        longest = 3 * wanted.digits + 2  # the last token of an answer is never read
        return GPT(len(SYMBOLS), longest, wanted.layers, wanted.width, wanted.heads, self._seed("weights", 0))

    def _fit(self, state: State, steps: int, round: int) -> Training:
        """Train a state's network in place on all of its data; the loss is the cross-entropy of the answers' tokens."""
        import torch
        from torch.nn.functional import cross_entropy

        from harness.learning.learners.gpt import one_thread

        wanted = self.settings
        answers = [text.rjust(wanted.digits + 1, "0")[::-1] for text in state.answers]
        data = torch.cat([_tokens(_prompts(state.problems, wanted.digits)), _tokens(answers)], 1)
        asked = 2 * wanted.digits + 2
        optimizer = torch.optim.AdamW(state.network.parameters(), lr=wanted.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, wanted.warmup))
        batches = np.random.default_rng(self._seed("batches", round)).integers(len(data), size=(steps, wanted.batch))
        losses = []
        with one_thread():
            for rows in torch.from_numpy(batches):
                batch = data[rows]
                logits, _ = state.network(batch[:, :-1])
                loss = cross_entropy(logits[:, asked - 1 :].flatten(0, 1), batch[:, asked:].flatten())
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
        return Training(steps, float(np.mean(losses[-max(1, steps // 10) :])))

    def _write(self, state: State, items: Sequence[Item], samples: int, draw: Generator | None) -> list[list[str]]:
        from harness.learning.learners.gpt import one_thread

        prompts = _tokens(_prompts(np.array([_numbers(item) for item in items]), self.settings.digits))
        length, temperature = self.settings.digits + 1, self.settings.temperature
        texts: list[list[str]] = []
        with one_thread():
            for start in range(0, len(prompts), BATCH):
                written = state.network.write(prompts[start : start + BATCH], length, samples, draw, temperature)
                texts += [[_text(tokens) for tokens in group] for group in written.tolist()]
        return texts

    def _seed(self, purpose: str, round: int) -> int:
        """Return a seed of its own for each purpose and round."""
        return int(digest(self.seed, purpose, round), 16) >> 1

    def __post_init__(self) -> None:
        if importlib.util.find_spec("torch") is None:
            raise HarnessError("the learner 'addition' needs torch: pip install 'feedback-harness[torch]'")


def addition(settings: dict[str, Any], seed: int) -> Addition:
    """Make the learner `addition`.

    Args:
        settings: The fields of `AdditionSettings`.
        seed: The seed of the training run: labelled and practised problems, weights, batches, samples.

    Raises:
        HarnessError: A setting is unknown or does not fit, or torch is not installed.
    """
    return Addition(fitted(AdditionSettings, settings, "rounds.settings."), seed)


@lru_cache
def _problems(digits: int) -> Pairs:
    """Return every problem once, in one order for all time, each with its numbers in one of their two orders."""
    random = np.random.default_rng([digits, 0])
    pairs = np.stack(np.triu_indices(10**digits), axis=1).astype(np.int64)
    return random.permuted(random.permutation(pairs), axis=1)


def _reserved(digits: int) -> int:
    return len(_problems(digits)) // HELD_OUT_SHARE


@lru_cache
def _trainable(digits: int, seed: int) -> Pairs:
    """Return the problems that are not held out, in an order of the seed's own: first the labelled ones."""
    return np.random.default_rng([digits, 1, seed]).permutation(_problems(digits)[_reserved(digits) :])


def _item(first: int, second: int, split: str) -> Item:
    prompt, target = f"{first} + {second} =", str(first + second)
    return Item(
        task=TASK,
        item_id=f"{first}+{second}",
        family="mathematics",
        prompt=prompt,
        target=target,
        content_hash=digest(prompt, target),
        metadata=json.dumps({"split": split}),
    )


def _sums(problems: Pairs) -> list[str]:
    return [str(total) for total in problems.sum(axis=1).tolist()]


def _numbers(item: Item) -> list[int]:
    return [int(number) for number in item.item_id.split("+")]


def _prompts(problems: Pairs, digits: int) -> list[str]:
    return [f"{first:0{digits}d}+{second:0{digits}d}=" for first, second in problems.tolist()]


def _tokens(texts: Sequence[str]) -> Tensor:
    import torch

    return torch.tensor([[SYMBOLS.index(symbol) for symbol in text] for text in texts])


def _text(tokens: Sequence[int]) -> str:
    """Return what the network wrote, read from its end, as a number where it is one."""
    text = "".join(SYMBOLS[token] for token in reversed(tokens))
    return str(int(text)) if text.isdecimal() else text


def _rate(step: int, steps: int, warmup: float) -> float:
    """Return the share of the learning rate at a step: a linear rise, then half a cosine."""
    rise = warmup * steps
    return (step + 1) / (rise + 1) if step < rise else 0.5 * (1 + cos(pi * (step - rise) / (steps - rise)))
