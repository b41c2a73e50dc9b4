"""What a run says, written where people look already: MLflow, Weights & Biases, a model card of the hub.

A rating becomes MLflow's assessment as its record was made to: criterion, kind and rater, rationale. People stay
`Human A`, and addresses are taken out of every text, as on the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.reporting import tables
from harness.reporting.cases import RATING_COLUMNS, cases
from harness.reporting.evidence import Evidence, Row, value_of
from harness.reporting.finding import SIGNS, points
from harness.reporting.findings import answer, findings_of, said
from harness.reporting.methods import lm_eval_scores
from harness.rounds import counted, round_name
from harness.run import Run, write_whole
from harness.suite import without_homes, without_whereabouts

MOST_CASES = 1000
"""Rated answers that leave the run, as the page orders them: the largest gaps first."""
SOURCES = {"human": "HUMAN", "judge": "LLM_JUDGE", "reward_model": "LLM_JUDGE", "verifier": "CODE", "metric": "CODE"}
"""Rater kinds as MLflow calls them."""


def to_mlflow(run: Run, out: Path | None = None) -> str:
    """Write a run into MLflow: scores by round as metrics, rated answers as traces with an assessment a rating.

    Args:
        run: The run.
        out: A folder for MLflow's files; where MLFLOW_TRACKING_URI says where not given.

    Returns:
        What was written, as a sentence.

    Raises:
        HarnessError: MLflow is not installed.
    """
    try:
        import mlflow
        from mlflow.entities import AssessmentError, AssessmentSource
    except ImportError as error:
        raise HarnessError("this needs an extra: pip install 'feedback-harness[mlflow]'") from error
    evidence = Evidence.of(run)
    if out:
        out.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(f"sqlite:///{out.resolve() / 'mlflow.db'}")
    mlflow.set_experiment(run.suite.name)
    count = 0
    tags = {"mlflow.user": "feedback-harness", "mlflow.source.name": "feedback-harness"}  # else user and path
    with mlflow.start_run(run_name=run.suite.name, tags=tags) as begun:
        mlflow.log_params({"suite": run.suite.fingerprint, "seed": run.suite.seed})
        mlflow.set_tag(
            "mlflow.note.content", without_whereabouts("\n\n".join(one.sentence for one in findings_of(evidence)))
        )
        for name, step, value in _series(evidence):
            mlflow.log_metric(_plain(name), value, step=step)
        traced = []
        for case in _rated(evidence):
            span = mlflow.start_span_no_context(name=case["task"], inputs={"prompt": case["prompt"]})
            span.set_outputs({"response": case["response"], "against": case["against"]})
            span.end()
            traced.append((span.trace_id, case["ratings"]))
        mlflow.flush_trace_async_logging()  # an assessment needs its trace to be there
        for trace_id, ratings in traced:
            for rating in ratings:
                failed = rating["status"] != "ok"
                told = without_whereabouts(rating["error"] or "")
                source = AssessmentSource(source_type=SOURCES[rating["rater_kind"]], source_id=rating["rater"])
                mlflow.log_feedback(
                    trace_id=trace_id,
                    name=_plain(rating["criterion"]),
                    value=None if failed else rating["value"],
                    error=AssessmentError(rating["status"].upper(), told) if failed else None,
                    source=source,
                    rationale=rating["rationale"],
                    metadata={name: str(rating[name]) for name in ("label", "order", "repetition") if rating[name]},
                )
                count += 1
    return f"MLflow, experiment {run.suite.name!r}, run {begun.info.run_id}: {count:,} assessments"


def to_wandb(run: Run, out: Path | None = None) -> str:
    """Write a run into Weights & Biases: scores by round, a table of the verdicts, a table of the rated answers.

    Args:
        run: The run.
        out: A folder for its files; it writes there without a network where WANDB_MODE is `offline`.

    Returns:
        What was written, as a sentence.

    Raises:
        HarnessError: wandb is not installed.
    """
    try:
        import wandb
    except ImportError as error:
        raise HarnessError("this needs an extra: pip install 'feedback-harness[wandb]'") from error
    evidence = Evidence.of(run)
    if out:
        out.mkdir(parents=True, exist_ok=True)
    begun = wandb.init(project=run.suite.name, name=run.suite.name, dir=str(out) if out else None, reinit=True)
    columns = ["task", "prompt", "response", "against", "rater", "rater_kind", "criterion", "value", "label", "status"]
    rows = [{**case, **rating} for case in _rated(evidence) for rating in case["ratings"]]
    begun.define_metric("round")
    begun.define_metric("*", step_metric="round")
    for name, step, value in _series(evidence):
        begun.log({name: value, "round": step})
    begun.log({"ratings": wandb.Table(columns=columns, data=[[row[name] for name in columns] for row in rows])})
    kept = ["benchmark", "series", "verdict", "rate", "low", "high", "level", "n_items", "n_seeds"]
    verdicts = [[*(row[name] for name in kept), counted(row)["verdict"]] for row in evidence.rounds]
    begun.log({"verdicts": wandb.Table(columns=[*kept, "verdict over the control"], data=verdicts)})
    begun.summary["answer"] = without_whereabouts(answer(evidence))
    begun.finish()
    return f"Weights & Biases, project {run.suite.name!r}, run {begun.id}: {len(rows):,} ratings"


def to_hub_card(run: Run, out: Path | None = None) -> str:
    """Write a section for a model card of the hub: its metadata with the scores, and the table of the verdicts.

    Args:
        run: The run.
        out: The file; `MODEL_CARD.md` in the run's folder where not given.

    Returns:
        What was written, as a sentence.
    """
    from huggingface_hub import EvalResult, ModelCardData

    evidence = Evidence.of(run)
    results = [
        EvalResult("text-generation", row["benchmark"], row["benchmark"], "accuracy", round(row["score"], 6),
                   metric_name=f"mean score {_after(evidence, row)}")
        for row in _last_rounds(evidence)
    ]  # fmt: skip
    results += [
        EvalResult("text-generation", row["task"], row["task"], row["metric"].partition(",")[0], round(row["value"], 6),
                   metric_name=f"{row['metric']} of {row['model']}")
        for row in lm_eval_scores(run.manifest)
    ]  # fmt: skip
    card = (
        ModelCardData(model_name=run.suite.name, eval_results=results, tags=["feedback-harness"]) if results else None
    )
    head = f"---\n{card.to_yaml()}\n---\n\n" if card else ""
    target = out or run.folder / "MODEL_CARD.md"
    write_whole(target, (head + _section(evidence)).encode())
    return f"{target}: {len(results)} evaluation results and {len(evidence.rounds)} verdicts"


EXPORTS: dict[str, Callable[[Run, Path | None], str]] = {
    "mlflow": to_mlflow,
    "wandb": to_wandb,
    "hub-card": to_hub_card,
}
"""The places by the names that the command line knows."""


def _section(evidence: Evidence) -> str:
    trained = not evidence.fed and evidence.rounds
    lines = [
        "## Does training still help?" if trained else "## Does the feedback still help?",
        "",
        _markdown(answer(evidence)),
        "",
    ]
    if evidence.rounds:
        first = "feedback" if evidence.fed else "series"
        lines += [f"| {first} | benchmark | verdict | points a round | interval | items | training seeds |"]
        lines += ["|---|---|---|---:|---:|---:|---:|"]
        for row in evidence.rounds:
            verdict = counted(row)["verdict"] or "unknown"
            low, high = points(row["low"]), points(row["high"])
            interval = "–" if row["low"] is None else f"[{low}, {high}] at {row['level']:.0%}"
            cells = (row["series"], row["benchmark"], f"{SIGNS[verdict]} {verdict}", points(row["rate"]), interval)
            lines.append("| " + " | ".join(map(_markdown, (*cells, row["n_items"], row["n_seeds"]))) + " |")
        lines += ["", *(f"- {_markdown(said(row))}" for row in evidence.rounds), ""]
    lines += ["### What else the run says", ""]
    lines += [f"- {_markdown(one.sentence)}" for one in findings_of(evidence) if one.evidence not in ("fig-rounds",)]
    return "\n".join(lines) + "\n"


def _after(evidence: Evidence, row: Row) -> str:
    """Return of which round and series a score is."""
    fed = " feedback" if evidence.fed else ""
    return f"after {round_name(evidence.round_called(row['round']))} of {row['series']}{fed}"


def _markdown(text: Any) -> str:
    """Return a text that cannot end its cell or begin a tag or a link."""
    shown = without_whereabouts("–" if text is None else str(text)).replace("\\", "\\\\")
    for character in "|<>[]*_":
        shown = shown.replace(character, f"\\{character}")
    return " ".join(shown.split())


def _series(evidence: Evidence) -> Iterator[tuple[str, int, float]]:
    """Yield the mean scores as `(name, round, value)`."""
    for row in tables.scores(evidence):
        if row["score"] is not None:
            yield f"score/{row['benchmark']}/{row['series']}", int(row["round"]), float(row["score"])


def _last_rounds(evidence: Evidence) -> list[Row]:
    last: dict[tuple[str, str], Row] = {}
    for row in tables.scores(evidence):
        if row["score"] is not None:
            last[(row["benchmark"], row["series"])] = row
    return list(last.values())


def _rated(evidence: Evidence) -> Iterator[Row]:
    """Yield the rated answers with their texts and ratings."""
    run = evidence.run
    prompts = run.items.drop_duplicates(["task", "item_id"]).set_index(["task", "item_id"])["prompt"]
    texts = run.responses.drop_duplicates("response_id").set_index("response_id")["text"]
    back = {name: rater for rater, name in evidence.names.items()}

    def text(key: str | None) -> str | None:
        found = value_of(texts.get(key)) if key else None
        return None if found is None else without_homes(str(found))

    for case in cases(evidence, MOST_CASES, run.suite.seed).rows:
        ratings = [dict(zip(RATING_COLUMNS, mark, strict=True)) for mark in case["ratings"]]
        yield {
            "task": case["task"],
            "prompt": without_homes(str(prompts.get((case["task"], case["item_id"]), ""))),
            "response": text(case["response_id"]),
            "against": text(case["against_id"]),
            "ratings": [
                {**row, "rater_kind": evidence.kinds[back[row["rater"]]],
                 "rationale": without_homes(row["rationale"]) if row["rationale"] else None}
                for row in ratings
            ],
        }  # fmt: skip


def _plain(name: str) -> str:
    """Return a name of the characters that MLflow allows."""
    return "".join(c if c.isalnum() or c in "_-./ " else "_" for c in name)
