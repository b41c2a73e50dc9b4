"""The client of every server that speaks OpenAI's chat interface: OpenAI, vLLM, llama.cpp, Ollama and many more.

The `openai` SDK knows the server: its address, key and headers, and the environment variables for them. The bytes go
by aiohttp, at a fifth of the processor time that the SDK's own transport takes (`benchmarks/judging.py`). Retries are
`Traffic`'s business, which knows about all calls at once, and the answer is read from the raw JSON: what real servers
send often fits no published model.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from harness.answering.chat.boundary import UNREADABLE, received, unusable
from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.http_status import status_trouble
from harness.answering.chat.limits import TrafficLimits, Trouble
from harness.answering.chat.parameters import Parameters, error_of
from harness.answering.chat.price import Rates, cost
from harness.answering.chat.traffic import Traffic
from harness.answering.ending import ending
from harness.records import digest

if TYPE_CHECKING:
    import aiohttp


class OpenAIChat:
    """A chat model behind an OpenAI-compatible server. The key comes from the environment alone."""

    def __init__(
        self,
        model: str,
        base_url: str | None = None,
        limits: TrafficLimits | None = None,
        key_variable: str = "OPENAI_API_KEY",
        options: Mapping[str, Any] | None = None,
        name: str | None = None,
        rates: Rates | None = None,
    ) -> None:
        """Make the client; nothing is sent yet.

        Args:
            model: The model's name at the server.
            base_url: The server; OpenAI's own where neither this nor `OPENAI_BASE_URL` is given.
            limits: How hard the server may be pressed.
            key_variable: The environment variable that holds the key; servers that need none ignore it.
            options: Further fields of the request (`reasoning_effort`, ...); null removes a field.
            name: What stands for model and server in `identity`, where the address changes from run to run.
            rates: What the server charges; where not given the price list says, and an unknown price is unknown.
        """
        self.model = model
        self.base_url = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        self.options = dict(options or {})
        where = name or f"openai:{model} at {self.base_url}"
        self.identity = f"{where} {digest(self.options)}" if self.options else where
        self._rates = rates
        self.api_key = os.environ.get(key_variable) or "none"
        self._session: aiohttp.ClientSession | None = None
        self._address = ""
        self._proxy: str | None = None
        self.parameters = Parameters()
        self._traffic = Traffic(self._send, limits or TrafficLimits())

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`."""
        return self._traffic.carry(calls)

    def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        self._traffic.close(session.close if session is not None else None)

    async def _send(self, call: Call) -> Answer:
        """Make one attempt."""
        import aiohttp

        if self._session is None:  # made here, in the loop that it belongs to
            self._session, self._address = _connect(self.base_url, self.api_key)
            self._proxy = _proxy(self._address)
        wanted = self._body(call)
        while True:
            sent = self.parameters.apply(wanted)
            try:
                data = json.dumps(sent).encode()
                async with self._session.post(self._address, data=data, proxy=self._proxy) as response:
                    content, code, headers = await response.read(), response.status, response.headers
            except (aiohttp.ClientError, OSError) as error:
                lasting = isinstance(error, aiohttp.InvalidURL)
                raise Trouble(f"no connection: {type(error).__name__}: {error}", retry=not lasting) from error
            if code < 300:
                return self.read(content, call)
            text = content.decode("utf-8", errors="replace")
            if not self.parameters.learn(code, text, sent):
                raise status_trouble(code, text, headers)

    def request(self, call: Call) -> dict[str, Any]:
        """Return the body of a call's request, as the server takes it."""
        return self.parameters.apply(self._body(call))

    def read(self, content: bytes, call: Call) -> Answer:
        """Return the answer in the body of a server's reply.

        Raises:
            Trouble: There is none.
        """
        try:
            answer = received(self.parameters.cut(read_answer(content), call.stop))
        except UNREADABLE as error:
            raise unusable(content, error) from error
        return replace(answer, cost_usd=self.price(*answer.tokens))

    def price(self, prompt: int | None, cached: int | None, completion: int | None) -> float | None:
        """See `Chat.price`."""
        return cost(self.model, self.base_url, prompt, cached, completion, self._rates)

    def _body(self, call: Call) -> dict[str, Any]:
        limit = "max_completion_tokens" if "api.openai.com" in self.base_url else "max_tokens"
        body: dict[str, Any] = {
            "model": self.model,
            "messages": [{"role": role, "content": text} for role, text in call.messages],
            "temperature": call.temperature,
            limit: call.max_tokens,
        }
        if call.seed is not None:
            body["seed"] = call.seed
        if call.stop:
            body["stop"] = list(call.stop)
        if call.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": call.top_logprobs}
        if call.json_schema is not None:
            form = {"name": "answer", "schema": call.json_schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return {name: value for name, value in {**body, **self.options}.items() if value is not None}


def _proxy(address: str) -> str | None:
    """Return the proxy that the environment names for an address; aiohttp would look it up for every call."""
    parts = urlsplit(address)
    return None if proxy_bypass(parts.netloc) else getproxies().get(parts.scheme)


def _connect(base_url: str, key: str) -> tuple[aiohttp.ClientSession, str]:
    """Return the connections to a server, with the headers that the SDK would send, and where chat calls go."""
    import aiohttp
    import openai

    sdk = openai.AsyncOpenAI(api_key=key, base_url=base_url)
    headers = {name: value for name, value in {**sdk.default_headers, **sdk.auth_headers}.items() if type(value) is str}
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return session, f"{str(sdk.base_url).rstrip('/')}/chat/completions"


def read_answer(content: bytes) -> Answer:
    """Return the answer that a chat completion's JSON holds.

    Raises:
        Trouble: It is no JSON, no chat completion, or an error (some servers send that with status 200): another
            attempt may bring one.
    """
    raw = content.decode("utf-8", errors="replace")
    try:
        reply = json.loads(raw)
        choice = reply["choices"][0]
        message = choice["message"]
        text, refusal = message.get("content"), message.get("refusal")
        failure = choice.get("error") or reply.get("error")
    except (ValueError, LookupError, TypeError, AttributeError):
        raise Trouble(
            f"no chat completion: {' '.join(raw.split())[:300] or 'empty body'}", retry=True, raw=raw
        ) from None
    reason = choice.get("finish_reason")
    if failure or ending(reason) == "failed":
        said = error_of(json.dumps({"error": failure}))[1] if failure else f"the answer ended with the reason {reason}"
        raise Trouble(f"an error in place of an answer: {said[:300]}", retry=True, raw=raw)
    text, reasoning = read_content(text, message)
    prompt, cached, completion = read_usage(reply.get("usage"))
    answer = Answer(
        text="" if text is None and reasoning else text,  # it only thought
        reasoning=reasoning,
        finish_reason=reason,
        top_logprobs=read_logprobs(choice.get("logprobs")),
        logprobs=read_own_logprobs(choice.get("logprobs")),
        prompt_tokens=prompt,
        cached_tokens=cached,
        completion_tokens=completion,
    )
    if isinstance(refusal, str) and refusal:
        return replace(answer, text=None, status="refused", error=f"the model refused: {refusal[:300]}", raw=raw)
    if ending(reason) == "filtered":
        return replace(
            answer, text=None, status="refused", error="the provider's content filter cut the answer", raw=raw
        )
    if answer.text is None:
        return replace(answer, status="unparsed", error=f"the answer has no text ({reason})", raw=raw)
    return answer


def read_content(content: Any, message: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return a message's text, and its reasoning: of a field of its own, or of those parts that are thought."""
    reasons = [message.get("reasoning_content") or message.get("reasoning")]
    if isinstance(content, list):
        parts = [part for part in content if isinstance(part, dict)]
        texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
        for part in parts:
            thought = part.get("thinking")
            thoughts = thought if isinstance(thought, list) else [thought]
            reasons += [one.get("text") if isinstance(one, dict) else one for one in thoughts]
        content = "".join(texts) if texts else None
    reasoning = "\n".join(one for one in reasons if isinstance(one, str) and one)
    return content if isinstance(content, str) else None, reasoning or None


def read_usage(usage: Any) -> tuple[int | None, int | None, int | None]:
    """Return the tokens of prompt (the cached ones among them), cache and completion; None for what is not told."""
    if not isinstance(usage, dict):
        return None, None, None
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else None
    return usage.get("prompt_tokens"), cached, usage.get("completion_tokens")


def read_logprobs(logprobs: Any) -> tuple[dict[str, float], ...] | None:
    """Return, for each token written, the log-probabilities of the most probable tokens by their text."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not content:
        return None
    positions = []
    for position in content:
        found: dict[str, float] = {}
        for entry in position.get("top_logprobs") or [position]:
            # two tokens may have the same text (bytes of a letter): the more probable one comes first
            found.setdefault(entry["token"], float(entry["logprob"]))
        positions.append(found)
    return tuple(positions)


def read_own_logprobs(logprobs: Any) -> tuple[float, ...] | None:
    """Return the log-probability of each token written; None unless the server gives that of every one."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    found = [position.get("logprob") for position in content or ()]
    known = found and all(isinstance(value, int | float) and value <= 0 for value in found)
    return tuple(map(float, found)) if known else None
