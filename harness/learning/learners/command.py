"""The learner `command`: a program of anybody's trains; the harness samples, has it rated, keeps, and measures.

The program is given a folder as its last argument, with `job.json` and `train.jsonl`, and writes `model.json` there:
a folder that transformers loads, or a chat model at an endpoint. The folder is named by all that decides the training,
so that a program that was killed finds again what it left there.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any

from pydantic import Field

from harness.answering import Budget, default_cache, read_chat_spec, torch_folder
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.learning.learner import Answer, Example, SeriesEnded, Training
from harness.learning.learners.endpoint import Endpoint
from harness.learning.learners.language_model import (
    EMBEDDED,
    LanguageModel,
    LanguageModelSettings,
    forget_networks,
    source_of,
)
from harness.learning.learners.made import LOG, MODEL, Named, is_chat, last_line, read_made
from harness.learning.learners.practice import PracticeSettings
from harness.learning.problems.task import problem_task
from harness.learning.training_data import conversational
from harness.records import Item, digest
from harness.run import write_whole
from harness.suite import fitted

JOB, DATA = "job.json", "train.jsonl"
SUPERVISOR = """
import os, subprocess, sys, threading
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
threading.Thread(target=lambda: (sys.stdin.read(), os.killpg(0, 9)), daemon=True).start()
code = child.wait()
os._exit(code if code >= 0 else 128 - code)
"""
"""Runs the program, and ends it with all that it started when the harness ends, however that ends: the pipe closes."""


class CommandSettings(PracticeSettings):
    """`rounds: settings:` of a suite whose learner is `command`."""

    run: str | list[str]
    """The program and its arguments; the folder comes behind them."""
    model: Named = EMBEDDED
    """The base: `embedded`, a folder, or a name on the hub; or a chat model (`openai:NAME`, or a mapping with
    `base_url`)."""
    options: dict[str, Any] = Field(default_factory=dict)
    """What the program is told beside, in `job.json`."""
    timeout: float | None = Field(default=None, gt=0)
    """Seconds that one training may take."""

    @property
    def words(self) -> list[str]:
        """The program and its arguments."""
        return shlex.split(self.run) if isinstance(self.run, str) else self.run


@dataclass(frozen=True)
class Made:
    """A state: a model, and the folder of the program that made it, none for the base."""

    model: Named
    folder: Path | None = None


@dataclass(frozen=True)
class Command:
    """The learner; see `harness.learning.learner.Learner`."""

    settings: CommandSettings
    writer: LanguageModel
    """Makes the items, and answers with models that lie in a folder."""
    program: str
    """The hash of the files that the command names: another program is another learner."""
    work: Path = field(compare=False)
    """Where the program's folders lie while it is at work."""
    cache: Path = field(compare=False)
    budget: Budget | None = field(default=None, compare=False)
    """What the command may spend on the answers of an endpoint."""
    takes = frozenset({"weight", "rejected", "wanted"})

    @property
    def seed(self) -> int:
        """The seed of the training run."""
        return self.writer.seed

    @property
    def name(self) -> str:
        """The name of the base, by which responses call the model."""
        model = self.settings.model
        return self.writer.name if isinstance(model, str) else read_chat_spec(model).model

    @property
    def version(self) -> str:
        """The hash of settings, seed, base, task, the program's files and the recipe's own version."""
        decides = self.settings.model_dump(exclude={"timeout"})
        return digest("command", decides, self.program, self.seed, self.writer.source, self.writer.task.version, 1)

    def held_out(self, count: int) -> list[Item]:
        """Return the first `count` held-out items of the task."""
        return self.writer.held_out(count)

    def practice(self, round: int) -> list[Item]:
        """Return a round's items, which no other round of the seed has."""
        return self.writer.practice(round)

    def start(self) -> tuple[Made, Training]:
        """Return the base as it is."""
        return Made(self.writer.folder or self.settings.model), Training(0, None)

    def answer(self, state: Made, items: Sequence[Item]) -> list[Answer]:
        """Return the likeliest answer to each item."""
        found = self._written(state)
        if isinstance(found, Endpoint):
            return [group[0] for group in found.write(items, self.writer.writing(), self.seed)]
        with _readable(state):
            return found.answer(found.start()[0], items)

    def sample(self, state: Made, items: Sequence[Item], round: int) -> list[list[Answer]]:
        """Return `samples` drawn answers to each item."""
        found, how = self._written(state), self.settings
        if isinstance(found, Endpoint):
            return found.write(items, self.writer.writing(how.samples, how.temperature), self.seed, "samples", round)
        with _readable(state):
            return found.sample(found.start()[0], items, round)

    def explore(self, state: Made, items: Sequence[Item], samples: int, round: int) -> list[list[Answer]]:
        """Return so many drawn answers to each held-out item; with `kl` where both models are folders."""
        found = self._written(state)
        if isinstance(found, Endpoint):
            how = self.writer.writing(samples, self.settings.temperature)
            return found.write(items, how, self.seed, "explore", round)
        with _readable(state):
            return found.explore(found.start()[0], items, samples, round)

    def train(self, state: Made, examples: Sequence[Example], round: int) -> tuple[Made, Training]:
        """Let the program train on what was kept; one that has done so in this folder before is not asked again.

        Raises:
            SeriesEnded: The program failed, took too long, or made no model.
        """
        kept = [one.facts for one in examples]
        folder = self.work / f"training-{digest(self.version, round, str(state.model), kept)}"
        if not (folder / MODEL).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / DATA, conversational(examples, self.settings.system_prompt))
            job = {
                "round": round, "seed": self.seed, "model": state.model, "data": DATA, "examples": len(examples),
                "task": self.settings.task, "options": self.settings.options,
            }  # fmt: skip
            write_whole(folder / JOB, json.dumps(job, indent=2).encode())
            forget_networks()  # the program may want the memory
            self._run(folder)
        report = read_made(folder)
        return Made(report.model, folder), Training(report.steps, report.loss)

    def right(self, item: Item, text: str) -> bool | None:
        """Say whether an answer is right, where the task itself knows."""
        return self.writer.right(item, text)

    def save(self, state: Made, path: Path) -> None:
        """Move the program's folder, with the model that lies there; of the base write down where it is."""
        if state.folder is not None:
            shutil.move(state.folder, path)
            return
        path.mkdir(parents=True)
        (path / MODEL).write_bytes(json.dumps({"model": state.model, "steps": 0}).encode())

    def load(self, path: Path) -> Made:
        """Read what `save` wrote."""
        return Made(read_made(path).model, path)

    def _run(self, folder: Path) -> None:
        """Run the program on a folder; what it prints goes to `log.txt` there."""
        command = [sys.executable, "-c", SUPERVISOR, *self.settings.words, str(folder)]
        with (
            (folder / LOG).open("ab") as log,
            Popen(command, stdin=PIPE, stdout=log, stderr=log, start_new_session=True) as program,
        ):
            try:
                code = program.wait(self.settings.timeout)
            except TimeoutExpired as error:
                raise SeriesEnded(
                    "timeout", f"the program took more than {error.timeout:,g} s; {folder / LOG}"
                ) from error
            finally:
                if program.stdin:
                    program.stdin.close()  # ends whatever is still at work
        if code:
            how = f"was killed by signal {code - 128}" if code > 128 else f"ended with {code}"
            raise SeriesEnded("failed", f"the program {how}: {last_line(folder)} ({folder / LOG})")

    def _written(self, state: Made) -> LanguageModel | Endpoint:
        """Return who answers with a state."""
        if is_chat(state.model):
            system = self.settings.system_prompt
            return Endpoint(state.model, self.cache, (("system", system),) if system else (), budget=self.budget)
        base = self.writer.folder if self.writer.folder != state.model else None
        return replace(self.writer, folder=str(state.model), base=base)


@contextmanager
def _readable(state: Made) -> Iterator[None]:
    """End the series where what its program made cannot be read as a model.

    Raises:
        SeriesEnded: It cannot.
    """
    try:
        yield
    except HarnessError as error:
        if state.folder is None or isinstance(error, SeriesEnded):
            raise
        raise SeriesEnded("failed", str(error)) from error


def unloaded(settings: dict[str, Any], seed: int, catalog: Catalog | None = None) -> Command:
    """Return the learner without its model.

    Raises:
        HarnessError: A setting is unknown or does not fit, the task has no generator, or there is no such program.
    """
    wanted = fitted(CommandSettings, settings, "rounds.settings.")
    if not wanted.words or shutil.which(wanted.words[0]) is None:
        raise HarnessError(f"rounds.settings.run: there is no program {' '.join(wanted.words[:1])!r}")
    files = [Path(word) for word in wanted.words[1:] if Path(word).is_file()]
    program = digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in files])
    same, model = wanted.model_dump(include=set(PracticeSettings.model_fields)), wanted.model
    how = LanguageModelSettings(**same, model=model if isinstance(model, str) else read_chat_spec(model).model)
    task = problem_task(wanted.task, catalog or Catalog())
    return Command(wanted, LanguageModel(how, seed, task, "", ""), program, Path(), Path())


def command(
    settings: dict[str, Any],
    seed: int,
    catalog: Catalog | None = None,
    cache: Path | None = None,
    work: Path | None = None,
    budget: Budget | None = None,
) -> Command:
    """Make the learner `command`.

    Args:
        settings: The fields of `CommandSettings`.
        seed: The seed of the training run: practised items and samples; the program is told it.
        catalog: Where the task is looked for.
        cache: Where the embedded model is kept.
        work: Where the program's folders lie.
        budget: What the command may spend on calls.

    Raises:
        HarnessError: See `unloaded`.
    """
    one, own = unloaded(settings, seed, catalog), cache or default_cache()
    model, folder = one.settings.model, ""
    if model == EMBEDDED:
        folder = str(torch_folder(own))
    elif not is_chat(model):
        folder = str(Path(str(model)).resolve()) if Path(str(model)).is_dir() else str(model)
    source = Path(folder).name if model == EMBEDDED else source_of(folder) if folder else digest(model)
    writer = replace(one.writer, folder=folder, source=source)
    return replace(one, writer=writer, work=work or own / "training", cache=own, budget=budget)
