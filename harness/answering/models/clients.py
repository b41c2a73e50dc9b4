"""From a model's name to its client, each behind the cache of calls.

`embedded`, `openai:NAME` at any address, `anthropic:NAME`, `lm-eval:KIND`, `replay:FILE`, and whatever kind a package
brings by the entry point `harness.clients`: a function from the settings and the place to a client.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache as remember
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from harness.answering.chat.anthropic_batches import AnthropicBatches
from harness.answering.chat.anthropic_chat import AnthropicChat
from harness.answering.chat.batch_notes import BatchNotes
from harness.answering.chat.batches import Batched
from harness.answering.chat.boundary import Checked
from harness.answering.chat.budget import Budget, Budgeted
from harness.answering.chat.call_cache import Cached, CallCache, Calls, default_cache
from harness.answering.chat.chat import Chat
from harness.answering.chat.embedded_chat import EmbeddedChat
from harness.answering.chat.lease import Lease, Leased
from harness.answering.chat.limits import TrafficLimits
from harness.answering.chat.openai_batches import OpenAIBatches
from harness.answering.chat.openai_chat import OpenAIChat
from harness.answering.chat.parameters import Parameters
from harness.answering.chat.price import Rates
from harness.answering.chat.recorded_chat import RecordedChat
from harness.answering.chat.run_calls import BothCalls, RunCalls
from harness.answering.models.embedded import Note
from harness.answering.reasoning import Marks, Reasoned
from harness.errors import HarnessError

OURS = ("embedded", "openai", "anthropic", "lm-eval", "replay")
"""The kinds of models that need no other package's client."""


class MakeChat(Protocol):
    """Makes the client of a model, or gives the one that was made."""

    def __call__(self, model: str | Mapping[str, Any], cached: bool = True) -> Chat:
        """Return the client, in front of it the cache of finished calls unless every call shall be asked."""
        ...


class Place(Protocol):
    """What a client needs to know of where it works; `Surroundings` has it."""

    @property
    def cache(self) -> Path | None:
        """The user's cache folder."""
        ...

    @property
    def workers(self) -> int:
        """Threads of the embedded model."""
        ...


class ChatSpec(BaseModel):
    """A chat model with its settings, as a suite or a rater.yaml writes it."""

    model_config = ConfigDict(extra="forbid")

    model: str
    """`embedded`, `openai:NAME`, `anthropic:NAME`, `lm-eval:KIND`, `replay:FILE`."""
    base_url: str | None = None
    key_variable: str | None = None
    """The environment variable that holds the key."""
    concurrency: int = 64
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout: float = 120.0
    attempts: int = 6
    options: dict[str, Any] = {}
    """Further fields of the request; null removes one."""
    rates: Rates | None = None
    """What the server charges, where the price list does not know it."""
    reasoning: Marks = "auto"
    """Where reasoning stands in the model's text: between the usual marks, `none`, or `[opening, closing]`."""
    batch: bool | Annotated[int, Field(ge=1)] = False
    """Hand calls in as batches, at half the price and with answers within a day; a number is the most in one batch."""
    args: dict[str, Any] = {}
    """Of `lm-eval:KIND`: the model's arguments."""
    of: str | None = None
    """Of `replay:calls.sqlite`: whose answers, where the cache has those of several clients."""

    @model_validator(mode="after")
    def _has_batches(self) -> ChatSpec:
        if self.batch and not re.match("(?:openai|anthropic):.", self.model):
            raise ValueError(
                f"`batch` is for models of `openai:NAME` and `anthropic:NAME`; leave it out for {self.model!r}"
            )
        return self

    @property
    def limits(self) -> TrafficLimits:
        """How hard the server may be pressed."""
        names = ("concurrency", "requests_per_minute", "tokens_per_minute", "timeout", "attempts")
        return TrafficLimits(**{name: getattr(self, name) for name in names})


def read_chat_spec(model: str | Mapping[str, Any]) -> ChatSpec:
    """Return the settings of a chat model, given as its name alone or as a mapping.

    Raises:
        HarnessError: A key is not known, or a value does not fit.
    """
    try:
        return ChatSpec.model_validate({"model": model} if isinstance(model, str) else dict(model))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors())
        raise HarnessError(f"the chat model {model!r} does not fit: {told}") from error


def make_chat(
    model: str | Mapping[str, Any], place: Place, note: Note = lambda _: None, batches: Path | None = None
) -> Chat:
    """Return the client of a chat model, without a cache in front of it.

    Args:
        model: A name, or a mapping with `model` and the settings of `ChatSpec`.
        place: Where it works.
        note: Is told of steps that take long.
        batches: Where batches on their way are written down; `batches` in the cache folder where not given.

    Raises:
        HarnessError: There is no such kind of model, or a setting does not fit.
        UnavailableError: The embedded model cannot be had.
    """
    spec = read_chat_spec(model)
    kind, _, name = spec.model.partition(":")
    if spec.batch:
        return _batched(spec, place, note, batches)
    if spec.model == "embedded":
        return EmbeddedChat(place.cache or default_cache(), threads=place.workers, note=note)
    if kind == "openai" and name:
        return _openai_chat(name, spec)
    if kind == "anthropic" and name:
        return _anthropic_chat(name, spec)
    if kind == "lm-eval" and name:
        return _lm_eval_chat(name, spec)
    if kind == "replay" and name:
        return RecordedChat(name, spec.of)
    brought = {point.name: point for point in entry_points(group="harness.clients")}
    if kind in brought:
        return _brought_chat(brought[kind], spec, place)
    known = ["embedded", "openai:NAME", "anthropic:NAME", "lm-eval:KIND", "replay:FILE", *brought]
    raise HarnessError(f"no chat model {spec.model!r}; there are {', '.join(known)} (`base_url` names a server)")


def _openai_chat(name: str, spec: ChatSpec) -> OpenAIChat:
    key = spec.key_variable or "OPENAI_API_KEY"
    return OpenAIChat(name, spec.base_url, spec.limits, key, spec.options, rates=spec.rates)


def _anthropic_chat(name: str, spec: ChatSpec) -> AnthropicChat:
    key = spec.key_variable or "ANTHROPIC_API_KEY"
    return AnthropicChat(name, spec.base_url, spec.limits, key, spec.options, spec.rates)


def _batched(spec: ChatSpec, place: Place, note: Note, batches: Path | None) -> Batched:
    kind, _, name = spec.model.partition(":")
    notes = BatchNotes(batches or (place.cache or default_cache()) / "batches")
    most = None if spec.batch is True else spec.batch
    if kind == "openai":
        asked = _openai_chat(name, spec)
        return Batched(asked, OpenAIBatches(asked), notes, most, note)
    client = _anthropic_chat(name, spec)
    return Batched(client, AnthropicBatches(client), notes, most, note)


def _lm_eval_chat(kind: str, spec: ChatSpec) -> Chat:
    from harness.answering.models.lm_eval_chat import LmEvalChat
    from harness.answering.models.model import check_model

    check_model(kind)
    return LmEvalChat(kind, spec.args, spec.rates)


def _brought_chat(point: EntryPoint, spec: ChatSpec, place: Place) -> Chat:
    package = point.dist.name if point.dist else "unknown"
    try:
        make = point.load()
    except (ImportError, AttributeError) as error:
        raise HarnessError(
            f"harness.clients: {point.name!r} of the package {package} cannot be loaded ({error})"
        ) from error
    client: Chat = make(spec, place)
    return client


def _leased(model: str | Mapping[str, Any], place: Place, note: Note, lease: Lease, calls: RunCalls) -> Chat:
    """Return a client that shares a server's calls in flight; one that asks no server as it is."""
    spec = read_chat_spec(model)
    kind = spec.model.partition(":")[0]
    if spec.model == "embedded" or kind in ("lm-eval", "replay"):
        return make_chat(model, place, note)

    def make(width: int) -> Chat:
        part = width / spec.concurrency
        rates = {
            name: value * part
            for name in ("requests_per_minute", "tokens_per_minute")
            if (value := getattr(spec, name)) is not None
        }
        narrow = spec.model_copy(update={"concurrency": width, **rates})
        return make_chat(narrow.model_dump(exclude_unset=True), place, note)

    return Leased(make, f"{kind} {spec.base_url or ''}", spec.concurrency, lease, calls.refuse_other)


@contextlib.contextmanager
def chat_models(
    place: Place,
    note: Note = lambda _: None,
    budget: Budget | None = None,
    adapted: Callable[[dict[str, dict[str, str]]], None] = lambda _: None,
    calls: RunCalls | None = None,
    lease: Lease | None = None,
    batches: Path | None = None,
    alone: bool = True,
) -> Iterator[MakeChat]:
    """Give a function that makes clients: one for each model, shared by all who ask, and closed at the end.

    Every client answers from the cache of finished calls first, and keeps to the budget for the others. What the cache
    keeps is what the model wrote, its reasoning included.

    Args:
        place: Where they work.
        note: Is told of steps that take long.
        budget: What they may spend together.
        adapted: Is told at the end what servers refused to take, and what was done instead, where any did.
        calls: The run's own place for finished calls, beside the user's file, which says whether more are wanted.
        lease: Shares the calls that a server may have in flight with other processes.
        batches: Where batches on their way are written down; `batches` in the cache folder where not given.
        alone: Whether no other process works on the same: batches are handed in and waited for by one.
    """
    cache = CallCache((place.cache or default_cache()) / "calls.sqlite")
    kept: Calls = BothCalls(cache, calls) if calls else cache
    clients: dict[str, Chat] = {}

    @remember
    def around(key: str, cached: bool, marks: Marks, ours: bool) -> Chat:
        sound = Checked(clients[key])
        paid = Budgeted(sound, budget) if budget else sound
        return Reasoned(Cached(paid, kept, early=ours) if cached else paid, marks)

    def chat(model: str | Mapping[str, Any], cached: bool = True) -> Chat:
        spec = read_chat_spec(model)
        key = spec.model_dump_json(exclude={"reasoning"})
        if spec.batch and not alone:
            raise HarnessError(f"{spec.model}: `batch` is for one process: leave it out, or --executor")
        if key not in clients:
            client = (
                _leased(model, place, note, lease, calls) if lease and calls else make_chat(model, place, note, batches)
            )
            if isinstance(client, Batched):
                client.refuse_if_missing()
            clients[key] = client
        ours = spec.model.partition(":")[0] in OURS  # what a client brought by others makes of an answer is not known
        return around(key, cached, spec.reasoning, ours)

    try:
        yield chat
    finally:
        parameters = {one.identity: getattr(one, "parameters", Parameters()).found for one in clients.values()}
        if told := {identity: found for identity, found in parameters.items() if found}:
            adapted(told)
        for client in clients.values():
            if close := getattr(client, "close", None):
                close()
        cache.close()
