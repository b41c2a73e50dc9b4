"""`--fail-if` of `harness agree`: which coefficients must not be below, or above, what."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from harness.errors import HarnessError, did_you_mean

if TYPE_CHECKING:
    from harness.agreement import Agreement, RunAgreement

TOLD: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
GATE = re.compile(r"\s*([a-z]\w*)(?:\.(value|low|high))?\s*(<=|>=|<|>)\s*(-?\d*\.?\d+)\s*")


@dataclass(frozen=True)
class Gate:
    """A coefficient, which of its numbers is looked at, and what it must not be.

    Attributes:
        coefficient: Its name.
        end: `value`, or an end of its interval.
        sign: One of `TOLD`.
        limit: What it is held against.
    """

    coefficient: str
    end: str
    sign: str
    limit: float

    def __str__(self) -> str:
        """Return the gate as it is written."""
        return f"{self.coefficient}{'' if self.end == 'value' else '.' + self.end}{self.sign}{self.limit:g}"


def gates_of(text: str | None) -> list[Gate]:
    """Return the gates that a text names, with commas between them.

    Raises:
        HarnessError: Something in it is no gate, or no coefficient.
    """
    from harness.agreement import COEFFICIENTS

    found = []
    for part in (text or "").split(",") if text else []:
        match = GATE.fullmatch(part)
        if not match:
            raise HarnessError(
                f"--fail-if {part!r}: expected a coefficient and a limit, say 'alpha<.6' or 'alpha.low<.5'"
            )
        name, end, sign, limit = match.groups()
        if name not in COEFFICIENTS:
            raise HarnessError(f"--fail-if {part!r}: no coefficient {name!r}.{did_you_mean(name, list(COEFFICIENTS))}")
        found.append(Gate(name, end or "value", sign, float(limit)))
    return found


def failing(gates: Sequence[Gate], found: Agreement | RunAgreement) -> list[str]:
    """Return a line for each criterion that a gate does not let through; what is undefined is not let through.

    Raises:
        HarnessError: Nothing has the coefficient.
    """
    lines = []
    for gate in gates:
        rows = [(table.criterion, table.coefficients[gate.coefficient]) for table in found.tables
                if gate.coefficient in table.coefficients]  # fmt: skip
        if not rows:
            raise HarnessError(f"--fail-if {gate}: was not computed; ask for it by --coefficient {gate.coefficient}")
        for criterion, estimate in rows:
            number = float(getattr(estimate, gate.end))
            if not isfinite(number):
                lines.append(f"--fail-if {gate}: {criterion}: undefined ({estimate.reason or 'no interval'})")
            elif TOLD[gate.sign](number, gate.limit):
                lines.append(f"--fail-if {gate}: {criterion}: {gate.coefficient} {gate.end} is {number:.3f}")
    return lines
