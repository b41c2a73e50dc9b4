"""What comes from outside is looked at here, once, before anything keeps it or counts it.

A server may say anything with status 200: half a token, a probability above 1, text that no file can hold. What does
not pass is a failed call, which is asked again; what was kept before there was this boundary, or has been damaged
since, is not there.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from harness.answering.chat.chat import Answer, Around, Call
from harness.answering.chat.limits import Trouble
from harness.records import Status

ROUNDING = 1e-3
"""How far above 0 a log-probability may come from rounding; it is 0 then."""
MOST_MASS = 1.05
"""What the probabilities of one position's tokens may add up to, rounding included."""


def _whole(value: Any) -> Any:
    """Take 3.0 for 3: some servers count in floats."""
    return int(value) if type(value) is float and value.is_integer() else value


def _log_probability(value: float) -> float:
    if math.isnan(value) or value > ROUNDING:
        raise ValueError("a log-probability is at most 0")
    return min(value, 0.0)


def _text(value: str) -> str:
    """Refuse half a character (a lone surrogate), which no file can hold."""
    value.encode()
    return value


Text = Annotated[str, Field(strict=True), AfterValidator(_text)]
Count = Annotated[int, BeforeValidator(_whole), Field(strict=True, ge=0, lt=2**53)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
LogProbability = Annotated[float, AfterValidator(_log_probability)]


class Received(BaseModel):
    """The fields of an `Answer`, with what may stand in each."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    reasoning: Text | None = None
    finish_reason: Text | None = None
    status: Status = "ok"
    error: Text | None = None
    top_logprobs: tuple[dict[Text, LogProbability], ...] | None = None
    logprobs: tuple[LogProbability, ...] | None = None
    weighed: bool = False
    prompt_tokens: Count | None = None
    cached_tokens: Count | None = None
    completion_tokens: Count | None = None
    cost_usd: Amount | None = None
    seconds: Amount | None = None
    raw: Text | None = None


RECEIVED = TypeAdapter(Received)


UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
"""What reading an answer that is not what it should be may raise."""


def received(answer: Answer) -> Answer:
    """Return an answer if everything in it is what it should be.

    Raises:
        ValueError: It is not; says which field, and why.
    """
    return _read(answer.to_dict())


def _read(fields: Mapping[str, Any]) -> Answer:
    try:
        found = RECEIVED.validate_python(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part).encode(errors="replace").decode() for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}") from None
    if found.status == "ok" and found.text is None and not found.top_logprobs:
        raise ValueError("text: an answer that came has a text")
    for position in () if found.weighed else found.top_logprobs or ():
        if (mass := math.fsum(map(math.exp, position.values()))) > MOST_MASS:
            raise ValueError(f"top_logprobs: the probabilities of one token add up to {mass:.3g}")
    return Answer(**dict(found))


def unusable(content: bytes, error: Exception) -> Trouble:
    """Return what becomes of a reply that does not pass: a failed attempt, after which another may bring one."""
    raw = content.decode("utf-8", errors="replace")
    return Trouble(f"the answer cannot be used: {error}"[:500], retry=True, raw=raw)


def to_keep(answer: Answer) -> str:
    """Return an answer as text with a checksum, for a cache."""
    text = answer.to_json()
    return f"{text}\t{_sum(text)}"


def kept(text: str) -> Answer | None:
    """Return the answer that `to_keep` wrote; None where it is damaged, or would not pass today."""
    content, tab, summed = text.partition("\t")
    if tab and summed != _sum(content):
        return None
    try:
        fields = json.loads(content)
        return _read(fields) if isinstance(fields, dict) else None
    except (ValueError, RecursionError):
        return None


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Checked(Around):
    """A chat client of which only answers that pass are handed on; the others are failed calls."""

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`."""
        for position, answer in self.chat.ask(calls):
            try:
                yield position, received(answer)
            except ValueError as error:
                yield position, Answer(status="error", error=f"the answer cannot be used: {error}")
