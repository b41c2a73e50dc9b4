"""Who agrees with whom, and can one stand in for another."""

from harness.agreement.agreement import Agreement, Table, agree
from harness.agreement.coefficients import COEFFICIENTS
from harness.agreement.intervals import Estimate
from harness.agreement.pairs import pair_matrix
from harness.agreement.position import position_consistency
from harness.agreement.run_agreement import RunAgreement, agree_in_run

__all__ = [
    "COEFFICIENTS",
    "Agreement",
    "Estimate",
    "RunAgreement",
    "Table",
    "agree",
    "agree_in_run",
    "pair_matrix",
    "position_consistency",
]
