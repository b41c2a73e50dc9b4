"""Commands of a run that take a file of ratings as well: the file is a run for as long as the command takes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.rating import Columns, Words
    from harness.run import Run


@contextmanager
def run_or_file(
    source: Path,
    columns: Columns | None = None,
    words: Words | None = None,
    ai: list[str] | None = None,
    by: str | None = None,
) -> Iterator[Run]:
    """Give the run of a folder, or one made of a file, which lasts as long as the block.

    In the run of a file people have the file's own names, but for addresses and workers' ids. A column of groups, `by`,
    goes along.
    """
    from tempfile import TemporaryDirectory

    from harness.rating import PRIVATE, pseudonym, run_of_file, user_key
    from harness.run import Run, is_run

    if is_run(source) or source.is_dir():
        yield Run(source)
        return
    key = user_key()

    def shown(name: str) -> str:
        return pseudonym(name, key) if PRIVATE.fullmatch(name) else name

    with TemporaryDirectory(prefix="harness-") as folder:
        run, found = run_of_file(
            source,
            Path(folder) / "run",
            columns=columns,
            words=words,
            ai=ai or (),
            rename=shown,
            plain=True,
            also=[by] if by else (),
        )
        for note in (*found.notes, *_left_out(found.rejected)):
            print(note, file=sys.stderr)
        yield run


def _left_out(rejected: list[Any]) -> list[str]:
    from collections import Counter

    return [f"{n} rows left out: {why}" for why, n in Counter(one.reason for one in rejected).items()]


def advice_of(source: Path, columns: Columns | None, words: Words | None, ai: list[str] | None) -> list[str]:
    """Return what a file of ratings says in plain sentences: trust, replacing a person, training."""
    from harness.agreement import agree
    from harness.rating import read_any
    from harness.run import is_ai, is_person

    ratings = read_any(source, ai=ai, columns=columns, words=words)
    people = ratings.loc[is_person(ratings), "rater"].nunique()
    judges = sorted(map(str, ratings.loc[is_ai(ratings), "rater"].unique()))
    found = agree(ratings, stand_in=bool(judges) and people >= 2)
    return list(found.plain)
