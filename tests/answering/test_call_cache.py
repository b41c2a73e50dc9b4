"""Finished calls are kept before anybody sees them, for exactly the call and model that they belong to."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.answering.chat.boundary import kept, to_keep
from harness.answering.chat.call_cache import Cached, CallCache, default_cache
from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.limits import TrafficLimits
from harness.answering.chat.openai_chat import OpenAIChat
from harness.errors import HarnessError


class Echo:
    """A client that answers with the call's text, fails on `bad`, and remembers what it was asked."""

    def __init__(self, identity="echo"):
        self.identity = identity
        self.asked = []

    def ask(self, calls):
        for position, call in enumerate(calls):
            self.asked.append(call)
            text = call.messages[-1][1]
            yield position, Answer(status="error", error="no") if text == "bad" else Answer(text=text, cost_usd=0.5)


def call(text, **fields):
    return Call((("user", text),), **fields)


@pytest.fixture
def cache(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    yield cache
    cache.close()


def test_an_answer_is_asked_for_once(cache):
    chat = Echo()
    calls = [call("a"), call("b"), call("a")]
    first = dict(Cached(chat, cache).ask(calls))
    second = dict(Cached(chat, cache).ask(calls))
    assert [first[n].text for n in range(3)] == ["a", "b", "a"]
    assert first == second
    assert [asked.messages[-1][1] for asked in chat.asked] == ["a", "b"]


def test_a_failure_is_not_kept(cache):
    chat = Echo()
    assert dict(Cached(chat, cache).ask([call("bad")]))[0].status == "error"
    assert dict(Cached(chat, cache).ask([call("bad")]))[0].status == "error"
    assert len(chat.asked) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"max_tokens": 1},
        {"temperature": 0.5},
        {"seed": 1},
        {"stop": ("x",)},
        {"top_logprobs": 5},
        {"json_schema": {"type": "object"}},
        {"repetition": 1},
        {"messages": (("system", "a"),)},
        {"messages": (("user", "a"), ("user", ""))},
    ],
)
def test_whatever_differs_in_the_call_is_another_call(cache, other):
    chat = Echo()
    list(Cached(chat, cache).ask([call("a")]))
    list(Cached(chat, cache).ask([replace(call("a"), **other)]))
    assert len(chat.asked) == 2


def test_another_model_does_not_get_the_answer(cache):
    one, other = Echo("openai:m at http://one/v1"), Echo("openai:m at http://other/v1")
    list(Cached(one, cache).ask([call("a")]))
    list(Cached(other, cache).ask([call("a")]))
    assert len(other.asked) == 1


def test_token_probabilities_come_back_as_they_went(cache):
    answer = Answer(text="A", top_logprobs=({"A": -0.1, "B": -2.5},), finish_reason="length", prompt_tokens=3)
    assert kept(to_keep(answer)) == answer
    assert json.loads(answer.to_json())["top_logprobs"] == [{"A": -0.1, "B": -2.5}]


def test_answers_are_kept_where_they_arrive_while_their_reader_does_something_else(tmp_path, chat_server):
    """A reader that has one answer and then writes a part for a while is killed: the others had arrived too."""
    code = """
import sys, os, signal, time
from harness.answering.chat.call_cache import CallCache, Cached
from harness.answering.chat.openai_chat import OpenAIChat
from harness.answering.chat.limits import TrafficLimits
from harness.answering import Call
cached = Cached(OpenAIChat("m", sys.argv[2], TrafficLimits(concurrency=4)), CallCache(sys.argv[1]))
answers = cached.ask([Call((("user", str(n)),)) for n in range(50)])
next(answers)
time.sleep(1.5)
os.kill(os.getpid(), signal.SIGKILL)
"""
    path = tmp_path / "calls.sqlite"
    with chat_server.ChatServer(reply=lambda body: "yes", latency=0.02) as server:
        command = [sys.executable, "-c", code, str(path), server.base_url]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
        asked = server.requests
        cache = CallCache(path)
        assert asked >= 8  # as many are taken ahead
        assert len(cache.find([call(str(n)).key(f"openai:m at {server.base_url}") for n in range(50)])) == asked
        cache.close()


def test_what_an_answer_is_given_to_decides_nothing(cache):
    assert replace(call("a"), keep=print).key("m") == call("a").key("m")
    assert replace(call("a"), keep=print) == call("a")


def test_an_answer_that_cannot_be_kept_ends_the_asking(tmp_path, chat_server):
    class Full:
        def find(self, keys):
            return {}

        def keep(self, key, identity, answer):
            raise HarnessError("make room")

    with chat_server.ChatServer() as server, pytest.raises(HarnessError, match="make room"):
        list(Cached(OpenAIChat("m", server.base_url), Full()).ask([call("a")]))


def test_a_source_that_fails_lets_what_is_under_way_come_in(chat_server):
    def calls():
        yield from (call(str(n)) for n in range(5))
        raise HarnessError("no more")

    kept, seen = [], []
    with chat_server.ChatServer(latency=0.05) as server:
        chat = OpenAIChat("m", server.base_url, TrafficLimits(concurrency=4))
        answers = chat.ask(replace(one, keep=kept.append) for one in calls())
        with pytest.raises(HarnessError, match="no more"):
            seen.extend(position for position, _ in answers)
    assert (sorted(seen), len(kept), server.requests) == (list(range(5)), 5, 5)


def test_what_was_answered_before_a_kill_is_there_after_it(tmp_path):
    """The process is killed while it still has most of its calls before it."""
    code = """
import sys, os, signal
from harness.answering.chat.call_cache import CallCache, Cached
from harness.answering import Answer, Call
class Chat:
    identity = "m"
    def ask(self, calls):
        for n, call in enumerate(calls):
            if n == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            yield n, Answer(text=str(n))
cached = Cached(Chat(), CallCache(sys.argv[1]))
for position, answer in cached.ask([Call((("user", str(n)),)) for n in range(20)]):
    print(position, flush=True)
"""
    path = tmp_path / "calls.sqlite"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    seen = [int(line) for line in done.stdout.split()]
    assert seen == list(range(7))
    cache = CallCache(path)
    kept = cache.find([call(str(n)).key("m") for n in range(20)])
    assert sorted(answer.text for answer in kept.values()) == [str(n) for n in seen]
    cache.close()


def test_a_file_that_is_no_cache_is_refused(tmp_path):
    path = tmp_path / "calls.sqlite"
    path.write_bytes(b"this is no database, and it is long enough to be looked at" * 20)
    with pytest.raises(HarnessError, match="choose --cache DIR"):
        CallCache(path)


def test_the_user_says_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("HARNESS_CACHE", raising=False)
    assert default_cache() == tmp_path / "feedback-harness"
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "mine"))
    assert default_cache() == tmp_path / "mine"
