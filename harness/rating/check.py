"""Whether a rater of the catalogue can be had, before a model is loaded or anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.answering import read_chat_spec
from harness.catalog import Catalog, function_named
from harness.errors import UnavailableError
from harness.rating.judges.panel import panel_settings
from harness.rating.judges.reward_model import RewardSettings
from harness.rating.rate import read_spec
from harness.rating.rater import Surroundings, make_rater
from harness.rating.settings import Settings, read_settings
from harness.rating.verifiers.metric import MetricSettings

JUDGES = ("judge.pointwise", "judge.pairwise", "judge.listwise")
LOADING: dict[str, type[Settings]] = {"reward_model": RewardSettings, "metric": MetricSettings}
"""Kinds that load a model or a module of the hub when they are made: only their settings are looked at."""


def check_rater(name: str, catalog: Catalog, build: bool = False) -> str | None:
    """Check that a rater of the catalogue is there, and its function; that a judge or a panel can be made of it.

    No model is loaded, and nothing is asked.

    Args:
        name: The rater's name.
        catalog: Where it is looked for.
        build: Make raters of every other kind too, the user's own among them.

    Returns:
        What this machine lacks for it; None where nothing is known to be lacking.

    Raises:
        HarnessError: It is not there, or cannot be made.
    """
    spec = read_spec(name, catalog)
    function_named(spec.use, f"{spec.place('use')}: use", spec.folder)
    if spec.use == "judge.panel":
        members = panel_settings(spec, catalog).raters
        lacks = [check_rater(member, catalog, build) for member in members]
        return next(filter(None, lacks), None)
    if spec.use in LOADING:
        read_settings(spec, LOADING[spec.use])
    elif build or spec.use in JUDGES:
        try:
            make_rater(spec, Surroundings(chat=_unasked, catalog=catalog))
        except UnavailableError as error:
            return str(error)
    return None


def asks_by_batch(name: str, catalog: Catalog) -> bool:
    """Tell whether a rater is a judge whose model is asked by batch, or a panel that has one."""
    spec = read_spec(name, catalog)
    if spec.use == "judge.panel":
        return any(asks_by_batch(member, catalog) for member in panel_settings(spec, catalog).raters)
    model = spec.settings.get("model")
    return spec.use in JUDGES and isinstance(model, Mapping) and bool(model.get("batch"))


@dataclass(frozen=True)
class _Unasked:
    identity: str


def _unasked(model: str | Mapping[str, Any], cached: bool = True) -> _Unasked:
    """Stand for a judge's client where a judge is made only to see whether it can be."""
    return _Unasked(read_chat_spec(model).model)
