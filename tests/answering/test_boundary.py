"""What a server says with status 200 is looked at before anything keeps it: what does not pass is asked again."""

from __future__ import annotations

import json
import math
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.answering.chat.anthropic_chat import AnthropicChat
from harness.answering.chat.boundary import UNREADABLE, Checked, kept, received, to_keep
from harness.answering.chat.call_cache import Cached, CallCache
from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.limits import TrafficLimits, Trouble
from harness.answering.chat.openai_chat import OpenAIChat, read_answer
from harness.answering.chat.recorded_chat import RecordedChat
from harness.errors import HarnessError

QUICK = TrafficLimits(attempts=3, first_wait=0.01)
CALL = Call((("user", "q"),), top_logprobs=2)


def reply(text="A", *, logprobs=None, usage=None, **choice):
    """A chat completion's JSON, as bytes: what `json.dumps` writes of NaN is what servers send."""
    content = [{"token": "A", "logprob": -0.1, "top_logprobs": logprobs}] if logprobs else None
    entry = {"message": {"content": text}, "finish_reason": "stop", "logprobs": {"content": content}, **choice}
    return json.dumps(
        {"choices": [entry], "usage": {"prompt_tokens": 3, "completion_tokens": 1, **(usage or {})}}
    ).encode()


def likely(token, logprob):
    return {"token": token, "logprob": logprob}


BAD = {
    "a lone surrogate": (reply("so \ud800"), "text"),
    "half a token": (reply(usage={"completion_tokens": 2.5}), "completion_tokens"),
    "tokens below zero": (reply(usage={"prompt_tokens": -1}), "prompt_tokens"),
    "tokens as text": (reply(usage={"prompt_tokens": "3"}), "prompt_tokens"),
    "true tokens": (reply(usage={"prompt_tokens": True}), "prompt_tokens"),
    "more tokens than a file holds": (reply(usage={"prompt_tokens": 1 << 70}), "prompt_tokens"),
    "a list of reasons": (reply(finish_reason=["stop"]), "cannot be used"),
    "a logprob of 800": (reply(logprobs=[likely("A", 800.0), likely("B", -1.0)]), "top_logprobs.0.A"),
    "a logprob that is no number": (reply(logprobs=[likely("A", math.nan)]), "top_logprobs.0.A"),
    "a logprob that is null": (reply(logprobs=[likely("A", None)]), "cannot be used"),
    "a null token": (reply(logprobs=[likely(None, -1.0)]), "top_logprobs.0.None"),
    "two tokens that are certain": (reply(logprobs=[likely("A", 0.0), likely("B", 0.0)]), "add up to 2"),
    "logprobs that are a number": (reply(logprobs=7), "cannot be used"),
    "nested without end": (b'{"choices": [{"message": {"content": ' + b"[" * 100_000, "cannot be used"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_pass_is_asked_again_and_then_a_failed_call_that_nothing_keeps(chat_server, tmp_path, name):
    content, said = BAD[name]
    cache = CallCache(tmp_path / "calls.sqlite")
    with chat_server.ChatServer(fault=lambda number, body: (200, content)) as server:
        chat = Cached(Checked(OpenAIChat("m", server.base_url, QUICK)), cache)
        ((_, answer),) = chat.ask([CALL])
        assert (answer.status, server.requests) == ("error", 3)
        assert said in answer.error
        assert cache.find([CALL.key(chat.identity)]) == {}
    good = reply(logprobs=[likely("A", -0.1), likely("B", -2.5)])
    with chat_server.ChatServer(fault=lambda number, body: (200, content if number == 1 else good)) as server:
        ((_, answer),) = OpenAIChat("m", server.base_url, QUICK).ask([CALL])
        assert (answer.status, answer.text, server.requests) == ("ok", "A", 2)


def test_counts_in_floats_and_rounding_above_zero_are_taken_for_what_they_are():
    answer = received(
        read_answer(reply(usage={"prompt_tokens": 3.0}, logprobs=[likely("A", 1e-7), likely("B", -math.inf)]))
    )
    assert type(answer.prompt_tokens) is int
    assert answer.top_logprobs == ({"A": 0.0, "B": -math.inf},)


def test_the_same_at_another_provider(chat_server):
    body = {
        "content": [{"type": "text", "text": "A"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 2.5},
    }
    with chat_server.ChatServer(fault=lambda number, _: (200, body)) as server:
        chat = AnthropicChat("m", server.base_url.removesuffix("/v1"), QUICK)
        ((_, answer),) = chat.ask([Call((("user", "q"),))])
    assert answer.status == "error"
    assert "completion_tokens" in answer.error


class Brought:
    """A client that somebody brought, which promises nothing."""

    identity = "brought"

    def ask(self, calls):
        for position, _ in enumerate(calls):
            yield position, Answer(text="A", prompt_tokens=2.5, cost_usd=math.nan)


def test_a_client_that_somebody_brought_passes_the_same_boundary():
    ((_, answer),) = Checked(Brought()).ask([CALL])
    assert (answer.status, answer.text) == ("error", None)
    assert "prompt_tokens" in answer.error


def test_a_cache_that_was_poisoned_or_damaged_is_asked_past(tmp_path):
    path = tmp_path / "calls.sqlite"
    cache = CallCache(path)
    cache.keep("good", "m", Answer(text="A"))
    cache.keep("flipped", "m", Answer(text="A"))
    with sqlite3.connect(path) as database:
        poisoned = json.dumps({"text": "A", "top_logprobs": [{"A": 800.0}]})
        database.execute("INSERT INTO calls VALUES ('poisoned', 'm', ?)", [poisoned])
        database.execute("INSERT INTO calls VALUES ('old', 'm', ?)", [Answer(text="B").to_json()])
        database.execute("UPDATE calls SET answer = replace(answer, '\"A\"', '\"C\"') WHERE key = 'flipped'")
    found = cache.find(["good", "flipped", "poisoned", "old", "nowhere"])
    assert {key: answer.text for key, answer in found.items()} == {"good": "A", "old": "B"}


def test_a_damaged_or_full_cache_says_what_to_do(tmp_path):
    path = tmp_path / "calls.sqlite"
    cache = CallCache(path)
    for number in range(200):
        cache.keep(str(number), "m", Answer(text="A" * 100))
    cache._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = cache._database.execute("PRAGMA page_count").fetchone()[0]
    cache._database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(HarnessError, match=r"calls.sqlite: .* cannot be written \(.*full.*make room"):
        cache.keep("more", "m", Answer(text="A" * 1_000_000))
    cache.close()
    content = bytearray(path.read_bytes())
    content[4096:12288] = b"x" * 8192
    path.write_bytes(content)
    with pytest.raises(HarnessError, match=r"calls.sqlite: .* cannot be read \(.*--cache DIR"):
        CallCache(path).find([str(number) for number in range(200)])
    path.write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    with pytest.raises(HarnessError, match="cannot keep finished calls here"):
        CallCache(path)


def test_a_recorded_answer_that_does_not_pass_is_named_by_its_line(tmp_path):
    path = tmp_path / "recorded.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "q"}], "text": "A", "prompt_tokens": 2.5}\n')
    with pytest.raises(HarnessError, match=r"recorded.jsonl:1: is no recorded answer \(prompt_tokens"):
        RecordedChat(path)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(anything, anything, anything, anything)
def test_whatever_comes_is_a_sound_answer_or_a_failed_call(text, reason, usage, logprobs):
    body = {
        "choices": [{"message": {"content": text}, "finish_reason": reason, "logprobs": {"content": logprobs}}],
        "usage": usage,
    }
    try:
        answer = received(read_answer(json.dumps(body).encode()))
    except (Trouble, *UNREADABLE):
        return
    assert kept(to_keep(answer)) == answer
    for count in answer.tokens:
        assert count is None or (type(count) is int and count >= 0)
