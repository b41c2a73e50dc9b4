"""`harness agree`: how far the raters of a file, or of a run, agree."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from harness.agreement import Agreement, RunAgreement


def agree(
    source: Annotated[Path, typer.Argument(help="A long CSV (.gz too) or Parquet file of ratings, or a run's folder.")],
    item: Annotated[str, typer.Option(help="Column of the item.")] = "item_id",
    rater: Annotated[str, typer.Option(help="Column of the rater.")] = "rater",
    criterion: Annotated[str, typer.Option(help="Column of the criterion.")] = "criterion",
    value: Annotated[str, typer.Option(help="Column of the value.")] = "value",
    kind: Annotated[
        str, typer.Option(help="Column of the rater's kind: human, judge, verifier, metric, ...")
    ] = "rater_kind",
    raters: Annotated[list[str] | None, typer.Option(help="Glob of the raters to compare; repeatable.")] = None,
    ai: Annotated[list[str] | None, typer.Option(help="Glob of raters that are AI judges; repeatable.")] = None,
    level: Annotated[
        str | None, typer.Option(help="nominal, ordinal, interval or ratio; what fits where not given.")
    ] = None,
    coefficient: Annotated[list[str] | None, typer.Option(help="A further coefficient; repeatable.")] = None,
    pool: Annotated[
        bool, typer.Option("--pool", help="Every item and criterion a unit of its own, in one table.")
    ] = False,
    cluster: Annotated[str | None, typer.Option(help="Column that says which items belong together.")] = None,
    cluster_regex: Annotated[
        str | None, typer.Option(help="The same, as a group of a pattern of the item's id.")
    ] = None,
    stand_in: Annotated[bool, typer.Option("--stand-in", help="Can each AI rater stand in for a human?")] = False,
    epsilon: Annotated[float, typer.Option(min=0, max=1, help="What an AI rater may be worse by.")] = 0.2,
    alignment: Annotated[str | None, typer.Option(help="equality or rmse; by level where not given.")] = None,
    min_items: Annotated[int, typer.Option(min=2, help="Items that a human must have rated to be compared.")] = 30,
    correct: Annotated[bool, typer.Option("--correct", help="The mean human rating of all items, from few.")] = False,
    with_file: Annotated[
        Path | None, typer.Option("--with", help="For a run: a file of people's ratings, from `harness export`.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples; 0 for no intervals.")] = 1000,
    seed: Annotated[int, typer.Option(help="Decides the resamples.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say how far raters agree: coefficients with intervals, and what to beware of."""
    from harness.agreement import Agreement, agree_in_run
    from harness.agreement import agree as agree_on
    from harness.rating.ratings_file import read_ratings
    from harness.run import Run

    columns = {"item": item, "rater": rater, "criterion": criterion, "value": value, "kind": kind}
    found: Agreement | RunAgreement
    if (source / "suite.yaml").is_file():
        _refuse_for_a_run(
            raters=raters, ai=ai, level=level, coefficient=coefficient, pool=pool, cluster=cluster,
            cluster_regex=cluster_regex, stand_in=stand_in, alignment=alignment, correct=correct,
        )  # fmt: skip
        people = read_ratings(with_file, **columns) if with_file else None
        found = agree_in_run(Run(source), people, resamples=resamples, seed=seed)
    else:
        if with_file:
            raise typer.BadParameter("--with adds people's ratings to a run; the source is a file", param_hint="--with")
        ratings = read_ratings(source, **columns, ai=ai, also=[cluster] if cluster else [])
        if cluster_regex:
            ratings, cluster = _clustered(ratings, cluster_regex), "cluster"
        found = agree_on(
            ratings,
            level=level,  # type: ignore[arg-type]
            coefficients=coefficient,
            raters=raters,
            pool=pool,
            cluster=cluster,
            stand_in=stand_in,
            epsilon=epsilon,
            alignment=alignment,  # type: ignore[arg-type]
            min_items=min_items,
            correct=correct,
            resamples=resamples,
            seed=seed,
        )
    if as_json:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
    elif isinstance(found, Agreement):
        _show(found)
    else:
        _show_run(found)
    if not found.defined:
        raise typer.Exit(2)


def _refuse_for_a_run(**options: object) -> None:
    """Refuse the options that a run's own scales and items decide, instead of dropping them in silence."""
    given = [f"--{name.replace('_', '-')}" for name, value in options.items() if value]
    if given:
        raise typer.BadParameter(
            "for a file of ratings only: a run's raters, scales and items are compared as they are", param_hint=given[0]
        )


def _clustered(ratings: pd.DataFrame, pattern: str) -> pd.DataFrame:
    """Return the ratings with a column `cluster`: what the pattern (or its first group) matches in the item's id."""
    import re

    from harness.errors import HarnessError

    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise HarnessError(f"--cluster-regex {pattern!r}: is no pattern: {error}") from error
    names = {}
    for name in ratings["item_id"].cat.categories:
        match = regex.search(str(name))
        if not match:
            raise HarnessError(f"--cluster-regex {pattern!r}: does not match the item {name!r}")
        names[name] = match.group(1 if regex.groups else 0)
    return ratings.assign(cluster=ratings["item_id"].map(names))


def _show(found: Agreement) -> None:
    for table in found.tables:
        raters = ", ".join(table.raters) if len(table.raters) <= 6 else f"{len(table.raters)} raters"
        print(f"\n{table.criterion}: {table.n_items:,} items, {table.n_ratings:,} ratings by {raters} ({table.level})")
        for name, value in table.coefficients.items():
            print(f"  {name:<22} {_words(vars(value))}")
        print(f"  chosen: {table.why}")
    for one in found.stand_in:
        print(f"\n{one.sentence}")
        curve = ", ".join(f"{step['epsilon']:g}: {_share(step['omega'])}" for step in one.curve)
        print(f"  wins by epsilon: {curve}; advantage probability {_share(one.to_dict()['rho'])}")
        print(f"  alpha of the humans {_words(vars(one.alphas[0]))}; with it {_words(vars(one.alphas[1]))}")
    for row in found.corrected:
        print(
            f"\n{row['criterion']}, by {row['rater']} and {row['n_human']:,} human-rated of {row['n_items']:,} items "
            f"({row['method']}): {_words(row)}"
        )
    _warn(found.warnings)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _show_run(found: RunAgreement) -> None:
    from harness.agreement.run_agreement import NO_PEOPLE

    for row in found.pairs:
        share = "" if row["percent_agreement"] is None else f"  same {row['percent_agreement']:.0%}"
        who = f"{row['rater_a']} ({row['criterion_a']}) and {row['rater_b']} ({row['criterion_b']})"
        print(f"{row['task']}: {who}, {row['n']:,} shared: {row['coefficient']} {_words(row)}{share}")
    for row in found.positions:
        if row["n"]:
            print(
                f"{row['rater']}: kept its verdict in {row['consistency']:.0%} of {row['n']:,} pairs "
                f"when the answers changed places; preferred the one shown first {row['first_share']:.0%} of the time"
            )
    print(f"people: {', '.join(found.people)}" if found.people else NO_PEOPLE)
    _warn(found.warnings)


def _words(row: dict[str, Any]) -> str:
    from math import isnan

    value, low, high = (None if row[key] is None or isnan(row[key]) else row[key] for key in ("value", "low", "high"))
    if value is None:
        return f"undefined: {row['reason']}"
    return (
        f"{value:6.3f}  [{low:.3f}, {high:.3f}]" if low is not None else f"{value:6.3f}  no interval: {row['reason']}"
    )


def _warn(warnings: list[dict[str, Any]]) -> None:
    for one in warnings:
        print(f"warning {one['code']}: {one['message']}", file=sys.stderr)
