"""OpenAI's batch interface: a file of requests goes up, files of results come down."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from harness.answering.chat.batch_notes import BatchNote
from harness.answering.chat.batch_provider import RECENT, RETRIES, Progress, Result, readable
from harness.answering.chat.http_status import status_trouble, troubles_of
from harness.answering.chat.limits import Trouble
from harness.answering.chat.openai_chat import OpenAIChat

if TYPE_CHECKING:
    from openai import OpenAI

ENDPOINT: Final = "/v1/chat/completions"
MARK = "feedback_harness"
"""The key of a batch's metadata that has the mark of our note."""
ENDED = ("completed", "failed", "expired", "cancelled")


class OpenAIBatches:
    """The batches of one model's server."""

    most_requests = 50_000
    most_bytes = 200_000_000

    def __init__(self, chat: OpenAIChat) -> None:
        """Take the client that asks directly."""
        self.chat = chat

    @cached_property
    def _sdk(self) -> OpenAI:
        import openai

        return openai.OpenAI(api_key=self.chat.api_key, base_url=self.chat.base_url, max_retries=RETRIES)

    def look_up(self) -> None:
        """See `Provider.look_up`."""
        import openai

        with troubles_of(openai):
            self._sdk.with_options(max_retries=0).batches.list(limit=1)

    def line(self, name: str, body: dict[str, Any]) -> bytes:
        """See `Provider.line`."""
        return json.dumps({"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}).encode()

    def newest(self) -> str | None:
        """See `Provider.newest`."""
        import openai

        with troubles_of(openai):
            return next((batch.id for batch in self._sdk.batches.list(limit=1)), None)

    def hand_in(self, mark: str, lines: Sequence[bytes]) -> str:
        """See `Provider.hand_in`."""
        import openai

        with troubles_of(openai):
            file = self._sdk.files.create(file=(f"{mark}.jsonl", b"\n".join(lines) + b"\n"), purpose="batch")
            made = self._sdk.with_options(max_retries=0).batches.create(
                input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h", metadata={MARK: mark}
            )
        return made.id

    def handed_in(self, note: BatchNote) -> str | None:
        """See `Provider.handed_in`: the one that has the note's mark."""
        import openai

        with troubles_of(openai):
            for batch in islice(self._sdk.batches.list(limit=100), RECENT):
                if (batch.metadata or {}).get(MARK) == note.mark:
                    return batch.id
                if batch.id == note.before:
                    break
        return None

    def progress(self, batch: str) -> Progress:
        """See `Provider.progress`."""
        import openai

        with troubles_of(openai):
            found = self._sdk.batches.retrieve(batch)
        counts, ended = found.request_counts, found.status in ENDED
        done = counts.completed + counts.failed if counts else 0
        problem = None
        if found.status == "failed":
            told = (found.errors.data if found.errors else None) or []
            problem = "; ".join(f"{one.code}: {one.message}" for one in told[:3]) or "no reason is given"
        return Progress(done, counts.total if counts else 0, ended, problem)

    def results(self, batch: str) -> Iterator[Result]:
        """See `Provider.results`: those of two files, one for answers and one for what failed or expired."""
        import openai

        with troubles_of(openai):
            found = self._sdk.batches.retrieve(batch)
            files = [file for file in (found.output_file_id, found.error_file_id) if file]
            for content in (self._sdk.files.content(file).content for file in files):
                yield from filter(None, (readable(line, _result) for line in content.splitlines()))

    def close(self) -> None:
        """See `Provider.close`."""
        if "_sdk" in vars(self):
            self._sdk.close()


def _result(said: Any) -> Result:
    reply, error = said.get("response"), said.get("error")
    if error or not reply:
        error = error or {}
        return said["custom_id"], Trouble(f"{error.get('code')}: {error.get('message')}", raw=json.dumps(said))
    body = json.dumps(reply["body"])
    if (code := reply["status_code"]) >= 300:
        return said["custom_id"], status_trouble(code, body, {})
    return said["custom_id"], body.encode()
