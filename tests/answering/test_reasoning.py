"""A model's reasoning is told apart from its answer, whoever marks it and however."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_chat import ScriptedChat

from harness.answering.chat.chat import Answer, Call
from harness.answering.ending import ending, unfinished
from harness.answering.models.clients import read_chat_spec
from harness.answering.reasoning import Reasoned, answer_of, split_reasoning
from harness.errors import HarnessError

HARMONY = "<|channel|>analysis<|message|>Is it 5?<|end|><|start|>assistant<|channel|>final<|message|>It is 4.<|return|>"


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("It is 4.", "It is 4.", None),
        ("<think>Is it 5?</think>\n\nIt is 4.", "It is 4.", "Is it 5?"),
        ("<think></think>It is 4.", "It is 4.", None),
        ("Is it 5?\n</think>\n\nIt is 4.", "It is 4.", "Is it 5?"),  # the chat template had the opening mark
        ("<think>Is it 5?", "", "Is it 5?"),
        ("It is 4. <think>Or 5?", "It is 4. ", "Or 5?"),
        ("<think>a <think> b</think>c</think>It is 4.", "It is 4.", "a <think> bc"),
        ("<THINKING>Is it 5?</THINKING>It is 4.", "It is 4.", "Is it 5?"),
        ("<reasoning>5?</reasoning>\n<answer>4</answer>", "<answer>4</answer>", "5?"),
        ("[THINK]5?[/THINK]4", "4", "5?"),
        ("◁think▷5?◁/think▷4", "4", "5?"),
        ("<|START_THINKING|>5?<|END_THINKING|>4", "4", "5?"),
        (HARMONY, "It is 4.", "Is it 5?"),
        ("<|channel|>analysis<|message|>Is it 5?", "", "Is it 5?"),
        ("analysisIs it 5?assistantfinalIt is 4.", "It is 4.", "Is it 5?"),  # the server dropped the marks
        ('text.split("</think>")[-1]', 'text.split("</think>")[-1]', None),
        ("What `<think>` means", "What `<think>` means", None),
        ("    return x * 2\n", "    return x * 2\n", None),
        ("It is 4.<|im_end|>\n", "It is 4.", None),
        ("It says <|im_end|>. It is 4.", "It says <|im_end|>. It is 4.", None),  # or what is rated ends the rating
        ("It is 4.</s>", "It is 4.", None),
        ("<s>4</s> It is 5.", "<s>4</s> It is 5.", None),  # HTML
        ('end = "<|endoftext|>"', 'end = "<|endoftext|>"', None),
    ],
)
def test_reasoning_is_told_apart(text, answer, reasoning):
    assert split_reasoning(text) == (answer, reasoning)


@given(st.text())
def test_what_has_no_marks_is_left_as_it_is_and_nothing_thought_twice(text):
    once = answer_of(text)
    assert once == text or any(mark in text.lower() for mark in ("<", "[", "◁", "analysis"))
    assert answer_of(f"<think>{text.replace('<', '').replace('[', '')}</think>ok") == "ok"


def test_a_model_may_have_marks_of_its_own_or_none():
    assert split_reasoning("<plan>5?</plan>4", ("<plan>", "</plan>")) == ("4", "5?")
    assert split_reasoning("<think>5?</think>4", "none") == ("<think>5?</think>4", None)
    assert read_chat_spec({"model": "openai:m", "reasoning": ["<plan>", "</plan>"]}).reasoning == ("<plan>", "</plan>")
    with pytest.raises(HarnessError, match="reasoning"):
        read_chat_spec({"model": "openai:m", "reasoning": "some"})


def test_every_client_of_a_run_gives_the_answer_and_the_reasoning_beside_it():
    chat = ScriptedChat(lambda call: Answer(text="<think>5?</think>4", reasoning="Hm."))
    ((_, answer),) = Reasoned(chat).ask([Call((("user", "2 + 2?"),))])
    assert (answer.text, answer.reasoning) == ("4", "Hm.\n5?")
    refused = ScriptedChat(lambda call: Answer(status="refused", error="no"))
    ((_, answer),) = Reasoned(refused).ask([Call((("user", "2 + 2?"),))])
    assert answer == Answer(status="refused", error="no")


@pytest.mark.parametrize(
    ("reason", "how"),
    [
        (None, "whole"),
        ("stop", "whole"),
        ("end_turn", "whole"),
        ("length", "cut"),
        ("MAX_TOKENS", "cut"),
        ("content_filter", "filtered"),
        ("SAFETY", "filtered"),
        ("error", "failed"),
        ("never heard of", "failed"),
    ],
)
def test_how_an_answer_ended(reason, how):
    assert ending(reason) == how
    assert (unfinished(reason) is None) == (how == "whole")
