"""The one error whose text is meant for the user.

Everything a user can get wrong (a file, a name, a key, a missing package) is raised as `HarnessError`: its message
says what is wrong, where, and what to do. The command line prints it without a traceback; in a notebook it is an
ordinary `ValueError`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class HarnessError(ValueError):
    """Wrong input or configuration. The command line exits with 2."""


class IncompleteError(HarnessError):
    """The work stopped before its end and the same command resumes it. The command line exits with 3."""


class BudgetError(IncompleteError):
    """The next call might cost more than may be spent; the same command goes on. The command line exits with 5."""


class UnavailableError(HarnessError):
    """This machine lacks what a part needs, a sandbox for example. The rest of a run goes on without that part."""


MOST = 5
"""Names that an error lists; a task that nobody knows once listed 358 kB of them."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, nothing where none is close."""
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the closest known name, or the first known names where none is close."""
    names = sorted(known)
    if close := nearest(name, names):
        return close
    more = f" and {len(names) - MOST:,} more" if len(names) > MOST + 1 else ""
    return f" Known: {', '.join(names[:MOST] if more else names) or 'none'}{more}."
