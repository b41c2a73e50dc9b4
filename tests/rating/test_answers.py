"""What models really write where a choice or a number is asked for, and what may be read in it."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalog import Catalog
from harness.rating import Surroundings, Work, find_rater
from harness.rating.verifiers.chosen import read_choice
from harness.rating.verifiers.final_quantity import final_quantity
from harness.rating.verifiers.numeric import part_of
from harness.records import Item, Response

FIXTURES = Path(__file__).parent / "fixtures"
CITIES, ANIMALS, YES_NO = ["Paris", "London", "Rome", "Berlin"], ["a cat", "a dog", "a bird"], ["yes", "no"]


@pytest.mark.parametrize(
    ("choices", "text", "chosen"),
    [
        (["A", "B", "C", "D"], "The answer is C", 2),
        (CITIES, "B: London", 1),
        (CITIES, "<answer>B</answer>", 1),
        (CITIES, "The answer is: B) London", 1),
        (CITIES, "\\boxed{B}", 1),
        (CITIES, "Answer: \\boxed{B}", 1),
        (["a cat", "a dog", "a hat"], "The correct answer is a dog", 1),
        (CITIES, "Option B", 1),
        (["C++", "C"], "It is C++", 0),
        (CITIES, "<think>the answer is A? no</think> B", 1),
        (CITIES, "The answer is not A, it is B", 1),
        (["1", "2", "3", "4"], "The answer is 3", 2),
        (YES_NO, "No, because yes would ...", 1),
        (CITIES, "**B**", 1),
        (CITIES, "The answer is **B**", 1),
        (CITIES, "(b)", 1),
        (CITIES, "The answer is definitely B", 1),
        (["0.5", "5"], "It is 0.5", 0),
        (CITIES, "B) London", 1),
        (["10", "100"], "It is 100", 1),
        (CITIES, "B - London", 1),
        (CITIES, "It is London, not Paris", 1),
        (CITIES, "Choice B is right", 1),
        (CITIES, "**Answer:** B", 1),
        (CITIES, "Option A is wrong because it is in France. Option B is right.", 1),
        (ANIMALS, "The answer is a bird", 2),
        (ANIMALS, "It is a cat, not a dog", 0),
        (CITIES, "I choose B", 1),
        (CITIES, "I would go with C.", 2),
        (CITIES, "Let's see. Paris is in France. London is in England. So the answer is B.", 1),
        (CITIES, "The correct option is (D).", 3),
        (CITIES, "**Answer: B) London**", 1),
        (CITIES, "Answer: B. London", 1),
        (CITIES, "answer is b", 1),
        (CITIES, "The answer is **London**.", 1),
        (CITIES, "\\boxed{\\text{B}}", 1),
        (CITIES, "$\\boxed{\\textbf{(C)}\\ Rome}$", 2),
        (CITIES, "[[B]]", 1),
        (CITIES, "London", 1),
        (CITIES, "london.", 1),
        (CITIES, "B because London is the capital", 1),
        (CITIES, "B, because London", 1),
        (CITIES, "The best choice is C", 2),
        (CITIES, "My answer: C", 2),
        (CITIES, "(B) London", 1),
        (CITIES, "B", 1),
        (CITIES, "So, the correct answer is B) London, since it rains.", 1),
        (CITIES, "The answer is B, not A", 1),
        (CITIES, "I think the answer is London", 1),
        (CITIES, "The capital of the UK is London.", 1),
        (YES_NO, "Yes, of course.", 0),
        (["True", "False"], "The statement is false.", 1),
        (["True", "False"], "False", 1),
        (["1", "2", "3", "4"], "C", 2),
        (["10", "100", "1000"], "The answer is 1000", 2),
        (["C", "C++", "C#"], "The answer is C#", 2),
        (["ice", "ice cream"], "ice cream", 1),
        (["ice", "ice cream"], "It is ice.", 0),
        (["red", "dark red"], "The answer is dark red", 1),
        (CITIES, "Final answer: A", 0),
        (CITIES, "The answer is A.", 0),
        (CITIES, "The answer is A\n\nExplanation: Paris ...", 0),
        (CITIES, "The answer is A. Wait, the answer is B.", 1),
        (CITIES, "Choice (B)", 1),
        (CITIES, "B is the correct answer", 1),
        (CITIES, "The correct answer would be B.", 1),
        (CITIES, "Answer B", 1),
        (CITIES, "The answer: **B. London**", 1),
        (CITIES, "Among A, B, C and D, the answer is C", 2),
        (CITIES, "B\n\nLondon is the capital.", 1),
        (CITIES, "London is the capital.\n\nB", 1),
        (CITIES, "It's B", 1),
        (CITIES, "I'd say B.", 1),
        (CITIES, "Berlin is the capital of Germany, Paris of France. The answer is therefore D.", 3),
    ],
)
def test_the_choice_that_an_answer_names_is_read(choices, text, chosen):
    assert read_choice(text, choices) == chosen


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        (CITIES, "A or B"),
        (CITIES, "The answer is A or B"),
        (CITIES, "The answer is A and B"),
        (CITIES, "A, B"),
        (CITIES, "A/B"),
        (CITIES, "Either Paris or London"),
        (CITIES, "The answer is A good question"),
        (CITIES, "A good answer would be hard"),
        (CITIES, "I don't know"),
        (CITIES, ""),
        (CITIES, "Madrid"),
        (CITIES, "None of them"),
        (CITIES, "The answer isn't A."),
        (CITIES, "The answer is not A."),
        (CITIES, "It is not Paris."),
        (YES_NO, "yes and no"),
        (YES_NO, "I do not know"),
        (["1", "2", "3", "4"], "13"),
        (["1", "2"], "1 or 2"),
        (CITIES, "The answer is E"),
        (CITIES, "Answer: None"),
        (CITIES, "I am not sure, B?"),
        (CITIES, "<think>A</think>"),
        (CITIES, "<think>A"),
    ],
)
def test_an_answer_that_names_no_choice_or_several_is_unread(choices, text):
    assert read_choice(text, choices) is None


@pytest.mark.parametrize(
    ("choices", "text", "either"),
    [
        (ANIMALS, "The answer is a", {None, 0}),
        (CITIES, "A. Paris - no\nB. London - yes", {None, 1}),
        (CITIES, "Not A, but B.", {None, 1}),
        (CITIES, "b)", {None, 1}),
        (CITIES, "Paris is in France, so it must be London", {None, 1}),
        (["10", "100", "1000"], "The answer is 1,000", {None, 2}),
        (CITIES, "option b", {None, 1}),
    ],
)
def test_a_choice_that_is_hardly_named_is_that_one_or_unread(choices, text, either):
    assert read_choice(text, choices) in either


def test_the_words_of_a_choice_are_that_choice_whatever_they_say():
    assert read_choice("The answer is A or B", ["C", "The answer is A or B"]) == 1
    assert read_choice("2", ["A", "B"], letters="12") == 1


@given(st.integers(0, 3), st.sampled_from(["The answer is {}", "**{}**", "({})", "Option {}", "<answer>{}</answer>"]))
def test_every_letter_is_read_in_every_form(place, form):
    assert read_choice(form.format("ABCD"[place]), CITIES) == place


@given(st.text(max_size=60))
def test_reading_a_choice_never_fails(text):
    assert read_choice(text, CITIES) in (None, 0, 1, 2, 3)


def number(text):
    found = final_quantity(text)
    return None if found is None else found.number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\\boxed{10^{3}}", 1000),
        ("18,", 18),
        ("\\boxed{18\\text{ dollars}}", 18),
        ("The answer is **18**", 18),
        ("-$5", -5),
        ("$-5", -5),
        ("The answer is 10^3", 1000),
        ("18. ", 18),
        ("(5)", 5),
        ("\\boxed{\\frac{1}{2}}", 0.5),
        ("\\boxed{1{,}000}", 1000),
        ("3 1/2", 3.5),
        ("\\boxed{\\dfrac{3}{4}}", 0.75),
        ("The answer is $1,234.50.", 1234.5),
        ("#### 1 000", 1000),
        ("#### 1,000", 1000),
        ("\\boxed{1\\,000}", 1000),
        ("9 * 2 = $18 every day", 18),
        ("x = 5", 5),
        ("\\boxed{x = 5}", 5),
        ("\\boxed{-\\frac{3}{4}}", -0.75),
        ("\\boxed{50\\%}", 50),
        ("Answer: 18\n\nThanks", 18),
        ("**Answer:** 18", 18),
        ("Final Answer: The final answer is $18$. I hope it is correct.", 18),
        ("<answer>18</answer>", 18),
        ("The answer is \\(18\\).", 18),
        ("The answer is 3/4", 0.75),
        ("The answer is -3/4", -0.75),
        ("The answer is 5 kg", 5),
        ("The answer is 5kg", 5),
        ("The total is 3 + 4 = 7 apples.", 7),
        ("The answer is 3 + 4 = 7", 7),
        ("There are 7 apples in 2 boxes. So the answer is 14.", 14),
        ("The answer is 1e3", 1000),
        ("The answer is 1.5e-3", 0.0015),
        ("The answer is 3 × 10^8", 300000000.0),
        ("The answer is 3 \\times 10^{8}", 300000000.0),
        ("2\\frac{1}{2}", 2.5),
        ("\\frac12", 0.5),
        ("½", 0.5),
        ("3½", 3.5),
        ("The answer is 12, because 3*4=12", 12),
        ("The answer is 12 (3 times 4).", 12),
        ("The answer is 10%", 10),
        ("£5", 5),
        ("-5", -5),
        ("−5", -5),
        ("5 - ", 5),
        ("A: 5", 5),
        ("1,234,567", 1234567),
        ("1 234", 1234),
        ("The answer is 5.0", 5),
        ("5.", 5),
        ("\\boxed{\\$18}", 18),
        ("\\boxed{18,000}", 18000),
        ("$18$", 18),
        ("The answer is 10^-2", 0.01),
        ("2^10", 1024),
        ("10**3", 1000),
        ("**18**", 18),
        ("Answer: **$18**", 18),
        ("(-5)", -5),
        ("The answer is -5 degrees", -5),
        ("1/3", 0.3333333333333333),
        ("so 4-2=2", 2),
        ("It is 100 km/h", 100),
        ("The answer is 90°", 90),
        ("\\boxed{\\text{18}}", 18),
        ("Answer: 3.5 hours", 3.5),
        ("The answer is 18 apples = 36 dollars", 36),
        ("#### -5", -5),
        ("####18", 18),
        ("The answer is .5", 0.5),
        ("The answer is 0.5.", 0.5),
    ],
)
def test_the_number_that_an_answer_ends_with_is_read(text, value):
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 1.000,50",
        "\\boxed{2\\sqrt{3}}",
        "The answer is five.",
        "<think>5</think>",
        "\\boxed{5\\pi}",
        "\\boxed{18 \\text{ or } 20}",
        "The answer is 3-4",
        "The answer is 3 to 4",
        "The answer is 3 or 4",
        "The answer is 4th",
        "The answer is 2024-01-02",
        "1.2.3",
        "no number",
        "",
        "The answer is unknown.",
        "12,34,567",
        "1234 5678",
        "3x",
        "x=3y",
        "5/0",
        "\\boxed{3:30}",
    ],
)
def test_what_is_no_number_or_several_is_unread(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("text", "either"),
    [
        ("1,23", {None, 1.23}),
        ("10 - 4", {None, 6}),
        ("≈18", {None, 18}),
        ("The answer is $1.5 million", {None, 1500000}),
        ("~18", {None, 18}),
        ("0x10", {None, 16}),
        ("The answer is 3:30", {None, 3.5}),
        ("She has 18 apples on day 2.", {None, 18}),
        ("#### 18 eggs = 36 dollars", {None, 36, 18}),
        ("١٨", {None, 18}),
        ("Answer is between 3 and 5, so 4", {None, 4}),
        ("5 dollars and 30 cents", {None, 5.3}),
        ("The answer is 5 dollars and 30 cents", {None, 5.3}),
        ("The result: minus 5", {None, 5, -5}),
        ("I have 3 apples. You have 4.", {None, 4}),
        ("The answer is: 5!", {None, 5}),
        ("The answer is 7 days a week, 24 hours", {None, 7}),
        ("\\boxed{90^\\circ}", {None, 90}),
    ],
)
def test_a_number_that_is_not_sure_is_that_one_or_unread(text, either):
    found = number(text)
    assert found in either or float(found) in either


@given(
    st.integers(-(10**7), 10**7),
    st.sampled_from(["#### {}", "The answer is {}.", r"\boxed{{{}}}", "so x = {}", "{} kg"]),
)
def test_every_whole_number_is_read_in_every_form(whole, form):
    assert number(form.format(f"{whole:,}")) == Fraction(whole)


def test_a_part_of_the_answer_can_be_read_alone():
    assert part_of("12\n3 + 4 = 7", "first_line") == "12"
    assert part_of("\n12\n7\n\n", "last_line") == "7"
    assert part_of("12\n7", "anywhere") == "12\n7"


def lines(name):
    return list(map(json.loads, (FIXTURES / name).read_text().splitlines()))


def test_none_of_many_forms_of_a_choice_is_misread():
    """`want` of a line: the places that may come; null for unread."""
    found = [(line, read_choice(line["text"], line["choices"])) for line in lines("choices.jsonl")]
    assert [(line, place) for line, place in found if place not in line["want"]] == []


def test_none_of_many_forms_of_a_number_is_misread():
    """`want` of a line: the numbers that may come; null for unread."""
    wrong = []
    for line in lines("numbers.jsonl"):
        read = number(line["text"])
        sure = [one for one in line["want"] if one is not None]
        if (read is None and None not in line["want"]) or (
            read is not None and float(read) not in map(pytest.approx, sure)
        ):
            wrong.append((line, read))
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "logprobs", "value"),
    [
        ("B", None, 0.0),  # the letter of A, and the text of C: what is meant is not known
        ("B", [-3.0, -2.0, -1.0, -4.0], 1.0),  # by log-likelihood it is the text
        ("C", None, 1.0),
        ("C) B", None, 1.0),
        ("B) A", None, 0.0),
        ("blood type AB", None, 0.0),
    ],
)
def test_a_letter_that_the_prompt_lists_is_not_another_choices_text(text, logprobs, value):
    listed = "Which?\nA. O\nB. A\nC. B\nD. AB\nAnswer:"
    item = Item(
        task="t",
        item_id="1",
        family="other",
        prompt=listed,
        choices=["O", "A", "B", "AB"],
        target="2",
        content_hash="h",
    )
    response = Response(response_id="r", task="t", item_id="1", model="m", text=text, logprobs=logprobs)
    rater = find_rater("multiple_choice", Catalog(), Surroundings())
    (rating,) = rater.rate([Work(item, response)])
    assert rating.value == value
    unlisted = item.model_copy(update={"prompt": "Which?"})
    if text == "B":
        assert next(iter(rater.rate([Work(unlisted, response)]))).value == 1.0


def test_a_letter_that_is_asked_for_is_not_another_choices_text():
    blood = ["O", "A", "B", "AB"]
    assert read_choice("B", blood) == 2  # by log-likelihood an answer is a choice's text
    assert read_choice("B", blood, lettered=True) is None
