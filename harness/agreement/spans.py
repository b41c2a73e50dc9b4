"""How far raters agree on spans of text: the same spans, spans that overlap, and the characters in them.

All three are F1, which takes neither rater for the truth and does not ask how many spans there could be: chance
agreement on spans has no table (Hripcsak and Rothschild 2005). Krippendorff's alpha-U has no library that is kept, and
is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError
from harness.rating import Marked, Span, read_spans
from harness.statistics import Additive, Floats, estimate, number

MEASURES = ("exact", "overlap", "characters")
COLUMNS = (
    "criterion", "rater_a", "rater_b", "label", "measure", "value", "low", "high", "n", "spans_a", "spans_b", "reason",
)  # fmt: skip


@dataclass(frozen=True)
class SpanAgreement:
    """The result of `agree_spans`.

    Attributes:
        df: One row a pair of raters, label ("" for all) and measure: `criterion, rater_a, rater_b, label, measure,
            value, low, high, n` (documents that both read), `spans_a, spans_b, reason`.
        notes: What was left out.
    """

    df: pd.DataFrame
    notes: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: null, never NaN, with a reason beside it."""
        rows = self.df.astype(object).where(self.df.notna(), None).to_dict("records")
        return {"spans": rows, "notes": self.notes}

    def _repr_html_(self) -> str:
        return self.df.to_html(index=False, escape=True, float_format=lambda value: f"{value:.3f}", na_rep="")


def agree_spans(source: str | Path | Sequence[str | Path], *, resamples: int = 1000, seed: int = 0) -> SpanAgreement:
    """Say how far raters agree on the spans they marked, pair by pair, in all labels together and in each.

    - `exact`: F1 of spans with one beginning, end and label: twice the spans that both marked, of all that they marked.
    - `overlap`: of all spans of both, the share that touches one of the other rater with the same label.
    - `characters`: F1 of the characters in spans of a label: twice those in both raters', of all.

    Intervals resample documents. A document that one of the two did not read does not count; one in which neither
    marked anything is an agreement that no F1 rewards.

    Args:
        source: A file of Label Studio, doccano or Prodigy, or several, as one; of doccano a file a rater.
        resamples: Bootstrap resamples; 0 gives no intervals.
        seed: Decides the draws.

    Raises:
        HarnessError: A file has no spans, or under two raters read one document.
    """
    read = read_spans(source)
    rows = [row for one in read.marked for row in _rows(one, resamples, seed)]
    if not rows:
        raters = sorted({rater for one in read.marked for rater in one.documents})
        raise HarnessError(f"no document was read by two raters ({', '.join(raters)}); give all raters' files together")
    return SpanAgreement(pd.DataFrame(rows, columns=list(COLUMNS)), read.notes)


def _rows(marked: Marked, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    for first, second in combinations(sorted(marked.documents), 2):
        a, b = marked.documents[first], marked.documents[second]
        both = sorted(a.keys() & b.keys())
        labels = sorted({label for one in (a, b) for item in both for _, _, label in one[item]})
        for label in ("", *labels) if both else ():
            mine, theirs = ([_of_label(one[item], label) for item in both] for one in (a, b))
            about = {"criterion": marked.criterion, "rater_a": first, "rater_b": second, "label": label}
            counts = {"n": len(both), "spans_a": sum(map(len, mine)), "spans_b": sum(map(len, theirs))}
            for measure, sums in _sums(mine, theirs).items():
                statistic = Additive(sums, np.ones(len(both), dtype=np.int64), _f1)
                found = estimate(statistic, len(both), undefined="no_spans", resamples=resamples, seed=seed)
                ends = {end: number(getattr(found, end)) for end in ("value", "low", "high")}
                yield {**about, "measure": measure, **ends, **counts, "reason": found.reason}


def _f1(sums: Floats) -> Floats:
    some = sums[:, 1] > 0
    return np.where(some, sums[:, 0] / np.where(some, sums[:, 1], 1), np.nan)


def _of_label(spans: frozenset[Span], label: str) -> frozenset[Span]:
    return frozenset(one for one in spans if one[2] == label) if label else spans


def _sums(mine: Sequence[frozenset[Span]], theirs: Sequence[frozenset[Span]]) -> Mapping[str, Floats]:
    """Return for each measure what each document adds above and below, shape (documents, 2)."""
    found: dict[str, list[tuple[int, int]]] = {name: [] for name in MEASURES}
    for a, b in zip(mine, theirs, strict=True):
        n = len(a) + len(b)
        found["exact"].append((2 * len(a & b), n))
        found["overlap"].append((_touching(a, b) + _touching(b, a), n))
        ours, others = _characters(a), _characters(b)
        found["characters"].append((2 * len(ours & others), len(ours) + len(others)))
    return {name: np.array(sums, dtype=float) for name, sums in found.items()}


def _touching(a: frozenset[Span], b: frozenset[Span]) -> int:
    """Return how many spans share a character with one of the other's of the same label."""
    return sum(any(label == other and start < end_b and start_b < end for start_b, end_b, other in b)
               for start, end, label in a)  # fmt: skip


def _characters(spans: frozenset[Span]) -> set[tuple[str, int]]:
    return {(label, place) for start, end, label in spans for place in range(start, end)}
