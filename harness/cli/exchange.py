"""`harness exchange`: what a person's label is worth in a judge's."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.columns import Ai, Criterion, Item, Kind, Rater, Value, columns_said

if TYPE_CHECKING:
    import pandas as pd

    from harness.learning import Exchange


def exchange(
    source: Annotated[Path, typer.Argument(help="A table of rated texts, or a run's folder.")],
    text: Annotated[str, typer.Option(help="Column of the text that was rated.")] = "text",
    context: Annotated[str | None, typer.Option(help="Column of what the text is about: a passage, a prompt.")] = None,
    cluster: Annotated[
        str | None, typer.Option(help="Column that says which texts belong together; the context where not given.")
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
    sizes: Annotated[str, typer.Option(metavar="N,N", help="Numbers of labels.")] = "50,100,200,400,800",
    mix: Annotated[
        list[str] | None, typer.Option(metavar="N+M", help="N labels of a person with M of another; repeatable.")
    ] = None,
    rates: Annotated[
        list[str] | None,
        typer.Option(metavar="RATER=USD", help="What a label costs; `person` for people's; repeatable."),
    ] = None,
    quality: Annotated[float | None, typer.Option(help="The correlation that is wanted, for what is cheapest.")] = None,
    splits: Annotated[int, typer.Option(min=2, help="Random splits by cluster.")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Decides the splits.")] = 0,
    model: Annotated[str, typer.Option(help="Whose features are learnt from: embedded, or a folder.")] = "embedded",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    cache: Annotated[Path | None, typer.Option(help="Where features are kept.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say what a person's label is worth in a judge's: a small rater learns from each, and other people score it."""
    from harness.answering import default_cache, torch_folder
    from harness.cli.progress import bar
    from harness.learning import exchange_rates, rated_texts
    from harness.rating import read_any
    from harness.run import Run, is_run, is_valued, unit_names

    if is_run(source):
        ratings = rated_texts(Run(source))
    else:
        also = [name for name in (text, context, cluster) if name]
        columns = columns_said(item, rater, criterion, value, kind)
        ratings = _named(read_any(source, ai=ai, also=also, columns=columns), text, context, cluster)
    place = cache or default_cache()
    folder = str(torch_folder(place)) if model == "embedded" else model
    results = []
    with bar("texts are read", unit_names(ratings[is_valued(ratings) & ratings["text"].notna()]).nunique()) as progress:
        for one in exchange_rates(
            ratings, folder, place, people=people or (), criteria=criteria or (), sizes=_numbers(sizes),
            mixtures=[_mixture(entry) for entry in mix or ()], splits=splits, seed=seed, rates=_rates(rates or ()),
            quality=quality, device=device, progress=progress,
        ):  # fmt: skip
            results.append(one)
    if as_json:
        print(json.dumps([one.to_json() for one in results], indent=2, allow_nan=False))
        return
    for one in results:
        _show(one)


def _named(ratings: pd.DataFrame, text: str, context: str | None, cluster: str | None) -> pd.DataFrame:
    """Return the ratings with the columns by our names; texts of one context belong together where nothing is said."""
    for note in ratings.attrs.get("notes", ()):
        print(note, file=sys.stderr)
    found = ratings.assign(text=ratings[text])
    if context:
        found = found.assign(context=ratings[context])
    if cluster or context:
        found = found.assign(cluster=ratings[cluster or context].astype(str))
    return found


def _show(one: Exchange) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = one.df
    table = Table(
        "learnt from", "correlation", "95 %", *(["USD"] if rows["cost"].notna().any() else []),
        title=f"{one.criterion}: {one.curves.n_items:,} items, {one.curves.n_clusters:,} clusters",
    )  # fmt: skip
    for point, row in zip(one.curves.points, rows.to_dict("records"), strict=True):
        if row["splits"]:
            cells = [str(point), f"{row['score']:.3f}", f"[{row['low']:.3f}, {row['high']:.3f}]"]
            table.add_row(*cells, *([f"{row['cost']:,.2f}"] if "USD" in [c.header for c in table.columns] else []))
    Console().print(table)
    for sentence in one.sentences:
        print(sentence)
    print()


def _numbers(text: str) -> list[int]:
    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise typer.BadParameter(f"{text!r}: expected numbers with commas", param_hint="--sizes") from None
    if not found or found[0] < 2:
        raise typer.BadParameter(f"{text!r}: two labels are the fewest to learn from", param_hint="--sizes")
    return found


def _mixture(text: str) -> tuple[int, int]:
    first, mark, second = text.partition("+")
    if not mark or not first.isdigit() or not second.isdigit():
        raise typer.BadParameter(f"{text!r}: expected N+M, as 50+800", param_hint="--mix")
    return int(first), int(second)


def _rates(entries: list[str] | tuple[()]) -> dict[str, float]:
    found = {}
    for entry in entries:
        name, mark, price = entry.rpartition("=")
        try:
            found[name] = float(price)
        except ValueError:
            mark = ""
        if not mark or not name:
            raise typer.BadParameter(f"{entry!r}: expected RATER=USD", param_hint="--rates")
    return found
