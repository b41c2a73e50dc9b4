"""A reward model: a sequence classifier with one output, from a folder or the hub, that says how good an answer is.

It reads the question and the answer once and gives a number; of two answers the Bradley-Terry model that it was
trained by says how probable it is that the first is preferred. Everything on the processor, nothing drawn, and one
text at a time unless `batch_size` says otherwise: then a reward depends on nothing but its text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from harness.answering import Message, quiet_transformers, written
from harness.errors import HarnessError, UnavailableError
from harness.kinds import identity_of
from harness.rating.judges.fence import harmless
from harness.rating.judges.judge import unreadable
from harness.rating.rater import RaterSpec, Surroundings, Work, rating_of
from harness.rating.settings import Settings, read_settings
from harness.records import Item, Rating, Response, Status, digest

DECIDES = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja")
"""What files of a model's folder decide a reward: weights, settings, tokenizer; not what training left beside them."""


class RewardSettings(Settings):
    """The settings of a reward model."""

    model: str
    """A folder (beside the rater.yaml, or any), or an id on the hub."""
    revision: str | None = None
    """On the hub: a commit, tag or branch. The version of the ratings has the commit that it stands for."""
    max_length: int | None = Field(default=None, ge=1)
    """Tokens of question and answer together; what the model takes where not given. A longer text is skipped."""
    batch_size: int = Field(default=1, ge=1)
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    template: Literal["chat", "plain"] = "chat"
    """`chat`: as turns of the model's chat template; `plain`: as the two texts that older classifiers read."""


class Reward(NamedTuple):
    """What the model says of one answer."""

    value: float | None
    status: Status = "ok"
    error: str | None = None
    seconds: float | None = None


Text = tuple[tuple[Message, ...], str]
"""What was asked, as messages, and an answer."""


class RewardModel:
    """A rater by a sequence classifier, which is loaded when it first rates and goes with the rater."""

    def __init__(self, spec: RaterSpec, settings: RewardSettings, path: str) -> None:
        """Look at the model's configuration.

        Args:
            spec: Its declaration.
            settings: Its settings.
            path: The model's folder, or its id on the hub.

        Raises:
            HarnessError: It has not one output.
            UnavailableError: It cannot be found.
        """
        from transformers import AutoConfig

        self.spec = spec
        self.settings = settings
        self.path = path
        self._config = self._taken(AutoConfig)
        if self._config.num_labels != 1:
            raise HarnessError(
                f"{spec.place('settings', 'model')}: the model {path!r} has {self._config.num_labels} outputs; "
                "a reward model has one (`num_labels: 1` in its config.json)"
            )
        made_of = _contents(Path(path)) if Path(path).is_dir() else [path, self._config._commit_hash]
        facts = settings.model_dump(mode="json", exclude={"model", "revision", "batch_size"})
        self.version = digest(identity_of(spec.use), spec.criteria, spec.compares, facts, made_of, 1)

    def rate(self, work: Iterable[Work]) -> Iterator[Rating]:
        """Yield one rating a piece of work."""
        known: dict[Text, Reward] = {}
        pieces = list(work)
        size = self.settings.batch_size
        for start in range(0, len(pieces), size):
            some = pieces[start : start + size]
            texts = [
                _text(piece.item, side)
                for piece in some
                if not _problem(piece)
                for side in (piece.response, piece.against)
                if side is not None
            ]
            known |= self._rewards([text for text in dict.fromkeys(texts) if text not in known])
            yield from (self._rating(piece, known) for piece in some)

    def _rating(self, work: Work, known: dict[Text, Reward]) -> Rating:
        problem = _problem(work)
        if problem:
            return rating_of(self.spec, self.version, work, status="skipped", error=problem)
        sides = [known[_text(work.item, side)] for side in (work.response, work.against) if side is not None]
        failed = next((side for side in sides if side.value is None), None)
        fields: dict[str, Any] = {"cost_usd": 0.0, "seconds": math.fsum(side.seconds or 0.0 for side in sides)}
        if failed:
            return rating_of(self.spec, self.version, work, status=failed.status, error=failed.error, **fields)
        rewards = [float(side.value or 0.0) for side in sides]
        if not self.spec.compares:
            return rating_of(self.spec, self.version, work, value=rewards[0], **fields)
        value = sigmoid(rewards[0] - rewards[1])
        return rating_of(self.spec, self.version, work, value=value, metadata={"rewards": rewards}, **fields)

    def _rewards(self, texts: Sequence[Text]) -> dict[Text, Reward]:
        """Return the rewards of texts; a text that does not fit, or that the model fails on, has a status instead."""
        found: dict[Text, Reward] = {}
        fitting: dict[Text, Any] = {}
        for text in texts:
            encoded = self._encoded(*text)
            length = len(encoded["input_ids"])
            if length > self._limit:
                told = f"the input does not fit the model ({length} tokens, it takes {self._limit})"
                found[text] = Reward(None, "skipped", told)
            else:
                fitting[text] = encoded
        size = self.settings.batch_size
        for start in range(0, len(fitting), size):
            some = list(fitting)[start : start + size]
            found |= dict(zip(some, self._weighed([fitting[text] for text in some]), strict=True))
        return found

    def _weighed(self, encoded: Sequence[Any]) -> list[Reward]:
        import torch

        tokenizer, model = self._loaded
        began = time.perf_counter()
        try:
            batch = tokenizer.pad(list(encoded), return_tensors="pt") if len(encoded) > 1 else None
            fields = batch or {name: torch.tensor([ids]) for name, ids in encoded[0].items()}
            with torch.inference_mode():
                values = model(**fields).logits[:, 0].float().tolist()
        except RuntimeError as error:  # torch's own: no memory, an operation that this machine has not
            return [Reward(None, "error", f"{type(error).__name__}: {error}")] * len(encoded)
        seconds = (time.perf_counter() - began) / len(encoded)
        return [
            Reward(value, seconds=seconds)
            if math.isfinite(value)
            else Reward(None, "error", f"the model gave {value}", seconds)
            for value in values
        ]

    def _encoded(self, asked: Sequence[Message], answer: str) -> Any:
        """Return a text's tokens; what the tokenizer would take for marks of its own is broken up."""
        tokenizer, _ = self._loaded
        asked, answer = [(role, self._unmarked(text)) for role, text in asked], self._unmarked(answer)
        if self.settings.template == "plain":
            return tokenizer(written(asked), answer)
        turns = [{"role": role, "content": text} for role, text in (*asked, ("assistant", answer))]
        return tokenizer(tokenizer.apply_chat_template(turns, tokenize=False), add_special_tokens=False)

    def _unmarked(self, text: str) -> str:
        return harmless(self._marks.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}", text))

    @cached_property
    def _marks(self) -> re.Pattern[str]:
        tokenizer, _ = self._loaded
        marks = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
        longest_first = sorted((mark for mark in marks if len(mark) > 1), key=lambda mark: (-len(mark), mark))
        return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    @cached_property
    def _limit(self) -> int:
        tokenizer, _ = self._loaded
        takes = min(tokenizer.model_max_length, getattr(self._config, "max_position_embeddings", None) or math.inf)
        return int(min(takes, self.settings.max_length or takes))

    @cached_property
    def _loaded(self) -> tuple[Any, Any]:
        import torch
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        tokenizer = self._taken(AutoTokenizer)
        tokenizer.padding_side = "right"
        model = self._taken(AutoModelForSequenceClassification, dtype=getattr(torch, self.settings.dtype)).eval()
        where = f"{self.spec.place('settings')}: settings"
        if self.settings.template == "chat" and not tokenizer.chat_template:
            raise HarnessError(f"{where}: template: the model {self.path!r} has no chat template; use `plain`")
        if self.settings.batch_size > 1 and (tokenizer.pad_token is None or model.config.pad_token_id is None):
            raise HarnessError(f"{where}: batch_size: the model {self.path!r} has no padding; use 1")
        return tokenizer, model

    def _taken(self, maker: Any, **fields: Any) -> Any:
        """Return what a class of transformers makes of the model's files."""
        try:
            with quiet_transformers():
                return maker.from_pretrained(self.path, revision=self.settings.revision or "main", **fields)
        except (OSError, ValueError, ImportError) as error:
            told = " ".join(str(error).split())[:300]
            raise UnavailableError(
                f"the reward model {self.path!r} cannot be loaded ({told}); `model` names a folder or an id on the hub"
            ) from error


def sigmoid(difference: float) -> float:
    """Return the Bradley-Terry probability that the first is preferred, from the difference of two rewards."""
    if difference >= 0:
        return 1 / (1 + math.exp(-difference))
    return 1 - 1 / (1 + math.exp(difference))


def _problem(work: Work) -> str | None:
    return unreadable(work.response) or (unreadable(work.against) if work.against else None)


def _text(item: Item, response: Response) -> Text:
    turns = [(message["role"], message["content"]) for message in item.messages]
    if item.context and item.context not in item.prompt:
        first = next(place for place, (role, _) in enumerate(turns) if role == "user")
        turns[first] = "user", f"{item.context}\n\n{turns[first][1]}"
    return tuple(turns), response.text or ""


def _contents(folder: Path) -> list[tuple[str, str]]:
    """Return the names and hashes of the files that decide a reward."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.suffix in DECIDES:
            with path.open("rb") as file:
                found.append((path.name, hashlib.file_digest(file, "sha256").hexdigest()))
    return found


def reward_model(spec: RaterSpec, _: Surroundings) -> RewardModel:
    """Make a reward model.

    Raises:
        HarnessError: A setting or the declaration does not fit.
        UnavailableError: torch or transformers is not installed, or the model cannot be had.
    """
    where = spec.place()
    if spec.kind != "reward_model":
        raise HarnessError(f"{where}: the kind of {spec.use} is `reward_model`, not {spec.kind!r}")
    scale = "preference" if spec.compares else "interval"
    if spec.scale != scale or len(spec.criteria) != 1:
        raise HarnessError(
            f"{where}: a reward model has one criterion, and `scale: interval`, or with `compares: true` "
            f"`scale: preference`; this has {len(spec.criteria)} and {spec.scale!r}"
        )
    settings = read_settings(spec, RewardSettings)
    absent = [name for name in ("torch", "transformers") if not importlib.util.find_spec(name)]
    if absent:
        raise UnavailableError(
            f"{spec.name}: a reward model needs {', '.join(absent)}: pip install 'feedback-harness[train]'"
        )
    beside = spec.folder / settings.model if spec.folder else Path(settings.model)
    return RewardModel(spec, settings, str(beside if beside.is_dir() else settings.model))
