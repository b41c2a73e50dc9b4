"""`harness agree`: how far the raters of a file, or of a run, agree."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from harness.cli.columns import (
    Categories,
    FileOptions,
    Levels,
    ScoreRange,
    by_criterion,
    reads_files,
    refuse_for_a_run,
    scales_said,
)
from harness.cli.gates import JUnit
from harness.cli.marked import agree_on_spans
from harness.cli.ranked import LENGTHS, check_word, of_raters, ranked, run_ranked

if TYPE_CHECKING:
    import pandas as pd

    from harness.agreement import Agreed, Preferences, RunAgreement
    from harness.rating import Columns, Words
    from harness.run import Run


OF_THE_RUN = ("raters", "criteria", "ai", "map")
"""What a run itself decides where `--with` adds people's file, whose columns and words the other options say."""


@reads_files()
def agree(
    context: typer.Context,
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="SOURCE",
            help="A file of ratings in any format that is known, several that are read as one, or a run's folder.",
        ),
    ],
    *,
    said: FileOptions,
    level: Levels = None,
    categories: Categories = None,
    score_range: ScoreRange = None,
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
    chosen: Annotated[
        str | None,
        typer.Option(
            help="With --correct: how people's items were chosen: random, by-judge, by:COLUMN or by-outcome; "
            "where not said, each estimate that may be right is given with what it assumes."
        ),
    ] = None,
    strata: Annotated[str | None, typer.Option(help="With --correct: the same as --chosen by:COLUMN.")] = None,
    sequential: Annotated[
        bool, typer.Option("--sequential", help="With --correct: an interval that holds however often it is looked at.")
    ] = False,
    time: Annotated[
        str | None, typer.Option(help="With --sequential: column of when people rated; else the order of the lines.")
    ] = None,
    width: Annotated[
        float, typer.Option(min=0.001, help="With --sequential: the interval that is narrow enough, of the range.")
    ] = 0.1,
    by: Annotated[
        str | None, typer.Option(help="Column of groups of items: do they differ? With --correct: of systems.")
    ] = None,
    means: Annotated[
        str | None, typer.Option(help="Column of systems (model): the mean rating of each, and how far they lie apart.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Write the AI raters' weights as a panel to this YAML file, a rater.yaml too.")
    ] = None,
    components: Annotated[
        bool,
        typer.Option("--components", help="Whose the variance is (item, rater, repetition), and what more would buy."),
    ] = False,
    facet: Annotated[
        str | None, typer.Option(help="With --components: column of one more facet, as a judge's prompt.")
    ] = None,
    interval: Annotated[str, typer.Option(help="bca, or kalpha: alpha's pair bootstrap, which is too narrow.")] = "bca",
    preferences: Annotated[
        bool, typer.Option("--preferences", help="Who is preferred: rank players by comparisons.")
    ] = False,
    player: Annotated[str, typer.Option(help="With --preferences: column of the side that the value takes.")] = (
        "response_id"
    ),
    opponent: Annotated[str, typer.Option(help="With --preferences: column of the other side.")] = "against_id",
    ties: Annotated[str, typer.Option(help="With --preferences: half (a tie is half a win) or davidson.")] = "half",
    baseline: Annotated[
        str | None, typer.Option(help="With --preferences: the player that all are compared to.")
    ] = None,
    lengths: Annotated[
        tuple[str, str] | None, typer.Option(help="With --preferences: columns of the two answers' lengths.")
    ] = None,
    with_file: Annotated[
        Path | None, typer.Option("--with", help="For a run: a file of people's ratings, from `harness export`.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Bootstrap resamples; 0 for no intervals.")] = 1000,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides the resamples; 0, or what a run's suite says, where not given.")
    ] = None,
    cross_check: Annotated[
        bool, typer.Option("--cross-check", help="Compare each alpha with the krippendorff package's.")
    ] = False,
    fail_if: Annotated[
        str | None,
        typer.Option(
            help="Exit with 4 where this is so: 'alpha<.6', 'alpha.low<.5', 'missing>10%'; several with commas."
        ),
    ] = None,
    junit: JUnit = None,
    drop_outvoted: Annotated[
        bool, typer.Option("--drop-outvoted", help="Leave out the third of three ratings where two agree; inflates.")
    ] = False,
    items: Annotated[
        Path | None, typer.Option(help="Write each item's agreement to this file, the most disputed first.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Write each item's majority label, and Dawid and Skene's, to this file.")
    ] = None,
    by_label: Annotated[
        Path | None, typer.Option(help="Write how far all raters, and each pair, agree on each label to this file.")
    ] = None,
    confusion: Annotated[
        Path | None,
        typer.Option(
            help="Write what each rater says where another says what to this file (CSV, as all; .json, JSON)."
        ),
    ] = None,
    spans: Annotated[
        bool,
        typer.Option("--spans", help="Of Label Studio, doccano, Prodigy: agreement on spans, exact and overlapping."),
    ] = False,
    page: Annotated[Path | None, typer.Option(help="Write all that is said as a page to this HTML file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Say how far raters agree: coefficients with intervals, and what to beware of."""
    from harness.agreement import COEFFICIENTS, Agreed, Agreement, AgreementOptions, agree_in_frame, agree_in_run
    from harness.cli.agreement_shown import show
    from harness.cli.gated import of_agreement
    from harness.cli.gates import gates_of, stop_where_failing
    from harness.rating import Gathered, read_any, read_gathered
    from harness.run import Run, is_run

    if spans:
        agree_on_spans(context, sources, resamples, seed, as_json)
        return
    levels = by_criterion(level, "--level")
    columns, words = said.columns, said.words(levels)
    raters = said.given["raters"]
    check_word("--interval", interval, ("bca", "kalpha"))
    _belongs_to("--correct", correct, {"chosen": chosen, "strata": strata, "sequential": sequential})
    _belongs_to("--components", components, {"facet": facet})
    _belongs_to("--sequential", sequential, {"time": time, "width": width != 0.1})
    _refuse_with_preferences(
        preferences,
        {"stand-in": stand_in, "correct": correct, "components": components, "weights": weights,
         "level": level, "pool": pool,
         "categories": categories, "score-range": score_range, "drop-outvoted": drop_outvoted, "items": items,
         "labels": labels, "by-label": by_label, "confusion": confusion, "means": means, "page": page,
         "coefficient": coefficient, "strata": strata, "alignment": alignment, "cross-check": cross_check},
        {"player": player != "response_id", "opponent": opponent != "against_id", "lengths": lengths,
         "ties": ties != "half", "baseline": baseline},
    )  # fmt: skip
    checked: Any = {
        "interval": interval,
        "alignment": alignment,
        "level": levels,
    }  # its words are checked by `AgreementOptions`
    asked = AgreementOptions(
        coefficients=coefficient, raters=raters, criterion=said.given["criteria"], pool=pool, cluster=cluster,
        stand_in=stand_in, epsilon=epsilon, min_items=min_items, correct=correct, chosen=chosen, strata=strata,
        sequential=sequential, time=time, width=width, by=by, means=means, drop_outvoted=drop_outvoted,
        weights=weights is not None, components=components, facet=facet, cross_check=cross_check or None,
        resamples=resamples, seed=seed, **checked,
        **scales_said(categories, score_range),
    )  # fmt: skip
    gates = gates_of(fail_if, [*COEFFICIENTS, "missing"], junit=junit)
    _refuse_with_preferences(preferences, {"fail-if": fail_if}, {})
    found: Agreement | RunAgreement | Preferences
    source = sources[0]
    if len(sources) > 1 and (run := next(filter(is_run, sources), None)):
        raise typer.BadParameter(f"{run} is a run: give it alone", param_hint="SOURCE")
    if is_run(source):
        refuse_for_a_run(
            **{name: one for name, one in said.given.items() if name in OF_THE_RUN or not with_file}, level=level,
            categories=categories, score_range=score_range, coefficient=coefficient, pool=pool, cluster=cluster,
            strata=strata, cluster_regex=cluster_regex, lengths=lengths, interval=interval != "bca",
            drop_outvoted=drop_outvoted, components=components,
        )  # fmt: skip
        people = _people(Run(source), with_file, columns, words) if with_file else None
        if preferences:
            found = run_ranked(Run(source), people, ties, baseline, asked)
        else:
            found = agree_in_run(Run(source), asked, people=people)
            _write_weights(weights, [(found.places[name][1], one) for name, one in found.weights.items()])
    else:
        if with_file:
            raise typer.BadParameter("--with adds people's ratings to a run; the source is a file", param_hint="--with")
        sides = [player, opponent, *(lengths or ())] if preferences else []
        read: Any = {"ai": said.ai, "columns": columns, "words": words}
        if asked.by_rows or preferences or cluster_regex:
            ratings = read_any(sources, also=[*asked.columns, *sides], **read)
            _tell_notes(ratings)
            if cluster_regex:
                ratings, asked = _clustered(ratings, cluster_regex), replace(asked, cluster="cluster")
            if preferences:
                ratings = of_raters(ratings, raters).rename(columns=dict(zip(lengths or (), LENGTHS, strict=False)))
                found = ranked(ratings, player, opponent, ties, asked.cluster or "item_id", baseline, asked.draws)
            else:
                found = agree_in_frame(ratings, asked)
        else:
            by_unit = read_gathered(sources, **read)
            _tell_notes(by_unit.rows if isinstance(by_unit, Gathered) else by_unit)
            found = agree_in_frame(by_unit, asked)
        if isinstance(found, Agreement):
            _write_weights(weights, list(found.weights.items()))
    if isinstance(found, Agreed):
        files = {"items": items, "labels": labels, "by_label": by_label, "confusions": confusion}
        for name, path in files.items():
            _write_rows(path, getattr(found, name)) if path else None
        _write_page(page, found) if page else None
    if as_json:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
    else:
        show(found)
    if gates:  # refused with preferences
        stop_where_failing(gates, of_agreement(cast("Agreement | RunAgreement", found)), junit=junit)
    if not found.defined:
        raise typer.Exit(2)


def _write_rows(path: Path, rows: pd.DataFrame) -> None:
    from harness.run import write_whole

    if path.suffix == ".json":
        text = rows.to_json(orient="records", indent=1, double_precision=15, force_ascii=False) + "\n"
    else:
        text = rows.to_csv(index=False, float_format="%.6g")
    write_whole(path, text.encode())
    print(f"wrote {len(rows):,} rows to {path}", file=sys.stderr)


def _write_page(path: Path, found: Agreed) -> None:
    from harness.reporting import report

    print(f"wrote {report(found, path)}", file=sys.stderr)


def _belongs_to(option: str, given: bool, parts: dict[str, object]) -> None:
    """Refuse what says more of an option that was not given, instead of dropping it in silence."""
    named = [name for name, value in parts.items() if value]
    if named and not given:
        raise typer.BadParameter(f"belongs to {option}; add it", param_hint=f"--{named[0]}")


def _people(run: Run, path: Path, columns: Columns, words: Words) -> pd.DataFrame:
    """Return a file's ratings of a run's responses; those of another tool with the run's ids and values."""
    from harness.rating import frame_of, import_ratings, read_any

    people = read_any(path, columns=columns, words=words)
    if "response_id" not in people or "source" in people:
        people = frame_of(import_ratings(path, run, dry_run=True))
    _tell_notes(people)
    return people


def _tell_notes(ratings: pd.DataFrame) -> None:
    for note in ratings.attrs.get("notes", ()):
        print(note, file=sys.stderr)


def _write_weights(path: Path | None, weights: list[tuple[str, dict[str, float]]]) -> None:
    """Write the AI raters' weights where a file is named."""
    from harness.rating import write_weights

    if path is not None:
        found = write_weights(path, weights)
        print(f"wrote the weights of {len(found)} AI raters to {path}", file=sys.stderr)


def _refuse_with_preferences(asked: bool, without: dict[str, object], only: dict[str, object]) -> None:
    """Refuse options that would be dropped in silence: those of agreement with `--preferences`, its own without it."""
    given = [name for name, value in (without if asked else only).items() if value]
    if given:
        words = "ranks players, and says nothing of how raters agree" if asked else "is what this belongs to; add it"
        raise typer.BadParameter(f"--preferences {words}", param_hint=f"--{given[0]}")


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
