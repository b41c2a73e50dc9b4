"""`harness packages`: a folder of packages that programs in the sandbox may import."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def packages(
    names: Annotated[list[str], typer.Argument(help="Packages as pip takes them: numpy, pandas==2.2.0.")],
    into: Annotated[Path | None, typer.Option(help="The folder; in the user's cache where not given.")] = None,
) -> None:
    """Install packages that model-written programs may import in the sandbox, and try each there."""
    from harness.rating import make_packages

    folder = make_packages(names, into)
    named = into or ",".join(names)
    print(folder)
    print(f"next: harness verify --packages {named} ..., or `settings: {{packages: {named}}}` in a rater.yaml")
