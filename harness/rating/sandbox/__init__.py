"""Runs model-written code where it can reach nothing, and judges it where it cannot reach the verdict."""

from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Check, CheckResult, Limits, Outcome, Tests
from harness.rating.sandbox.jail import Jail
from harness.rating.sandbox.sandbox import Sandbox, Sandboxes

__all__ = ["Check", "CheckResult", "Jail", "Limits", "Outcome", "Sandbox", "Sandboxes", "Tests", "choose"]
