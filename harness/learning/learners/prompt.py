"""The learner `prompt`: no weight changes; what was learnt goes into the prompt, for models behind an interface.

What feedback kept in a round is shown to the model in the next, as earlier turns of the conversation
(`demonstrations`). Any chat client does; nothing of torch is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from harness.answering import Budget, default_cache, make_chat, read_chat_spec
from harness.catalog import Catalog
from harness.learning.learner import Answer, Example, Training
from harness.learning.learners.demonstrations import Demonstration, choose, from_json, to_json
from harness.learning.learners.endpoint import Endpoint
from harness.learning.learners.language_model import EMBEDDED
from harness.learning.learners.network import Writing
from harness.learning.learners.practice import PracticeSettings
from harness.learning.problems.task import ProblemTask, problem_task
from harness.rating import Surroundings
from harness.records import Item, digest
from harness.run import write_whole
from harness.suite import fitted

State = tuple[Demonstration, ...]
TRAFFIC = {
    "key_variable", "concurrency", "requests_per_minute", "tokens_per_minute", "timeout", "attempts", "rates",
}  # fmt: skip
"""Settings of a chat model that decide nothing about its answers."""


class PromptSettings(PracticeSettings):
    """`rounds: settings:` of a suite whose learner is `prompt`."""

    model: str | dict[str, Any] = EMBEDDED
    """`embedded`, or a chat model (`openai:NAME`, `anthropic:NAME`, or a mapping with `base_url`)."""
    demonstrations: int = Field(default=8, ge=1)
    """Kept answers that are shown at most."""
    characters: int = Field(default=4000, ge=1)
    """Characters of all that is shown at most, prompts and answers together."""
    logprobs: bool | None = None
    """Whether the model is asked how probable its answers are; where not given, `embedded` and `openai:` are."""


@dataclass(frozen=True)
class Prompt:
    """The learner; see `harness.learning.learner.Learner`."""

    settings: PromptSettings
    seed: int
    task: ProblemTask
    cache: Path = field(compare=False)
    budget: Budget | None = field(default=None, compare=False)
    """What the command may spend."""
    takes = frozenset({"weight"})

    @property
    def name(self) -> str:
        """The name of the model in responses."""
        return read_chat_spec(self.settings.model).model

    @property
    def version(self) -> str:
        """The hash of settings, seed, model, task and the recipe's own version."""
        model = read_chat_spec(self.settings.model).model_dump(exclude=TRAFFIC)
        decides = self.settings.model_dump(exclude={"model"})
        return digest("prompt", decides, model, self.seed, self.task.version, 1)

    def held_out(self, count: int) -> list[Item]:
        """Return the first `count` held-out items of the task."""
        return self.task.held_out(count)

    def practice(self, round: int) -> list[Item]:
        """Return a round's items, which no other round of the seed has."""
        return self.task.practice(self.seed, (round - 1) * self.settings.prompts, self.settings.prompts)

    def start(self) -> tuple[State, Training]:
        """Return that nothing is shown."""
        return (), Training(0, None)

    def answer(self, state: State, items: Sequence[Item]) -> list[Answer]:
        """Return the model's answer to each item, at temperature 0."""
        return [group[0] for group in self._shown(state).write(items, self._writing(), self.seed)]

    def sample(self, state: State, items: Sequence[Item], round: int) -> list[list[Answer]]:
        """Return `samples` drawn answers to each item."""
        how = self._writing(self.settings.samples, self.settings.temperature)
        return self._shown(state).write(items, how, self.seed, "samples", round)

    def explore(self, state: State, items: Sequence[Item], samples: int, round: int) -> list[list[Answer]]:
        """Return so many drawn answers to each held-out item."""
        how = self._writing(samples, self.settings.temperature)
        return self._shown(state).write(items, how, self.seed, "explore", round)

    def train(self, state: State, examples: Sequence[Example], round: int) -> tuple[State, Training]:
        """Choose what is shown from now on; its number stands for the steps."""
        shown = choose(examples, state, round, self.settings.demonstrations, self.settings.characters)
        return shown, Training(len(shown), None)

    def right(self, item: Item, text: str) -> bool | None:
        """Say whether an answer is right, where the task itself knows."""
        return self.task.right(item, text)

    def save(self, state: State, path: Path) -> None:
        """Write what is shown to a file."""
        write_whole(path, to_json(state))

    def load(self, path: Path) -> State:
        """Read what `save` wrote."""
        return from_json(path.read_bytes())

    def _writing(self, samples: int = 1, temperature: float | None = None) -> Writing:
        most = self.settings.max_new_tokens or self.task.max_tokens
        return Writing(samples, temperature, most, self.task.until)

    def _shown(self, state: State) -> Endpoint:
        """Return the model with what it is shown before it is asked."""
        how = self.settings
        turns = [turn for one in state for turn in (("user", one.prompt), ("assistant", one.answer))]
        system = [("system", how.system_prompt)] if how.system_prompt else []
        sure = self.name == EMBEDDED or self.name.startswith("openai:") if how.logprobs is None else how.logprobs
        return Endpoint(how.model, self.cache, (*system, *turns), cached=True, logprobs=sure, budget=self.budget)


def prompt(
    settings: dict[str, Any],
    seed: int,
    catalog: Catalog | None = None,
    cache: Path | None = None,
    budget: Budget | None = None,
) -> Prompt:
    """Make the learner `prompt`.

    Args:
        settings: The fields of `PromptSettings`.
        seed: The seed of the run: practised items and samples.
        catalog: Where the task is looked for.
        cache: Where the embedded model and finished calls are kept.
        budget: What the command may spend on calls.

    Raises:
        HarnessError: A setting is unknown or does not fit, the task has no generator, or there is no such model.
    """
    wanted = fitted(PromptSettings, settings, "rounds.settings.")
    own = cache or default_cache()
    if read_chat_spec(wanted.model).model != EMBEDDED:  # whose client would fetch it
        make_chat(wanted.model, Surroundings(cache=own))
    return Prompt(wanted, seed, problem_task(wanted.task, catalog or Catalog()), own, budget)
