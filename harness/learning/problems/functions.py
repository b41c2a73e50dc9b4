"""Small Python functions to write, with tests that the model sees and tests that it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from harness.learning.problems.task import Problem

ANIMALS = ("cat", "horse", "owl", "snail", "wolf", "bee", "duck", "seal")


@dataclass(frozen=True)
class Shape:
    """One kind of function: `{k}` stands for a number."""

    name: str
    parameters: str
    says: str
    body: str
    draw: Callable[[Random], list[Any]]
    """Draws arguments."""
    answer: Callable[..., Any]
    """Gives what the function returns for k and the arguments."""


def _number(random: Random) -> list[Any]:
    return [random.randint(-20, 40)]


def _two(random: Random) -> list[Any]:
    return [random.randint(-20, 40), random.randint(-20, 40)]


def _numbers(random: Random) -> list[Any]:
    return [[random.randint(-10, 60) for _ in range(random.randint(0, 6))]]


def _word(random: Random) -> list[Any]:
    return [random.choice(ANIMALS)]


def _words(random: Random) -> list[Any]:
    return [[random.choice(ANIMALS) for _ in range(random.randint(0, 5))]]


SHAPES = (
    Shape("add_{k}", "n", "Return n plus {k}.", "n + {k}", _number, lambda k, n: n + k),
    Shape("subtract_{k}", "n", "Return n minus {k}.", "n - {k}", _number, lambda k, n: n - k),
    Shape("times_{k}", "n", "Return n times {k}.", "n * {k}", _number, lambda k, n: n * k),
    Shape("sum_plus_{k}", "a, b", "Return a plus b plus {k}.", "a + b + {k}", _two, lambda k, a, b: a + b + k),
    Shape("larger_than_{k}", "n", "Return True if n is larger than {k}, otherwise False.", "n > {k}", _number,
          lambda k, n: n > k),
    Shape("remainder_by_{k}", "n", "Return the remainder of n divided by {k}.", "n % {k}", _number, lambda k, n: n % k),
    Shape("count_over_{k}", "numbers", "Return how many of the numbers are larger than {k}.",
          "sum(n > {k} for n in numbers)", _numbers, lambda k, numbers: sum(n > k for n in numbers)),
    Shape("keep_over_{k}", "numbers", "Return a list of the numbers that are larger than {k}, in their order.",
          "[n for n in numbers if n > {k}]", _numbers, lambda k, numbers: [n for n in numbers if n > k]),
    Shape("each_plus_{k}", "numbers", "Return a list with {k} added to each of the numbers.",
          "[n + {k} for n in numbers]", _numbers, lambda k, numbers: [n + k for n in numbers]),
    Shape("repeat_{k}", "word", "Return the word written {k} times, without spaces.", "word * {k}", _word,
          lambda k, word: word * k),
    Shape("longer_than_{k}", "words", "Return how many of the words have more than {k} letters.",
          "sum(len(word) > {k} for word in words)", _words, lambda k, words: sum(len(word) > k for word in words)),
    Shape("largest_or_{k}", "numbers", "Return the largest of the numbers, or {k} if there are none.",
          "max(numbers, default={k})", _numbers, lambda k, numbers: max(numbers, default=k)),
)  # fmt: skip
"""Kinds of functions; with k from 2 to 60 there are several hundred."""


def small_function(random: Random) -> Problem:
    """A function of one line, with two visible tests and six hidden ones."""
    shape, k = random.choice(SHAPES), random.randint(2, 60)
    name, body = shape.name.format(k=k), shape.body.format(k=k)
    return _problem(name, shape.parameters, shape.says.format(k=k), body, shape.draw, partial(shape.answer, k))


@dataclass(frozen=True)
class Step:
    """What is done to numbers: `{k}` stands for a number, `{numbers}` for what comes in."""

    name: str
    says: str
    body: str
    does: Callable[[int, list[int]], Any]


CHOOSING = (
    Step("over_{k}", "Take the numbers that are larger than {k}", "[n for n in {numbers} if n > {k}]",
         lambda k, numbers: [n for n in numbers if n > k]),
    Step("under_{k}", "Take the numbers that are smaller than {k}", "[n for n in {numbers} if n < {k}]",
         lambda k, numbers: [n for n in numbers if n < k]),
    Step("without_{k}", "Leave out every {k}", "[n for n in {numbers} if n != {k}]",
         lambda k, numbers: [n for n in numbers if n != k]),
    Step("after_{k}", "Leave out the first {k} of the numbers", "{numbers}[{k}:]", lambda k, numbers: numbers[k:]),
)  # fmt: skip
CHANGING = (
    Step("plus_{k}", "add {k} to each of the numbers", "[n + {k} for n in {numbers}]",
         lambda k, numbers: [n + k for n in numbers]),
    Step("minus_{k}", "take {k} from each of the numbers", "[n - {k} for n in {numbers}]",
         lambda k, numbers: [n - k for n in numbers]),
    Step("times_{k}", "multiply each of the numbers by {k}", "[n * {k} for n in {numbers}]",
         lambda k, numbers: [n * k for n in numbers]),
)  # fmt: skip
ENDING = (
    Step("sum", "return their sum", "sum({numbers})", lambda k, numbers: sum(numbers)),
    Step("largest", "return the largest, or 0 if there are none", "max({numbers}, default=0)",
         lambda k, numbers: max(numbers, default=0)),
    Step("smallest", "return the smallest, or 0 if there are none", "min({numbers}, default=0)",
         lambda k, numbers: min(numbers, default=0)),
    Step("backwards", "return them in the opposite order", "{numbers}[::-1]", lambda k, numbers: numbers[::-1]),
    Step("sorted", "return them from small to large", "sorted({numbers})", lambda k, numbers: sorted(numbers)),
)  # fmt: skip


def function_of_two_steps(random: Random) -> Problem:
    """A function of two of three: choose among numbers, change them, say something of them; tests as above."""
    kinds = [(CHOOSING, CHANGING), (CHOOSING, ENDING), (CHANGING, ENDING)]
    first, second = (random.choice(kind) for kind in random.choice(kinds))
    k, m = (random.randint(1, 3) if one.name == "after_{k}" else random.randint(2, 40) for one in (first, second))
    name = f"{first.name.format(k=k)}_{second.name.format(k=m)}"
    said = [first.says.format(k=k), second.says.format(k=m), *([] if second in ENDING else ["return the result"])]
    says = ", ".join(said[:-1]) + f", and {said[-1]}."
    body = second.body.format(k=m, numbers=first.body.format(k=k, numbers="numbers"))

    def answer(numbers: list[int]) -> Any:
        return second.does(m, first.does(k, numbers))

    return _problem(name, "numbers", says[0].upper() + says[1:], body, _numbers, answer)


def _problem(
    name: str, parameters: str, says: str, body: str, draw: Callable[[Random], list[Any]], answer: Callable[..., Any]
) -> Problem:
    """Return a function to write, with two visible tests and six hidden ones, the same whoever draws it."""
    cases: list[tuple[list[Any], Any]] = []
    random = Random(name)
    while len(cases) < 8:
        arguments = draw(random)
        if all(arguments != known for known, _ in cases):
            cases.append((arguments, answer(*arguments)))
    visible, hidden = cases[:2], cases[2:]
    shown = "".join(f"    >>> {name}({', '.join(map(repr, a))})\n    {result!r}\n" for a, result in visible)
    head = f'def {name}({parameters}):\n    """{says}\n\n{shown}    """\n'
    fields = {
        "id": name,
        "entry_point": name,
        "prompt": head,
        "visible_tests": json.dumps(visible),
        "hidden_tests": json.dumps(hidden),
        "solution": f"{head}    return {body}\n",
    }
    return Problem(name, fields)
