"""Whether a suite is the one that made a run, or more; else what is different."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import HarnessError
from harness.suite.model import Suite

HOW_ASKED = ("batch",)
"""Arguments of a model that decide when its answers come, and not what they are."""
GROWS = ("models", "tasks", "ratings", "raters", "feedback", "keep")
"""Where a suite may have more than the run that it made: nothing that is there changes by it."""


def differences(old: Suite, new: Suite) -> list[str]:
    """Return one line for each key whose value differs between two suites; what was only added is no difference."""
    return list(_differences(_by_name(old), _by_name(new), ""))


def _by_name(suite: Suite) -> dict[str, Any]:
    """Return a suite's values, its lists by name: their order decides nothing."""
    content = suite.model_dump(exclude={"description", "exchange"})
    for who in content["models"]:
        who["args"] = {name: value for name, value in who["args"].items() if name not in HOW_ASKED}
    for use in [*content["tasks"], *content["ratings"]]:
        use["raters"] = {f"{entry['rater']} against {entry['against']}": entry for entry in use["raters"]}
    return {
        **content,
        "models": {model["name"]: model for model in content["models"]},
        "tasks": {use.called: entry for use, entry in zip(suite.tasks, content["tasks"], strict=True)},
        "ratings": {use.name: entry for use, entry in zip(suite.ratings, content["ratings"], strict=True)},
    }


def _differences(old: Any, new: Any, key: str) -> Iterator[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        grows = key.rsplit(".", 1)[-1] in GROWS
        for name in [*old, *(name for name in new if name not in old)]:
            if not (grows and name not in old):
                there, here = old.get(name, "nothing"), new.get(name, "nothing")
                yield from _differences(there, here, f"{key}.{name}".lstrip("."))
    elif old != new and not (old is None and key == "rounds"):
        yield f"{key}: {_brief(old)} there, {_brief(new)} here"


def _brief(value: Any) -> str:
    return "an entry" if isinstance(value, dict | list) and value else str(value) if value == "nothing" else repr(value)


def refuse_other_suite(old: Suite, new: Suite, folder: str) -> None:
    """Raise a `HarnessError` that shows the difference if `new` is neither the suite of the run in `folder` nor more.

    A suite that has the same and more (models, tasks, raters, kinds of feedback, rounds) goes on with the run.
    """
    lines = differences(old, new)
    if lines:
        shown = "\n  ".join(lines)
        raise HarnessError(
            f"{folder} holds a run of another suite:\n  {shown}\nChoose another folder with --out, or go on with that "
            f"run as it was: harness run {folder}/suite.yaml --out {folder}"
        )
