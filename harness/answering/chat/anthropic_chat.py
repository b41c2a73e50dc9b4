"""The client of Anthropic's interface, by its SDK (extra `anthropic`).

The interface has no seeds and no token probabilities: repetitions differ as the model's own sampling does, and a judge
asks it `by: text`.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.answering.chat.boundary import UNREADABLE, received, unusable
from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.http_status import status_trouble
from harness.answering.chat.limits import TrafficLimits, Trouble
from harness.answering.chat.parameters import Parameters
from harness.answering.chat.price import Rates, cost
from harness.answering.chat.traffic import Traffic
from harness.errors import HarnessError, UnavailableError
from harness.records import digest

FINISHED = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length"}
"""Anthropic's reasons to stop by the names that OpenAI's interface has for them."""


class AnthropicChat:
    """A chat model of Anthropic's. The key comes from the environment alone."""

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        limits: TrafficLimits | None = None,
        key_variable: str = "ANTHROPIC_API_KEY",
        options: Mapping[str, Any] | None = None,
        rates: Rates | None = None,
    ) -> None:
        """Make the client; nothing is sent yet.

        Args:
            model: The model's name.
            base_url: The server; Anthropic's own where neither this nor `ANTHROPIC_BASE_URL` is given.
            limits: How hard the server may be pressed.
            key_variable: The environment variable that holds the key.
            options: Further fields of the request (`thinking`, ...); null removes a field.
            rates: What the server charges; where not given the price list says.

        Raises:
            UnavailableError: The SDK is not installed.
        """
        if not importlib.util.find_spec("anthropic"):
            raise UnavailableError("models of Anthropic need its SDK: pip install 'feedback-harness[anthropic]'")
        self.model = model
        self.base_url = base_url or os.environ.get("ANTHROPIC_BASE_URL") or "https://api.anthropic.com"
        self.options = dict(options or {})
        where = f"anthropic:{model} at {self.base_url}"
        self.identity = f"{where} {digest(self.options)}" if self.options else where
        self._rates = rates
        self.api_key = os.environ.get(key_variable) or "none"
        self._client: Any = None
        self.parameters = Parameters()
        self._traffic = Traffic(self._send, limits or TrafficLimits())

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`.

        Raises:
            HarnessError: A call wants token probabilities.
        """
        return self._traffic.carry(map(self._checked, calls))

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """See `Chat.price`."""
        return cost(self.model, self.base_url, prompt, cached, completion, self._rates)

    def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        self._traffic.close(client.close if client is not None else None)

    def request(self, call: Call) -> dict[str, Any]:
        """Return the body of a call's request, as the server takes it.

        Raises:
            HarnessError: The call wants token probabilities.
        """
        plain = {"model": self.model, "max_tokens": call.max_tokens, "messages": []}
        return plain | self.parameters.apply(self._body(self._checked(call)))

    def read(self, content: bytes, call: Call) -> Answer:
        """Return the answer in the body of a server's reply.

        Raises:
            Trouble: There is none.
        """
        try:
            return received(self.parameters.cut(self._read(content), call.stop))
        except UNREADABLE as error:
            raise unusable(content, error) from error

    def _checked(self, call: Call) -> Call:
        if call.top_logprobs:
            raise HarnessError(f"{self.identity} gives no token probabilities; the judge has to ask `by: text`")
        return call

    async def _send(self, call: Call) -> Answer:
        """Make one attempt."""
        import anthropic

        if self._client is None:  # made here, in the loop that it belongs to
            self._client = anthropic.AsyncAnthropic(
                api_key=self.api_key, base_url=self.base_url, max_retries=0, timeout=self._traffic.limits.timeout
            )
        wanted = self._body(call)
        while True:
            sent = self.parameters.apply(wanted)
            try:
                response = await self._client.messages.with_raw_response.create(
                    model=self.model, max_tokens=call.max_tokens, messages=[], extra_body=sent
                )
                return self.read(await response.http_response.aread(), call)
            except anthropic.APIStatusError as error:
                text = error.response.text
                if not self.parameters.learn(error.status_code, text, sent):
                    raise status_trouble(error.status_code, text, error.response.headers) from error
            except anthropic.APITimeoutError as error:
                raise Trouble("the connection timed out", "timeout", retry=True) from error
            except anthropic.APIConnectionError as error:
                cause = error.__cause__ or error
                raise Trouble(f"no connection: {type(cause).__name__}: {cause}", retry=True) from error

    def _body(self, call: Call) -> dict[str, Any]:
        body: dict[str, Any] = {
            "messages": [{"role": role, "content": text} for role, text in call.messages if role != "system"],
            "temperature": call.temperature,
        }
        if system := "\n\n".join(text for role, text in call.messages if role == "system"):
            body["system"] = system
        if call.stop:
            body["stop_sequences"] = list(call.stop)
        if call.json_schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": call.json_schema}}
        return {name: value for name, value in {**body, **self.options}.items() if value is not None}

    def _read(self, content: bytes) -> Answer:
        raw = content.decode("utf-8", errors="replace")
        try:
            reply = json.loads(raw)
            texts = [block["text"] for block in reply["content"] if block["type"] == "text"]
            thoughts = [block.get("thinking") or "" for block in reply["content"] if block["type"] == "thinking"]
            reason, usage = reply["stop_reason"], reply.get("usage") or {}
            cached, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
            prompt = usage["input_tokens"] + cached + written if "input_tokens" in usage else None
        except (ValueError, LookupError, TypeError, AttributeError):
            raise Trouble(f"no message: {' '.join(raw.split())[:300] or 'empty body'}", retry=True, raw=raw) from None
        tokens = (prompt, cached if prompt is not None else None, usage.get("output_tokens"))
        answer = Answer(
            text="".join(texts) if texts else "" if any(thoughts) else None,
            reasoning="\n".join(filter(None, thoughts)) or None,
            finish_reason=FINISHED.get(reason, reason),
            prompt_tokens=tokens[0],
            cached_tokens=tokens[1],
            completion_tokens=tokens[2],
            cost_usd=cost(self.model, self.base_url, *tokens, self._rates, written),
        )
        if reason == "refusal":
            return replace(answer, text=None, status="refused", error="the model refused", raw=raw)
        if reason == "model_context_window_exceeded":
            error = "input and answer do not fit the model's context"
            return replace(answer, text=None, status="skipped", error=error, raw=raw)
        if answer.text is None:
            return replace(answer, status="unparsed", error=f"the answer has no text ({reason})", raw=raw)
        return answer
