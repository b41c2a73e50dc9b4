"""Whether everything that a suite names is there, before a model is loaded or a folder is made."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial

from harness.answering import CHAT_PREFIXES, EMBEDDED, check_model, check_task
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.learning import check_learner
from harness.rating import check_rater, find_dataset
from harness.suite import IMPORTED, Key, ModelUse, Suite, secrets


def check_names(suite: Suite, catalog: Catalog) -> None:
    """Check that everything which a suite names is there.

    Raises:
        HarnessError: Models, tasks, raters, a learner or the variables of secrets are not known; names every one, with
            file and line, and says which is near.
    """
    wrong = []
    for location, check in _checks(suite, catalog):
        try:
            check()
        except HarnessError as error:
            wrong.append(f"{suite.where(*location)}{error}")
    if wrong:
        raise HarnessError("\n".join(wrong))


def _checks(suite: Suite, catalog: Catalog) -> Iterator[tuple[tuple[Key, ...], Callable[[], object]]]:
    asked = {place: who for place, who in enumerate(suite.models) if who.model != IMPORTED}
    for place, who in asked.items():
        yield ("models", place, "model"), partial(check_model, who.model)
        yield ("models", place, "args"), partial(_check_secrets, who)
    for place, use in enumerate(suite.tasks):
        if asked:
            yield ("tasks", place, "task"), partial(check_task, use.task, catalog)
        for number, entry in enumerate(use.raters):
            yield ("tasks", place, "raters", number, "rater"), partial(check_rater, entry.rater, catalog)
    for place, human in enumerate(suite.ratings):
        yield ("ratings", place, "dataset"), partial(find_dataset, human.dataset, catalog)
        for number, entry in enumerate(human.raters):
            yield ("ratings", place, "raters", number, "rater"), partial(check_rater, entry.rater, catalog)
    if suite.rounds:
        yield ("rounds", "learner"), partial(check_learner, suite.rounds.learner, catalog)
        yield ("rounds", "gold"), partial(check_rater, suite.rounds.gold, catalog)
        for series, name in suite.rounds.feedback.items():
            if name:
                yield ("rounds", "feedback", series), partial(check_rater, name, catalog)


def _check_secrets(who: ModelUse) -> None:
    """Check that the secrets of a model's arguments are set, and go to a model that takes them."""
    names = sorted(secrets(who.args))
    if names and (who.model == EMBEDDED or who.model.startswith(CHAT_PREFIXES)):
        raise HarnessError(f"{who.name}: a chat model takes its key by `key_variable: {names[0]}`, without ${{}}")
    for name in names:
        if not os.environ.get(name):
            raise HarnessError(f"{who.name}: the environment variable {name} is not set")
