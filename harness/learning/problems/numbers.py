"""Problems whose answer is a number."""

from __future__ import annotations

from random import Random

from harness.learning.problems.task import Problem

WORDS = [
    "banana", "letter", "pepper", "bottle", "summer", "puzzle", "coffee", "ribbon", "window", "garden", "tomato",
    "rabbit", "cheese", "pillow", "kettle", "dinner", "butter", "yellow", "hammer", "button", "basket", "carrot",
    "guitar", "mirror", "saddle", "copper", "ladder", "winter", "needle", "castle", "bubble", "planet", "orange",
    "silver", "monkey", "turtle", "spider", "forest", "island", "bridge", "candle", "pencil", "engine", "rocket",
    "picnic", "parrot", "cotton", "violin", "blanket", "kitchen", "balloon", "chicken", "lettuce", "penguin",
    "giraffe", "volcano", "sausage", "pumpkin", "village", "feather", "curtain", "mustard", "elephant", "umbrella",
    "mountain", "sandwich", "dinosaur", "football", "mushroom", "tomorrow", "necklace", "sunshine", "backpack",
    "keyboard", "chocolate", "crocodile", "butterfly", "pineapple", "raspberry", "strawberry", "blueberry",
    "telescope", "orchestra", "adventure", "newspaper",
]  # fmt: skip


def two_digit_sums(random: Random) -> Problem:
    """Two numbers from 10 to 99 to add; a + b and b + a are one problem."""
    first, second = random.randint(10, 99), random.randint(10, 99)
    return _pair(first, second, "+", first + second)


def products(random: Random) -> Problem:
    """A number from 2 to 9 and one from 3 to 120 to multiply; either order is one problem."""
    numbers = [random.randint(2, 9), random.randint(3, 120)]
    random.shuffle(numbers)
    return _pair(numbers[0], numbers[1], "*", numbers[0] * numbers[1])


def _pair(first: int, second: int, sign: str, answer: int) -> Problem:
    low, high = sorted((first, second))
    key = f"{low}{sign}{high}"
    return Problem(key, {"id": key, "first": first, "second": second, "answer": str(answer)})


def largest_of_five(random: Random) -> Problem:
    """Five different numbers under 100; their order makes no other problem."""
    numbers = random.sample(range(1, 100), 5)
    key = "-".join(map(str, sorted(numbers)))
    return Problem(key, {"id": key, "numbers": ", ".join(map(str, numbers)), "answer": str(max(numbers))})


def count_letters(random: Random) -> Problem:
    """Two words and a letter to count in them."""
    words = sorted(random.sample(WORDS, 2))
    text = " ".join(words)
    letter = random.choice(sorted(set(text) - {" "}))
    key = f"{letter}-{'-'.join(words)}"
    return Problem(key, {"id": key, "words": text, "letter": letter, "answer": str(text.count(letter))})
