"""`harness import`, `export`, `annotate`: people's ratings, from files of any tool or from a page of our own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.catalogue import AsJson, Include

Questions = Annotated[
    list[str] | None, typer.Option("--question", help="A rater of kind human in the catalogue; repeatable.")
]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only these tasks.")]
Samples = Annotated[int, typer.Option(min=1, help="How many samples of each item and model.")]


def import_(
    format_or_file: Annotated[str, typer.Argument(help="A format, or the file itself, which is then recognised.")],
    file: Annotated[Path | None, typer.Argument(help="The file, where a format is named.")] = None,
    into: Annotated[Path | None, typer.Option(help="The run that gets the ratings.", metavar="RUN")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be imported; write nothing.")] = False,
    mapping: Annotated[Path | None, typer.Option(help="A mapping.yaml of your own in the place of a format.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN: where a field stands (value=score); repeatable.")
    ] = None,
    map_: Annotated[
        str | None, typer.Option("--map", help="How a wide file's headers are read: (?P<rater>.+)_(?P<criterion>.+)")
    ] = None,
    ai: Annotated[list[str] | None, typer.Option("--ai", help="Raters whose name fits are judges; repeatable.")] = None,
    include: Include = None,
    as_json: AsJson = False,
) -> None:
    """Bring ratings that people gave in another tool into a run; without --into, only --dry-run."""
    from harness.catalog import Catalog
    from harness.errors import HarnessError
    from harness.rating.human import import_ratings
    from harness.rating.importing import adjusted, read_mapping, read_ratings, read_source, recognise
    from harness.run import Run

    path = file or Path(format_or_file)
    named = format_or_file if file else None
    if not into and not dry_run:
        raise HarnessError("say which run gets the ratings with --into RUN, or look at them with --dry-run")
    catalog = Catalog(include or ())
    source = read_source(path)
    form = read_mapping(mapping) if mapping else recognise(source, "csv-wide" if map_ else named, catalog)
    form = adjusted(form, column or (), map_, ai or ())
    if form.records:
        source = read_source(path, form.records)
    if into:
        found = import_ratings(source, Run(into), mapping=form, catalog=catalog, dry_run=dry_run)
    else:
        found = read_ratings(source, form)
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
        return
    _show_imported(found.to_dict(), len(found.ratings), dry_run, into)


def _show_imported(found: dict[str, object], count: int, dry_run: bool, into: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    ratings: list[dict[str, object]] = found["ratings"]  # type: ignore[assignment]
    rejected: list[dict[str, object]] = found["rejected"]  # type: ignore[assignment]
    if dry_run:
        table = Table("item", "rater", "criterion", "value", "label", "status", title=f"the first of {count} ratings")
        for one in ratings:
            cells = [one[name] for name in ("item_id", "rater", "criterion", "value", "label", "status")]
            table.add_row(*[escape("" if cell is None else str(cell)[:60]) for cell in cells])
        console.print(table)
    what = "would be imported" if dry_run else f"imported into {into}"
    print(f"{found['format']}: {found['read']} rows read, {count} ratings {what}, {len(rejected)} rows left out")
    for note in found["notes"]:  # type: ignore[attr-defined]
        print(f"  note: {note}")
    for one in rejected[:20]:
        print(f"  row {one['row']}: {one['reason']}")
    if len(rejected) > 20:
        print(f"  and {len(rejected) - 20} more; --json lists all")


def export(
    format: Annotated[str, typer.Argument(help="csv, label-studio or argilla.")],
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    out: Annotated[Path, typer.Option(help="The file to write; label-studio also writes its labelling configuration.")],
    question: Questions = None,
    task: Tasks = None,
    samples: Samples = 1,
    include: Include = None,
) -> None:
    """Write a run's answers to be rated elsewhere, blind and shuffled; `harness import` takes them back."""
    from harness.catalog import Catalog
    from harness.errors import HarnessError, did_you_mean
    from harness.rating.sheets import EXPORTS
    from harness.run import Run

    if format not in EXPORTS:
        raise HarnessError(f"no export format {format!r}.{did_you_mean(format, EXPORTS)}")
    written = EXPORTS[format](Run(run), out, question or (), task or (), samples, Catalog(include or ()))
    print(f"{out}: {written} rows to rate; bring them back with `harness import {format} {out} --into {run}`")
