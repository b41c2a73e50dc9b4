"""`harness new`: a working folder for a task, a rater, a verifier, a learner or a report of one's own.

Each kind is a folder of `templates/` that works as it lies there, under the name `my_KIND`; what is written is that
folder with the user's name in its place.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TEMPLATES = Path(__file__).parent / "templates"
KINDS = ("task", "rater", "verifier", "learner", "report")


def new(
    kind: Annotated[str, typer.Argument(help="task, rater, verifier, learner or report.")],
    name: Annotated[str, typer.Argument(help="What it is called: letters, figures and underscores.")],
    into: Annotated[Path, typer.Option(help="The folder that is given by --include later.")] = Path("."),
) -> None:
    """Write a folder that works as it is, with a test, to make a task, rater, verifier, learner or report of."""
    from harness.run import write_whole

    files = _files(kind, name, into)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text.encode())
        print(path)
    tests = next(path for path in files if path.name == f"test_{name}.py").parent
    print(f"next: pytest {tests}, then {tests / 'README.md'}")


def _files(kind: str, name: str, into: Path) -> dict[Path, str]:
    """Return what would be written, by path.

    Raises:
        HarnessError: There is no such kind, the name is none, or something of that name is there already.
    """
    import keyword

    from harness.catalog import Catalog
    from harness.errors import HarnessError, did_you_mean

    if kind not in KINDS:
        raise HarnessError(f"no kind {kind!r} to make a folder of.{did_you_mean(kind, KINDS)}")
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise HarnessError(f"{name!r}: a name has letters, figures and underscores, and begins with a letter")
    files = {}
    for source in sorted((TEMPLATES / kind).rglob("*")):
        if source.is_file() and "__pycache__" not in source.parts:
            relative = source.relative_to(TEMPLATES / kind).as_posix().replace(f"my_{kind}", name)
            files[into / relative] = source.read_text(encoding="utf-8").replace(f"my_{kind}", name)
    there = [str(path) for path in files if path.exists()]
    if there:
        raise HarnessError(f"{', '.join(there)}: is there already; name another, or another folder (--into)")
    catalogue = f"{next(iter(files)).relative_to(into).parts[0]}"
    if catalogue != "learners" and name in Catalog().entries(catalogue):  # type: ignore[arg-type]
        raise HarnessError(f"{name!r} is in {catalogue}/ already; yours would take its place everywhere: name another")
    return files
