"""`harness exchange`: what a person's label is worth in a judge's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from harness.cli.columns import Ai, Criterion, Item, Kind, Rater, Value

if TYPE_CHECKING:
    from harness.learning import Exchange


def exchange(
    source: Annotated[Path, typer.Argument(help="A table of rated texts, or a run's folder.")],
    text: Annotated[str | None, typer.Option(help="Column of the text that was rated; text if not given.")] = None,
    against: Annotated[
        str | None, typer.Option(help="Column of the other text, where two were compared: a value of 1 prefers --text.")
    ] = None,
    context: Annotated[str | None, typer.Option(help="Column of what the text is about: a passage, a prompt.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column that says which texts belong together; the context where not given.")
    ] = None,
    table: Annotated[
        list[Path] | None,
        typer.Option(help="A further table of texts or contexts, joined on the columns that both have; repeatable."),
    ] = None,
    item: Item = None,
    rater: Rater = None,
    criterion: Criterion = None,
    value: Value = None,
    kind: Kind = None,
    ai: Ai = None,
    people: Annotated[
        list[str] | None, typer.Option(help="Glob of the raters who are people; all of the kind human where not given.")
    ] = None,
    criteria: Annotated[list[str] | None, typer.Option(help="Glob of the criteria; repeatable.")] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=GLOB", help="What is compared with people's labels: the mean of these; repeatable."),
    ] = None,
    scored_by: Annotated[
        list[str] | None,
        typer.Option(help="Glob of who scores what was learnt; people who gave no label if not given."),
    ] = None,
    sizes: Annotated[
        str | None, typer.Option(metavar="N,N", help="Numbers of labels; 50,100,200,400,800 if not given.")
    ] = None,
    mix: Annotated[
        list[str] | None, typer.Option(metavar="N+M", help="N labels of a person with M of another; repeatable.")
    ] = None,
    rates: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE=USD", help="What a label costs; `person` for people's; repeatable."),
    ] = None,
    quality: Annotated[float | None, typer.Option(help="The score that is wanted, for what is cheapest.")] = None,
    splits: Annotated[int | None, typer.Option(min=2, help="Random splits by cluster; 20 if not given.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides the splits; the run's, else 0.")] = None,
    learner: Annotated[
        Literal["ridge", "lora"] | None,
        typer.Option(help="ridge on features, or lora: the model itself with an adapter, for a GPU."),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Whose features are learnt from: embedded, or a folder.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or cuda.")] = None,
    cache: Annotated[Path | None, typer.Option(help="Where features are kept.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say what a person's label is worth in a judge's: a small rater learns from each, and other people score it."""
    from harness import learning
    from harness.cli.progress import bar

    found = learning.exchange(
        source, text=text, against=against, context=context, cluster=cluster, tables=table, item=item, rater=rater,
        criterion=criterion, value=value, kind=kind, ai=ai, people=people, criteria=criteria,
        sources=_named(labels) if labels else None, scored_by=scored_by, sizes=_numbers(sizes) if sizes else None,
        mixtures=mix, splits=splits, seed=seed, rates=_rates(rates) if rates else None, quality=quality,
        learner=learner, model=model, device=device, cache=cache, stage=bar,
    )  # fmt: skip
    for note in found.notes:
        print(note, file=sys.stderr)
    if as_json:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
        return
    for one in found:
        _show(one)


def _show(one: Exchange) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = one.df
    table = Table(
        "learnt from", one.measure, "95 %", *(["USD"] if rows["cost"].notna().any() else []),
        title=f"{one.criterion}: {one.curves.n_items:,} items, {one.curves.n_clusters:,} clusters",
    )  # fmt: skip
    for point, row in zip(one.curves.points, rows.to_dict("records"), strict=True):
        if row["splits"]:
            cells = [str(point), f"{row['score']:.3f}", f"[{row['low']:.3f}, {row['high']:.3f}]"]
            table.add_row(*cells, *([f"{row['cost']:,.2f}"] if "USD" in [c.header for c in table.columns] else []))
    Console().print(table)
    print(one.sentence)
    for sentence in one.sentences:
        print(sentence)
    print()


def _numbers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected numbers with commas", param_hint="--sizes") from None


def _named(entries: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in entries:
        name, mark, glob = entry.partition("=")
        if not mark or not name or not glob:
            raise typer.BadParameter(f"{entry!r}: expected NAME=GLOB", param_hint="--labels")
        found.setdefault(name, []).append(glob)
    return found


def _rates(entries: list[str]) -> dict[str, float]:
    found = {}
    for entry in entries:
        name, mark, price = entry.rpartition("=")
        try:
            found[name] = float(price)
        except ValueError:
            mark = ""
        if not mark or not name:
            raise typer.BadParameter(f"{entry!r}: expected SOURCE=USD", param_hint="--rates")
    return found
