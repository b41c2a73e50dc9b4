"""The run of `harness demo`: a table of real ratings that ships with the harness becomes a run, in a moment."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from harness.catalog import Catalog
from harness.rating import read_spec
from harness.records import Item, Rating, Response, Scale, digest
from harness.run import Run, host_facts
from harness.suite import Suite

TABLE = "reports/demo/summeval.csv"
TASK = "summeval"
JUDGE = "summeval_quality_judge"
"""Who made the ratings of `smollm2_135m`."""
SUITE = {
    "name": "demo",
    "description": "Three experts and a small language model grade 160 summaries from 1 to 5 (SummEval, Fabbri et al. "
    "2021). Can the model stand in for an expert? Scores only: the texts are not carried.",
    "ratings": [{"dataset": TASK}],
}


def make_demo(folder: str | Path = "runs/demo", catalog: Catalog | None = None) -> Run:
    """Make the run of the demonstration; made twice, it is the same.

    Args:
        folder: The run's folder.
        catalog: Where the table lies.

    Returns:
        The run: ratings of people and of a judge, no texts.

    Raises:
        HarnessError: The folder holds something else.
    """
    catalog = catalog or Catalog()
    wide = pd.read_csv(catalog.file(TABLE))
    run = Run.create(folder, Suite.model_validate(SUITE))
    with run.lock():
        run.note(suite="demo", seed=run.suite.seed, **host_facts())
        run.write(
            [
                Item(task=TASK, item_id=name, family="summarization", prompt="", content_hash=digest(name))
                for name in wide["article"].unique()
            ],
            "demo",
        )
        answers = wide[["article", "system"]].drop_duplicates()
        run.write(
            [
                Response(response_id=f"{article}__{system}", task=TASK, item_id=article, model=system)
                for article, system in answers.itertuples(index=False)
            ],
            "demo",
        )
        run.write(_ratings(wide, read_spec(JUDGE, catalog).scale), "demo")
    return run


def _ratings(wide: pd.DataFrame, judged: Scale) -> list[Rating]:
    long = wide.melt(["article", "system", "rater"], var_name="criterion").dropna(subset="value")
    found = []
    for article, system, rater, criterion, value in long.itertuples(index=False):
        human = rater.startswith("expert")
        found.append(
            Rating(
                rating_id=digest("demo", article, system, rater, criterion),
                task=TASK,
                item_id=article,
                response_id=f"{article}__{system}",
                rater=rater,
                rater_kind="human" if human else "judge",
                criterion=criterion,
                value=value,
                scale="ordinal" if human else judged,
                source="SummEval" if human else JUDGE,
            )
        )
    return found
