"""Rated texts, from a table or a run, as what learning curves are made of: one row an item, one column a rater."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from harness.errors import HarnessError, did_you_mean
from harness.learning.exchange.curves import learning_curves
from harness.learning.exchange.exchange import Exchange
from harness.learning.exchange.features import text_features
from harness.run import Run, is_first, is_person, is_valued, unit_names

SIZES = (50, 100, 200, 400, 800)
Progress = Callable[[int], None]


def exchange_rates(
    ratings: pd.DataFrame,
    folder: str,
    cache: Path,
    *,
    people: Sequence[str] = (),
    criteria: Sequence[str] = (),
    sizes: Sequence[int] = SIZES,
    mixtures: Sequence[tuple[int, int]] = (),
    splits: int = 20,
    seed: int = 0,
    rates: Mapping[str, float] | None = None,
    quality: float | None = None,
    device: str = "cpu",
    progress: Progress = lambda count: None,
) -> Iterator[Exchange]:
    """Yield what labels are worth, a criterion at a time.

    Args:
        ratings: A row a rating: `item_id`, `rater`, `criterion`, `value`, `text`, and where there are any `context`,
            `cluster`, `rater_kind`, `status`.
        folder: The model whose features are learnt from.
        cache: The user's cache folder; features are made once.
        people: Globs of the raters who are people; those of the kind human where not given.
        criteria: Globs of the criteria; all where not given.
        sizes: Numbers of labels; those that no source has are left out.
        mixtures: Numbers of a person's labels and of another source's, used together.
        splits: Random splits by cluster.
        seed: Decides them.
        rates: Dollars a label by rater, `person` for people's.
        quality: The score that is wanted.
        device: cpu or cuda.
        progress: Is told how many texts are read.

    Raises:
        HarnessError: A glob matches nobody, or there is too little to learn from.
    """
    rows = ratings[is_valued(ratings) & is_first(ratings) & ratings["text"].notna()]
    rows = rows.assign(unit=unit_names(rows))
    persons = (
        _matching(people, rows["rater"], "people") if people else sorted(rows.loc[is_person(rows), "rater"].unique())
    )
    names = _matching(criteria, rows["criterion"], "criterion") if criteria else sorted(rows["criterion"].unique())
    unknown = [name for name in rates or {} if name != "person" and name not in set(rows["rater"])]
    if unknown:
        raise HarnessError(
            f"--rates: nobody is called {unknown[0]!r}.{did_you_mean(unknown[0], rows['rater'].unique())}"
        )
    items = rows.drop_duplicates("unit").sort_values("unit").set_index("unit")
    contexts = items["context"].fillna("").astype(str) if "context" in items else pd.Series("", index=items.index)
    features = text_features(items["text"].astype(str).tolist(), contexts.tolist(), folder, cache, progress, device)
    places = pd.Series(np.arange(len(items)), index=items.index)
    clusters = items["cluster"].fillna("") if "cluster" in items else pd.Series(items.index, index=items.index)
    for name in names:
        own = rows[rows["criterion"] == name]
        wide = own.pivot_table(index="unit", columns="rater", values="value", observed=True)
        labels = {str(rater): wide[rater].to_numpy(float) for rater in wide}
        cluster = pd.factorize(clusters.loc[wide.index])[0]
        curves = learning_curves(
            features[places.loc[wide.index].to_numpy()],
            labels,
            [person for person in persons if person in labels],
            cluster,
            sizes,
            mixtures,
            splits,
            seed=seed,
        )
        yield Exchange(str(name), curves, seed, rates or {}, quality)


def rated_texts(run: Run) -> pd.DataFrame:
    """Return the ratings of a run with the texts that were rated and what they are about."""
    answers = run.responses[["response_id", "text"]]
    items = run.items.drop_duplicates(["task", "item_id"])[["task", "item_id", "prompt", "context", "cluster"]]
    rows = (
        run.ratings[run.ratings["against_id"].isna()]
        .merge(answers, on="response_id")
        .merge(items, on=["task", "item_id"])
    )
    context = rows["context"].where(rows["context"].notna(), rows["prompt"])
    cluster = rows["cluster"].where(rows["cluster"].notna(), rows["item_id"])
    return rows.assign(context=context, cluster=cluster)


def _matching(globs: Sequence[str], column: Any, what: str) -> list[str]:
    names = sorted(map(str, column.unique()))
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise HarnessError(f"--{what} {glob!r} matches nothing.{did_you_mean(glob, names)}")
    return [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
