"""Anthropic's batch interface: requests go up in one body, results come down as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.answering.chat.anthropic_chat import AnthropicChat
from harness.answering.chat.batch_notes import BatchNote
from harness.answering.chat.batch_provider import RECENT, RETRIES, Progress, Result, readable
from harness.answering.chat.http_status import status_trouble, troubles_of
from harness.answering.chat.limits import Trouble

if TYPE_CHECKING:
    from anthropic import Anthropic
    from anthropic.types.messages import MessageBatchRequestCounts

CODES = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402, "permission_error": 403,
    "not_found_error": 404, "request_too_large": 413, "rate_limit_error": 429, "api_error": 500, "timeout_error": 504,
    "overloaded_error": 529,
}  # fmt: skip
"""The HTTP status that a direct call would have had for an error."""


class AnthropicBatches:
    """The batches of one model's server."""

    most_requests = 100_000
    most_bytes = 250_000_000  # of 256 MB, and the brackets around the requests

    def __init__(self, chat: AnthropicChat) -> None:
        """Take the client that asks directly."""
        self.chat = chat

    @cached_property
    def _sdk(self) -> Anthropic:
        import anthropic

        return anthropic.Anthropic(api_key=self.chat.api_key, base_url=self.chat.base_url, max_retries=RETRIES)

    def look_up(self) -> None:
        """See `Provider.look_up`."""
        import anthropic

        with troubles_of(anthropic):
            self._sdk.with_options(max_retries=0).messages.batches.list(limit=1)

    def line(self, name: str, body: dict[str, Any]) -> bytes:
        """See `Provider.line`."""
        return json.dumps({"custom_id": name, "params": body}).encode()

    def newest(self) -> str | None:
        """See `Provider.newest`."""
        import anthropic

        with troubles_of(anthropic):
            return next((batch.id for batch in self._sdk.messages.batches.list(limit=1)), None)

    def hand_in(self, mark: str, lines: Sequence[bytes]) -> str:
        """See `Provider.hand_in`; there is no place for the mark."""
        import anthropic

        with troubles_of(anthropic):
            return (
                self._sdk.with_options(max_retries=0)
                .messages.batches.create(requests=[json.loads(line) for line in lines])
                .id
            )

    def handed_in(self, note: BatchNote) -> str | None:
        """See `Provider.handed_in`: the only newer one with as many requests.

        If it is another's, none of its results has the id of a call of ours, and each call is a failure.

        Raises:
            Trouble: Several are.
        """
        import anthropic

        found = []
        with troubles_of(anthropic):
            for number, batch in enumerate(self._sdk.messages.batches.list(limit=100)):
                if batch.id == note.before or number == RECENT:
                    break
                if _total(batch.request_counts) == note.calls:
                    found.append(batch.id)
        if len(found) > 1:
            raise Trouble(f"any of {', '.join(found)} may be the batch that was handed in")
        return found[0] if found else None

    def progress(self, batch: str) -> Progress:
        """See `Provider.progress`."""
        import anthropic

        with troubles_of(anthropic):
            found = self._sdk.messages.batches.retrieve(batch)
        total = _total(found.request_counts)
        return Progress(total - found.request_counts.processing, total, found.processing_status == "ended")

    def results(self, batch: str) -> Iterator[Result]:
        """See `Provider.results`."""
        import anthropic

        with troubles_of(anthropic):
            if (address := self._sdk.messages.batches.retrieve(batch).results_url) is None:
                raise Trouble("its results are kept no longer", code=404)
            lines = self._sdk.get(address, cast_to=str).split("\n")
        yield from filter(None, (readable(line, _result) for line in lines))

    def close(self) -> None:
        """See `Provider.close`."""
        if "_sdk" in vars(self):
            self._sdk.close()


def _total(counts: MessageBatchRequestCounts) -> int:
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired


def _result(said: Any) -> Result:
    result = said["result"]
    if result["type"] == "succeeded":
        return said["custom_id"], json.dumps(result["message"]).encode()
    if result["type"] != "errored":
        return said["custom_id"], Trouble(f"the call has {result['type']} in its batch", raw=json.dumps(said))
    error = result["error"]
    kind = error.get("error", error).get("type")
    return said["custom_id"], status_trouble(CODES.get(kind, 500), json.dumps(error), {})
