"""What a server turned out not to take: learnt from its refusals, once for an endpoint, and done without.

The same interface has many dialects: models that reason take no temperature, some servers know `max_tokens` and
others `max_completion_tokens`, schemas are refused with 400, 422, 500 or 501, and OpenAI takes four stop sequences.
What is left out is said (`Parameters.found` goes into the manifest): it may decide what the model answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.answering.chat.chat import Answer

REFUSALS = (400, 422, 500, 501)
INSTEAD = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
LEFT_OUT = ("temperature", "seed", "response_format", "output_config")
STOPS = ("stop", "stop_sequences")
MOST_STOPS = 4
ALSO_CALLED = dict.fromkeys(("response_format", "output_config"), r"json_schema|schema|grammar|structured output")
STRANGE = re.compile(r"unsupported|not support|unknown|unrecogni|unexpected|extra|not permitted|instead", re.IGNORECASE)
"""Of a name that the server does not know, where a value that is too large is no reason to use another name."""
REFUSED = re.compile(
    r"unsupported|support|unknown|unrecogni|unexpected|permitted|extra|allowed|invalid|must|only|at most|too many|"
    r"maximum|implemented|available|deprecated|instead|cannot|can't|accept",
    re.IGNORECASE,
)


@dataclass
class Parameters:
    """The parameters of one endpoint."""

    found: dict[str, str] = field(default_factory=dict)
    """What was refused, and what is done instead."""

    def apply(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request as the endpoint takes it."""
        sent = dict(body)
        for name in self.found:
            if name not in sent:
                continue
            value = sent.pop(name)
            if name in INSTEAD:
                sent[INSTEAD[name]] = value
            elif name in STOPS and "all" not in self.found[name]:
                sent[name] = value[:MOST_STOPS]
        return sent

    def learn(self, code: int, text: str, sent: Mapping[str, Any]) -> bool:
        """Take note of a refusal; true if the call can be sent in another way now.

        Args:
            code: The HTTP status.
            text: The body of the server's answer.
            sent: The request as it was sent: another call may have met the refusal first.
        """
        name = refused_parameter(code, text, sent)
        if name is None:
            return False
        if name in INSTEAD:
            if INSTEAD[name] in self.found:  # neither name is taken
                return False
            self.found[name] = f"sent as {INSTEAD[name]}"
        elif name in STOPS:
            fewer = len(sent[name]) > MOST_STOPS
            self.found[name] = f"the first {MOST_STOPS} sent, cut here" if fewer else "not sent at all, cut here"
        else:
            self.found[name] = "not sent"
        return True

    def cut(self, answer: Answer, stop: tuple[str, ...]) -> Answer:
        """Return an answer up to the first of the stop sequences, where the server does not take them all."""
        if answer.text is None or not any(name in self.found for name in STOPS):
            return answer
        ends = [place for one in stop if one and (place := answer.text.find(one)) >= 0]
        if not ends:
            return answer
        # whose probabilities are of more than the text that is left
        return replace(answer, text=answer.text[: min(ends)], finish_reason="stop", logprobs=None)


def refused_parameter(code: int, text: str, sent: Mapping[str, Any]) -> str | None:
    """Return the parameter of a request that an error is about, if it can be done without.

    The error's own `param` (or FastAPI's `loc`) says which; without either its message has to name it.
    """
    if code not in REFUSALS:
        return None
    able = [name for name in (*INSTEAD, *LEFT_OUT, *STOPS) if name in sent]
    error, message = error_of(text)
    if not STRANGE.search(f"{error.get('code')} {message}"):
        able = [name for name in able if name not in INSTEAD]
    named = error.get("param")
    if isinstance(named, str) and named:
        first = re.split(r"[.\[]", named.removeprefix("body."))[0]
        return first if first in able else None
    if code == 501 and "response_format" in able:
        return "response_format"
    if not REFUSED.search(message):
        return None
    places = {}
    for name in able:
        if met := re.search(rf"(?<!\w){name}(?!\w)|{ALSO_CALLED.get(name, '(?!)')}", message, re.IGNORECASE):
            places[name] = met.start()
    return min(places, key=lambda name: places[name], default=None)


def error_of(text: str) -> tuple[dict[str, Any], str]:
    """Return the error object that a server's answer holds, and its message; what echoes the request is in neither."""
    try:
        reply = json.loads(text)
    except ValueError:
        return {}, text[:2000]
    reply = reply[0] if isinstance(reply, list) and reply else reply
    error = reply.get("error", reply) if isinstance(reply, dict) else reply
    if not isinstance(error, dict):
        return {}, str(error)
    detail = error.get("detail")
    if isinstance(detail, list) and detail and isinstance(detail[0], dict):
        places = [one for one in detail[0].get("loc", ()) if isinstance(one, str) and one != "body"]
        return {**error, "param": places[0] if places else None}, str(detail[0].get("msg", ""))
    message = error.get("message", detail)
    return error, message if isinstance(message, str) else json.dumps(message)
