"""What a model practises on, and how it answers: settings that all learners over a task with a generator have."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class PracticeSettings(BaseModel):
    """What a model practises on, and how it answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: str
    """A task of the catalogue with a generator."""
    prompts: int = Field(default=100, ge=1)
    """New items to practise on each round."""
    samples: int = Field(default=4, ge=1)
    """Answers drawn for each of them, of which feedback keeps at most one."""
    temperature: float = Field(default=1.0, gt=0)
    system_prompt: str | None = None
    max_new_tokens: int | None = Field(default=None, ge=1)
    """Tokens of an answer at most; the task's own limit where not given."""
