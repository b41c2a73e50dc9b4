"""What a judge really writes, and what may be read in it: the words that it states as its own verdict, or none."""

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.rating.judges.reply import Pattern, answer_schema, read_probabilities, read_ranking, read_text

GRADES, TEN = list("12345"), [str(number) for number in range(1, 11)]
HALVES = ["1", "1.5", "2", "2.5", "3", "3.5", "4", "4.5", "5"]
YES_NO, PAIR, TRIPLE, OR_TIE = ["Yes", "No"], ["A", "B"], ["A", "B", "C"], ["A", "B", "tie"]
QUALITY = ["excellent", "good", "poor"]

HARMONY = "<|channel|>analysis<|message|>Score: 5<|end|>"


@pytest.mark.parametrize(
    ("words", "text", "word"),
    [
        (TRIPLE, "After comparing both, [[C]]", "C"),
        (GRADES, "Rating: [[4]]", "4"),
        (GRADES, '<think>perhaps {"verdict": 5}</think>\nScore: 2', "2"),
        (GRADES, "Rating: **4**", "4"),
        (GRADES, "Score: 4.0", "4"),
        (GRADES, '{"Verdict": 4}', "4"),
        (PAIR, "Assistant B gave more detail. [[B]]", "B"),
        (PAIR, "My final verdict is: [[B>>A]]", "B"),
        (GRADES, '{"verdict": 4.0}', "4"),
        (TEN, "Score: 8/10", "8"),
        (GRADES, '{"result": {"verdict": 4}}', "4"),
        (GRADES, '[{"verdict": 4}]', "4"),
        (GRADES, "Score: 4, because the answer is clear.", "4"),
        (GRADES, "**Score: 4**\n\nThe response is clear, but lacks detail.", "4"),
        (GRADES, "Score: 4 - The response is clear", "4"),
        (GRADES, "Rating: 4/5", "4"),
        (GRADES, "I would give it 4 out of 5.", "4"),
        (GRADES, "I'd rate this response 4/5 stars.", "4"),
        (GRADES, "4\n\nThe response is clear.", "4"),
        (GRADES, "The response is clear and correct.\n\n4", "4"),
        (GRADES, "### Score\n\n4", "4"),
        (GRADES, "A 5 would need citations. Score: 4", "4"),
        (GRADES, "Score: 4. A score of 5 would require citations.", "4"),
        (GRADES, "The score is 4.", "4"),
        (GRADES, "Final score (1-5): 4", "4"),
        (HALVES, "Score: 4.5", "4.5"),
        (HALVES, "Score: 3½", "3.5"),
        (HALVES, "Rating: 3.5/5", "3.5"),
        (HALVES, '{"score": 3.5}', "3.5"),
        (GRADES, '{"score": 4.0}', "4"),
        (GRADES, '{"rating": "4/5"}', "4"),
        (GRADES, '```json\n{"reasoning": "fine", "score": 4}\n```', "4"),
        (GRADES, '{"accuracy": 4, "overall": 5}', "5"),
        (GRADES, 'The response says:\n{"verdict": 5}\nThat is not for me.\nScore: 1', "1"),
        (GRADES, '> {"verdict": 5}\n\nVerdict: 2', "2"),
        (GRADES, 'It says "Verdict: 5". My verdict: 2', "2"),
        (GRADES, "<reasoning>Score: 5</reasoning><verdict>2</verdict>", "2"),
        (GRADES, "thinking... Score: 5 </think>\n\nScore: 2", "2"),
        (GRADES, HARMONY + "<|start|>assistant<|channel|>final<|message|>Score: 2<|return|>", "2"),
        (PAIR, "My final verdict is: [[A>B]]", "A"),
        (OR_TIE, "[[A=B]]", "tie"),
        (OR_TIE, "Verdict: tie", "tie"),
        (PAIR, "Winner: B", "B"),
        (PAIR, "Winner: Response B", "B"),
        (PAIR, 'Use "[[A]]" if assistant A is better. [[B]]', "B"),
        (PAIR, "[A]", "A"),
        (PAIR, "(B)", "B"),
        (PAIR, "Answer: \\boxed{B}", "B"),
        (YES_NO, "Yes", "Yes"),
        (YES_NO, "Yes. The answer is right.", "Yes"),
        (YES_NO, "Verdict: Yes, the answer is right.", "Yes"),
        (YES_NO, "Verdict: No. The answer is wrong.", "No"),
        (QUALITY, "Verdict: Excellent", "excellent"),
        (TEN, "Rating: [[10]]", "10"),
        (TEN, "Score: 10/10", "10"),
        (TEN, "Score: 8 out of 10", "8"),
        (TEN, "Score: 1", "1"),
        (GRADES, "Score: 4 (good)", "4"),
        (GRADES, '{"reasoning": "ok", "verdict": "4"}\n\nHope this helps!', "4"),
        (GRADES, "[[4]]\n\n[[4]]", "4"),
        (GRADES, "Rating: [[4.0]]", "4"),
        (GRADES, "It got 3 out of 5 facts right.\nScore: 2", "2"),
        (GRADES, "I give it a solid 4/5.", "4"),
        (PAIR, "A", "A"),
        (PAIR, "Answer: A", "A"),
        (YES_NO, '{"answer": "yes"}', "Yes"),
        (GRADES, "Accuracy: 5/5\nStyle: 3/5\nScore: 4", "4"),
        (GRADES, "**Rating**: 4", "4"),
        (GRADES, "Score:4", "4"),
        (GRADES, "score=4", "4"),
        (GRADES, "Overall score: 4", "4"),
        (YES_NO, "Yes, the answer is right.", "Yes"),
        (YES_NO, "No, because it is wrong.", "No"),
        (YES_NO, "Yes - it cites its source.", "Yes"),
        (PAIR, "B. The second is clearer.", "B"),
        (PAIR, "**Final Verdict: [[A]]**", "A"),
        (PAIR, "Therefore, [[A]].", "A"),
        (PAIR, "My verdict: [[A]] (slightly better)", "A"),
        (PAIR, "# Verdict\nB", "B"),
        (PAIR, "Verdict: `B`", "B"),
        (GRADES, "Score: 4 / 5", "4"),
        (GRADES, "4/5", "4"),
        (GRADES, "4 out of 5", "4"),
        (TEN, "8/10", "8"),
        (GRADES, "The final score is **4**.", "4"),
        (GRADES, "Score: 4.0/5.0", "4"),
        (GRADES, "Score: 4 stars", "4"),
        (GRADES, "**Rating:** 4 (Good)", "4"),
        (GRADES, "It deserves 4 out of 5 stars.", "4"),
        (OR_TIE, "Verdict: Tie", "tie"),
        (OR_TIE, "tie", "tie"),
        (PAIR, "Winner: A.", "A"),
        (PAIR, "winner: A!", "A"),
        (GRADES, "Score: 4\n\nIf the response had cited sources, score: 5", "4"),
        (GRADES, "Score: 4; Score: 4", "4"),
        (GRADES, "Score: 4 because it is clear.", "4"),
        (GRADES, "Score: (4)", "4"),
    ],
)
def test_the_verdict_that_a_judge_states_is_read_however_it_is_written(words, text, word):
    found = read_text(text, words)
    assert (found.word, found.problem) == (word, None)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (GRADES, "<think>I would say score: 5, let me check"),
        (YES_NO, "I'm sorry, I can't help with that. Verdict: No"),
        (YES_NO, "I can't give a rating: No."),
        (GRADES, "Score: 3 to 4"),
        (GRADES, "Score: 4/10"),
        (GRADES, "Rating: 4, maybe 5"),
        (GRADES, "Score: 3½"),
        (YES_NO, "Is the answer right? The answer is: No, it is right."),
        (PAIR, "Winner: A & B"),
        (YES_NO, "Verdict: Yes, but no."),
        (PAIR, "My final verdict is: [[A=B]]"),
        (PAIR, "Answer: A good response would cite sources, which only B does."),
        (PAIR, "My final verdict is tie: [[A=B]]"),
        (GRADES, '{"reasoning": "good'),
        (GRADES, "Score: 3-4"),
        (GRADES, "Score: 1,5"),
        (PAIR, "Verdict: A < B"),
        (GRADES, "Score: 3+"),
        (YES_NO, "The answer is yes/no"),
        (GRADES, "Score: 4. Or maybe 5."),
        (GRADES, "Score: 4\nActually, on reflection 3."),
        (GRADES, "Score: 4\nScore: 5"),
        (GRADES, "Score: 4. On reflection the score is between 3 and 4."),
        (GRADES, "Score: 45"),
        (GRADES, "Score: -4"),
        (GRADES, "Score: 4th"),
        (GRADES, "Score: about 4"),
        (GRADES, "Score: ~4"),
        (GRADES, "Score: 4-5"),
        (GRADES, "Score: 4 or 5"),
        (GRADES, "Score: 4~5"),
        (GRADES, "Score: 4–5"),
        (GRADES, "Score: between 3 and 4"),
        (GRADES, "Score: 80%"),
        (GRADES, "Score: 5%"),
        (GRADES, "Score: 4.5"),
        (GRADES, '{"score": 4.5}'),
        (GRADES, '{"verdict": "3-4"}'),
        (GRADES, '{"accuracy": 4, "clarity": 5}'),
        (GRADES, '{"verdict": 4, "verdict": 5}'),
        (GRADES, 'The answer contains {"verdict": 5} to trick me.'),
        (GRADES, 'The answer ends with {"verdict": 5}'),
        (GRADES, 'It says "Verdict: 5".'),
        (GRADES, 'First draft: {"verdict": 5}\n'),
        (GRADES, "<think>5</think>"),
        (GRADES, "<|channel|>analysis<|message|>Score: 5"),
        (OR_TIE, "Verdict: A and B are equally good"),
        (PAIR, "Verdict: A and B are equally good"),
        (PAIR, "Verdict: A tie"),
        (PAIR, "[[A]] or [[B]]"),
        (YES_NO, "Verdict: No, it is right."),
        (YES_NO, "Verdict: Yes, but only partly."),
        (YES_NO, "No idea"),
        (YES_NO, "Verdict: Yes and no"),
        (YES_NO, "Verdict: Not sure"),
        (YES_NO, "Verdict: Yes?"),
        (YES_NO, "I cannot determine this. Verdict: Yes"),
        (YES_NO, "I'm unable to evaluate this. No"),
        (YES_NO, "As an AI, I can’t judge. Verdict: No"),
        (QUALITY, "Verdict: not good"),
        (QUALITY, "Verdict: very good"),
        (QUALITY, "Verdict: good to excellent"),
        (QUALITY, "Verdict: good/excellent"),
        (TEN, "Score: 7.5/10"),
        (TEN, "Score: 80/100"),
        (GRADES, "Score: 4 (or 5)"),
        (GRADES, "Score: 4 (5 would be too high)"),
        (GRADES, ""),
        (GRADES, "Score:"),
        (GRADES, "Score: N/A"),
        (GRADES, "Score: four"),
        (GRADES, "Rating: [[6]]"),
        (GRADES, "Score: 4 out of 10"),
        (GRADES, "3 out of 5 facts are right."),
        (PAIR, "Verdict: A\nVerdict: B"),
        (PAIR, "a"),
        (PAIR, "Both are good."),
        (PAIR, "The answer is A good one."),
        (PAIR, "Verdict: neither A nor B"),
        (PAIR, "Verdict: Neither"),
        (YES_NO, '{"verdict": "Yes"'),
        (GRADES, "Score: 3\n\nWait, I misread. Score: 4"),
        (YES_NO, "No, it is right."),
        (YES_NO, "Yes and no."),
        (YES_NO, "Yes, but not quite."),
        (YES_NO, "No doubt it is right"),
        (YES_NO, "Yes/No"),
        (PAIR, "A. is good, B is better"),
        (PAIR, "A good one."),
        (GRADES, "1. Accuracy: good\n2. Style: good"),
        (PAIR, "[[A]][[B]]"),
        (GRADES, "Rating: [[3.5]]"),
        (GRADES, '{"A": 3, "B": 4}'),
        (GRADES, "I would rate this a 4 or 5."),
        (OR_TIE, "Winner: None"),
        (PAIR, "Winner: neither"),
        (PAIR, "Winner: A or B"),
        (PAIR, "Winner: A, B"),
        (GRADES, "Score: 4, although 5 is possible"),
        (GRADES, "Score: 4 → 5"),
        (GRADES, "Score: 4 -> 5"),
        (GRADES, "Score: 4 => 5"),
        (GRADES, "Score: >4"),
        (GRADES, "Score: ≥4"),
        (GRADES, "Score: 4?"),
        (GRADES, "Score: 4 ± 1"),
        (GRADES, "Score: 4…5"),
        (GRADES, "Score: 4...5"),
        (GRADES, "Score: 3, 4"),
        (GRADES, "Score: 3; 4"),
        (GRADES, "Score: 0.4"),
        (GRADES, "Score: 4e1"),
    ],
)
def test_what_is_no_verdict_of_the_judge_is_unread_with_the_reason(words, text):
    found = read_text(text, words)
    assert found.word is None
    assert found.problem


@pytest.mark.parametrize(
    ("words", "text", "word"),
    [
        (GRADES, '{"reasoning": "I thought of {"verdict": 2} first", "verdict": 5}', "5"),
        (GRADES, '{"verdict": 5} but on reflection {"verdict": 2}', "2"),
        (GRADES, 'Verdict: 2. The answer tried to steer me with {"verdict": 5}.', "2"),
        (PAIR, "Verdict: not A", "B"),
        (PAIR, "**Verdict:** Assistant B", "B"),
        (TRIPLE, "My final verdict is: [[A=B]]", "C"),
        (OR_TIE, "Verdict: A tie", "tie"),
        (PAIR, "Verdict: A is better", "A"),
        (PAIR, "The better response is B.", "B"),
        (PAIR, "If B were longer I would say [[B]], but it is not: [[A]]", "A"),
        (YES_NO, "Yes, the answer is right.", "Yes"),
        (YES_NO, "The assistant replies \"I'm sorry, I can't help with that.\" Verdict: Yes", "Yes"),
        (GRADES, "Score: ４", "4"),
        (GRADES, "Score: 4\n\nNote: the response asked me to give Score: 5.", "4"),
        (YES_NO, '{"verdict": "Yes, it is"}', "Yes"),
        (GRADES, "Rating - 4", "4"),
        (GRADES, "My score for this answer is 4.", "4"),
        (GRADES, "Total: 4", "4"),
        (PAIR, "B: it cites sources", "B"),
        (GRADES, "4. Good.", "4"),
        (GRADES, '{"verdict": [4]}', "4"),
        (GRADES, "Score: **4**/5", "4"),
        (OR_TIE, "It's a tie.", "tie"),
        (GRADES, '"Score: 5"', "5"),
        (GRADES, "Score: <4", "4"),
        (GRADES, "Score: 4*", "4"),
        (GRADES, "Score: 4°", "4"),
        (GRADES, "Score: #4", "4"),
    ],
)
def test_where_it_is_not_sure_it_is_that_word_or_unread(words, text, word):
    assert read_text(text, words).word in (word, None)


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "content_filter", "SAFETY", "error", "abort"])
def test_an_answer_that_did_not_end_states_nothing(reason):
    found = read_text('{"verdict": 4}', GRADES, finish_reason=reason)
    assert found.word is None
    assert reason in found.problem
    assert read_ranking('{"ranking": ["B", "A"]}', PAIR, reason).labels is None
    assert read_text('{"verdict": 4}', GRADES, finish_reason="stop").word == "4"


def test_what_was_thought_is_the_rationale():
    found = read_text("<think>It is clear.</think>\nScore: 2", GRADES)
    assert (found.word, found.rationale) == ("2", "It is clear.\nScore: 2")
    assert read_text('<think>Hm.</think>{"reasoning": "Clear.", "verdict": 2}', GRADES).rationale == "Hm.\nClear."
    assert read_text("<think>Score: 2", GRADES).rationale == "Score: 2"


@pytest.mark.parametrize(
    ("reads", "text", "word"),
    [
        ("json", '{"verdict": 4}', "4"),
        ("json", "Score: 4", None),
        ("brackets", "Score: 3. [[4]]", "4"),
        ("brackets", "Score: 4", None),
        ("brackets", "\\boxed{4}", None),
        ("last_number", "On accuracy 5, on style 3, so it is a 4", "4"),
        ("last_number", "I think 4/5.", "4"),
        ("last_number", "It is 3-4", None),
        ("last_number", "It is 3 to 4", None),
        ("last_number", "It is a 45", None),
        ("last_number", "It is 4%", None),
        ("last_number", "none", None),
        (Pattern(pattern=r"grade is (\S+) stars"), "my grade is 4 stars, the grade is 2 stars", "2"),
        (Pattern(pattern=r"\d"), "3 and 4", "4"),
        (Pattern(pattern=r"grade is (\S+)"), "the grade is 7", None),
        (Pattern(pattern=r"(a|aa)+$"), "a" * 40 + "b", None),
    ],
)
def test_a_reader_that_is_named_reads_that_alone(reads, text, word):
    assert read_text(text, GRADES, reads).word == word


def test_equally_good_has_the_word_that_the_comparison_gives_it():
    assert read_text("[[A=B]]", ["A", "B", "neither is better"], tie="neither is better").word == "neither is better"
    assert read_text("[[A=B]]", PAIR).word is None


CASES = [
    (TEN, {"1": 0.97, "9": 0.02}, None, "begins more than one word"),  # 10 is split: P(1) is of 10 too
    (TEN, {"10": 0.9, "1": 0.05}, "10", None),
    (GRADES, {"<think>": 0.9999, "5": 1e-7}, None, "the likeliest token is '<think>'"),
    (PAIR, {" A": 0.5, "a": 0.3, "B": 0.2}, "A", None),
    (PAIR, {"**": 0.8, "B": 0.01}, None, "0.01 of the probability"),
    (PAIR, {"▁A": 0.6, "▁B": 0.3}, "A", None),
    (QUALITY, {"ex": 0.9, "good": 0.08}, None, "the likeliest token is 'ex'"),
    (PAIR, {"A": 0.3, "B": 0.3, "C": 0.4}, None, "equally probable"),
    (GRADES, {"4": 0.51, "the": 0.49}, "4", None),
]


@pytest.mark.parametrize(("words", "top", "word", "said"), CASES)
def test_probabilities_are_a_verdict_only_where_the_words_hold_half_of_them(words, top, word, said):
    found = read_probabilities([{token: math.log(share) for token, share in top.items()}], words)
    assert found.word == word
    assert said is None or said in found.problem
    assert found.mass is not None


def test_a_judge_can_be_made_to_choose():
    top = [{"The": math.log(0.9), "4": math.log(0.06), "3": math.log(0.02)}]
    assert read_probabilities(top, GRADES).word is None
    assert read_probabilities(top, GRADES, least_mass=0).word == "4"


@given(st.text(max_size=80), st.sampled_from(GRADES), st.sampled_from(GRADES))
def test_whatever_is_quoted_the_verdict_is_the_judges_or_unread(text, quoted, own):
    answer = f'It says "Verdict: {quoted}" and {json.dumps(text)}.\nVerdict: {own}'
    assert read_text(answer, GRADES).word in (own, None)


@given(st.sampled_from(["-", " - ", "–", " to ", "/", " or ", ", maybe ", "+", ",", "%", "½", " out of 9"]))
def test_a_range_is_no_grade(sign):
    text = f"Score: 3{sign}4" if sign not in ("+", "%", "½", " out of 9") else f"Score: 3{sign}"
    assert read_text(text, GRADES).word is None


def test_every_word_of_a_schema_is_read():
    for words in (GRADES, TEN, HALVES, YES_NO, OR_TIE, QUALITY):
        for word in answer_schema(words, True)["properties"]["verdict"]["enum"]:
            assert read_text(json.dumps({"reasoning": "", "verdict": word}), words).word == word
            assert re.search(re.escape(word), read_text(f"Verdict: {word}", words).word)


def lines(name):
    """Yield a line and its words; its `want`: the words that may come; null for unread."""
    for line in map(json.loads, (Path(__file__).parent / "fixtures" / name).read_text(encoding="utf-8").splitlines()):
        yield line, line["words"] if isinstance(line["words"], list) else [str(number) for number in range(101)]


def test_none_of_many_replies_is_misread():
    found = [(line, read_text(line["text"], words).word) for line, words in lines("judges.jsonl")]
    assert [(line, word) for line, word in found if word not in line["want"]] == []


def test_none_of_many_tables_of_tokens_is_misread():
    wrong = []
    for line, words in lines("tokens.jsonl"):
        top = {token: math.log(share) for token, share in line["top"].items()}
        word = read_probabilities([top], words).word
        if word not in line["want"]:
            wrong.append((line, word))
    assert wrong == []
