"""`harness check`: whether everything in a run is what was written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.catalogue import AsJson


def check(
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    aside: Annotated[
        bool, typer.Option("--set-aside", help="Move damaged and foreign files away, so that they can be made again.")
    ] = False,
    seal_: Annotated[
        bool, typer.Option("--seal", help="Write checksums for files that have none, as they are now.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Verify every file of a run against its checksum; names what is damaged, missing or foreign, and what to do."""
    from collections import Counter

    from harness.errors import IncompleteError
    from harness.run import BAD, Run, check_run, seal, set_aside, told

    opened = Run(run)
    sealed = seal(opened) if seal_ else []
    found = check_run(opened)
    bad = [one for one in found if one.state in BAD]
    moved = set_aside(opened, found) if aside else []
    left = [one for one in bad if one not in moved]
    counts = Counter(one.state for one in found)
    replaced = None if left or moved else len(opened.replaced)
    if as_json:
        files = [{"file": one.file, "state": one.state, "detail": one.detail, "again": one.again} for one in found]
        print(json.dumps({"states": counts, "files": files, "replaced_ratings": replaced}, indent=2))
    else:
        for one in bad:
            print(f"{one.file}: {told(one, run)}")
        for one in sealed:
            print(f"{one.file}: has a checksum now")
        if moved:
            print(f"{len(moved)} files are in {run / 'set-aside'}, or forgotten where they were missing")
        print(", ".join(f"{counts[state]:,} {state}" for state in sorted(counts)) or "no files")
        if replaced:
            print(f"{replaced:,} ratings were replaced by later ones of the same id; they stay in their parts")
    if left:
        raise IncompleteError(f"{run}: {len(left)} of {len(found)} files are not what was written")
