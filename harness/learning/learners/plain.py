"""Fine-tuning on kept answers in torch alone: AdamW on the answers' tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from harness.learning.learner import Example, SeriesEnded, Training
from harness.learning.learners.network import Network


class Fitting(BaseModel):
    """How a language model is trained in a round."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: int = Field(default=40, ge=1)
    """Steps a round, the same whatever was kept."""
    batch: int = Field(default=16, ge=1)
    """Answers a step."""
    at_once: int | None = Field(default=None, ge=1)
    """Answers in memory at once, where a whole batch does not fit; gradients add up."""
    learning_rate: float = Field(default=2e-5, gt=0)
    warmup_steps: int = Field(default=5, ge=0)
    """Steps over which the learning rate rises; afterwards it falls in a line to 0."""
    clip: float = Field(default=1.0, gt=0)
    """The largest norm of the gradient."""


def fit(network: Network, examples: Sequence[Example], how: Fitting, system: str | None, seed: int) -> Training:
    """Train a network in place on examples, each as often as any other, in an order of the seed's.

    Args:
        network: What is trained.
        examples: What is learnt: the answer's tokens, given the prompt; each counts by its weight.
        how: Steps, batches and rates.
        system: The system prompt.
        seed: Decides the order.

    Returns:
        The steps and the mean loss a token over the last tenth of them; no steps and no loss without examples.

    Raises:
        SeriesEnded: The loss is no number.
    """
    import torch

    if not examples:
        return Training(0, None)
    prompts = [network.prompt(example.item.prompt, system) for example in examples]
    targets = [network.target(example.text) for example in examples]
    weights = torch.tensor([example.weight for example in examples], device=network.device)
    random = np.random.default_rng(seed)
    epochs = -(-how.steps * how.batch // len(examples))
    order = np.concatenate([random.permutation(len(examples)) for _ in range(epochs)])
    trained = [one for one in network.model.parameters() if one.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=how.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, how))
    losses: list[torch.Tensor] = []
    network.model.train()
    for step in range(how.steps):
        batch = order[step * how.batch : (step + 1) * how.batch]
        size = how.at_once or len(batch)
        counts = sum(float(weights[row]) * len(targets[row]) for row in batch)
        total = torch.zeros((), device=network.device)
        for start in range(0, len(batch), size):
            rows = batch[start : start + size].tolist()
            lost, _ = network.losses([prompts[row] for row in rows], [targets[row] for row in rows])
            loss = (lost * weights[rows]).sum() / max(counts, 1e-12)
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(trained, how.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(total)
    network.model.eval()
    network.free()
    values = torch.stack(losses).tolist()
    wrong = next((step for step, value in enumerate(values) if not math.isfinite(value)), None)
    if wrong is not None:
        raise SeriesEnded("diverged", f"the loss of step {wrong + 1} is {values[wrong]}; lower the learning rate")
    return Training(how.steps, fmean(values[-max(1, how.steps // 10) :]))


def _rate(step: int, how: Fitting) -> float:
    """Return the share of the learning rate at a step."""
    if step < how.warmup_steps:
        return (step + 1) / (how.warmup_steps + 1)
    return max(0.0, (how.steps - step) / max(1, how.steps - how.warmup_steps))
