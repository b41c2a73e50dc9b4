"""`harness doctor`: what this machine has of what the parts need, and what to install where something is missing."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer


def doctor(
    file: Annotated[
        Path | None, typer.Argument(help="Instead: a file or a folder; what it is, and what to do with it.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say what is installed and what is missing; or, of a file, what it is and which commands fit it."""
    if file is not None:
        _show_file(file, as_json)
        return
    import platform
    import shutil

    from harness import __version__

    checks = [
        ("python", platform.python_version(), True, "3.11 or newer"),
        ("feedback-harness", __version__, True, ""),
        *((name, *_package(name), hint) for name, hint in PACKAGES.items()),
        ("alpha", *_alpha(), "alpha differs from the krippendorff package's: please report it"),
        ("bubblewrap", shutil.which("bwrap") or "missing", bool(shutil.which("bwrap")), BUBBLEWRAP),
        ("chromium", shutil.which("chromium") or "missing", bool(shutil.which("chromium")), CHROMIUM),
    ]
    if as_json:
        print(
            json.dumps({name: {"found": found, "ok": ok, "hint": hint} for name, found, ok, hint in checks}, indent=2)
        )
        return
    for name, found, ok, hint in checks:
        print(f"{'ok ' if ok else '-- '} {name:<18} {found:<24} {'' if ok else hint}".rstrip())


def _show_file(file: Path, as_json: bool) -> None:
    """Print what a file is, what each column was taken for, and the commands that fit it, ready to paste."""
    from harness.rating import look_at

    found = look_at(file)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False))
        return
    print(f"{file}: {found.what}")
    for column, role in found.columns.items():
        print(f"  {column:<24} {role}")
    for note in found.notes:
        print(f"  {note}")
    print("Commands that fit it:")
    for command, why in found.commands.items():
        print(f"  {command}    # {why}")


QUICKSTART = "the embedded model and the learner: pip install 'feedback-harness[quickstart]'"
PACKAGES = {
    "lm-eval": "part of the core: pip install feedback-harness",
    "datasets": "part of the core: pip install feedback-harness",
    "evaluate": "part of the core: pip install feedback-harness",
    "krippendorff": "part of the core: pip install feedback-harness",
    "pandas": "part of the core: pip install feedback-harness",
    "xllamacpp": QUICKSTART,
    "torch": QUICKSTART,
    "transformers": QUICKSTART,
    "gguf": QUICKSTART,
    "jupyter": "notebooks: pip install 'feedback-harness[notebook]'",
}
BUBBLEWRAP = "the sandbox of the unit-test verifier: apt-get install bubblewrap"
CHROMIUM = "the browser tests and PDF: apt-get install chromium"


def _alpha() -> tuple[str, bool]:
    """Compare alpha with the `krippendorff` package on a published table."""
    from harness.agreement import reference_alphas

    try:
        return f"as by krippendorff, {max(reference_alphas().values()):.0e} apart", True
    except (RuntimeError, ImportError) as error:
        return str(error), False


def _package(name: str) -> tuple[str, bool]:
    try:
        return metadata.version(name), True
    except metadata.PackageNotFoundError:
        return "missing", False
