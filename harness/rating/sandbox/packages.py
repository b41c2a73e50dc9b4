"""Folders of packages that programs in the sandbox may import, each made by one command and found by its name."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import distributions
from pathlib import Path

from harness.answering import default_cache
from harness.errors import HarnessError
from harness.rating.sandbox.attacks import choose
from harness.rating.sandbox.check import Check, Tests
from harness.rating.sandbox.sandbox import Sandboxes

REQUIREMENT = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w,.-]+\])?(?:[=<>!~]=?=?[\w.*+!<>=~,-]+)?")


def packages_folder(named: str, beside: Path | None = None, cache: Path | None = None) -> Path:
    """Return the folder of packages that is named.

    Args:
        named: A folder, or the requirements that `make_packages` was given (`numpy`, `numpy,pandas`).
        beside: Where a relative folder is looked for; the working folder where not given.
        cache: The user's cache folder; the usual one where not given.

    Raises:
        HarnessError: It is neither.
    """
    folder = beside / named if beside else Path(named)
    if folder.is_dir():
        return folder
    names = named.split(",")
    if not all(REQUIREMENT.fullmatch(name) for name in names):
        raise HarnessError(f"packages {named}: is no folder")
    made = _place(names, cache)
    if not made.is_dir():
        raise HarnessError(
            f"packages {named}: is no folder, and none was made; `harness packages {' '.join(names)}` does"
        )
    return made


def make_packages(requirements: Sequence[str], into: Path | None = None, cache: Path | None = None) -> Path:
    """Install packages into a folder for the sandbox, and import each there. What is there already is replaced.

    Only built packages are taken: nothing of theirs is run outside of the sandbox.

    Args:
        requirements: As pip takes them: `numpy`, `numpy==2.2.0`.
        into: The folder; by the requirements' names in the user's cache folder where not given.
        cache: The user's cache folder; the usual one where not given.

    Returns:
        The folder.

    Raises:
        UnavailableError: There is no sandbox here.
        HarnessError: A name is no requirement, it cannot be installed, or not be imported in the sandbox.
    """
    wrong = [name for name in requirements if not REQUIREMENT.fullmatch(name)]
    if wrong or not requirements:
        raise HarnessError(
            f"{', '.join(wrong) or 'nothing'}: is no requirement; write a package's name, `numpy==2.2.0`"
        )
    target = into or _place(requirements, cache)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".making-") as temporary:
        folder = Path(temporary) / "packages"
        _install(requirements, folder)
        _import(requirements, folder)
        if target.exists():
            if into is not None and any(target.iterdir()) and not list(distributions(path=[str(target)])):
                raise HarnessError(f"{target}: is there, and holds no packages; name another folder")
            target.rename(Path(temporary) / "former")
        folder.rename(target)
    return target


def _place(requirements: Sequence[str], cache: Path | None) -> Path:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return (cache or default_cache()) / "packages" / python / "+".join(sorted(requirements))


def _install(requirements: Sequence[str], folder: Path) -> None:
    options = ["--target", str(folder), "--only-binary", ":all:", *requirements]
    if importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    elif uv := shutil.which("uv"):
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, *options]
    else:
        raise HarnessError("neither pip nor uv is installed; `python -m ensurepip` installs pip")
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode:
        raise HarnessError(f"{', '.join(requirements)}: cannot be installed: {found.stderr.strip()[-600:]}")


def _import(requirements: Sequence[str], folder: Path) -> None:
    """Import what was asked for in the sandbox."""
    names = {_plain(re.split(r"[\[=<>!~]", name)[0]) for name in requirements}
    modules = [
        module
        for one in distributions(path=[str(folder)])
        if _plain(one.metadata["Name"]) in names
        for module in sorted({str(file).split("/")[0].removesuffix(".py") for file in one.files or ()})
        if module.isidentifier()
    ]
    source = "".join(f"import {module}\n" for module in modules) + "def ready():\n    return True\n"
    check = Check(source, Tests("cases", {"hidden": [[[], True]]}, "ready"))
    with Sandboxes(choose(packages=folder), workers=1) as sandboxes:
        found = sandboxes.check(check)
    if found.outcome != "passed":
        raise HarnessError(f"{', '.join(requirements)}: cannot be imported in the sandbox: {found.reason}")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
