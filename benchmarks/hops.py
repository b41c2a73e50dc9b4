"""Which modules a thing goes through: those of the package whose functions ran, counted on a finished run.

`python benchmarks/hops.py RUN RATINGS.csv`: a CSV of ratings read, a run's ratings to the figures of agreement, and its
scores to the verdicts on its series. Imports do not count, only what was called.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import harness

PACKAGE = str(Path(harness.__file__).parent)


def modules(of: Callable[[], object]) -> list[str]:
    """Return the modules of the package whose functions ran."""
    seen: set[str] = set()

    def note(frame: object, event: str, _: object) -> None:
        if event == "call":
            code = frame.f_code  # type: ignore[attr-defined]
            if code.co_filename.startswith(PACKAGE) and code.co_name != "<module>":
                seen.add(code.co_filename.removeprefix(PACKAGE + "/"))

    of()  # what is imported, is imported
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        of()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return sorted(seen)


def main() -> None:
    """Print the counts."""
    from harness.agreement import AgreementOptions, agree_in_run
    from harness.rating import read_any
    from harness.rounds import compare_rounds, from_run
    from harness.run import Run

    folder, ratings = sys.argv[1:3]
    for title, of in (
        ("a CSV of ratings to a frame", lambda: read_any(ratings)),
        (
            "a run's ratings to the figures of agreement",
            lambda: agree_in_run(Run(folder), AgreementOptions(resamples=10)),
        ),
        ("a round to a verdict", lambda: compare_rounds(from_run(Run(folder)))),
    ):
        found = modules(of)
        print(f"{title}: {len(found)}\n  {' '.join(found)}")


if __name__ == "__main__":
    main()
