"""Batches of OpenAI and Anthropic: paid for once whatever happens, read as direct answers are, never a stand-in."""

import json
from pathlib import Path

import pytest

from harness.answering.chat import batches
from harness.answering.chat.call_cache import Cached, CallCache
from harness.answering.chat.chat import Call
from harness.answering.models.clients import chat_models, make_chat
from harness.errors import HarnessError
from harness.rating.rater import Surroundings

BOTH = pytest.mark.parametrize("kind", ["openai", "anthropic"])
RATES = {"prompt": 10.0, "completion": 100.0}


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(batches, "FIRST_LOOK", 0.01)


def calls(*texts, **fields):
    return [Call((("user", text),), **fields) for text in texts]


def echo(body):
    return f"to {body['messages'][-1]['content']}"


def settings(kind, server, **more):
    address = server.base_url if kind == "openai" else server.base_url.removesuffix("/v1")
    return {"model": f"{kind}:m", "base_url": address, "attempts": 1, "rates": RATES, **more}


def ask(kind, server, folder, asked, note=lambda line: None, **more):
    """Ask as a run does: through the cache, with the run's folder for batches."""
    place = Surroundings(cache=folder / "cache")
    with chat_models(place, note, batches=folder / "batches") as chat:
        found = dict(chat(settings(kind, server, **{"batch": True, **more})).ask(asked))
    return [found[position] for position in range(len(asked))]


def notes(folder):
    return [json.loads(path.read_bytes()) for path in Path(folder, "batches").glob("*.json")]


@BOTH
def test_a_batch_brings_every_answer_to_its_call_at_half_the_price(batch_server, tmp_path, kind):
    said = []
    with batch_server.BatchServer(reply=echo) as server:
        found = ask(kind, server, tmp_path, calls("a", "b", "c", "d"), said.append)
    assert [answer.text for answer in found] == ["to a", "to b", "to c", "to d"]
    assert server.requests == 1  # the first goes directly, so that what is wrong shows at once
    assert len(server.asked) == 3
    full, half = found[0].cost_usd, found[1].cost_usd
    assert full > 0
    assert half == pytest.approx(full / 2)
    assert found[1].finish_reason == "stop"
    assert found[1].tokens == found[0].tokens
    assert [line.partition(":")[0] for line in said] == ["batch batch_1", "batch batch_1"]
    assert "3 answers, 0 failures" in said[-1]
    (note,) = notes(tmp_path)
    assert note["batch"] == "batch_1"
    assert note["names"] == []


@BOTH
def test_requests_are_those_of_direct_calls(batch_server, tmp_path, kind):
    asked = calls("a", "b", max_tokens=7, stop=("x",), json_schema={"type": "object"})
    with batch_server.BatchServer(reply=echo) as server:
        ask(kind, server, tmp_path, asked)
    (direct,), (batched,) = server.bodies, server.asked
    assert {**direct, "messages": None} == {**batched, "messages": None}
    assert batched["messages"][-1]["content"] == "b"


def test_probabilities_come_by_a_batch_and_anthropic_refuses_them(batch_server, tmp_path):
    with batch_server.BatchServer(reply=echo) as server:
        ask("openai", server, tmp_path, calls("a", "b", top_logprobs=5))
        assert server.asked[0]["top_logprobs"] == 5
        with pytest.raises(HarnessError, match="gives no token probabilities"):
            ask("anthropic", server, tmp_path, calls("a", "b", top_logprobs=5))


@BOTH
@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        ("expired", "error", "expired"),
        ("refused", "skipped", "does not fit"),
        ("busy", "error", "HTTP 5"),
        ("lost", "error", "no result for this call"),
        ("differs", "error", "several results"),
        ("foreign", "error", "no result for this call"),
    ],
)
def test_what_fails_in_a_batch_is_a_status_and_asked_again_later(batch_server, tmp_path, kind, outcome, status, reason):
    left = {"b": outcome}
    said = []

    def fate(body):
        return left.get(body["messages"][-1]["content"], "ok")

    with batch_server.BatchServer(reply=echo, outcome=fate) as server:
        first = ask(kind, server, tmp_path, calls("a", "b", "c"), said.append)
        assert [answer.status for answer in first] == ["ok", status, "ok"]
        assert first[1].text is None
        assert reason in first[1].error
        assert ("results of calls that were not in it" in said[-1]) == (outcome == "foreign")
        left.clear()
        again = ask(kind, server, tmp_path, calls("a", "b", "c"))
    assert [answer.text for answer in again] == ["to a", "to b", "to c"]
    assert server.requests == 2  # the one call that was left goes by itself


@BOTH
def test_the_same_result_twice_is_one(batch_server, tmp_path, kind):
    with batch_server.BatchServer(reply=echo, outcome=lambda body: "twice") as server:
        assert [one.text for one in ask(kind, server, tmp_path, calls("a", "b"))] == ["to a", "to b"]


@pytest.mark.parametrize(
    ("kind", "outcome", "status", "reason"),
    [
        ("openai", "cut", "ok", "length"),
        ("anthropic", "cut", "ok", "length"),
        ("openai", "filtered", "refused", "content_filter"),
        ("anthropic", "filtered", "refused", "refusal"),
    ],
)
def test_how_an_answer_ended_is_read_as_of_a_direct_one(batch_server, tmp_path, kind, outcome, status, reason):
    with batch_server.BatchServer(reply=echo, outcome=lambda body: outcome) as server:
        _, answer = ask(kind, server, tmp_path, calls("a", "b"))
    assert (answer.status, answer.finish_reason) == (status, reason)


def test_reasoning_is_told_apart_as_in_a_direct_answer(batch_server, tmp_path):
    with batch_server.BatchServer(reply=echo, outcome=lambda body: "thinks") as server:
        _, answer = ask("openai", server, tmp_path, calls("a", "b"))
    assert (answer.text, answer.reasoning) == ("to b", "because")


@BOTH
def test_who_is_killed_while_waiting_waits_for_the_same_batch(batch_server, tmp_path, kind, monkeypatch):
    class Killed(BaseException):
        pass

    def die(seconds):
        raise Killed

    with batch_server.BatchServer(reply=echo) as server:
        with monkeypatch.context() as dying:
            dying.setattr(batches.time, "sleep", die)
            with pytest.raises(Killed):
                ask(kind, server, tmp_path, calls("a", "b", "c"))
        (note,) = notes(tmp_path)
        assert note["batch"] == "batch_1"
        assert len(note["names"]) == 2
        found = ask(kind, server, tmp_path, calls("a", "b", "c"))
    assert [answer.text for answer in found] == ["to a", "to b", "to c"]
    assert (server.requests, len(server.batches)) == (1, 1)


@BOTH
def test_a_batch_whose_making_was_never_answered_is_found_again(batch_server, tmp_path, kind):
    def trouble(method, path, number):
        return "gone" if method == "POST" and path.endswith("batches") else None

    with batch_server.BatchServer(reply=echo, trouble=trouble) as server:
        found = ask(kind, server, tmp_path, calls("a", "b", "c"))
    assert [answer.text for answer in found] == ["to a", "to b", "to c"]
    assert len(server.batches) == 1


@BOTH
def test_a_batch_is_found_again_by_the_next_command(batch_server, tmp_path, kind, monkeypatch):
    """Killed between the server's taking the batch and its id being written down."""
    with batch_server.BatchServer(reply=echo) as server:
        with monkeypatch.context() as dying:
            dying.setattr(batches.BatchNotes, "keep", dies_with_an_id(batches.BatchNotes.keep))
            with pytest.raises(KeyboardInterrupt):
                ask(kind, server, tmp_path, calls("a", "b", "c"))
        assert [note["batch"] for note in notes(tmp_path)] == [None]
        found = ask(kind, server, tmp_path, calls("a", "b", "c"))
    assert [answer.text for answer in found] == ["to a", "to b", "to c"]
    assert (server.requests, len(server.batches)) == (1, 1)


def dies_with_an_id(keep):
    def kept(self, note):
        if note.batch:
            raise KeyboardInterrupt
        return keep(self, note)

    return kept


@BOTH
def test_a_server_that_stumbles_is_asked_again(batch_server, tmp_path, kind):
    stumbles = {3, 5, 6, 8}

    def trouble(method, path, number):
        return (500, {"error": {"message": "internal"}}) if method == "GET" and number in stumbles else None

    with batch_server.BatchServer(reply=echo, trouble=trouble, looks=3) as server:
        found = ask(kind, server, tmp_path, calls("a", "b"))
    assert [answer.text for answer in found] == ["to a", "to b"]
    assert len(server.batches) == 1


@BOTH
def test_a_batch_goes_on_directly_and_a_direct_run_by_batch(batch_server, tmp_path, kind):
    with batch_server.BatchServer(reply=echo) as server:
        ask(kind, server, tmp_path, calls("a", "b"))
        ask(kind, server, tmp_path, calls("a", "b", "c"), batch=False)
        assert server.requests == 2  # a, c
        ask(kind, server, tmp_path, calls("a", "b", "c", "d", "e"))
    assert (server.requests, len(server.batches)) == (3, 2)  # d directly, e in a batch


@BOTH
def test_calls_that_are_left_out_now_are_there_when_they_are_asked_for(batch_server, tmp_path, kind, monkeypatch):
    def die(seconds):
        raise KeyboardInterrupt

    with batch_server.BatchServer(reply=echo) as server:
        with monkeypatch.context() as dying:
            dying.setattr(batches.time, "sleep", die)
            with pytest.raises(KeyboardInterrupt):
                ask(kind, server, tmp_path, calls("a", "b", "c"))
        assert [one.text for one in ask(kind, server, tmp_path, calls("c"))] == ["to c"]
        assert len(notes(tmp_path)[0]["names"]) == 1
        assert [one.text for one in ask(kind, server, tmp_path, calls("b"))] == ["to b"]
    assert (server.requests, len(server.batches)) == (1, 1)


@BOTH
def test_as_many_calls_as_are_allowed_are_in_a_batch(batch_server, tmp_path, kind, monkeypatch):
    with batch_server.BatchServer(reply=echo) as server:
        found = ask(kind, server, tmp_path, calls(*"abcdefg"), batch=3)
        assert [answer.text for answer in found] == [f"to {letter}" for letter in "abcdefg"]
        assert [len(batch["requests"]) for batch in server.batches.values()] == [2, 3, 1]
        provider = make_chat(settings(kind, server, batch=True), Surroundings(cache=tmp_path)).provider
        monkeypatch.setattr(type(provider), "most_bytes", 900)
        ask(kind, server, tmp_path / "other", calls(*"abcdefgh"))
        sizes = [len(batch["requests"]) for batch in server.batches.values()][3:]
    assert sum(sizes) == 7
    assert len(sizes) > 1


def test_the_same_call_several_times_without_a_cache_is_asked_as_often(batch_server, tmp_path):
    with batch_server.BatchServer(reply=echo) as server:
        chat = make_chat(settings("openai", server, batch=True), Surroundings(cache=tmp_path))
        found = dict(chat.ask(calls("a", "b", "b")))
        chat.close()
    assert [found[place].text for place in range(3)] == ["to a", "to b", "to b"]
    assert len(server.asked) == 2


@BOTH
def test_a_server_without_batches_is_refused_when_its_client_is_made(chat_server, tmp_path, kind):
    def fault(number, body):
        return "404"

    with (
        chat_server.ChatServer(fault=fault) as server,
        chat_models(Surroundings(cache=tmp_path)) as chat,
        pytest.raises(HarnessError, match=r"the server has no batch interface .HTTP 404.*leave out `batch`"),
    ):
        chat(settings(kind, server, batch=True))


@pytest.mark.parametrize("model", ["embedded", "lm-eval:hf", "replay:x.jsonl"])
def test_a_model_that_nobody_has_batches_of_is_refused(tmp_path, model):
    with pytest.raises(HarnessError, match=f"`batch` is for models of.*'{model}'"):
        make_chat({"model": model, "batch": True}, Surroundings(cache=tmp_path))


def test_batches_are_for_one_process(tmp_path):
    with (
        chat_models(Surroundings(cache=tmp_path), alone=False) as chat,
        pytest.raises(HarnessError, match="--executor"),
    ):
        chat({"model": "openai:m", "batch": True})


@BOTH
def test_a_wrong_key_shows_before_anything_is_handed_in(batch_server, tmp_path, kind):
    with batch_server.BatchServer(fault=lambda number, body: "401") as server:
        found = ask(kind, server, tmp_path, calls(*"abcdef"))
    assert {answer.status for answer in found} == {"error"}
    assert "no batch was handed in" in found[-1].error
    assert (server.requests, len(server.batches)) == (3, 0)


def test_a_parameter_that_the_server_does_not_take_is_learnt_before(batch_server, tmp_path):
    def fault(number, body):
        error = {"error": {"message": "Unsupported value: 'temperature'", "param": "temperature"}}
        return (400, error) if "temperature" in body else "ok"

    with batch_server.BatchServer(reply=echo, fault=fault) as server:
        found = ask("openai", server, tmp_path, calls("a", "b"))
    assert [answer.status for answer in found] == ["ok", "ok"]
    assert "temperature" not in server.asked[0]


def test_stop_sequences_that_the_server_does_not_take_are_cut_after_a_stop_too(batch_server, tmp_path, monkeypatch):
    def fault(number, body):
        error = {"error": {"message": "at most 4 stop sequences", "param": "stop"}}
        return (400, error) if len(body["stop"]) > 4 else "ok"

    def die(seconds):
        raise KeyboardInterrupt

    asked = calls("a", "b", stop=("1", "2", "3", "4", "5"))
    with batch_server.BatchServer(reply=lambda body: "x 5 y", fault=fault) as server:
        with monkeypatch.context() as dying:
            dying.setattr(batches.time, "sleep", die)
            with pytest.raises(KeyboardInterrupt):
                ask("openai", server, tmp_path, asked)
        assert server.asked[0]["stop"] == ["1", "2", "3", "4"]
        assert [answer.text for answer in ask("openai", server, tmp_path, asked)] == ["x ", "x "]


def test_a_batch_that_fails_as_a_whole_says_why_and_is_handed_in_anew(batch_server, tmp_path):
    errors = {"object": "list", "data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}]}
    ends = {"status": "failed", "errors": errors, "output_file_id": None, "error_file_id": None}
    with batch_server.BatchServer(reply=echo, ends=ends) as server:
        found = ask("openai", server, tmp_path, calls("a", "b", "c"))
        assert [answer.status for answer in found] == ["ok", "error", "error"]
        assert "Enqueued token limit reached" in found[1].error
        assert "`batch: 500`" in found[1].error
        server.ends = {}
        again = ask("openai", server, tmp_path, calls("a", "b", "c"))
    assert [answer.text for answer in again] == ["to a", "to b", "to c"]


@BOTH
def test_a_batch_that_the_server_does_not_know_is_not_paid_for_again(batch_server, tmp_path, kind, monkeypatch):
    def die(seconds):
        raise KeyboardInterrupt

    with batch_server.BatchServer(reply=echo) as server:
        with monkeypatch.context() as dying:
            dying.setattr(batches.time, "sleep", die)
            with pytest.raises(KeyboardInterrupt):
                ask(kind, server, tmp_path, calls("a", "b"))
        server.batches.clear()
        _, answer = ask(kind, server, tmp_path, calls("a", "b"))
        assert "another key, or it is gone for good: remove" in answer.error
        next(tmp_path.glob("batches/*.json")).unlink()
        assert [one.text for one in ask(kind, server, tmp_path, calls("a", "b"))] == ["to a", "to b"]


def test_a_note_that_cannot_be_read_is_said(batch_server, tmp_path):
    (tmp_path / "batches").mkdir()
    (tmp_path / "batches" / "x.json").write_text("{")
    with batch_server.BatchServer() as server, pytest.raises(HarnessError, match=r"x\.json: is no note of a batch"):
        ask("openai", server, tmp_path, calls("a"))


def test_a_cache_keeps_what_a_batch_brought(batch_server, tmp_path):
    cache = CallCache(tmp_path / "calls.sqlite")
    with batch_server.BatchServer(reply=echo) as server:
        direct = make_chat(settings("openai", server), Surroundings(cache=tmp_path))
        batched = make_chat(settings("openai", server, batch=True), Surroundings(cache=tmp_path))
        assert direct.identity == batched.identity
        list(Cached(batched, cache).ask(calls("a", "b", "c")))
        kept = cache.find([one.key(direct.identity) for one in calls("a", "b", "c")])
        batched.close()
        direct.close()
    cache.close()
    assert sorted(answer.text for answer in kept.values()) == ["to a", "to b", "to c"]
