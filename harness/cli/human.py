"""`harness import` and `export`: people's ratings, from files of any tool and to them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.catalogue import AsJson, Include
from harness.cli.columns import (
    Ai,
    Criterion,
    Header,
    Item,
    Kind,
    Missing,
    Rater,
    RaterName,
    Recode,
    Value,
    columns_said,
    words_said,
)

if TYPE_CHECKING:
    from harness.catalog import Catalog
    from harness.rating import Imported, Over

EVALUATIONS = ("lm-eval", "inspect")
"""What can be imported that is no ratings but whole evaluations."""

Questions = Annotated[
    list[str] | None, typer.Option("--question", help="A rater of kind human in the catalogue; repeatable.")
]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only these tasks.")]
Samples = Annotated[int, typer.Option(min=1, help="How many samples of each item and model.")]


def import_(
    format_or_file: Annotated[
        str, typer.Argument(help="A format, or the file itself (or a data set's name), then recognised.")
    ],
    file: Annotated[
        list[str] | None,
        typer.Argument(help="The file, where a format is named; of lm-eval and inspect several, also as ROUND=PATH."),
    ] = None,
    into: Annotated[Path | None, typer.Option(help="The run that gets what is imported.", metavar="RUN")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be imported; write nothing.")] = False,
    mapping: Annotated[Path | None, typer.Option(help="A mapping.yaml of your own in the place of a format.")] = None,
    column: Annotated[
        list[str] | None, typer.Option(help="FIELD=COLUMN: where a field stands (value=score); repeatable.")
    ] = None,
    item: Item = None,
    rater: Rater = None,
    criterion: Criterion = None,
    value: Value = None,
    kind: Kind = None,
    raters: Annotated[list[str] | None, typer.Option(help="Glob of a wide file's columns that are raters.")] = None,
    criteria: Annotated[list[str] | None, typer.Option(help="Glob of the columns that are criteria.")] = None,
    map_: Header = None,
    ai: Ai = None,
    rater_name: RaterName = None,
    missing: Missing = None,
    recode: Recode = None,
    series: Annotated[
        str | None, typer.Option(help="lm-eval and inspect: what is imported are the rounds of this series, in order.")
    ] = None,
    first_round: Annotated[int, typer.Option(min=0, help="lm-eval and inspect: the round of the first.")] = 0,
    family: Annotated[str | None, typer.Option(help="lm-eval and inspect: the family of the tasks.")] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="This file corrects what was imported before; the earlier is kept, unused."),
    ] = False,
    as_repetition: Annotated[
        bool, typer.Option("--as-repetition", help="The raters of this file have rated a second time.")
    ] = False,
    max_bytes: Annotated[
        int | None, typer.Option(min=1, help="Read a file of up to so many bytes, unpacked; 4 GiB where not given.")
    ] = None,
    include: Include = None,
    as_json: AsJson = False,
) -> None:
    """Bring ratings that people gave in another tool into a run, or finished evaluations: lm-eval DIR, inspect LOG.

    Without --into, ratings are only looked at with --dry-run.
    """
    if format_or_file in EVALUATIONS:
        from harness.cli.evaluations import import_finished

        import_finished(format_or_file, file or [], into, series, first_round, family, include or (), as_json)
        return
    from harness.catalog import Catalog
    from harness.errors import HarnessError
    from harness.rating import (
        adjusted,
        allow_bytes,
        collect,
        form_of,
        import_ratings,
        pseudonym,
        read_dataset,
        read_mapping,
        read_ratings,
        read_source,
        run_of_file,
        user_key,
    )
    from harness.run import Run, is_run

    if file and len(file) > 1:
        raise HarnessError(f"one file at a time: {', '.join(file)}")
    path = Path(file[0] if file else format_or_file)
    named = format_or_file if file else None
    if max_bytes:
        allow_bytes(max_bytes)
    if replace and as_repetition:
        raise HarnessError("--replace and --as-repetition: a file either corrects an earlier one or repeats it")
    if not into and not dry_run:
        raise HarnessError("say which run gets the ratings with --into RUN, or look at them with --dry-run")
    catalog = Catalog(include or ())
    if named is None and not path.exists() and _is_dataset(format_or_file, catalog):
        found = collect(Run(into), str(path), catalog=catalog) if into and not dry_run else read_dataset(str(path))[0]
        _tell(found, dry_run, into, as_json)
        return
    said = columns_said(item, rater, criterion, value, kind, map_, raters, criteria, rater_name, column)
    words = words_said(missing, recode)
    if into and not mapping and not dry_run and not is_run(into):
        rename = partial(pseudonym, key=user_key())
        made, found = run_of_file(
            path, into, columns=said, words=words, ai=ai or (), format=named, rename=rename, catalog=catalog
        )
        _tell(found, dry_run, into, as_json)
        if not as_json:
            print(f"{into}: a run of {len(made.items):,} items; next: harness agree {into}, harness report {into}")
        return
    source = read_source(path)
    form = read_mapping(mapping) if mapping else form_of(source, said, named, catalog)
    form = adjusted(form, said, ai=ai or ())
    if form.records:
        source = read_source(path, form.records)
    if into:
        over: Over | None = "replace" if replace else "repetition" if as_repetition else None
        found = import_ratings(
            source, Run(into), mapping=form, catalog=catalog, dry_run=dry_run, words=words, over=over
        )
    else:
        found = read_ratings(source, form, words=words)
    _tell(found, dry_run, into, as_json)


def _is_dataset(name: str, catalog: Catalog) -> bool:
    from harness.errors import HarnessError
    from harness.rating import find_dataset

    try:
        return bool(find_dataset(name, catalog))
    except HarnessError:
        return False


def _tell(found: Imported, dry_run: bool, into: Path | None, as_json: bool) -> None:
    if as_json:
        print(json.dumps(found.to_dict(), indent=2, ensure_ascii=False, allow_nan=False))
        for note in found.notes:
            print(f"note: {note}", file=sys.stderr)
    else:
        _show_imported(found, dry_run, into)


def _show_imported(found: Imported, dry_run: bool, into: Path | None) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    count, rejected = len(found.ratings), found.rejected
    if dry_run:
        table = Table("item", "rater", "criterion", "value", "label", "status", title=f"the first of {count} ratings")
        for one in found.ratings[:10]:
            cells = [getattr(one, name) for name in ("item_id", "rater", "criterion", "value", "label", "status")]
            table.add_row(*[escape("" if cell is None else str(cell)[:60]) for cell in cells])
        console.print(table)
    what = "would be imported" if dry_run else f"imported into {into}"
    print(f"{found.format}: {found.read} rows read, {count} ratings {what}, {len(rejected)} rows left out")
    for note in found.notes:
        print(f"  note: {note}")
    for left_out in rejected[:20]:
        print(f"  row {left_out.row}: {left_out.reason}")
    if len(rejected) > 20:
        print(f"  and {len(rejected) - 20} more; --json lists all")


def plan_human(
    run: Path,
    width: float,
    people: int,
    level: str | None,
    criterion: str | None,
    judge: str | None,
    error: float | None,
    as_json: bool,
) -> None:
    """Say how many items people must rate: for an interval of alpha and, with a judge, for its test and its correction.

    Where values are numbers, also what a mean over more people, or over more ratings by each, would be worth.

    Args:
        run: The run with some human ratings, or a file of ratings.
        width: The wanted width of the intervals of alpha and of the corrected score.
        people: Raters an item.
        level: The level of measurement; what fits where not given.
        criterion: The criterion; needed where there are several.
        judge: An AI rater of the run.
        error: The wanted standard error of an item's mean, in the units of the scale.
        as_json: Print JSON.
    """
    from typing import cast

    from harness.agreement import Level, people_components, plan_people
    from harness.cli.agreement_shown import show_decisions
    from harness.cli.given import run_or_file

    with run_or_file(run, ai=[judge] if judge else None) as opened:
        ratings = opened.ratings
    needed = plan_people(ratings, width, people, cast("Level | None", level), criterion, judge)
    study = people_components(ratings, criterion)
    enough = study.enough(error) if error else None
    if as_json:
        found = {"plan": [one.to_dict() for one in needed], "components": study.to_dict()}
        print(json.dumps(found | ({"enough": enough} if error else {}), indent=2, allow_nan=False))
        return
    for one in needed:
        many = f"{one.items:,} items x {one.people} people" if one.items else f"no answer ({one.reason})"
        print(f"{one.aim}: {many}, for {one.wanted:g} (reaches {one.reached or float('nan'):.3g}; {one.model})")
    if study.reason:
        print(f"what more raters would buy: undefined: {study.reason}")
        return
    print(f"{study.criterion}: what more raters would buy, from {study.n_ratings:,} ratings of {study.n_items:,} items")
    show_decisions(study)
    if error and enough is None:
        print(f"for a standard error of {error:g} no number in the table is enough")
    elif enough:
        many = ", ".join(f"{name} {count}" for name, count in enough.items() if isinstance(count, int))
        print(f"for a standard error of {error:g}: {many} (reaches {enough['error']:.3g})")


def export(
    format: Annotated[
        str, typer.Argument(help="To be rated: csv, label-studio, argilla. To be shown: mlflow, wandb, hub-card.")
    ],
    run: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write; label-studio also writes its labelling configuration."),
    ] = None,
    question: Questions = None,
    task: Tasks = None,
    samples: Samples = 1,
    include: Include = None,
) -> None:
    """Write a run's answers to be rated elsewhere, blind and shuffled, or what it says to where people look."""
    from harness.catalog import Catalog
    from harness.errors import HarnessError, did_you_mean
    from harness.rating import FORMS, export_sheet
    from harness.reporting import EXPORTS
    from harness.run import Run

    if format in EXPORTS:
        print(EXPORTS[format](Run(run), out))
        return
    if format not in FORMS:
        raise HarnessError(f"no export format {format!r}.{did_you_mean(format, [*FORMS, *EXPORTS])}")
    if out is None:
        raise HarnessError(f"export {format}: say where with --out FILE")
    written = export_sheet(Run(run), out, format, question or (), task or (), samples, Catalog(include or ()))
    print(f"{out}: {written} rows to rate; bring them back with `harness import {format} {out} --into {run}`")
