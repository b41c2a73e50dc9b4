"""A multiple-choice task asked as a question: the choices stand in the prompt under letters, and the model writes one.

Chat interfaces do not tell how likely a text is, so they cannot answer by log-likelihood. The items, their ids, choices
and right answers are those of the task itself, so that both ways can be compared item by item.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from harness.answering.tasks.definitions import quiet_lm_eval
from harness.errors import HarnessError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ASK = "Which of these answers the question, or goes on best? Say its letter."
ASK_LISTED = "Which of these is right? Say its letter."
MOST_TOKENS = 512
"""Room for a model that explains itself first."""


def generative(lm_task: Any, where: str) -> Any:
    """Return lm-eval's task that lets a model write the letter of a choice.

    It has no metric of lm-eval's: what was written is read by the rater `multiple_choice`.

    Args:
        lm_task: A task of the type `multiple_choice`.
        where: The task's name and file, for the complaint.

    Raises:
        HarnessError: The task has no choices, or more than there are letters.
    """
    if lm_task.OUTPUT_TYPE != "multiple_choice":
        raise HarnessError(f"{where}: `how: generate` is for multiple choice, and this is {lm_task.OUTPUT_TYPE}")

    def ask(doc: dict[str, Any]) -> str:
        choices, question = choices_of(lm_task, doc), lm_task.doc_to_text(doc)
        if len(choices) > len(LETTERS):
            raise HarnessError(f"{where}: an item has {len(choices)} choices, and there are {len(LETTERS)} letters")
        said = (
            "" if lm_task.multiple_input else re.sub(r"\s*\b(?:answer|a):\s*$", "", str(question), flags=re.I).strip()
        )
        if _listed(choices):
            return f"{said}\n\n{ASK_LISTED}\nAnswer:"
        lettered = "\n".join(f"{letter}. {choice.strip()}" for letter, choice in zip(LETTERS, choices, strict=False))
        return "\n\n".join(part for part in (said, lettered, f"{ASK}\nAnswer:") if part)

    def right(doc: dict[str, Any]) -> str:
        target = lm_task.doc_to_text(doc) if lm_task.multiple_input else lm_task.doc_to_target(doc)
        first = target[0] if isinstance(target, list | tuple) else target
        choices = [str(choice) for choice in lm_task.doc_to_choice(doc)]
        place = choices.index(first) if first in choices else int(first)
        return LETTERS[place]

    given = {field.name: getattr(lm_task.config, field.name) for field in dataclasses.fields(lm_task.config)}
    examples = {
        field.name: getattr(lm_task.fewshot_cfg, field.name)
        for field in dataclasses.fields(lm_task.fewshot_cfg)
        if not field.name.startswith("doc_to_") and field.name != "gen_prefix"  # they are written as the question is
    }
    asked = {
        "custom_dataset": lambda **_: lm_task.dataset,
        "output_type": "generate_until",
        "doc_to_text": ask,
        "doc_to_target": right,
        "doc_to_choice": None,
        "gen_prefix": None,
        "fewshot_config": examples,
        "process_results": None,
        "filter_list": None,
        "metric_list": [{"metric": "bypass", "aggregation": "bypass", "higher_is_better": True}],
        "generation_kwargs": {
            "until": [f"\n{ASK}", f"\n{ASK_LISTED}"],  # where a model without turns goes on with examples
            "max_gen_toks": MOST_TOKENS,
            "do_sample": False,
            "temperature": 0.0,
        },
    }
    from lm_eval.api.task import ConfigurableTask

    with quiet_lm_eval():
        return ConfigurableTask(config=given | asked)


def choices_of(lm_task: Any, doc: dict[str, Any]) -> list[str]:
    """Return an item's choices as whole texts: those that are beginnings have the end that all share."""
    choices = [str(choice) for choice in lm_task.doc_to_choice(doc)]
    end = f"{lm_task.config.target_delimiter}{lm_task.doc_to_target(doc)}" if lm_task.multiple_input else ""
    return [choice + end for choice in choices]


def _listed(choices: list[str]) -> bool:
    """Whether the choices are letters: the question lists what they stand for."""
    return [choice.strip(" ().") for choice in choices] == list(LETTERS[: len(choices)])
