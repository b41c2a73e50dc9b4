"""`harness rounds`: whether feedback keeps improving a model, from scores that are there already."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.gates import JUnit

if TYPE_CHECKING:
    from harness.rounds import Comparison, Rounds, RoundsResult


def rounds(
    source: Annotated[
        list[str] | None,
        typer.Argument(
            help="Runs, long CSV or Parquet files of scores, lm-eval output folders, Inspect "
            "logs (.eval): in the order of the rounds, or as SERIES:ROUND=PATH; or a folder of checkpoints (step-1000)."
        ),
    ] = None,
    item: Annotated[str, typer.Option(help="Column of the item.")] = "item",
    round_: Annotated[str, typer.Option("--round", help="Column of the round, counted from 0.")] = "round",
    score: Annotated[str, typer.Option(help="Column of the score.")] = "score",
    series: Annotated[str, typer.Option(help="Column of the series.")] = "series",
    benchmark: Annotated[str, typer.Option(help="Column of the benchmark.")] = "benchmark",
    cluster: Annotated[str | None, typer.Option(help="Column that says which items belong together.")] = None,
    gold: Annotated[
        str, typer.Option(help="Column of gold scores, on all items or a random sample; of a run, the gold rater.")
    ] = "gold",
    seed: Annotated[str, typer.Option(help="Column of the training run's seed.")] = "seed",
    score_range: Annotated[str, typer.Option(metavar="LOW,HIGH", help="Lowest and highest score.")] = "0,1",
    sesoi: Annotated[
        float | None,
        typer.Option(help="Smallest effect of interest, in points a round.", show_default="the run's suite's, else 1"),
    ] = None,
    significance: Annotated[float, typer.Option(help="Of each one-sided test.")] = 0.05,
    look: Annotated[str, typer.Option(help="final, or every: the series was looked at after every round.")] = "final",
    control: Annotated[
        str | None,
        typer.Option(
            help="The series trained without feedback.", show_default="the run's suite's, else none, if there is one"
        ),
    ] = None,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Compare every two series, not only with the control or the first.")
    ] = False,
    ceiling: Annotated[
        float | None, typer.Option(help="The score that people or gold reach: near it there is little left to gain.")
    ] = None,
    off_target: Annotated[
        list[str] | None, typer.Option(help="A benchmark to test for forgetting; repeatable.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="Where there are several: metric of lm-eval, scorer of Inspect, rater of a run.")
    ] = None,
    map_: Annotated[
        str | None, typer.Option("--map", metavar="FILE", help="YAML of more sources, SERIES: {ROUND: PATH}.")
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="The sources are tables: series, benchmark, round, score, unit, n_items.")
    ] = False,
    published: Annotated[bool, typer.Option("--published", help="Show series that papers published beside.")] = False,
    keep_selection_items: Annotated[
        bool, typer.Option("--keep-selection-items", help="Report on items that selected training data; flagged.")
    ] = False,
    fail_if: Annotated[
        str | None,
        typer.Option(
            metavar="GATES",
            help="Exit 4 on one of these, e.g. plateaued,worsening or 'gain<1' (points): beyond the control if any.",
        ),
    ] = None,
    junit: JUnit = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say of every series which round was the last that helped: improving, plateaued, worsening or inconclusive."""
    from dataclasses import replace

    from harness.answering import checkpoints_in
    from harness.cli.gated import VERDICTS, of_rounds
    from harness.cli.gates import gates_of, stop_where_failing
    from harness.errors import HarnessError
    from harness.rounds import (
        Rounds,
        Source,
        compare_rounds,
        compare_summaries,
        is_fed,
        published_series,
        read_map,
        read_scores,
        read_table,
        sources_settings,
    )

    gates = gates_of(fail_if, ["gain"], VERDICTS, junit)
    sources: list[str | Source] = [*(source or []), *(read_map(map_) if map_ else [])]
    if not sources and not published:
        raise HarnessError("say where the scores are: a run, lm-eval folders, Inspect logs, or a CSV (or --published)")
    if summary and map_:
        raise HarnessError("--summary reads tables, which name their rounds; leave --map out")
    found = Rounds([])
    if sources and summary:
        tables = [read_table(path) for path in source or []]
        found = compare_summaries(tables, 1.0 if sesoi is None else sesoi, significance, look)  # type: ignore[arg-type]
    elif sources:
        for path in map(Path, source or []):
            if path.is_dir() and (found_in := checkpoints_in(path)):
                said = ", ".join(f"{place} is {one.name}" for one, place in found_in.items())
                print(f"rounds in {path}: {said}", file=sys.stderr)
        columns = {"item": item, "round": round_, "score": score, "series": series, "benchmark": benchmark}
        scores, costs = read_scores(
            sources, {**columns, "gold": gold, "seed": seed}, metric, gold if gold != "gold" else None
        )
        told = sources_settings(sources)
        found = compare_rounds(
            scores,
            sesoi=told.get("sesoi") if sesoi is None else sesoi,
            score_range=_range(score_range),
            significance=significance,
            look=look,  # type: ignore[arg-type]
            cluster=cluster or ("cluster" if "cluster" in scores.columns else None),
            control=control or told.get("control"),
            off_target=off_target or told.get("off_target", ()),
            costs=costs,
            keep_selection_items=keep_selection_items,
            pairs=pairs,
            ceiling=ceiling,
        )
        found = replace(found, fed=is_fed(sources))
        for warning in found.warnings:
            if warning["code"] == "no_control":
                raise HarnessError(f"--control: {warning['message']}")
    reference = published_series(1.0 if sesoi is None else sesoi, significance) if published else None
    if as_json:
        content = found.to_json() | ({"published": reference.to_json()["results"]} if reference else {})
        print(json.dumps(content, indent=2, allow_nan=False))
    else:
        _show(found)
        if reference:
            print("\nPublished, from summary data (the paper's own claim beside):")
            _show(reference)
    stop_where_failing(gates, *of_rounds(found.looked_at), VERDICTS, junit)


def _range(text: str) -> tuple[float, float]:
    from harness.errors import HarnessError

    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise HarnessError(f"--score-range {text!r}: say the lowest and the highest score, e.g. 0,1 or 1,5") from None
    return low, high


def _show(found: Rounds) -> None:
    from rich.console import Console
    from rich.text import Text

    from harness.rounds import flag_sentence

    console = Console(highlight=False)
    said: list[RoundsResult | Comparison] = [*found.results, *found.comparisons]
    for one in said:
        parts = one.sentence.split("**")
        console.print(
            Text.assemble(*((part, "bold" if place % 2 else "") for place, part in enumerate(parts))), soft_wrap=True
        )
        for flag in getattr(one, "flags", []):
            if flag["outcome"] != "no":
                print(f"  {flag_sentence(flag)}")
    for line in found.summary:
        print(line)
    for warning in found.warnings:
        print(f"warning {warning['code']}: {warning['message']}", file=sys.stderr)
