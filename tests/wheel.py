"""Builds the wheel, installs it elsewhere, and checks that it is whole and small and exposes only `harness`. Run by CI.

Every extra together must be installable beside constraints.txt: pip works that out without installing anything.

The dependencies come from the environment that runs this: the new virtual environment sees them, the project only
as the wheel.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LARGEST = 3_000_000
"""Bytes of the wheel."""
OURS = ("tasks", "raters", "reports", "suites", "tests", "benchmarks")
"""Folders beside the package: none of them may be importable from the wheel."""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(ROOT))
        wheel = next((folder / "dist").glob("*.whl"))
        assert wheel.stat().st_size < LARGEST, f"the wheel has {wheel.stat().st_size:,} bytes"
        pins = str(ROOT / "constraints.txt")
        run(sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "-c", pins, f"{wheel}[all]")
        tops = {entry.split("/")[0] for entry in zipfile.ZipFile(wheel).namelist()}
        extra = {top for top in tops if top != "harness" and not top.endswith(".dist-info")}
        assert not extra, f"the wheel exposes {sorted(extra)} besides harness"

        run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
        python = folder / "venv" / "bin" / "python"
        site = subprocess.run(
            [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        zipfile.ZipFile(wheel).extractall(site)
        Path(site, "borrowed.pth").write_text(dependencies_only(folder))
        elsewhere = folder / "elsewhere"
        elsewhere.mkdir()
        code = "import harness; print(harness.__file__)"
        where = subprocess.run(
            [str(python), "-c", code], cwd=elsewhere, capture_output=True, text=True, check=True
        ).stdout.strip()
        assert where.startswith(str(folder)), f"harness came from {where}, not from the wheel"
        for other in OURS:
            code = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({other!r}) is not None)"
            run(str(python), "-c", code, cwd=elsewhere)
        run(str(python), "-m", "harness", "ls", cwd=elsewhere)
        run(
            str(python),
            "-m",
            "harness",
            "quickstart",
            "--limit",
            "20",
            "--stages",
            "answer",
            "--out",
            "run",
            cwd=elsewhere,
        )
        assert any((elsewhere / "run" / "responses").glob("*.parquet")), (
            "the quickstart's first step wrote no responses"
        )
        print("the wheel is whole")


def dependencies_only(folder: Path) -> str:
    """Return a .pth line for a folder of links to every installed package but the editable project.

    A package that installs a top-level `tests` of its own is left out: it would hide whether ours is there.
    """
    links = folder / "dependencies"
    links.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "feedback_harness" not in entry.name and entry.name not in ("__pycache__", *OURS):
            (links / entry.name).symlink_to(entry)
    return f"{links}\n"


def run(*command: str, cwd: Path | None = None) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, check=True, cwd=cwd, env=environment)


if __name__ == "__main__":
    main()
