"""The kinds of raters and learners that come with the harness: a short name each, and where it is written now.

A YAML file says `use: judge.pointwise`. A rater's version hashes a kind's *identity*, which never changes, so that
moving a module retires no rating: for kinds of the first releases that is the path that they had then, for later
ones their name.
The paths that the documentation gave before kinds had names, of kinds and of modules, are read as what they mean now.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType


@dataclass(frozen=True)
class Kind:
    """One kind: the function that makes it, and what its version hashes."""

    target: str
    identity: str


def _former(target: str, identity: str) -> Kind:
    return Kind(f"harness.{target}", f"harness.{identity}")


KINDS = {
    "judge.pointwise": _former("rating.judges.pointwise:pointwise", "rating.pointwise:pointwise"),
    "judge.pairwise": _former("rating.judges.pairwise:pairwise", "rating.pairwise:pairwise"),
    "judge.listwise": _former("rating.judges.listwise:listwise", "rating.listwise:listwise"),
    "judge.panel": _former("rating.judges.panel:panel", "rating.panel:panel"),
    "judge.own_probability": _former(
        "rating.judges.own_probability:own_probability", "rating.own_probability:own_probability"
    ),
    "judge.self_consistency": _former(
        "rating.judges.self_consistency:self_consistency", "rating.self_consistency:self_consistency"
    ),
    "reward_model": _former("rating.judges.reward_model:reward_model", "rating.reward_model:reward_model"),
    "verifier.answer_key": _former("rating.verifiers.answer_key:answer_key", "rating.answer_key:answer_key"),
    "verifier.exact_match": _former("rating.verifiers.answer_key:exact_match", "rating.answer_key:exact_match"),
    "verifier.multiple_choice": _former(
        "rating.verifiers.answer_key:multiple_choice", "rating.answer_key:multiple_choice"
    ),
    "verifier.numeric": _former("rating.verifiers.numeric:numeric", "rating.numeric:numeric"),
    "verifier.last_number": Kind("harness.rating.verifiers.last_number:verify_last_number", "verifier.last_number"),
    "verifier.key_facts": Kind("harness.rating.verifiers.key_facts:verify_key_facts", "verifier.key_facts"),
    "verifier.reasoned_choice": Kind(
        "harness.rating.verifiers.reasoned_choice:verify_reasoned_choice", "verifier.reasoned_choice"
    ),
    "verifier.pattern": _former("rating.verifiers.pattern:pattern", "rating.pattern:pattern"),
    "verifier.json_schema": _former("rating.verifiers.json_schema:json_schema", "rating.json_schema:json_schema"),
    "verifier.math_verify": _former("rating.verifiers.mathematics:math_verify", "rating.mathematics:math_verify"),
    "verifier.unit_tests": _former("rating.verifiers.unit_tests:unit_tests", "rating.unit_tests:unit_tests"),
    "verifier.lm_eval_metric": Kind(
        "harness.rating.verifiers.lm_eval_metric:lm_eval_metric", "verifier.lm_eval_metric"
    ),
    "simulated": Kind("harness.rating.simulated:simulated", "simulated"),
    "metric": _former("rating.verifiers.metric:metric", "rating.metric:metric"),
    "human": _former("rating.people.questions:ask_people", "rating.questions:ask_people"),
    "addition": _former("learning.learners.addition:addition", "rounds.addition:addition"),
    "language_model": Kind("harness.learning.learners.language_model:language_model", "language_model"),
    "command": Kind("harness.learning.learners.command:command", "command"),
    "prompt": Kind("harness.learning.learners.prompt:prompt", "prompt"),
}
NAMES = {kind.identity: name for name, kind in KINDS.items()} | {kind.target: name for name, kind in KINDS.items()}

MOVED = {
    "harness.rounds.learner": "harness.learning.learner",
    "harness.rounds.loop": "harness.learning.loop",
    "harness.rounds.addition": "harness.learning.learners.addition",
    "harness.rating.verifier": "harness.rating.verifiers.verifier",
    "harness.rating.collecting": "harness.rating.people.collecting",
    "harness.agreement.people": "harness.agreement.stand_in.people",
    "harness.agreement.how_many": "harness.agreement.stand_in.how_many",
}
"""Modules that the documentation named, and where they are now."""


def short_name(use: str) -> str:
    """Return the name of a kind however it was written; what is no kind of ours stays as it is."""
    return NAMES.get(use, use)


def target_of(use: str) -> str:
    """Return `package.module:function` of a kind, however it was written."""
    kind = KINDS.get(short_name(use))
    return kind.target if kind else use


def identity_of(use: str) -> str:
    """Return what a version hashes for a kind, however it was written."""
    kind = KINDS.get(short_name(use))
    return kind.identity if kind else use


class _Alias(Loader):
    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return importlib.import_module(MOVED[self.name])

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module has run under its own name."""


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        return ModuleSpec(name, _Alias(name)) if name in MOVED else None


def find_moved() -> None:
    """Let modules be imported under the names that the documentation gave them before they moved."""
    sys.meta_path.append(_Finder())
