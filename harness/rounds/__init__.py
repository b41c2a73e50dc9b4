"""Rounds: train a model on feedback, and tell whether the feedback keeps improving it."""

from __future__ import annotations

from harness.rounds.plan import RoundsPlan, plan_rounds
from harness.rounds.rounds import Rounds, compare_rounds
from harness.rounds.run_scores import from_run

__all__ = ["Rounds", "RoundsPlan", "compare_rounds", "from_run", "plan_rounds"]
