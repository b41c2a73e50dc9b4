"""`harness agree --preferences`: who is preferred, by comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from harness.agreement import AgreementOptions, Draws, Preferences
    from harness.run import Run


LENGTHS = ("response_length", "against_length")


def check_word(option: str, given: str, known: tuple[str, ...]) -> None:
    """Refuse a word that an option does not know."""
    if given not in known:
        raise typer.BadParameter(f"{given!r} is none of {', '.join(known)}", param_hint=option)


def of_raters(ratings: pd.DataFrame, globs: list[str] | None) -> pd.DataFrame:
    """Return the ratings of the raters that some glob matches."""
    from fnmatch import fnmatchcase

    from harness.errors import HarnessError, did_you_mean

    if not globs:
        return ratings
    names = [str(name) for name in ratings["rater"].cat.categories]
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise HarnessError(f"no rater matches {glob!r}.{did_you_mean(glob, names)}")
    chosen = [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
    return ratings[ratings["rater"].isin(chosen)]


def ranked(
    ratings: pd.DataFrame,
    player: str,
    opponent: str,
    ties: str,
    cluster: str,
    baseline: str | None,
    draws: Draws,
) -> Preferences:
    """Rank the players of a table of comparisons."""
    from harness.agreement import rank

    check_word("--ties", ties, ("half", "davidson"))
    how: Any = ties
    return rank(ratings, first=player, second=opponent, ties=how, cluster=cluster, baseline=baseline, **draws)


def run_ranked(
    run: Run, people: pd.DataFrame | None, ties: str, baseline: str | None, asked: AgreementOptions
) -> Preferences:
    """Rank the players that a run's raters compared, with people's comparisons from a file if there are some."""
    from harness.agreement import of_run, with_people

    ratings = of_run(run.ratings if people is None else with_people(run, people), run.responses)
    return ranked(ratings, "player", "opponent", ties, "item_id", baseline, asked.in_run(run).draws)
