"""`harness doctor`: what this machine has of what the parts need, and what to install where something is missing."""

from __future__ import annotations

import json
from importlib import metadata
from typing import Annotated

import typer


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False) -> None:
    """Say what is installed, what is missing, and which part of the harness needs it."""
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
