"""`harness plan`: what a suite would do and cost, and how much rating or how many items a question needs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.catalogue import AsJson, Include
from harness.cli.run import Cache, Executor, Limit, Out, Seed, Some, Workers

if TYPE_CHECKING:
    from harness.plan import Line, Plan, Range


def plan(
    suite: Annotated[str, typer.Argument(help="A suite file, or the name of one in suites/.")] = "",
    out: Out = None,
    seed: Seed = None,
    limit: Limit = None,
    tasks: Some = None,
    models: Some = None,
    raters: Some = None,
    human: Annotated[
        Path | None,
        typer.Option(metavar="RUN|FILE", help="Instead: how many items people must rate, from these ratings."),
    ] = None,
    width: Annotated[float, typer.Option(help="--human: the wanted width of the intervals.")] = 0.2,
    people: Annotated[int, typer.Option(min=2, help="--human: people an item.")] = 3,
    level: Annotated[
        str | None,
        typer.Option(help="--human: nominal, ordinal, interval or ratio; what fits where not given."),
    ] = None,
    criterion: Annotated[str | None, typer.Option(help="--human: the criterion, where there are several.")] = None,
    judge: Annotated[str | None, typer.Option(help="--human: an AI rater that might stand in for people.")] = None,
    error: Annotated[
        float | None, typer.Option(min=0.0, help="--human: the wanted standard error of an item's mean rating.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=2, help="Instead: how many items a verdict over so many rounds needs.")
    ] = None,
    items: Annotated[int | None, typer.Option(min=1, help="--rounds: the items that there are.")] = None,
    sesoi: Annotated[float, typer.Option(help="--rounds: smallest effect of interest, in points a round.")] = 1.0,
    sd: Annotated[float, typer.Option(help="--rounds: standard deviation of an item's score in a round.")] = 0.5,
    correlation: Annotated[float, typer.Option(help="--rounds: of an item's scores in two rounds.")] = 0.7,
    pilot: Annotated[
        str | None, typer.Option(help="--rounds: scores of two rounds or more, which give both.", metavar="SOURCE")
    ] = None,
    include: Include = None,
    cache: Cache = None,
    workers: Workers = 2,
    executor: Executor = None,
    as_json: AsJson = False,
) -> None:
    """Say what a suite would do, before anything is asked: items, calls, tokens, time, cost, and what is cached."""
    from harness.errors import HarnessError

    if sum([bool(suite), human is not None, rounds is not None]) != 1:
        raise HarnessError("say what is to be planned: a SUITE, --human RUN, or --rounds N")
    if error is not None and human is None:
        raise HarnessError("--error is what --human plans for; add it")
    if human is not None:
        from harness.cli.human import plan_human

        plan_human(human, width, people, level, criterion, judge, error, as_json)
    elif rounds is not None:
        _plan_rounds(rounds, items, sesoi, sd, correlation, pilot, as_json)
    else:
        from harness.cli.run import changed_suite, names
        from harness.plan import plan_suite

        found = plan_suite(
            changed_suite(suite, seed, limit, include or ()),
            out,
            tasks=names(tasks),
            models=names(models),
            raters=names(raters),
            include=include or (),
            cache=cache,
            workers=workers,
            executor=executor,
        )
        if as_json:
            print(json.dumps(found.to_json(), indent=2, allow_nan=False))
        else:
            _show(found)


def _plan_rounds(
    rounds: int, items: int | None, sesoi: float, sd: float, correlation: float, pilot: str | None, as_json: bool
) -> None:
    from harness.rounds import plan_rounds, read_scores

    scores = read_scores([pilot])[0] if pilot else None
    found = plan_rounds(rounds, items, sesoi=sesoi, sd=sd, correlation=correlation, pilot=scores)
    print(json.dumps(found.to_dict(), indent=2) if as_json else found.sentence)


def _show(found: Plan) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    both = found.batch_usd != found.direct_usd
    prices = ("USD directly", "by batch") if both else ("USD",)
    counted = ("items", "to do", "there", "calls", "cached", "tokens in", "tokens out", *prices, "time")
    columns = ("stage", "who", "task", *counted)
    table = Table(title=f"{found.suite}: what would be done", title_justify="left", box=SIMPLE_HEAD)
    for name in columns:
        table.add_column(name, justify="right" if name in counted else "left", overflow="fold")
    for line in found.lines:
        table.add_row(*_cells(line, both))
    console.print(table)
    take = "takes" if len(found.untimed) == 1 else "take"
    later = f", and what {', '.join(found.untimed)} {take}" if found.untimed else ""
    by = f" (all directly: {_dollars(found.direct_usd)}; by batch: {_dollars(found.batch_usd)})" if both else ""
    print(f"{found.calls:,} calls; cost: {_dollars(found.cost_usd)}{by}; time: {_time(found.seconds)}{later}")
    for line in found.lines:
        if line.stage == "rounds":
            print(_of_rounds(line))
    if found.shards is not None:
        print(
            f"on {found.slots} slots: {found.shards:,} shards; a server is asked no more at once than by one machine, "
            f"so calls take as long; what works here takes about 1/{found.slots} of its time"
        )
    print("assumed: " + "; ".join(found.assumed))


def _of_rounds(line: Line) -> str:
    labels = "an unknown number of labels"
    if line.labels is not None:
        labels = f"{line.labels['all']:,} labels at most, {line.labels['people']:,} of them people's"
    if line.disk_bytes is None:
        return f"rounds: {labels}; run some for a minute, and this tells the time and the disk of the others"
    return (
        f"rounds: {labels}; {line.disk_bytes / 1e6:,.1f} MB to write; time and disk by the {line.there} that are there"
    )


def _cells(line: Line, both: bool) -> list[str]:
    numbers = (line.items, line.wanted - line.there, line.there, line.calls, line.cached, line.prompt_tokens)
    shown = [f"{number:,}" for number in numbers]
    written = _range(line.completion_tokens, "{:,.0f}")
    prices = [line.direct_usd, line.batch_usd] if both else [line.cost_usd]
    return [line.stage, line.who, line.task, *shown, written, *map(_dollars, prices), _time(line.seconds)]


def _range(pair: Range, form: str) -> str:
    low, high = (form.format(value) for value in pair)
    return low if low == high else f"{low} to {high}"


def _dollars(pair: Range | None) -> str:
    return "unknown" if pair is None else _range(pair, "{:.2f}")


def _long(seconds: float) -> str:
    units = ((90, 1, "s"), (90 * 60, 60, "min"), (math.inf, 3600, "h"))
    return next(f"{seconds / length:.0f} {unit}" for most, length, unit in units if seconds < most)


def _time(pair: Range | None) -> str:
    if pair is None:
        return "unknown"
    low, high = map(_long, pair)
    return low if low == high else f"{low} to {high}"
