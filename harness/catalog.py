"""Finds what lies in the catalogues: tasks, raters, reports, suites.

The built-in catalogues stand beside the package in an editable install and inside it (`harness/_catalog`) in a
wheel. A user adds folders of the same shape with `--include DIR` or the variable `HARNESS_PATH`; theirs come first,
so one file can be replaced. An installed package brings such a folder by an entry point of the group
`harness.catalogs`, whose object is the folder's path; it replaces nothing that comes with the harness.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal, get_args

from harness.beside import module_beside, telling
from harness.errors import HarnessError, did_you_mean
from harness.kinds import KINDS, target_of

Catalogue = Literal["tasks", "raters", "reports", "suites"]

GROUP = "harness.catalogs"
"""Entry points of installed packages: each a folder with `tasks/`, `raters/`, `reports/` or `suites/`."""
MARKS: dict[str, str] = {"tasks": "task.yaml", "raters": "rater.yaml"}
"""The file that makes a folder an entry of a catalogue."""


def builtin() -> Path:
    """Return the folder that holds the built-in catalogues."""
    package = Path(__file__).resolve().parent
    wheel = package / "_catalog"
    return wheel if wheel.is_dir() else package.parent


@cache
def brought() -> tuple[Path, ...]:
    """Return the folders that installed packages bring.

    Raises:
        HarnessError: One cannot be loaded, or has an entry of a name that comes with the harness.
    """
    found = {point.name: (point, point.dist.name if point.dist else "?") for point in entry_points(group=GROUP)}
    roots = []
    for name, (point, package) in sorted(found.items()):
        where = f"the installed package {package} (entry point {GROUP}: {name})"
        try:
            root = Path(point.load())
        except (ImportError, AttributeError, SyntaxError, TypeError) as error:
            raise HarnessError(f"{where}: {error}; mend it, or uninstall it") from error
        if not root.is_dir():
            raise HarnessError(f"{where}: {root} is no folder; mend it, or uninstall it")
        for catalogue in get_args(Catalogue):
            taken = _entries(root, catalogue).keys() & _entries(builtin(), catalogue).keys()
            if taken and catalogue != "reports":
                names = ", ".join(sorted(taken))
                raise HarnessError(f"{where}: {catalogue}/ has names that come with the harness: {names}")
        roots.append(root.resolve())
    return tuple(roots)


class Catalog:
    """The folders in which tasks, raters, reports and suites are looked for, the user's first, the built-in last."""

    def __init__(self, include: Sequence[str | Path] = ()) -> None:
        """Make a catalog of the built-in folders, those of installed packages, of `HARNESS_PATH`, and `include`.

        Raises:
            HarnessError: A folder does not exist, or a package's cannot be used.
        """
        named = [Path(path) for path in (*include, *filter(None, os.environ.get("HARNESS_PATH", "").split(os.pathsep)))]
        for path in named:
            if not path.is_dir():
                raise HarnessError(f"{path}: is no folder (given by --include or HARNESS_PATH)")
        self.roots: tuple[Path, ...] = (*(path.resolve() for path in named), *brought(), builtin())

    def entries(self, catalogue: Catalogue) -> dict[str, Path]:
        """Return the name and path of every entry of a catalogue; of two with one name, the user's."""
        found: dict[str, Path] = {}
        for root in self.roots:
            found = _entries(root, catalogue) | found
        return dict(sorted(found.items()))

    def find(self, catalogue: Catalogue, name: str) -> Path:
        """Return the path of one entry.

        Raises:
            HarnessError: There is none of that name; says which is near.
        """
        known = self.entries(catalogue)
        if name not in known:
            where = f"`harness ls {catalogue}` lists all; a folder of your own is given by --include DIR"
            raise HarnessError(f"no {name!r} in {catalogue}/.{did_you_mean(name, known)} ({where})")
        return known[name]

    def file(self, relative: str) -> Path:
        """Return a file of a catalogue by its path (`reports/page/page.html`), the user's before the built-in.

        Raises:
            HarnessError: No catalogue has it.
        """
        for root in self.roots:
            if (root / relative).is_file():
                return root / relative
        raise HarnessError(f"{relative}: in no catalogue ({', '.join(str(root) for root in self.roots)})")


def function_named(
    use: str, where: str, beside: Path | None = None, included: Sequence[Path] = ()
) -> Callable[..., Any]:
    """Return the function that a YAML file names: a kind's short name, or `package.module:function`.

    Args:
        use: The name.
        where: The file, line and key, for the complaint.
        beside: The folder of the YAML file. A module is looked for in it, then in the included folder around it
            (`DIR/raters/NAME`, `DIR`), then among what is installed.
        included: Folders in which a module is looked for too, before what is installed.

    Raises:
        HarnessError: It names no function, or its module cannot be imported.
    """
    module, _, name = target_of(use).partition(":")
    if not (module and name):
        raise HarnessError(f"{where}: no kind {use!r}.{did_you_mean(use, KINDS)} Or write package.module:function")
    around = (beside.resolve(), beside.resolve().parent.parent) if beside else ()
    try:
        with telling(where, f"{use!r} cannot be imported"):
            found = module_beside(module, [*around, *included]) or importlib.import_module(module)
            make = getattr(found, name, None)
    except HarnessError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and cause.name and f"{module}.".startswith(f"{cause.name}."):
            places = " or ".join(str(one) for one in dict.fromkeys([*around, *included]))
            raise HarnessError(
                f"{where}: {use!r} names no function ({cause}{f'; not in {places} either' if places else ''}); write "
                "package.module:function, and give the folder that has it by --include DIR"
            ) from cause
        raise
    if not callable(make):
        what = "is no function" if make is not None else f"has no attribute {name!r}"
        raise HarnessError(
            f"{where}: {use!r} names no function ({found.__file__} {what}); write package.module:function"
        )
    return make  # type: ignore[no-any-return]


def _entries(root: Path, catalogue: Catalogue) -> dict[str, Path]:
    folder = root / catalogue
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.stem if path.is_file() else path.name: path for path in paths if _is_entry(path, catalogue)}


def _is_entry(path: Path, catalogue: Catalogue) -> bool:
    if catalogue == "suites":
        return path.is_file() and path.suffix == ".yaml"
    return path.is_dir() and (catalogue not in MARKS or (path / MARKS[catalogue]).is_file())
