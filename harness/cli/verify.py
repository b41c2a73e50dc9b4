"""`harness verify`: stored completions against their unit tests, in the sandbox."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from harness.cli.catalogue import AsJson
from harness.cli.gates import JUnit


def verify(
    problems: Annotated[Path, typer.Option(help="JSONL (.gz too): HumanEval, MBPP, APPS, pytest, or our own format.")],
    completions: Annotated[
        Path, typer.Option(help="JSONL (.gz too): task_id with completion or code; model if known.")
    ],
    out: Annotated[Path | None, typer.Option(help="Ratings, one a line; NAME.ratings.jsonl where not given.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Checks side by side.")] = 2,
    timeout: Annotated[float, typer.Option(min=0.01, help="Seconds that a check may take.")] = 10.0,
    memory: Annotated[int, typer.Option(min=64, help="Megabytes that a check may take.")] = 1024,
    packages: Annotated[
        str | None, typer.Option(help="What programs may import: a folder, or names that `harness packages` was given.")
    ] = None,
    accept_same_process: Annotated[
        bool,
        typer.Option("--accept-same-process", help="Run tests that cannot run apart in the program's own process."),
    ] = False,
    unsafe_local: Annotated[
        bool, typer.Option("--unsafe-local", help="Run model-written code without a sandbox.")
    ] = False,
    fail_if: Annotated[
        str | None,
        typer.Option(help="Exit with 4 where this is so: 'pass_rate<.8', 'failures>5%' (not judged), 'missing>0'."),
    ] = None,
    junit: JUnit = None,
    as_json: AsJson = False,
) -> None:
    """Rate completions of coding problems by their unit tests; the programs cannot escape, nor forge a verdict."""
    from harness.cli.gated import of_passes
    from harness.cli.gates import gates_of, stop_where_failing
    from harness.cli.progress import bar
    from harness.errors import HarnessError
    from harness.rating import Limits, choose, packages_folder, pass_summary, read_completions, read_problems, verify

    gates = gates_of(fail_if, ["pass_rate", "failures", "missing"], junit=junit)
    known = read_problems(problems)
    entries = read_completions(completions, known)
    folder = packages_folder(packages) if packages is not None else None
    modules = ("pytest",) if any("pytest" in problem for problem in known.values()) else ()
    if modules and folder is None:
        raise HarnessError(
            "pytest files need `harness packages pytest`, or pip install --target DIR pytest, and --packages"
        )
    jail = choose(unsafe_local, folder, modules)
    target = out or Path(completions.name.removesuffix(".gz").removesuffix(".jsonl") + ".ratings.jsonl")
    found = []
    try:
        with target.open("w", encoding="utf-8") as lines, bar("verifying", len(entries)) as advance:
            limits = Limits(timeout, memory)
            for entry in verify(known, entries, jail, workers, limits, accept_same_process, advance):
                lines.write(entry.rating.model_dump_json() + "\n")
                found.append(entry)
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror}); choose another file with --out") from error
    result = pass_summary(found)
    answered = len({entry.task_id for entry in entries})
    if as_json:
        print(json.dumps(result))
    else:
        _show(result, target, len(known), answered)
    figures = of_passes(result, sum(entry.counts for entry in found), len(known), answered)
    stop_where_failing(gates, figures, junit=junit)


def _show(result: dict[str, Any], target: Path, problems: int, answered: int) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "n", "passed", "pass rate", "pass@k")
    for model, rates in {**result["by_model"], "all": result}.items():
        at_k = ", ".join(f"@{k} {value:.4f}" for k, value in rates["pass_at_k"].items() if k != "1")
        rate = "" if rates["pass_rate"] is None else f"{rates['pass_rate']:.4f}"
        table.add_row(model, f"{rates['n']:,}", f"{rates['passed']:,}", rate, at_k)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{status} {count:,}" for status, count in result["statuses"].items() if count))
    apart = result["same_process"]
    if apart["n"]:
        console.print(
            f"{apart['n']:,} ({apart['share']:.1%}) need tests in the program's own process; "
            "they are in no pass rate, since such a program can forge its verdict"
        )
    if answered < problems:
        console.print(f"{problems - answered:,} of {problems:,} problems have no completion")
    console.print(f"ratings: {target}")
