"""Chat clients against a server that misbehaves as real ones do: whatever happens, each call ends as one answer."""

import asyncio
import time

import pytest

from harness.answering.chat.chat import Call
from harness.answering.chat.http_status import retry_after
from harness.answering.chat.limits import TrafficLimits
from harness.answering.chat.openai_chat import OpenAIChat
from harness.answering.chat.price import cost


def by_word(number, body):
    """The fault that the prompt names; good for every further attempt of `once:` prompts."""
    return body["messages"][-1]["content"].split()[-1]


QUICK = TrafficLimits(concurrency=8, timeout=0.5, attempts=3, first_wait=0.01)


def ask(server, *words, limits=QUICK, **call):
    chat = OpenAIChat("m", server.base_url, limits)
    calls = [Call((("user", f"q {word}"),), **call) for word in words]
    found = dict(chat.ask(calls))
    chat.close()
    return [found[position] for position in range(len(calls))]


@pytest.mark.parametrize(
    ("fault", "status", "requests", "said"),
    [
        ("ok", "ok", 1, None),
        ("429", "error", 3, "HTTP 429"),
        ("500", "error", 3, "HTTP 500"),
        ("503-html", "error", 3, "bad gateway"),
        ("400", "error", 1, "no such field"),
        ("401", "error", 1, "wrong key"),
        ("404", "error", 1, "no such model"),
        ("quota", "error", 1, "no money"),
        ("too-long", "skipped", 1, "does not fit"),
        ("filter-400", "refused", 1, "refused the input"),
        ("empty-body", "error", 3, "empty body"),
        ("broken-json", "error", 3, "no chat completion"),
        ("no-choices", "error", 3, "no chat completion"),
        ("error-200", "error", 3, "overloaded"),
        ("cut", "error", 3, "no connection"),
        ("null", "unparsed", 1, "no text"),
        ("refusal", "refused", 1, "I cannot help"),
        ("filtered", "refused", 1, "content filter"),
        ("hang", "timeout", 3, "within 0.5 s"),
        ("slow", "timeout", 3, "within 0.5 s"),
    ],
)
def test_every_fault_is_an_answer_with_its_status(chat_server, fault, status, requests, said):
    with chat_server.ChatServer(fault=by_word) as server:
        (answer,) = ask(server, fault)
    assert (answer.status, server.requests) == (status, requests)
    assert (answer.text is None) == (status != "ok")
    assert said is None or said in answer.error


def test_an_empty_text_is_what_the_model_wrote(chat_server):
    with chat_server.ChatServer(fault=by_word) as server:
        (answer,) = ask(server, "empty")
    assert (answer.status, answer.text) == ("ok", "")


def test_one_bad_call_among_many_costs_only_itself(chat_server):
    with chat_server.ChatServer(fault=by_word) as server:
        answers = ask(server, "ok", "500", "ok", "null", "ok")
    assert [answer.status for answer in answers] == ["ok", "error", "ok", "unparsed", "ok"]


def test_retry_after_is_honoured_and_the_retry_succeeds(chat_server):
    with chat_server.ChatServer(fault=lambda number, body: "429" if number == 1 else "ok") as server:
        started = time.monotonic()
        (answer,) = ask(server, "x")
    assert (answer.status, server.requests) == ("ok", 2)
    assert time.monotonic() - started >= 0.2  # what the server asked for; without it the wait would be .01 s


def test_a_server_that_knows_no_schemas_is_asked_without(chat_server):
    with chat_server.ChatServer(fault=lambda number, body: "schema") as server:
        answers = ask(server, "a", "b", limits=TrafficLimits(concurrency=1), json_schema={"type": "object"})
    assert [answer.status for answer in answers] == ["ok", "ok"]
    assert server.requests == 3  # refused once, remembered for the second call


def test_a_wrong_key_is_not_tried_a_thousand_times(chat_server):
    with chat_server.ChatServer(fault=by_word) as server:
        answers = ask(server, *["401"] * 200)
    assert {answer.status for answer in answers} == {"error"}
    assert server.requests < 20
    assert "stopped answering" in answers[-1].error


def test_a_dead_server_is_given_up_and_comes_back(chat_server):
    dead = [True]
    limits = TrafficLimits(concurrency=4, attempts=2, first_wait=0.01, give_up_after=0.1)
    with chat_server.ChatServer(fault=lambda number, body: "500" if dead[0] else "ok") as server:
        chat = OpenAIChat("m", server.base_url, limits)
        calls = [Call((("user", str(n)),)) for n in range(300)]
        first = [answer.status for _, answer in chat.ask(calls)]
        asked = server.requests
        dead[0] = False
        second = [answer.status for _, answer in chat.ask(calls)]
        chat.close()
    assert len(first) == 300
    assert set(first) == {"error"}
    assert asked < 200
    assert second == ["ok"] * 300


def test_fewer_calls_are_in_flight_after_the_server_says_it_is_too_much(chat_server):
    def crowded(number, body):
        return "429" if server.inside > 4 else "ok"

    server = chat_server.ChatServer(fault=crowded, latency=0.01)
    with server:
        answers = ask(server, *"x" * 100, limits=TrafficLimits(concurrency=32, attempts=20, first_wait=0.01))
    assert [answer.status for answer in answers] == ["ok"] * 100
    assert server.requests < 300


def test_requests_per_minute_are_kept(chat_server):
    with chat_server.ChatServer() as server:
        started = time.monotonic()
        answers = ask(server, *"x" * 12, limits=TrafficLimits(requests_per_minute=600))
        # 600 a minute are 10 a second, of which a tenth of a minute's worth may come at once: none is refused
        assert [answer.status for answer in answers] == ["ok"] * 12
        ask(server, *"x" * 65, limits=TrafficLimits(requests_per_minute=600))
        assert time.monotonic() - started >= 0.4  # 60 at once, the other 5 at 10 a second


def test_tokens_per_minute_are_kept(chat_server):
    # 15,000 a minute are 250 a second, of which 1,500 may come at once; a call here has 25 (the server's 20 and 5)
    with chat_server.ChatServer() as server:
        started = time.monotonic()
        words = ["x" * 76] * 65  # 78 characters of prompt are 19 tokens by the estimate, and 6 of answer
        answers = ask(server, *words, limits=TrafficLimits(tokens_per_minute=15_000), max_tokens=6)
        assert time.monotonic() - started >= 0.4  # 60 at once, the other 5 at 10 a second
    assert [answer.status for answer in answers] == ["ok"] * 65


def test_it_works_inside_a_running_event_loop(chat_server):
    async def notebook(server):
        return ask(server, "ok")

    with chat_server.ChatServer(fault=by_word) as server:
        (answer,) = asyncio.run(notebook(server))
    assert answer.status == "ok"


def test_tokens_are_read_and_cached_ones_counted_once(chat_server):
    with chat_server.ChatServer() as server:
        (answer,) = ask(server, "x")
    assert (answer.prompt_tokens, answer.cached_tokens, answer.completion_tokens) == (20, 8, 5)
    assert answer.cost_usd is None  # nobody knows what this server charges


def test_the_price_counts_cached_tokens_once_and_is_unknown_where_it_is_not_known():
    url = "https://api.openai.com/v1"
    whole = cost("gpt-4o-mini", url, 1_000_000, None, 0)
    half = cost("gpt-4o-mini", url, 1_000_000, 1_000_000, 0)
    assert whole == pytest.approx(0.15)
    assert half == pytest.approx(0.075)
    assert cost("no-such-model", url, 1, 0, 1) is None
    assert cost("gpt-4o-mini", url, None, None, None) is None


def test_a_wait_is_read_in_every_form():
    assert retry_after({"retry-after": "2"}) == 2
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert retry_after({"retry-after": "Mon, 01 Jan 2001 00:00:00 GMT"}) == 0  # in the past
    assert retry_after({"retry-after": "soon"}) is None
    assert retry_after({}) is None


def test_the_key_is_in_no_identity_and_options_decide_it(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    plain, warm = OpenAIChat("m", "http://x/v1"), OpenAIChat("m", "http://x/v1", options={"top_p": 0.5})
    assert "secret" not in plain.identity + warm.identity
    assert len({plain.identity, warm.identity, OpenAIChat("n", "http://x/v1").identity}) == 3
    assert OpenAIChat("m", "http://y/v1").identity != plain.identity


def test_the_request_says_what_the_call_says(chat_server):
    with chat_server.ChatServer() as server:
        chat = OpenAIChat("m", server.base_url, QUICK, options={"top_p": 0.9, "temperature": None})
        list(chat.ask([Call((("system", "s"), ("user", "u")), 7, 0.3, 5, ("x",), 2, {"type": "object"})]))
        chat.close()
    (body,) = server.bodies
    form = {"name": "answer", "schema": {"type": "object"}, "strict": True}
    assert body == {
        "model": "m",
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
        "max_tokens": 7,
        "seed": 5,
        "stop": ["x"],
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": {"type": "json_schema", "json_schema": form},
        "top_p": 0.9,
    }


def test_the_proxy_that_the_environment_names_is_used_and_not_where_it_says_so(chat_server, monkeypatch):
    with chat_server.ChatServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.base_url.removesuffix("/v1"))
        chat = OpenAIChat("m", "http://judges.invalid/v1", QUICK)
        ((_, answer),) = chat.ask([Call((("user", "x"),))])
        chat.close()
        assert answer.status == "ok"
        assert proxy.heads[0].startswith(b"POST http://judges.invalid/v1/chat/completions ")
        monkeypatch.setenv("no_proxy", "judges.invalid")
        chat = OpenAIChat("m", "http://judges.invalid/v1", QUICK)
        ((_, answer),) = chat.ask([Call((("user", "x"),))])
        chat.close()
    assert "no connection" in answer.error
    assert proxy.requests == 1
