"""Who agrees with whom, and can one stand in for another."""

from harness.agreement.agreement import Agreement, Table, agree
from harness.agreement.coefficients import COEFFICIENTS
from harness.agreement.corrected import ppi_mean, rogan_gladen, shift_test, stratified_ppi_mean
from harness.agreement.intervals import Estimate
from harness.agreement.kalpha import kalpha
from harness.agreement.length_control import length_controlled_win_rate
from harness.agreement.pairs import pair_matrix
from harness.agreement.position import position_consistency
from harness.agreement.preferences import Ranking, bootstrap_strengths, bradley_terry, compare
from harness.agreement.rankings import Preferences, rank
from harness.agreement.raters import DawidSkene, dawid_skene, error_correlation, severity
from harness.agreement.run_agreement import RunAgreement, agree_in_run
from harness.agreement.stand_in import StandIn
from harness.agreement.weights import panel_weights

__all__ = [
    "COEFFICIENTS",
    "Agreement",
    "DawidSkene",
    "Estimate",
    "Preferences",
    "Ranking",
    "RunAgreement",
    "StandIn",
    "Table",
    "agree",
    "agree_in_run",
    "bootstrap_strengths",
    "bradley_terry",
    "compare",
    "dawid_skene",
    "error_correlation",
    "kalpha",
    "length_controlled_win_rate",
    "pair_matrix",
    "panel_weights",
    "position_consistency",
    "ppi_mean",
    "rank",
    "rogan_gladen",
    "severity",
    "shift_test",
    "stratified_ppi_mean",
]
