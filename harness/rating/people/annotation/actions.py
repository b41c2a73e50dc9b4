"""What the rating page can ask of a session, whichever way it asks: over HTTP, or as a notebook's widget."""

from __future__ import annotations

import math
from typing import Any

from harness.errors import HarnessError
from harness.rating.people.annotation.session import Session, StaleError

ACTIONS = ("state", "answer", "undo", "close")


def act(session: Session, action: str, said: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Do what the page asks, and return an HTTP status with the next state, or with what is wrong.

    Args:
        session: The rater's session.
        action: One of `ACTIONS`.
        said: For `answer`: `unit`, `value`, `comment`, `seconds`.
    """
    try:
        match action:
            case "state":
                return 200, session.state()
            case "answer":
                return 200, session.answer(*_answer_in(said))
            case "undo":
                return 200, session.undo()
            case "close":
                return 200, session.close()
        return 404, {"error": f"there is no {action!r}"}
    except StaleError as stale:
        return 409, {"error": str(stale), "state": session.state()}
    except (HarnessError, ValueError, TypeError, KeyError, AttributeError) as error:
        return 400, {"error": str(error)}
    except OSError as error:
        return 500, {"error": f"not saved: {error.strerror}"}


def _answer_in(said: dict[str, Any]) -> tuple[str, float | None, str, float | None]:
    """Return what is said, once it is known that a file can hold it: what is on disk cannot be refused any more."""
    value, seconds = _number(said.get("value")), _number(said.get("seconds"))
    comment = str(said.get("comment") or "")[:10_000].encode(errors="replace").decode()
    return str(said["unit"]), value, comment, seconds


def _number(said: Any) -> float | None:
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise HarnessError(f"expected a number or null, found {said!r:.60}")
    try:
        number = float(said)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise HarnessError("expected a number or null, found one that is not finite")
    return number
