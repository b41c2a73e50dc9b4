"""Checkpoints by their names: `step-1000`, `checkpoint-200`, `epoch_3` are rounds in the order of their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from harness.answering.logs.lm_eval_files import newest_samples
from harness.errors import HarnessError

NUMBERED = re.compile(
    r"^(?:.*[-_.])?(?:global[-_]?step|step|checkpoint|ckpt|round|iter(?:ation)?|epoch)s?[-_]?(\d+)$|^r?(\d+)$",
    re.IGNORECASE,
)


def number_of(name: str) -> int | None:
    """Return the number that a checkpoint's name ends with; None where the name says nothing."""
    found = NUMBERED.match(name.strip())
    return int(found[1] or found[2]) if found else None


def in_order(names: Iterable[str], where: str) -> dict[str, int]:
    """Return the round of each name: 0, 1, 2, ... in the order of their numbers.

    Raises:
        HarnessError: A name has no number, or two have the same.
    """
    numbers = {name: number_of(name) for name in dict.fromkeys(names)}
    lacking = [name for name, number in numbers.items() if number is None]
    if lacking:
        raise HarnessError(
            f"{where}: {lacking[0]!r} does not say which round it is; name rounds 0, 1, ... or step-1000"
        )
    ranked = sorted(numbers, key=lambda name: numbers[name] or 0)
    for one, other in pairwise(ranked):
        if numbers[one] == numbers[other]:
            raise HarnessError(f"{where}: {one!r} and {other!r} have the same number")
    return {name: place for place, name in enumerate(ranked)}


def names_in_order(paths: Sequence[Path]) -> list[str | None]:
    """Return what each checkpoint is called that is given by itself; None where the names do not say which it is.

    Raises:
        HarnessError: The names say another order than the one they are given in, as `step-*` of a shell does.
    """
    numbers = [number_of(path.name) for path in paths]
    known = [number for number in numbers if number is not None]
    if len(paths) < 2 or len(known) < len(paths) or len(set(known)) < len(known):
        return [None] * len(paths)
    if known != sorted(known):
        names = ", ".join(path.name for path in paths[:5]) + (", ..." if len(paths) > 5 else "")
        raise HarnessError(
            f"{names}: rounds count in the order they are given, and these names say another (a shell sorts step-100 "
            f"before step-25); name the folder that holds them, {paths[0].parent}, or each as ROUND=PATH"
        )
    return [path.name for path in paths]


def checkpoints_in(folder: Path) -> dict[Path, int]:
    """Return the checkpoints that lie in a folder, by round; none where the folder is one checkpoint itself.

    Raises:
        HarnessError: It holds evaluations of the same tasks whose names do not say which round they are of.
    """
    held = [one for one in sorted(folder.iterdir()) if one.is_dir() and _holds_scores(one)]
    if len(held) < 2 or (folder / "suite.yaml").is_file():
        return {}
    if all(number_of(one.name) is not None for one in held):
        ranks = in_order([one.name for one in held], str(folder))
        return {folder / name: place for name, place in ranks.items()}
    tasks = [set(newest_samples(one)) for one in held if any(one.rglob("samples_*.jsonl"))]
    if len(set().union(*tasks)) < sum(map(len, tasks)):
        names = ", ".join(one.name for one in held[:3]) + (", ..." if len(held) > 3 else "")
        raise HarnessError(
            f"{folder}: holds evaluations of the same tasks ({names}) whose names do not say which round they are of; "
            f"name each, as 0={held[0]}, or rename the folders to step-0, step-1000, ..."
        )
    return {}


def _holds_scores(folder: Path) -> bool:
    return (folder / "suite.yaml").is_file() or any(folder.rglob("samples_*.jsonl")) or any(folder.glob("*.eval"))
