"""`harness ls`, `validate`, `schema`: what there is, whether a file fits, and the schema that editors check it with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

Include = Annotated[
    list[Path] | None, typer.Option(help="A folder with tasks/, raters/, reports/ or suites/ of your own; repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]

CATALOGUES = ("tasks", "raters", "reports", "suites")


def ls(
    catalogue: Annotated[str, typer.Argument(help="tasks, raters, reports or suites; all where not given.")] = "",
    include: Include = None,
    as_json: AsJson = False,
) -> None:
    """List what lies in the catalogues."""
    from harness.catalog import Catalog
    from harness.errors import HarnessError, did_you_mean

    if catalogue and catalogue not in CATALOGUES:
        raise HarnessError(f"no catalogue {catalogue!r}.{did_you_mean(catalogue, CATALOGUES)}")
    catalog = Catalog(include or ())
    found = {name: catalog.entries(name) for name in CATALOGUES if catalogue in ("", name)}  # type: ignore[arg-type]
    if as_json:
        print(json.dumps({name: {k: str(v) for k, v in entries.items()} for name, entries in found.items()}, indent=2))
        return
    for name, entries in found.items():
        print(f"{name}/")
        for entry, path in entries.items():
            print(f"  {entry:<28} {_first_line(path)}")


def validate(
    suite: Annotated[Path, typer.Argument(help="A suite file.")], include: Include = None, as_json: AsJson = False
) -> None:
    """Check a suite file, and that every model, task, rater and learner that it names is there."""
    from harness.catalog import Catalog
    from harness.naming import check_names
    from harness.suite_file import read_suite

    parsed = read_suite(suite)
    catalog = Catalog(include or ())
    check_names(parsed, catalog)
    names = {use.rater for task in parsed.tasks for use in task.raters}
    if parsed.rounds:
        names |= {rater for rater in (*parsed.rounds.feedback.values(), parsed.rounds.gold) if rater}
    if as_json:
        print(
            json.dumps(
                {"suite": parsed.name, "valid": True, "tasks": [t.task for t in parsed.tasks], "raters": sorted(names)}
            )
        )
    else:
        print(f"{suite}: is right (models: {len(parsed.models)}, tasks: {len(parsed.tasks)}, raters: {len(names)})")


def schema(what: Annotated[str, typer.Argument(help="suite or rater.")] = "suite") -> None:
    """Print the JSON Schema of a suite or a rater.yaml, for editors."""
    from pydantic import BaseModel

    from harness.errors import HarnessError, did_you_mean
    from harness.rating.rater import RaterSpec
    from harness.suite import Suite

    models: dict[str, type[BaseModel]] = {"suite": Suite, "rater": RaterSpec}
    if what not in models:
        raise HarnessError(f"no schema {what!r}.{did_you_mean(what, models)}")
    print(json.dumps(models[what].model_json_schema(), indent=2))


def _first_line(path: Path) -> str:
    """Return what an entry says of itself: its card's first sentence, or its YAML's description."""
    card = path / "README.md"
    if card.is_file():
        lines = [line for line in card.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        return lines[0].split(". ")[0].rstrip(".") if lines else ""
    if path.is_file():
        from harness.document import read_document

        content = read_document(path).content
        return str(content.get("description", "")) if isinstance(content, dict) else ""
    return ""
