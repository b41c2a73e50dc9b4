"""Training by TRL: fine-tuning on kept answers, direct preference optimization on pairs, or KTO on single answers.

The steps, batches, rates and tokens are those of `trainer: plain`, so that only the trainer differs. TRL works on a
copy of the model: what it puts into a model does not stay in ours.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from importlib import import_module
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from harness.learning.learner import Example, SeriesEnded, Training
from harness.learning.learners.network import Network
from harness.learning.learners.plain import Fitting

Trainer = Literal["trl-sft", "trl-dpo", "trl-kto"]


def fit_by_trl(
    network: Network,
    examples: Sequence[Example],
    how: Fitting,
    system: str | None,
    seed: int,
    trainer: Trainer,
    beta: float = 0.1,
) -> Training:
    """Train a network in place on examples; see `plain.fit`.

    Args:
        network: What is trained.
        examples: What is learnt. `trl-dpo` learns from those that were preferred to another answer, `trl-kto` from
            those that are wanted and those that are rejected; where there are none (the control) both train on the
            answers as `trl-sft` does, with as many steps. Where nothing is wanted nothing is trained.
        how: Steps, batches and rates.
        system: The system prompt.
        seed: Decides the order.
        trainer: Which of TRL's.
        beta: Of `trl-dpo` and `trl-kto`: how strongly the model is held to that of the round before.

    Raises:
        SeriesEnded: The loss is no number.
    """
    import torch
    from transformers import PrinterCallback

    if all(one.wanted is False for one in examples):
        return Training(0, None)
    make = _tuning
    if trainer == "trl-dpo" and any(one.rejected is not None for one in examples):
        make = _preferring
    if trainer == "trl-kto" and any(one.wanted is False for one in examples):
        make = _sorting
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), TemporaryDirectory() as folder:
        made = make(network, examples, system, _settings(how, seed, folder), beta)
        made.remove_callback(PrinterCallback)
        made.train()
        losses = [float(entry["loss"]) for entry in made.state.log_history if "loss" in entry]
        trained = {name: one.detach() for name, one in made.model.named_parameters() if one.requires_grad}
        network.use({name: trained[name] for name in network.weights()})
    network.free()
    wrong = next((step for step, value in enumerate(losses) if not math.isfinite(value)), None)
    if wrong is not None:
        raise SeriesEnded("diverged", f"the loss of step {wrong + 1} is {losses[wrong]}; lower the learning rate")
    return Training(how.steps, fmean(losses[-max(1, how.steps // 10) :]))


def _settings(how: Fitting, seed: int, folder: str) -> dict[str, Any]:
    import torch

    size = how.at_once or how.batch
    return {
        "output_dir": folder, "max_steps": how.steps, "per_device_train_batch_size": size,
        "gradient_accumulation_steps": -(-how.batch // size), "learning_rate": how.learning_rate,
        "warmup_steps": how.warmup_steps, "lr_scheduler_type": "linear", "max_grad_norm": how.clip, "weight_decay": 0.0,
        "optim": "adamw_torch", "seed": seed % 2**31, "report_to": "none", "save_strategy": "no", "logging_steps": 1,
        "disable_tqdm": True, "bf16": False, "gradient_checkpointing": False, "max_length": None,
        "use_cpu": not torch.cuda.is_available(), "dataloader_pin_memory": torch.cuda.is_available(),
    }  # fmt: skip


def _tuning(
    network: Network, examples: Sequence[Example], system: str | None, settings: dict[str, Any], beta: float
) -> Any:
    from datasets import Dataset

    trl: Any = import_module("trl")  # whose names are lazy

    rows = []
    for example in examples:
        prompt, target = network.prompt(example.item.prompt, system), network.target(example.text)
        rows.append({"input_ids": prompt + target, "labels": [-100] * len(prompt) + target})
    return trl.SFTTrainer(
        copy.deepcopy(network.model), trl.SFTConfig(**settings),
        train_dataset=Dataset.from_list(rows), processing_class=_tokenizer(network),
    )  # fmt: skip


def _preferring(
    network: Network, examples: Sequence[Example], system: str | None, settings: dict[str, Any], beta: float
) -> Any:
    from datasets import Dataset

    trl: Any = import_module("trl")  # whose names are lazy

    rows = [
        {
            "prompt_ids": network.prompt(one.item.prompt, system),
            "chosen_ids": network.target(one.text),
            "rejected_ids": network.target(one.rejected),
        }
        for one in examples
        if one.rejected is not None
    ]

    class ByTokens(trl.DPOTrainer):  # type: ignore[misc]
        """TRL's trainer on rows that have tokens already, as its `SFTTrainer` takes them."""

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    return ByTokens(
        copy.deepcopy(network.model), copy.deepcopy(network.model), trl.DPOConfig(**settings, beta=beta),
        train_dataset=Dataset.from_list(rows), processing_class=_tokenizer(network),
    )  # fmt: skip


def _sorting(
    network: Network, examples: Sequence[Example], system: str | None, settings: dict[str, Any], beta: float
) -> Any:
    """Return the trainer of Kahneman-Tversky optimization, in which wanted and rejected answers weigh the same.

    TRL takes the rows as they lie, and estimates the divergence from the answers of a batch at prompts of others.
    """
    from datasets import Dataset

    trl: Any = import_module("trl")  # whose names are lazy

    size = settings["per_device_train_batch_size"]
    count = settings["max_steps"] * size * settings["gradient_accumulation_steps"]
    random = np.random.default_rng(settings["seed"])
    order = np.concatenate([random.permutation(len(examples)) for _ in range(-(-count // len(examples)))])[:count]
    tokens = [(network.prompt(one.item.prompt, system), network.target(one.text)) for one in examples]
    rows = [
        {
            "prompt_ids": tokens[place][0],
            "completion_ids": tokens[place][1],
            "KL_completion_ids": tokens[batch[number - 1]][1],
            "label": examples[place].wanted is not False,
        }
        for batch in order.reshape(-1, size)
        for number, place in enumerate(batch)
    ]
    rejected = sum(one.wanted is False for one in examples)
    wanted = len(examples) - rejected

    class ByTokens(trl.KTOTrainer):  # type: ignore[misc]
        """TRL's trainer on rows that have tokens already, as its `SFTTrainer` takes them."""

        def _prepare_dataset(self, dataset: Any, *_: Any, **__: Any) -> Any:
            return dataset

    weights = {"desirable_weight": max(1.0, rejected / wanted), "undesirable_weight": max(1.0, wanted / rejected)}
    return ByTokens(
        copy.deepcopy(network.model), copy.deepcopy(network.model), trl.KTOConfig(**settings, **weights, beta=beta),
        train_dataset=Dataset.from_list(rows), processing_class=_tokenizer(network),
    )  # fmt: skip


def _tokenizer(network: Network) -> Any:
    found = copy.deepcopy(network.tokenizer)
    if found.pad_token is None:
        found.pad_token = found.convert_ids_to_tokens(network.end)
    return found
