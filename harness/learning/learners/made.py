"""What a program that trains has made: `model.json` in its folder, which names a model; and what it printed."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from harness.answering import CHAT_PREFIXES, read_chat_spec
from harness.errors import HarnessError
from harness.learning.learner import SeriesEnded
from harness.suite import fitted

MODEL, LOG = "model.json", "log.txt"
Named = str | dict[str, Any]
"""A model: a folder or a name on the hub, or a chat model."""


class Report(BaseModel):
    """`model.json`: what the program made."""

    model_config = ConfigDict(extra="forbid")

    model: Named
    """A folder, relative to the one that the program was given, or a chat model."""
    steps: int = Field(ge=0)
    """Steps of training: the same whatever was kept, so that kinds of feedback compare."""
    loss: float | None = None


def is_chat(model: Named) -> bool:
    """Whether a model is a chat model."""
    return not isinstance(model, str) or model.startswith(CHAT_PREFIXES)


def read_made(folder: Path) -> Report:
    """Read what a program made; a folder by its whole path.

    Raises:
        SeriesEnded: There is nothing, or it does not fit.
    """
    path = folder / MODEL
    try:
        report = fitted(Report, json.loads(path.read_bytes()), "")
        if is_chat(report.model):
            read_chat_spec(report.model)
        else:
            place = folder / str(report.model)
            if not place.is_dir():
                raise HarnessError(f"no folder {place}")
            report.model = str(place)
    except FileNotFoundError as error:
        raise SeriesEnded("failed", f"the program wrote no {MODEL}: {last_line(folder)} ({folder / LOG})") from error
    except (ValueError, HarnessError) as error:
        raise SeriesEnded("failed", f"{path}: {error}") from error
    if report.loss is not None and not math.isfinite(report.loss):
        raise SeriesEnded("diverged", f"{path}: the loss is {report.loss}")
    return report


def last_line(folder: Path) -> str:
    """Return the last line that a program printed."""
    path = folder / LOG
    lines = path.read_text(errors="replace").split("\n") if path.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
