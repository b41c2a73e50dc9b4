"""What holds over many verdicts at once: sentences by Holm's step-down, since one of many is wrong by chance."""

from __future__ import annotations

from collections.abc import Sequence

from harness.rounds.verdict.comparison import Comparison
from harness.rounds.verdict.result import RoundsResult
from harness.rounds.verdict.verdict import holm

WORDS = ("improving", "plateaued", "worsening")


def overview(results: Sequence[RoundsResult], comparisons: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each series with several benchmarks, and for each quantity of several comparisons."""
    return [*_benchmarks(results), *_comparisons(comparisons)]


def _benchmarks(results: Sequence[RoundsResult]) -> list[str]:
    found = []
    for series in dict.fromkeys(result.series for result in results):
        judged = [one for one in results if one.series == series and one.p_values]
        if len(judged) < 2:
            continue
        said = []
        for word in WORDS:
            adjusted = holm([one.p_values[word] for one in judged])
            names = [one.benchmark for one, p in zip(judged, adjusted, strict=True) if p < one.looks[-1].significance]
            if names:
                said.append(f"{word} on {len(names)} ({_listed(names)})")
        found.append(
            f"{series}, {len(judged)} benchmarks together (Holm over benchmarks): {'; '.join(said) or 'nothing holds'}"
        )
    return found


def _comparisons(comparisons: Sequence[Comparison]) -> list[str]:
    found = []
    for quantity in dict.fromkeys(one.quantity for one in comparisons):
        judged = [one for one in comparisons if one.quantity == quantity and one.p_values]
        if len(judged) < 2:
            continue
        said = []
        for word in ("more", "less"):
            adjusted = holm([one.p_values[word] for one in judged])
            pairs = zip(judged, adjusted, strict=True)
            said += [f"{one.a} {word} than {one.b} on {one.benchmark}" for one, p in pairs if p < (1 - one.level) / 2]
        name = quantity.replace("_", " ")
        found.append(f"{name}, {len(judged)} comparisons together (Holm): {_listed(said) or 'no difference holds'}")
    return found


def _listed(names: Sequence[str], most: int = 8) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
