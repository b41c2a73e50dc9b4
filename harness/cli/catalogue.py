"""`harness ls`, `validate`, `schema`: what there is, whether a file fits, and the schema that editors check it with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from harness.suite import Suite

Include = Annotated[
    list[Path] | None, typer.Option(help="A folder with tasks/, raters/, reports/ or suites/ of your own; repeatable.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A suite file, or the name of one in suites/.")]

CATALOGUES = ("tasks", "raters", "reports", "suites")


def ls(
    catalogue: Annotated[str, typer.Argument(help="tasks, raters, reports or suites; all where not given.")] = "",
    include: Include = None,
    as_json: AsJson = False,
) -> None:
    """List what lies in the catalogues."""
    import shutil
    import textwrap

    from harness.catalog import Catalog
    from harness.errors import HarnessError, did_you_mean
    from harness.suite import description

    if catalogue and catalogue not in CATALOGUES:
        raise HarnessError(f"no catalogue {catalogue!r}.{did_you_mean(catalogue, CATALOGUES)}")
    catalog = Catalog(include or ())
    found = {name: catalog.entries(name) for name in CATALOGUES if catalogue in ("", name)}  # type: ignore[arg-type]
    if as_json:
        rows = {
            name: {entry: {"path": str(path), "description": description(path)} for entry, path in entries.items()}
            for name, entries in found.items()
        }
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    columns = shutil.get_terminal_size((120, 24)).columns
    for name, entries in found.items():
        print(f"{name}/")
        width = max(map(len, entries), default=0)
        for entry, path in entries.items():
            said = textwrap.shorten(description(path), max(columns - width - 4, 20), placeholder=" ...")
            print(f"  {entry:<{width}}  {said}".rstrip())


def validate(suite: SuiteName, include: Include = None, as_json: AsJson = False) -> None:
    """Check a suite: that what it names is there and can be made, and the reports beside it."""
    from harness.catalog import Catalog
    from harness.reporting import check_reports
    from harness.stages import check_names
    from harness.suite import find_suite, read_suite

    catalog = Catalog(include or ())
    parsed = read_suite(suite, catalog)
    lacking = check_names(parsed, catalog, build=True)
    reports = check_reports(catalog)
    found = _named(parsed) | ({"reports": reports} if reports else {})
    if as_json:
        print(json.dumps({"suite": parsed.name, "valid": True, **found, "lacking": lacking}, indent=2))
        return
    for one in lacking:
        print(f"not to be had on this machine: {one}")
    counts = ", ".join(f"{what}: {len(names)}" for what, names in found.items())
    print(f"{find_suite(suite, catalog)}: is right ({counts})")


def _named(suite: Suite) -> dict[str, list[str]]:
    return {
        "models": [who.name for who in suite.models],
        "tasks": [use.called for use in suite.tasks],
        "ratings": [use.name for use in suite.ratings],
        "raters": sorted({one.name for one in suite.walk() if one.what == "rater"}),
    }


def schema(what: Annotated[str, typer.Argument(help="suite or rater.")] = "suite") -> None:
    """Print the JSON Schema of a suite or a rater.yaml, for editors."""
    from harness.errors import HarnessError, did_you_mean
    from harness.rating import RaterSpec
    from harness.suite import suite_schema

    schemas = {"suite": suite_schema, "rater": RaterSpec.model_json_schema}
    if what not in schemas:
        raise HarnessError(f"no schema {what!r}.{did_you_mean(what, schemas)}")
    print(json.dumps(schemas[what](), indent=2))
