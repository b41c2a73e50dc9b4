"""Runs model-written code where it can reach nothing, and judges it where it cannot reach the verdict."""

from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Check, Limits, Outcome, Tests, Verdict
from harness.rating.sandbox.jail import Jail
from harness.rating.sandbox.sandbox import Sandbox, Sandboxes

__all__ = ["Check", "Jail", "Limits", "Outcome", "Sandbox", "Sandboxes", "Tests", "Verdict", "choose"]
