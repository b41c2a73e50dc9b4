"""Training data for those who train elsewhere: TRL's conversational formats, a JSON object an example."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from harness.learning.learner import Example


def conversational(examples: Sequence[Example], system: str | None = None) -> bytes:
    """Return examples as JSON Lines: `prompt` and `completion`, or `prompt`, `chosen` and `rejected`.

    Where each answer is wanted or rejected, `label` says which, beside `prompt` and `completion`. An example that
    counts more or less than another has its `weight` too.

    Args:
        examples: What feedback kept.
        system: What the model is told before anything else.
    """
    before = [{"role": "system", "content": system}] if system else []
    lines: list[dict[str, Any]] = []
    for one in examples:
        line: dict[str, Any] = {"prompt": [*before, {"role": "user", "content": one.item.prompt}]}
        answer = [{"role": "assistant", "content": one.text}]
        if one.rejected is None:
            line["completion"] = answer
        else:
            line |= {"chosen": answer, "rejected": [{"role": "assistant", "content": one.rejected}]}
        if one.wanted is not None:
            line["label"] = one.wanted
        lines.append(line | ({"weight": one.weight} if one.weight != 1 else {}))
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
