"""What an HTTP status that is no success means for a call, with every provider of chat models."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping

from harness.answering.chat.traffic import Trouble
from harness.records import Status

RETRIED = {408, 409, 429}
HOPELESS = {401, 402, 403, 404}
NO_MONEY = ("insufficient_quota", "credit balance")

TOO_LONG = ("context_length", "context size", "maximum context", "context window", "exceed_context", "too long")
REFUSED = ("content_filter", "content_policy", "content management policy")


def status_trouble(code: int, text: str, headers: Mapping[str, str]) -> Trouble:
    """Return what an HTTP status that is no success means for the call."""
    low = text.lower()
    shown = f"HTTP {code}: {' '.join(text.split())[:300]}"
    status: Status = "error"
    if code == 413 or (code in (400, 422) and any(word in low for word in TOO_LONG)):
        return Trouble(f"the input does not fit the model's context ({shown})", "skipped", raw=text)
    if code in (400, 403) and any(word in low for word in REFUSED):
        return Trouble(f"the provider refused the input ({shown})", "refused", raw=text)
    poor = any(word in low for word in NO_MONEY)
    retry = (code in RETRIED or code >= 500) and not poor
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
    )


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
