"""What made a run: versions, host facts and the commit, without a secret, a host name or a path of the machine."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from harness import __version__

PACKAGES = (
    "lm-eval",
    "datasets",
    "evaluate",
    "krippendorff",
    "pandas",
    "numpy",
    "scipy",
    "torch",
    "transformers",
    "xllamacpp",
    "openai",
    "altair",
    "rouge-score",
)
"""The packages whose version can decide a result."""


def host_facts() -> dict[str, Any]:
    """Return what a reader needs to make the run again: versions, processor count, the commit of the harness."""
    return {
        "harness": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "git": _commit(Path(__file__).resolve().parent),
    }


def now() -> str:
    """Return the time in UTC, to the second, in ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit(folder: Path) -> str | None:
    """Return the commit of the harness's own checkout; None for an installed wheel."""
    if not (folder.parent / ".git").exists():
        return None
    command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None
