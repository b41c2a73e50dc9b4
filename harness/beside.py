"""Python that lies beside YAML: its modules are imported from files, without PYTHONPATH.

Each folder is a package of its own, named after its place: two folders may each have a `mine.py`, and a module reaches
another of its folder by `from . import other`. An error in the user's code is told with its file and line.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.records import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

BESIDE = "harness_beside_"
"""Begins the name of the package that a folder is."""
OURS = Path(__file__).parent


def module_beside(module: str, folders: Sequence[Path]) -> ModuleType | None:
    """Return a module from a file in the first of some folders that has it; None where there is none."""
    for root in folders:
        stem = root / module.replace(".", "/")
        path = next((one for one in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py") if one.is_file()), None)
        if path is None:
            continue
        written = [(one.name, one.stat().st_mtime_ns) for one in sorted(path.parent.glob("*.py"))]
        package = f"{BESIDE}{digest(str(root), str(path), written)}"
        import_beside({package: str(root)})
        return importlib.import_module(f"{package}.{module}")
    return None


def modules_beside() -> dict[str, str]:
    """Return the folders that this process imports modules from, by the names of their packages."""
    return {
        name: str(module.__path__[0])
        for name, module in list(sys.modules.items())
        if name.startswith(BESIDE) and "." not in name
    }


def import_beside(folders: Mapping[str, str]) -> None:
    """Make packages of folders, under the names that another process has them by."""
    for name, folder in folders.items():
        if name not in sys.modules:
            made = ModuleType(name)
            made.__path__ = [folder]
            sys.modules[name] = made


@contextmanager
def telling(where: str, doing: str) -> Iterator[None]:
    """Tell what the user's code raises as a `HarnessError`: where it is named, the file and line at fault, and why.

    Args:
        where: The file, line and key that name it.
        doing: What was tried, for the message.
    """
    try:
        yield
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        raise HarnessError(f"{where}: {doing}: {_fault(error)}") from error


def called(where: str, make: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """Call a function that a YAML file names, and return what it makes.

    Raises:
        HarnessError: It raises; said as `telling` says it.
    """
    with telling(where, f"{make.__qualname__}() fails"):
        return make(*given, **named)


def _fault(error: BaseException) -> str:
    """Return file, line and reason of an error: the deepest line of code that is neither ours nor Python's own."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}: {error.msg}"
    lines = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<") and OURS not in Path(frame.filename).parents
    ]
    own = [frame for frame in lines if not {"site-packages", "importlib"} & set(Path(frame.filename).parts)]
    if not own:
        return said
    at = own[-1]
    other = Path(at.filename).with_name(f"{error.name}.py") if isinstance(error, ImportError) else None
    hint = f" ({other.name} lies beside it: write `from . import {other.stem}`)" if other and other.is_file() else ""
    return f"{at.filename}:{at.lineno}: {said}{hint}"
