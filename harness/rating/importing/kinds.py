"""What kind of rater a word in somebody's file means."""

from __future__ import annotations

from typing import get_args

from harness.errors import HarnessError
from harness.records import RaterKind

WORDS: dict[str, RaterKind] = {"ai": "judge", "gold": "verifier", "unit_tests": "verifier"}


def kind_of(word: str) -> RaterKind:
    """Return the rater kind that a word means: `human*` is human, `llm*` and `ai` a judge, `gold` a verifier.

    Raises:
        HarnessError: The word means none; names those that do.
    """
    known: tuple[RaterKind, ...] = get_args(RaterKind)
    plain = word.strip().lower()
    if plain in known:
        return next(kind for kind in known if kind == plain)
    if plain.startswith("human"):
        return "human"
    if plain.startswith("llm"):
        return "judge"
    if plain in WORDS:
        return WORDS[plain]
    raise HarnessError(f"rater kind {word!r} is not known: write human*, llm*, {', '.join([*WORDS, *known[1:]])}")
