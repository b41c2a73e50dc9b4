"""What a server refuses to take is done without from then on; an error in place of an answer is no answer."""

import json

import pytest

from harness.answering.chat.anthropic_chat import AnthropicChat
from harness.answering.chat.chat import Call
from harness.answering.chat.http_status import status_trouble
from harness.answering.chat.limits import TrafficLimits, Trouble
from harness.answering.chat.openai_chat import OpenAIChat, read_answer
from harness.answering.models.clients import chat_models
from harness.rating.rater import Surroundings

QUICK = TrafficLimits(concurrency=1, timeout=2, attempts=2, first_wait=0.01)
SCHEMA = {"type": "object"}


def ask(server, *texts, client=OpenAIChat, **call):
    address = server.base_url if client is OpenAIChat else server.base_url.removesuffix("/v1")
    chat = client("m", address, QUICK)
    found = dict(chat.ask([Call((("user", text),), **call) for text in texts]))
    chat.close()
    return [found[position] for position in range(len(texts))], chat


def says(text, **fields):
    return {"error": {"message": text, **fields}}


REASONS = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize(
    ("parameter", "status", "content", "call", "instead"),
    [
        (
            "max_tokens",
            400,
            says(REASONS, param="max_tokens", code="unsupported_parameter"),
            {},
            "max_completion_tokens",
        ),
        ("max_tokens", 400, says(REASONS), {}, "max_completion_tokens"),
        (
            "temperature",
            400,
            says("'temperature' does not support 0.0", param="temperature", code="unsupported_value"),
            {},
            None,
        ),
        (
            "seed",
            422,
            {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]},
            {"seed": 1},
            None,
        ),
        ("response_format", 422, says("json_schema is not supported"), {"json_schema": SCHEMA}, None),
        ("response_format", 500, says("failed to compile grammar: unsupported"), {"json_schema": SCHEMA}, None),
        ("response_format", 501, says("no"), {"json_schema": SCHEMA}, None),
        (
            "response_format",
            400,
            says("Invalid schema", param="response_format.json_schema"),
            {"json_schema": SCHEMA},
            None,
        ),
    ],
)
def test_a_parameter_that_is_refused_is_done_without_once_for_all_calls(
    chat_server, parameter, status, content, call, instead
):
    def fault(number, body):
        return (status, content) if parameter in body else "ok"

    with chat_server.ChatServer(fault=fault) as server:
        answers, chat = ask(server, "a", "b", "c", **call)
    assert [answer.status for answer in answers] == ["ok"] * 3
    assert server.requests == 4  # refused once
    assert list(chat.parameters.found) == [parameter]
    assert instead is None or server.bodies[-1][instead] == 256


@pytest.mark.parametrize(("most", "sent"), [(4, ["\nclass", "\ndef", "\n#", "\nif"]), (0, None)])
def test_stop_sequences_beyond_what_a_server_takes_are_cut_here(chat_server, most, sent):
    def fault(number, body):
        if len(body.get("stop", ())) <= most:
            return "ok"
        return 400, says("Invalid 'stop': array too long", param="stop", code="array_above_max_length")

    stops = ("\nclass", "\ndef", "\n#", "\nif", "\nprint")
    with chat_server.ChatServer(reply=lambda body: "x = 1\nprint(x)\nclass A", fault=fault) as server:
        (answer,), _ = ask(server, "a", stop=stops)
    assert (answer.text, answer.finish_reason) == ("x = 1", "stop")
    assert server.bodies[-1].get("stop") == sent


def test_a_model_of_anthropics_that_takes_no_temperature_is_asked_without(chat_server):
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "`temperature` may only be 1"}}

    def fault(number, body):
        return (400, refusal) if "temperature" in body else "ok"

    with chat_server.ChatServer(fault=fault) as server:
        answers, chat = ask(server, "a", "b", client=AnthropicChat)
    assert [answer.status for answer in answers] == ["ok", "ok"]
    assert (server.requests, chat.parameters.found) == (3, {"temperature": "not sent"})


def test_a_refusal_of_something_else_is_an_error(chat_server):
    long = says("max_tokens must be at most 128", param="max_tokens", code="integer_above_max_value")
    for content in (long, says("messages: too many"), says("the prompt speaks of temperature")):
        with chat_server.ChatServer(fault=lambda number, body, told=content: (400, told)) as server:
            (answer,), chat = ask(server, "a")
        assert (answer.status, server.requests, chat.parameters.found) == ("error", 1, {})


def test_what_was_done_without_is_told(chat_server, tmp_path):
    def fault(number, body):
        return (400, says("'seed' is unknown", param="seed", code="unknown_parameter")) if "seed" in body else "ok"

    told = []
    with chat_server.ChatServer(fault=fault) as server:
        with chat_models(Surroundings(cache=tmp_path), adapted=told.append) as chat:
            list(chat({"model": "openai:m", "base_url": server.base_url}).ask([Call((("user", "a"),), seed=1)]))
        assert told == [{f"openai:m at {server.base_url}": {"seed": "not sent"}}]


@pytest.mark.parametrize(
    ("code", "content", "status"),
    [
        (400, says("x", code="context_length_exceeded"), "skipped"),
        (400, says("x", type="exceed_context_size_error", code=400), "skipped"),
        (400, says("This model's maximum context length is 4096 tokens.", type="BadRequestError", code=400), "skipped"),
        (400, says("prompt is too long: 210000 tokens > 200000 maximum", type="invalid_request_error"), "skipped"),
        (413, says("x"), "skipped"),
        (400, says("`user` is too long", code="string_too_long"), "error"),
        (400, says("`metadata` is too long"), "error"),
        (400, says("maximum context length", code="unsupported_parameter"), "error"),
        (500, says("context size"), "error"),
        (400, says("x", code="content_filter"), "refused"),
        (400, {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "refused"),
        (400, says("the content filter of your form is wrong", code="invalid_form"), "error"),
        (504, says("x"), "timeout"),
    ],
)
def test_errors_are_told_apart_by_status_and_code(code, content, status):
    assert status_trouble(code, json.dumps(content), {}).status == status


def body(content, reason="stop", message=None, **fields):
    choice = {"finish_reason": reason, "message": {"content": content, **(message or {})}, **fields.pop("choice", {})}
    return json.dumps({"choices": [choice], **fields}).encode()


@pytest.mark.parametrize(
    "content",
    [
        body("", "error"),
        body("Score: 4", "error"),
        body("Score: 4", choice={"error": {"code": 502, "message": "overloaded"}}),
        body(None, error={"message": "overloaded"}),
    ],
)
def test_an_error_inside_a_success_is_a_failure_not_an_answer(content):
    with pytest.raises(Trouble) as trouble:
        read_answer(content)
    assert (trouble.value.status, trouble.value.retry) == ("error", True)


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        (body("4", message={"reasoning_content": "5?"}), "4", "5?"),
        (body("4", message={"reasoning": "5?"}), "4", "5?"),
        (body(None, "length", {"reasoning_content": "5?"}), "", "5?"),
        (
            body([{"type": "thinking", "thinking": [{"type": "text", "text": "5?"}]}, {"type": "text", "text": "4"}]),
            "4",
            "5?",
        ),
        (body([{"type": "text", "text": "4"}]), "4", None),
    ],
)
def test_reasoning_in_a_field_of_its_own_is_kept_beside_the_answer(content, text, reasoning):
    answer = read_answer(content)
    assert (answer.text, answer.reasoning, answer.status) == (text, reasoning, "ok")
