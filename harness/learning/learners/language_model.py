"""The learner `language_model`: a causal language model of transformers, trained on the answers that feedback kept.

It needs torch and transformers alone, on one core or one GPU: nothing of lm-eval, datasets or TRL, unless TRL trains.
The task is one of the catalogue's with a generator (`harness.learning.problems`), so that no held-out item is ever
practised on.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.answering import default_cache, torch_folder
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.learning.learner import Answer, Example, Training
from harness.learning.learners.network import Network, Writing, ends_series
from harness.learning.learners.plain import Fitting, fit
from harness.learning.learners.practice import PracticeSettings
from harness.learning.problems.task import ProblemTask, problem_task
from harness.records import Item, digest
from harness.suite import fitted

if TYPE_CHECKING:
    from torch import Tensor

EMBEDDED = "embedded"
TAKES = {"plain": {"weight"}, "trl-sft": set(), "trl-dpo": {"rejected"}, "trl-kto": {"wanted"}}
"""What each trainer learns from beside an answer's text."""
State = dict[str, "Tensor"]
"""The weights that are trained."""


class LoraSettings(BaseModel):
    """A low-rank adapter, of peft: only it is trained and kept."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)


class LanguageModelSettings(PracticeSettings, Fitting):
    """`rounds: settings:` of a suite whose learner is `language_model`."""

    model: str = EMBEDDED
    """`embedded`, a folder, or a model's name on the hub."""
    trainer: Literal["plain", "trl-sft", "trl-dpo", "trl-kto"] = "plain"
    """`plain`: fine-tuning in torch alone; `trl-sft`: the same by TRL; `trl-dpo`: preference pairs (`rule: pairs`);
    `trl-kto`: wanted and rejected answers (`rule: unpaired`)."""
    beta: float = Field(default=0.1, gt=0)
    """Of `trl-dpo` and `trl-kto`: how strongly the model is held to that of the round before."""
    lora: LoraSettings | None = None
    """Train a low-rank adapter instead of all weights."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    write_at_once: int = Field(default=256, ge=1)
    """Answers written at once."""
    threads: int = Field(default=1, ge=1)
    """Threads of torch in each process, on a CPU; another number can change the last bits of a sum."""


@dataclass(frozen=True)
class LanguageModel:
    """The learner; see `harness.learning.learner.Learner`."""

    settings: LanguageModelSettings
    seed: int
    task: ProblemTask
    folder: str = field(compare=False)
    """What `from_pretrained` takes."""
    source: str
    """What tells one model from another, wherever it lies."""
    base: str | None = field(default=None, compare=False)
    """As `folder`, of the model that the divergence is measured to: `folder` itself where not given, none if empty."""

    @property
    def takes(self) -> frozenset[str]:
        """What it learns from beside the text: weights, or what a trainer of TRL's does."""
        return frozenset(TAKES[self.settings.trainer])

    @property
    def needs(self) -> str | None:
        """What it cannot train as it is told without: the field of examples that only its trainer learns from."""
        return {"trl-dpo": "rejected", "trl-kto": "wanted"}.get(self.settings.trainer)

    @property
    def name(self) -> str:
        """The name of the model in responses."""
        return "smollm2-135m-instruct" if self.settings.model == EMBEDDED else Path(self.settings.model).name

    @property
    def version(self) -> str:
        """The hash of settings, seed, model, task and the recipe's own version."""
        plain = {"beta"} if self.settings.trainer not in ("trl-dpo", "trl-kto") else set()
        chosen = self.settings.model_dump(exclude={"device", "model", *plain})
        return digest("language_model", chosen, self.seed, self.source, self.task.version, 1)

    def held_out(self, count: int) -> list[Item]:
        """Return the first `count` held-out items of the task."""
        return self.task.held_out(count)

    def practice(self, round: int) -> list[Item]:
        """Return a round's items, which no other round of the seed has."""
        return self.task.practice(self.seed, (round - 1) * self.settings.prompts, self.settings.prompts)

    def start(self) -> tuple[State, Training]:
        """Return the model as it is."""
        with self._at_work() as network:
            return network.weights(), Training(0, None)

    def answer(self, state: State, items: Sequence[Item]) -> list[Answer]:
        """Return the likeliest answer to each item, token by token."""
        with self._at_work(state) as network:
            return [group[0] for group in network.write(self._prompts(network, items), self.writing())]

    def sample(self, state: State, items: Sequence[Item], round: int) -> list[list[Answer]]:
        """Return `samples` drawn answers to each item."""
        return self._draw(state, items, self.settings.samples, "samples", round, False)

    def explore(self, state: State, items: Sequence[Item], samples: int, round: int) -> list[list[Answer]]:
        """Return so many drawn answers to each held-out item, with how far the model is from its base."""
        return self._draw(state, items, samples, "explore", round, True)

    def train(self, state: State, examples: Sequence[Example], round: int) -> tuple[State, Training]:
        """Train on what was kept, from the weights of the round before."""
        how, system, seed = self.settings, self.settings.system_prompt, self._seed("order", round)
        with self._at_work(state) as network:
            if how.trainer == "plain":
                training = fit(network, examples, how, system, seed)
            else:
                from harness.learning.learners.by_trl import fit_by_trl

                training = fit_by_trl(network, examples, how, system, seed, how.trainer, how.beta)
            return network.weights(), training

    def right(self, item: Item, text: str) -> bool | None:
        """Say whether an answer is right, where the task itself knows."""
        return self.task.right(item, text)

    def save(self, state: State, path: Path) -> None:
        """Write the trained weights to a file."""
        from safetensors.torch import save_file

        save_file({name: one.contiguous() for name, one in state.items()}, str(path))

    def load(self, path: Path) -> State:
        """Read what `save` wrote."""
        from safetensors.torch import load_file

        return dict(load_file(str(path), device=self._device))

    def _draw(
        self, state: State, items: Sequence[Item], samples: int, purpose: str, round: int, measured: bool
    ) -> list[list[Answer]]:
        import torch

        with self._at_work(state) as network:
            draw = torch.Generator(self._device).manual_seed(self._seed(purpose, round))
            origin = self.folder if self.base is None else self.base
            base = _base(origin, self._device) if measured and origin else None
            how = self.writing(samples, self.settings.temperature)
            return network.write(self._prompts(network, items), how, draw, base)

    @contextmanager
    def _at_work(self, state: State | None = None) -> Iterator[Network]:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(self.settings.threads)
        try:
            with ends_series():
                network = _network(self.folder, self._device, self.settings.lora, self.seed)
                network.use(_fresh(network) if state is None else state)
                yield network
        finally:
            torch.set_num_threads(threads)

    def _prompts(self, network: Network, items: Sequence[Item]) -> list[list[int]]:
        return [network.prompt(item.prompt, self.settings.system_prompt) for item in items]

    def writing(self, samples: int = 1, temperature: float | None = None) -> Writing:
        """Return how answers are written."""
        most = self.settings.max_new_tokens or self.task.max_tokens
        return Writing(samples, temperature, most, self.task.until, self.settings.write_at_once)

    @cached_property
    def _device(self) -> str:
        import torch

        if self.settings.device != "auto":
            return self.settings.device
        return "cuda" if torch.cuda.is_available() else "cpu"

    def _seed(self, purpose: str, round: int) -> int:
        """Return a seed of its own for each purpose and round."""
        return int(digest(self.seed, purpose, round), 16) >> 1


@lru_cache(maxsize=1)
def _network(folder: str, device: str, lora: LoraSettings | None, seed: int) -> Network:
    """Return the one network of this process that learners put their weights into."""
    import torch

    def adapt(model: Any) -> Any:
        from peft import LoraConfig, get_peft_model

        assert lora is not None
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return get_peft_model(model, LoraConfig(r=lora.rank, lora_alpha=lora.alpha, target_modules="all-linear"))

    network = Network(folder, device, adapt) if lora else Network(folder, device)
    _FRESH[network] = network.weights()
    return network


_FRESH: dict[Network, State] = {}
"""The weights with which a network was loaded."""


def _fresh(network: Network) -> State:
    return _FRESH[network]


@lru_cache(maxsize=1)
def _base(folder: str, device: str) -> Network:
    return Network(folder, device)


def forget_networks() -> None:
    """Give back the memory of the models that this process keeps."""
    _network.cache_clear()
    _base.cache_clear()
    _FRESH.clear()


@lru_cache
def source_of(model: str) -> str:
    """Return what tells a model from another: its files' hash where it is a folder, else its name."""
    folder = Path(model)
    if not folder.is_dir():
        return model
    files = sorted(path for path in folder.iterdir() if path.suffix in (".safetensors", ".bin", ".json"))
    hashes = []
    for path in files:
        with path.open("rb") as handle:
            hashes.append((path.name, hashlib.file_digest(handle, "sha256").hexdigest()))
    return digest(hashes)


def unloaded(settings: dict[str, Any], seed: int, catalog: Catalog | None = None) -> LanguageModel:
    """Return the learner without its model.

    Raises:
        HarnessError: A setting is unknown or does not fit, or the task has no generator.
    """
    wanted = fitted(LanguageModelSettings, settings, "rounds.settings.")
    if wanted.trainer == "trl-kto" and (wanted.at_once or wanted.batch) < 2:
        key = "at_once" if wanted.at_once else "batch"
        raise HarnessError(
            f"rounds.settings.{key}: trl-kto compares the answers that are in memory at once: 2 at least"
        )
    return LanguageModel(wanted, seed, problem_task(wanted.task, catalog or Catalog()), "", "")


def language_model(
    settings: dict[str, Any], seed: int, catalog: Catalog | None = None, cache: Path | None = None
) -> LanguageModel:
    """Make the learner `language_model`.

    Args:
        settings: The fields of `LanguageModelSettings`.
        seed: The seed of the training run: practised items, samples, the order of training.
        catalog: Where the task is looked for.
        cache: Where the embedded model is kept.

    Raises:
        HarnessError: What `unloaded` refuses, or a package is missing.
    """
    one = unloaded(settings, seed, catalog)
    needed = {"torch", "transformers"}
    needed |= {"trl", "datasets"} if one.settings.trainer != "plain" else set()
    needed |= {"peft"} if one.settings.lora else set()
    absent = sorted(name for name in needed if importlib.util.find_spec(name) is None)
    if absent:
        raise HarnessError(
            f"the learner 'language_model' needs {', '.join(absent)}: pip install 'feedback-harness[train]'"
        )
    if one.settings.model == EMBEDDED:
        folder = str(torch_folder(cache or default_cache()))
        return replace(one, folder=folder, source=Path(folder).name)
    return replace(one, folder=one.settings.model, source=source_of(one.settings.model))
