"""`harness quickstart`, `run`, `rate`: answer, rate, train in rounds, and publish the page."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from harness.cli.catalogue import AsJson, Include, SuiteName

if TYPE_CHECKING:
    from harness.run import Run
    from harness.suite import Suite

Out = Annotated[Path | None, typer.Option(help="The run's folder; runs/NAME where not given.")]
Seed = Annotated[int | None, typer.Option(help="Replaces the suite's seed.")]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many items a task, and held-out items in rounds.")]
Cache = Annotated[Path | None, typer.Option(help="Where models and finished calls are kept.")]
Workers = Annotated[int, typer.Option(min=1, help="Processes and threads at once.")]
UnsafeLocal = Annotated[bool, typer.Option("--unsafe-local", help="Run model-written code without a sandbox.")]
Stages = Annotated[
    str,
    typer.Option(help="Which stages, with commas: answer, rate, rounds, exchange, report.", show_default="all of them"),
]
ALL_STAGES = "answer,rate,rounds,exchange,report"
Some = Annotated[str | None, typer.Option(help="Only these of the suite, with commas; the rest stays to be done.")]
MaxCost = Annotated[
    float | None, typer.Option(min=0, help="US dollars that this command may spend on calls; it stops before (exit 5).")
]
Executor = Annotated[
    str | None,
    typer.Option(help="Who works: local, dask:ADDRESS, dask:FILE.json, dask:local:N; see docs/cluster.md."),
]
RetryErrors = Annotated[bool, typer.Option("--retry-errors", help="Ask again where a rater failed.")]


def quickstart(
    out: Out = None,
    seed: Seed = None,
    limit: Limit = None,
    cache: Cache = None,
    workers: Workers = 2,
    stages: Stages = ALL_STAGES,
    as_json: AsJson = False,
) -> None:
    """See the whole product work, small and real: no key, no account, a few minutes on two cores."""
    _run("quickstart", out, seed, limit, as_json, cache=cache, workers=workers, stages=stages)


def run(
    suite: SuiteName,
    out: Out = None,
    seed: Seed = None,
    limit: Limit = None,
    tasks: Some = None,
    models: Some = None,
    raters: Some = None,
    include: Include = None,
    cache: Cache = None,
    workers: Workers = 2,
    stages: Stages = ALL_STAGES,
    unsafe_local: UnsafeLocal = False,
    retry_errors: RetryErrors = False,
    max_cost: MaxCost = None,
    executor: Executor = None,
    as_json: AsJson = False,
) -> None:
    """Run a suite; the same command again does only what is missing."""
    _run(
        suite,
        out,
        seed,
        limit,
        as_json,
        tasks=names(tasks),
        models=names(models),
        raters=names(raters),
        include=include or (),
        cache=cache,
        workers=workers,
        stages=stages,
        unsafe_local=unsafe_local,
        retry_errors=retry_errors,
        max_cost=max_cost,
        executor=executor,
    )


def names(text: str | None) -> list[str] | None:
    """Return the names in a text with commas; None where there is no text."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def changed_suite(
    suite: str, seed: int | None = None, limit: int | None = None, include: Sequence[str | Path] = ()
) -> Suite:
    """Return a suite, with the seed and the limit that the command line gives."""
    from harness.catalog import Catalog
    from harness.suite import read_suite

    changes = {key: value for key, value in (("seed", seed), ("limit", limit)) if value is not None}
    return read_suite(suite, Catalog(include)).model_copy(update=changes)


def _run(
    suite: str, out: Path | None, seed: int | None, limit: int | None, as_json: bool, *, stages: str, **how: Any
) -> None:
    from harness.cli.progress import bar, say
    from harness.stages import run_suite

    wanted = names(stages) or []
    changed = changed_suite(suite, seed, limit, how.get("include", ()))
    done = run_suite(changed, out, stages=wanted, stage=bar, note=say, **how)
    if not as_json:
        _show_scores(done.folder)
    if "report" in wanted or as_json:
        _show(done, as_json)


def rate(
    folder: Annotated[Path, typer.Argument(help="A run's folder.", metavar="RUN")],
    rater: Annotated[list[str], typer.Option(help="A rater of the catalogue; repeatable.")],
    task: Annotated[
        list[str] | None, typer.Option(help="Only these tasks; all that the rater fits where not given.")
    ] = None,
    against: Annotated[
        Literal["reference", "sample"], typer.Option(help="For raters that compare: the other side.")
    ] = "reference",
    practice: Annotated[
        bool, typer.Option("--practice", help="Rate what a loop's models answered for practice too.")
    ] = False,
    include: Include = None,
    cache: Cache = None,
    workers: Workers = 2,
    unsafe_local: UnsafeLocal = False,
    retry_errors: RetryErrors = False,
    max_cost: MaxCost = None,
    executor: Executor = None,
    as_json: AsJson = False,
) -> None:
    """Rate the stored answers of a run by more raters, without asking the models again."""
    from harness.cli.progress import bar, say
    from harness.stages import rate as rate_run

    rated = rate_run(
        folder,
        rater,
        tasks=task,
        against=against,
        practice=practice,
        include=include or (),
        cache=cache,
        workers=workers,
        unsafe_local=unsafe_local,
        retry_errors=retry_errors,
        max_cost=max_cost,
        executor=executor,
        stage=bar,
        note=say,
    )
    _show(rated, as_json)


def _show(run: Run, as_json: bool) -> None:
    """Print what was found: the summary as JSON, or tables, a sentence a finding, and what to do next."""
    from harness.cli.terminal import show
    from harness.reporting import summary

    if as_json:
        print(json.dumps(summary(run), indent=2, allow_nan=False))
    else:
        show(run)


def _show_scores(folder: Path) -> None:
    """Print lm-eval's table of each model's answers."""
    from harness.answering import lm_eval_table, read_groups
    from harness.run import Run

    manifest = Run(folder).manifest
    groups = read_groups(manifest.get("groups", []))
    for name, scores in manifest.get("scores", {}).items():
        if scores:
            print(f"{name}\n\n{lm_eval_table(scores, groups)}")
