"""Finds what lies in the catalogues: tasks, raters, reports, suites.

The built-in catalogues stand beside the package in an editable install and inside it (`harness/_catalog`) in a
wheel. A user adds folders of the same shape with `--include DIR` or the variable `HARNESS_PATH`; theirs come first,
so one file can be replaced. An installed package brings such a folder by an entry point of the group
`harness.catalogs`, whose object is the folder's path; it replaces nothing that comes with the harness.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args

from harness.errors import HarnessError, did_you_mean
from harness.kinds import KINDS, target_of
from harness.records import digest

Catalogue = Literal["tasks", "raters", "reports", "suites"]

GROUP = "harness.catalogs"
"""Entry points of installed packages: each a folder with `tasks/`, `raters/`, `reports/` or `suites/`."""
BESIDE = "harness_beside_"
"""Begins the name of a module from a file beside a YAML."""
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
        where: The file and key, for the complaint.
        beside: The folder of the YAML file. A module is looked for in it, then in the included folder around it
            (`DIR/raters/NAME`, `DIR`), then among what is installed.
        included: Folders in which a module is looked for too, before what is installed.

    Raises:
        HarnessError: It names no function.
    """
    module, _, name = target_of(use).partition(":")
    if not name:
        raise HarnessError(f"{where}: no kind {use!r}.{did_you_mean(use, KINDS)} Or write package.module:function")
    around = (beside.resolve(), beside.resolve().parent.parent) if beside else ()
    try:
        found: Callable[..., Any] = getattr(
            _module_beside(module, [*around, *included]) or importlib.import_module(module), name
        )
    except (ImportError, AttributeError, ValueError, SyntaxError) as error:
        raise HarnessError(f"{where}: {use!r} names no function ({error}); write package.module:function") from error
    return found


def _module_beside(module: str, folders: Sequence[Path]) -> ModuleType | None:
    """Return a module from a file in the first of some folders that has it; None where there is none.

    It gets a name that follows from its place: two folders may each have a `mine.py`.
    """
    for root in folders:
        path = root / f"{module.replace('.', '/')}.py"
        if not path.is_file():
            continue
        name = f"{BESIDE}{digest(str(path), path.stat().st_mtime_ns)}"
        import_beside({name: str(path)})
        return sys.modules[name]
    return None


def modules_beside() -> dict[str, str]:
    """Return the modules that this process has from files beside its YAML, by name: where each lies."""
    return {name: str(module.__file__) for name, module in list(sys.modules.items()) if name.startswith(BESIDE)}


def import_beside(modules: Mapping[str, str]) -> None:
    """Import modules from files beside YAML under the names that another process has them by; none twice."""
    for name, path in modules.items():
        if name in sys.modules:
            continue
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        made = importlib.util.module_from_spec(spec)
        sys.modules[name] = made
        try:
            spec.loader.exec_module(made)
        except BaseException:
            del sys.modules[name]
            raise


def _entries(root: Path, catalogue: Catalogue) -> dict[str, Path]:
    folder = root / catalogue
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return {path.stem if path.is_file() else path.name: path for path in paths if _is_entry(path, catalogue)}


def _is_entry(path: Path, catalogue: Catalogue) -> bool:
    if catalogue == "suites":
        return path.is_file() and path.suffix == ".yaml"
    return path.is_dir() and (catalogue not in MARKS or (path / MARKS[catalogue]).is_file())
