"""Who agrees with whom, and can one stand in for another."""

from harness.agreement.agreement import Agreement, Table, agree
from harness.agreement.coefficients import COEFFICIENTS
from harness.agreement.corrected import ppi_mean, rogan_gladen, shift_test, stratified_ppi_mean
from harness.agreement.intervals import Estimate
from harness.agreement.pairs import pair_matrix
from harness.agreement.position import position_consistency
from harness.agreement.raters import DawidSkene, dawid_skene, error_correlation, severity
from harness.agreement.run_agreement import RunAgreement, agree_in_run
from harness.agreement.stand_in import StandIn

__all__ = [
    "COEFFICIENTS",
    "Agreement",
    "DawidSkene",
    "Estimate",
    "RunAgreement",
    "StandIn",
    "Table",
    "agree",
    "agree_in_run",
    "dawid_skene",
    "error_correlation",
    "pair_matrix",
    "position_consistency",
    "ppi_mean",
    "rogan_gladen",
    "severity",
    "shift_test",
    "stratified_ppi_mean",
]
