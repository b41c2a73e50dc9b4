"""Whether everything that a suite names is there, before a model is loaded or a folder is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from harness.answering import CHAT_PREFIXES, EMBEDDED, check_model, check_task
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.learning import check_learner, problem_task
from harness.rating import check_rater, find_dataset
from harness.stages.loops import loop_faults
from harness.suite import IMPORTED, Key, ModelUse, Suite, secrets


def check_names(suite: Suite, catalog: Catalog, build: bool = False) -> list[str]:
    """Check that everything which a suite names is there.

    Args:
        suite: The suite.
        catalog: Where it is looked for.
        build: Make every rater too, but for those that load a model.

    Returns:
        What this machine lacks for a rater: a run would go on without it.

    Raises:
        HarnessError: Models, tasks, raters, a learner or the variables of secrets are not known; names every one, with
            file and line, and says which is near.
    """
    asked = [who for who in suite.models if who.model != IMPORTED]
    look_up: dict[str, Callable[[str], object]] = {
        "model": check_model,
        "task": partial(check_task, catalog=catalog, build=build),
        "dataset": partial(find_dataset, catalog=catalog),
        "rater": partial(check_rater, catalog=catalog, build=build),
        "learner": partial(check_learner, catalog=catalog),
        "generator": partial(problem_task, catalog=catalog),
    }
    checks: list[tuple[tuple[Key, ...], Callable[[], object]]] = [
        (one.location, partial(look_up[one.what], one.name))
        for one in suite.walk()
        if (one.what, one.name) != ("model", IMPORTED) and (asked or one.what != "task")
    ]
    checks += [(("models", suite.models.index(who), "args"), partial(_check_secrets, who)) for who in asked]
    wrong, lacking = [], []
    for location, holds in checks:
        try:
            if isinstance(lacks := holds(), str):
                lacking.append(f"{suite.where(*location)}{lacks}")
        except HarnessError as error:
            wrong.append(f"{suite.where(*location)}{error}")
    if wrong := wrong or loop_faults(suite, catalog):
        raise HarnessError("\n".join(wrong))
    return lacking


def _check_secrets(who: ModelUse) -> None:
    """Check that the secrets of a model's arguments are set, and go to a model that takes them."""
    names = sorted(secrets(who.args))
    if names and (who.model == EMBEDDED or who.model.startswith(CHAT_PREFIXES)):
        raise HarnessError(f"{who.name}: a chat model takes its key by `key_variable: {names[0]}`, without ${{}}")
    for name in names:
        if not os.environ.get(name):
            raise HarnessError(f"{who.name}: the environment variable {name} is not set")
