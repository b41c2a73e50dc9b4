"""Small Python functions to write, with tests that the model sees and tests that it does not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
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
    name = shape.name.format(k=k)
    cases: list[tuple[list[Any], Any]] = []
    draw = Random(name)  # the tests are the problem's own, whoever draws it
    while len(cases) < 8:
        arguments = shape.draw(draw)
        if all(arguments != known for known, _ in cases):
            cases.append((arguments, shape.answer(k, *arguments)))
    visible, hidden = cases[:2], cases[2:]
    shown = "".join(f"    >>> {name}({', '.join(map(repr, a))})\n    {result!r}\n" for a, result in visible)
    head = f'def {name}({shape.parameters}):\n    """{shape.says.format(k=k)}\n\n{shown}    """\n'
    fields = {
        "id": name,
        "entry_point": name,
        "prompt": head,
        "visible_tests": json.dumps(visible),
        "hidden_tests": json.dumps(hidden),
        "solution": f"{head}    return {shape.body.format(k=k)}\n",
    }
    return Problem(name, fields)
