"""Every client behind the one protocol: Anthropic's, any lm-eval model's, recorded answers; and the budget of all."""

import json

import pytest

from harness.answering.chat.anthropic_chat import AnthropicChat
from harness.answering.chat.budget import Budget, Budgeted
from harness.answering.chat.call_cache import Cached, CallCache
from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.limits import TrafficLimits
from harness.answering.chat.openai_chat import OpenAIChat, read_own_logprobs
from harness.answering.chat.parameters import Parameters
from harness.answering.chat.price import Rates, cost
from harness.answering.chat.recorded_chat import RecordedChat
from harness.answering.models.clients import chat_models, make_chat
from harness.answering.reasoning import without_reasoning
from harness.errors import BudgetError, HarnessError
from harness.rating.rater import Surroundings

QUICK = TrafficLimits(concurrency=8, timeout=0.5, attempts=3, first_wait=0.01)


def call(text, **fields):
    return Call((("user", text),), **fields)


def ask_anthropic(server, *calls):
    chat = AnthropicChat("m", server.base_url.removesuffix("/v1"), QUICK)
    found = dict(chat.ask(calls))
    chat.close()
    return [found[position] for position in range(len(calls))]


@pytest.mark.parametrize(
    ("fault", "status", "requests"),
    [
        ("ok", "ok", 1),
        ("429", "error", 3),
        ("500", "error", 3),
        ("529", "error", 3),
        ("401", "error", 1),
        ("404", "error", 1),
        ("too-long", "skipped", 1),
        ("too-large", "skipped", 1),
        ("broken-json", "error", 3),
        ("null", "unparsed", 1),
        ("refusal", "refused", 1),
        ("window", "skipped", 1),
        ("cut", "error", 3),
        ("hang", "timeout", 3),
    ],
)
def test_every_fault_of_anthropics_is_an_answer_with_its_status(chat_server, fault, status, requests):
    with chat_server.ChatServer(fault=lambda number, body: fault) as server:
        (answer,) = ask_anthropic(server, call("q"))
    assert (answer.status, server.requests) == (status, requests)
    assert (answer.text is None) == (status != "ok")
    assert (answer.error is None) == (status == "ok")


def test_anthropics_request_and_its_tokens(chat_server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-mine")
    asked = Call(
        (("system", "s"), ("user", "u"), ("assistant", "I say")), 7, 0.3, 5, ("x",), json_schema={"type": "object"}
    )
    with chat_server.ChatServer() as server:
        (answer,) = ask_anthropic(server, asked)
    (body,) = server.bodies
    assert body == {
        "model": "m",
        "max_tokens": 7,
        "system": "s",
        "messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "I say"}],
        "temperature": 0.3,
        "stop_sequences": ["x"],
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
    }
    assert b"sk-mine" in server.heads[0]
    # 12 new, 8 from the cache, 4 put into it: each counted once
    assert answer.tokens == (24, 8, 5)
    assert answer.finish_reason == "stop"
    assert answer.cost_usd is None  # nobody knows what "m" costs


def test_anthropics_model_without_schemas_is_asked_without(chat_server):
    with chat_server.ChatServer(fault=lambda number, body: "schema") as server:
        answers = ask_anthropic(server, *(call(text, json_schema={"type": "object"}) for text in "a"))
    assert [answer.status for answer in answers] == ["ok"]
    assert server.requests == 2


def test_anthropic_gives_no_probabilities_and_says_so(chat_server):
    with chat_server.ChatServer() as server, pytest.raises(HarnessError, match="by: text"):
        ask_anthropic(server, call("q", top_logprobs=5))
    assert server.requests == 0


def test_putting_into_the_cache_of_the_provider_is_charged_once():
    url = "https://api.anthropic.com"
    plain = cost("claude-sonnet-4-5", url, 100_000, None, 0)
    written = cost("claude-sonnet-4-5", url, 100_000, None, 0, written=100_000)
    assert plain == pytest.approx(0.3)
    assert written == pytest.approx(0.375)  # a quarter more than plain, not as well as it


def test_rates_of_the_users_own_price_a_server_that_no_list_knows():
    rates = Rates(prompt=2, completion=10, cached=0.5)
    # 600 new tokens at 2, 400 cached at .5, 100 written at 10 dollars a million
    assert cost("m", "http://x", 1000, 400, 100, rates) == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)
    assert cost("m", "http://x", 1000, None, None, rates) is None


def test_recorded_answers_are_given_again_and_a_missing_one_is_an_error(tmp_path):
    path = tmp_path / "answers.jsonl"
    messages = [{"role": "user", "content": "is it?"}]
    lines = [
        {"messages": messages, "text": "yes"},
        {"messages": messages, "text": "no", "repetition": 1},
        {"messages": [{"role": "user", "content": "and?"}], "status": "refused", "error": "I cannot"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    chat = make_chat(f"replay:{path}", Surroundings(cache=tmp_path))
    answers = dict(chat.ask([call("is it?"), call("is it?", repetition=1), call("and?"), call("why?")]))
    assert [answers[n].text for n in range(4)] == ["yes", "no", None, None]
    assert [answers[n].status for n in range(4)] == ["ok", "ok", "refused", "error"]
    assert "no recorded answer" in answers[3].error
    assert "why?" in answers[3].error
    other = tmp_path / "other.jsonl"
    other.write_text(json.dumps(lines[0]))
    assert RecordedChat(other).identity != chat.identity  # the cache must not mix them up


@pytest.mark.parametrize("line", ["no json", "{}", '{"messages": [{"role": "user"}], "text": "x"}', '{"messages": []}'])
def test_a_line_that_is_no_recorded_answer_is_named(tmp_path, line):
    path = tmp_path / "answers.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "a"}], "text": "x"}\n' + line)
    with pytest.raises(HarnessError, match=r"answers\.jsonl:2: is no recorded answer"):
        RecordedChat(path)
    with pytest.raises(HarnessError, match="cannot be read"):
        RecordedChat(tmp_path / "none.jsonl")


class Echo:
    def __init__(self, identity="echo", each=0.0):
        self.identity, self.each, self.asked = identity, each, []

    def price(self, prompt, cached, completion):
        return self.each

    def ask(self, calls):
        for position, one in enumerate(calls):
            self.asked.append(one)
            yield position, Answer(text=one.messages[-1][1].upper(), cost_usd=self.each)


def test_the_cache_of_calls_is_a_recording(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    list(Cached(Echo("one"), cache).ask([call("a"), call("b")]))
    replay = RecordedChat(tmp_path / "calls.sqlite")
    answers = dict(replay.ask([call("b"), call("a"), call("c")]))
    assert [answers[n].text for n in range(3)] == ["B", "A", None]
    list(Cached(Echo("two"), cache).ask([call("c")]))
    with pytest.raises(HarnessError, match="say which by `of`: one; two"):
        RecordedChat(tmp_path / "calls.sqlite")
    assert dict(RecordedChat(tmp_path / "calls.sqlite", of="two").ask([call("c")]))[0].text == "C"
    cache.close()


def test_no_dollar_is_spent_beyond_the_budget_and_the_next_command_goes_on(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    calls = [call(str(n)) for n in range(10)]
    first = Echo(each=0.3)
    answers = []
    with pytest.raises(BudgetError, match=r"could exceed --max-cost 1: 0\.9000 USD"):
        answers.extend(Cached(Budgeted(first, Budget(1.0)), cache).ask(calls))
    assert len(first.asked) == len(answers) == 3  # 3 x .3 fit into 1, 4 do not
    second = Echo(each=0.3)
    assert len(list(Cached(Budgeted(second, Budget(5.0)), cache).ask(calls))) == 10
    assert len(second.asked) == 7
    cache.close()


def test_the_dearest_that_calls_under_way_can_be_is_set_aside(chat_server):
    """Answers of 5 tokens cost far less than the 100 that each may have: all that fit are asked in the end."""
    rates = Rates(prompt=0, completion=10_000)  # a cent a token: an answer costs .05, at the dearest 1.00
    with chat_server.ChatServer() as server:
        chat = OpenAIChat("m", server.base_url, QUICK, rates=rates)
        answers = []
        with pytest.raises(BudgetError):
            answers.extend(Budgeted(chat, Budget(2.0)).ask(call(str(n), max_tokens=100) for n in range(100)))
        chat.close()
    # a call is sent while 1.00 is left: with .05 each that holds up to 20 answers spent (1.00), not for the 22nd
    assert len(answers) == server.requests == 21
    assert sum(answer.cost_usd for _, answer in answers) == pytest.approx(1.05)
    assert server.most_inside <= 2


def test_an_unknown_price_has_no_budget():
    with pytest.raises(HarnessError, match="say it in the model"):
        list(Budgeted(OpenAIChat("m", "http://127.0.0.1:9/v1"), Budget(1.0)).ask([call("a")]))


def test_a_call_that_shall_be_asked_again_is_and_its_new_answer_is_kept(tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    chat = Echo()
    list(Cached(chat, cache).ask([call("a")]))
    list(Cached(chat, cache).ask([call("a", again=True)]))
    list(Cached(chat, cache).ask([call("a")]))
    assert len(chat.asked) == 2
    cache.close()


def test_calls_are_taken_as_they_can_be_sent(chat_server):
    """Of 600 calls only as many are made ahead as the traffic needs."""
    made = ahead = 0

    def calls():
        nonlocal made
        for n in range(600):
            made += 1
            yield call(str(n))

    with chat_server.ChatServer() as server:
        chat = OpenAIChat("m", server.base_url, QUICK)
        for answered, _ in enumerate(chat.ask(calls()), 1):
            ahead = max(ahead, made - answered)
        chat.close()
    assert answered == 600
    assert ahead <= 3 * QUICK.concurrency


def test_a_kind_that_is_not_known_lists_those_that_are(tmp_path):
    with pytest.raises(HarnessError, match="openai:NAME, anthropic:NAME, lm-eval:KIND, replay:FILE"):
        make_chat("gpt:x", Surroundings(cache=tmp_path))
    with pytest.raises(HarnessError, match="no model 'hff'"):
        make_chat("lm-eval:hff", Surroundings(cache=tmp_path))


@pytest.mark.model
@pytest.mark.slow
def test_any_model_of_lm_eval_judges(tmp_path):
    from harness.answering.chat.call_cache import default_cache
    from harness.answering.models.embedded import torch_folder

    args = {"pretrained": str(torch_folder(default_cache())), "dtype": "float32", "device": "cpu"}
    question = "What is the capital of France? A: Paris. B: Berlin. Answer A or B."
    with chat_models(Surroundings(cache=tmp_path)) as chat:
        client = chat({"model": "lm-eval:hf", "args": args})
        calls = [
            Call((("user", question), ("assistant", "Answer:")), 1, top_logprobs=20, words=("A", "B")),
            call("Say hello.", max_tokens=8),
            call("word " * 10_000, max_tokens=8),
        ]
        answers = dict(client.ask(calls))
    assert [answers[n].status for n in range(3)] == ["ok", "ok", "skipped"]
    (found,) = answers[0].top_logprobs
    assert set(found) == {"A", "B"}
    assert all(logprob < 0 for logprob in found.values())
    assert answers[1].text
    assert "does not fit" in answers[2].error or "do not fit" in answers[2].error


@pytest.mark.parametrize(
    ("content", "known"),
    [
        ([{"token": "4", "logprob": -0.5}, {"token": "2", "logprob": 0}], (-0.5, 0.0)),
        ([{"token": "4", "logprob": -0.5}, {"token": "2"}], None),
        ([{"token": "4", "logprob": "sure"}], None),
        ([{"token": "4", "logprob": 0.5}], None),
        ([], None),
        (None, None),
    ],
)
def test_a_text_has_probabilities_only_where_the_server_says_those_of_all_its_tokens(content, known):
    assert read_own_logprobs({"content": content}) == known


def test_probabilities_of_more_than_the_text_are_left_out():
    whole = Answer("<think>4?</think>42\nand more", logprobs=(-0.5, -0.25))
    assert Parameters({"stop": "not sent at all, cut here"}).cut(whole, ("\n",)).logprobs is None
    assert without_reasoning(whole).logprobs is None
    assert without_reasoning(Answer("42", logprobs=(-0.5,))).logprobs == (-0.5,)
