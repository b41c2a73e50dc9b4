"""Whether confidence matches how often the answers are right: the Brier score with its parts, and an L2 error.

The plug-in expected calibration error is never shown: of a perfectly calibrated model it is far above zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.statistics import Floats

BINS = 10


@dataclass(frozen=True)
class Calibration:
    """The calibration of one round.

    Attributes:
        brier: Mean square of confidence minus right.
        reliability: Its part from miscalibration; 0 is best (Murphy 1973, over equally filled bins of confidence).
        resolution: Its part from telling right from wrong; the more the better.
        uncertainty: Its part that no confidence could change.
        l2_error: Calibration error in root mean square, debiased (Kumar, Liang and Ma 2019), at least 0.
        over_confidence: Mean confidence minus the share of right answers.
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    l2_error: float
    over_confidence: float


def calibration(confidence: Floats, right: Floats, bins: int = BINS) -> Calibration:
    """Return how confidence and rightness, both in [0, 1] and of shape (n,), go together.

    Bins hold equally many answers, equal confidences in one bin; a bin of one answer tells nothing of its own scatter
    and is left out of the L2 error.
    """
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)[1:-1]))
    place = np.searchsorted(edges, confidence, side="left")
    counts = np.bincount(place).astype(float)
    filled = counts > 0
    counts = counts[filled]
    share = counts / len(right)
    said, seen, square = (np.bincount(place, weights=w)[filled] / counts for w in (confidence, right, right**2))
    scatter = np.clip(square - seen**2, 0, None) / np.maximum(counts - 1, 1)
    gaps = (said - seen) ** 2
    known = counts > 1
    return Calibration(
        brier=float(np.mean((confidence - right) ** 2)),
        reliability=float(share @ gaps),
        resolution=float(share @ (seen - right.mean()) ** 2),
        uncertainty=float(right.var()),
        l2_error=float(np.sqrt(max(share[known] @ (gaps - scatter)[known], 0.0))),
        over_confidence=float(np.mean(confidence - right)),
    )
