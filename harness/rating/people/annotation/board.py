"""What the lead sees: how far each rater is, and how far they agree so far, without a word that could sway a rater."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from harness.rating.people.annotation.session import Progress, Session

Agreed = Callable[[pd.DataFrame], list[dict[str, Any]]]
"""Says how far raters agree, from their ratings: rows of `criterion, coefficient, value, low, high, n, reason`."""


@dataclass
class Board:
    """The lead's page: it names no answer, no model, and nothing that an AI said.

    Attributes:
        sessions: The raters'.
        agreed: Who computes the agreement.
        lead: The lead's name; one who also rates, however the name is written, sees no agreement before their own last
            answer.
        lead_id: The lead's pseudonym, where the raters go by theirs.
    """

    sessions: Sequence[Session]
    agreed: Agreed
    lead: str | None = None
    lead_id: str | None = None
    _known: tuple[int, list[dict[str, Any]]] = field(default=(-1, []), init=False)

    def state(self) -> dict[str, Any]:
        """Return what the page shows."""
        progress = [session.progress() for session in self.sessions]
        blind = [one.name for one in progress if self._is_lead(one) and one.done < one.total]
        if blind:
            hidden = f"{blind[0]} is still rating, blind: the agreement shows after the last answer"
        elif sum(one.done > 0 for one in progress) < 2:
            hidden = "agreement needs the answers of two people"
        else:
            hidden = ""
        return {
            "run": self.sessions[0].run.suite.name,
            "raters": [asdict(one) for one in progress],
            "hidden": hidden,
            "agreement": [] if hidden else self._agreement(),
        }

    def _is_lead(self, one: Progress) -> bool:
        return one.rater == self.lead_id or (self.lead is not None and _plain(one.name) == _plain(self.lead))

    def _agreement(self) -> list[dict[str, Any]]:
        events = sum(len(session.journal.events) for session in self.sessions)
        if events != self._known[0]:
            names = {session.rater: session.name for session in self.sessions}
            rows = [{**one.model_dump(), "rater": names[one.rater]} for s in self.sessions for one in s.ratings()]
            self._known = (events, self.agreed(pd.DataFrame(rows)))
        return self._known[1]


def _plain(name: str) -> str:
    """Return a name without its capitals, its spaces around and how its accents are written."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
