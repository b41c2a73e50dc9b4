"""What an HTTP status that is no success means for a call, with every provider of chat models."""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

from harness.answering.chat.limits import Trouble
from harness.answering.chat.parameters import error_of
from harness.records import Status

RETRIED = {408, 409, 429}
HOPELESS = {401, 402, 403, 404}
NO_MONEY = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error"}
TOO_LONG = {"context_length_exceeded", "exceed_context_size_error", "request_too_large", "string_above_max_length"}
REFUSED = {"content_filter", "content_policy_violation", "responsibleaipolicyviolation", "invalid_prompt"}
VAGUE = {"", "none", "400", "422", "invalid_request_error", "badrequesterror", "bad_request", "invalid_argument"}
"""Codes and types that say no more than the status does: only then the message is read, for what servers say word by
word.
"""
LONG_SAID = re.compile(
    r"maximum context length|context (?:length|size|window)|prompt is too long: \d+ tokens|max_model_len|"
    r"exceeds? the (?:model's )?(?:context|maximum (?:number of )?(?:input )?tokens)|input (?:token count|is too long)",
    re.IGNORECASE,
)
REFUSED_SAID = re.compile(r"content management policy|content policy|content filter", re.IGNORECASE)
POOR_SAID = re.compile(r"credit balance is too low|exceeded your current quota", re.IGNORECASE)


def status_trouble(code: int, text: str, headers: Mapping[str, str]) -> Trouble:
    """Return what an HTTP status that is no success means for the call: by status, then by the error's code."""
    error, message = error_of(text)
    inner = error.get("innererror")
    names = {str(error.get(key) or "").lower() for key in ("code", "type", "status")}
    names |= {str(inner.get("code") or "").lower()} if isinstance(inner, dict) else set()
    says = message if names <= VAGUE else ""
    shown = f"HTTP {code}: {' '.join(text.split())[:300]}"
    status: Status = "error"
    if code == 413 or (code in (400, 422) and (names & TOO_LONG or LONG_SAID.search(says))):
        return Trouble(f"the input does not fit the model's context ({shown})", "skipped", raw=text, code=code)
    if code in (400, 403) and (names & REFUSED or REFUSED_SAID.search(says)):
        return Trouble(f"the provider refused the input ({shown})", "refused", raw=text, code=code)
    poor = bool(names & NO_MONEY or (code in (400, 402, 403, 429) and POOR_SAID.search(message)))
    retry = (code in RETRIED or code >= 500) and code != 501 and not poor
    if code in (408, 504):
        status = "timeout"
    return Trouble(
        shown,
        status,
        retry=retry,
        wait=retry_after(headers),
        throttled=code in (429, 503, 529) and retry,
        hopeless=code in HOPELESS or poor,
        raw=text,
        code=code,
    )


@contextmanager
def troubles_of(sdk: ModuleType) -> Iterator[None]:
    """Raise what an SDK made by Stainless (`openai`, `anthropic`) raises as `Trouble`."""
    try:
        yield
    except sdk.APIStatusError as error:
        raise status_trouble(error.status_code, error.response.text, error.response.headers) from error
    except sdk.APIConnectionError as error:  # a time-out too
        cause = error.__cause__ or error
        raise Trouble(f"no connection: {type(cause).__name__}: {cause}", retry=True) from error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait (`Retry-After-Ms`, `Retry-After` in seconds or as a date)."""
    for name, divisor in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            return max(0.0, float(value) / divisor)
        except ValueError:
            pass
        try:
            return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError):
            continue
    return None
