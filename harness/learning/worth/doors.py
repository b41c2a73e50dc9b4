"""The door to exchange rates: a run, a file or a frame goes in, and what its labels are worth comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from harness.answering import default_cache, torch_folder
from harness.errors import HarnessError, did_you_mean
from harness.learning.worth.curves import learning_curves
from harness.learning.worth.exchange import Exchange, Measure
from harness.learning.worth.features import text_features
from harness.learning.worth.rates import ExchangeRates, kept_rates
from harness.learning.worth.ridge import Learner, ridge
from harness.learning.worth.sources import Rated, matching, rated, read_rated
from harness.records import digest
from harness.run import Run, is_run, place_of
from harness.statistics import Ints
from harness.suite import PERSON, ExchangeUse, fitted, mixed

Stage = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


@contextmanager
def _silent(title: str, total: int) -> Iterator[Callable[[int], None]]:
    yield lambda count: None


def exchange(
    source: pd.DataFrame | Run | str | Path,
    *,
    text: str | None = None,
    against: str | None = None,
    context: str | None = None,
    cluster: str | None = None,
    tables: Sequence[str | Path] | None = None,
    item: str | None = None,
    rater: str | None = None,
    criterion: str | None = None,
    value: str | None = None,
    kind: str | None = None,
    ai: Sequence[str] | None = None,
    people: Sequence[str] | None = None,
    criteria: Sequence[str] | None = None,
    sources: Mapping[str, Sequence[str]] | None = None,
    scored_by: Sequence[str] | None = None,
    sizes: Sequence[int] | None = None,
    mixtures: Sequence[str] | None = None,
    splits: int | None = None,
    rates: Mapping[str, float] | None = None,
    quality: float | None = None,
    seed: int | None = None,
    learner: Literal["ridge", "lora"] | None = None,
    model: str | None = None,
    device: str | None = None,
    cache: str | Path | None = None,
    stage: Stage = _silent,
) -> ExchangeRates:
    """Say what a person's label is worth in another source's: a small rater learns from each, other people score it.

    Use it before paying for labels: on some texts that people and a judge have both rated, it tells how many of the
    judge's labels teach as much as one of a person's, where more labels stop helping, and which mixture is cheapest.

    Args:
        source: A run (its own settings hold where nothing else is said), the path of one or of a file of ratings, or a
            frame with a row a rating (`item_id, rater, criterion, value, text`; `against_text`, `context`, `cluster`,
            `rater_kind` where there are any).
        text: Of a file the column of the text that was rated; `text` where not given.
        against: Of a file of comparisons the column of the other text; a value of 1 prefers `text`, 0 the other one.
        context: Of a file the column of what the text is about.
        cluster: Of a file the column that says which texts belong together; the context where not given.
        tables: Further tables of texts and contexts, joined on the columns that they share with the file.
        item: Of a file the column of the item.
        rater: Of a file the column of the rater.
        criterion: Of a file the column of the criterion.
        value: Of a file the column of the value.
        kind: Of a file the column of the rater's kind.
        ai: Globs of a file's raters that are AI judges.
        people: Globs of the raters who are people; those of the kind human where not given.
        criteria: Globs of the criteria; all where not given.
        sources: Names of what is compared with a person's labels, each with globs of raters, whose mean is the label;
            every rater that is no person where not given.
        scored_by: Globs of the raters whose mean scores what was learnt; the people who gave no label where not given.
        sizes: Numbers of labels; those that a source has not are left out.
        mixtures: `N+M`: N labels of a person with M of another source.
        splits: Random splits by cluster.
        rates: Dollars a label by source, `person` for a person's.
        quality: The score that is wanted, for what is cheapest.
        seed: Decides the splits; the run's where not given, else 0.
        learner: `ridge` on features, or `lora`: the model itself with a low-rank adapter, which wants a GPU.
        model: Whose features are learnt from, or what is adapted: `embedded`, or a folder.
        device: `cpu` or `cuda`.
        cache: Where features are kept; the user's cache folder where not given.
        stage: Shows progress: called with a title and a count.

    Returns:
        The rates, one criterion after another.

    Raises:
        HarnessError: A file or a glob fits nothing, or there is too little to learn from.
    """
    given = {
        "text": text, "against": against, "context": context, "cluster": cluster, "item": item, "rater": rater,
        "criterion": criterion, "value": value, "kind": kind, "ai": ai, "people": people, "criteria": criteria,
        "sources": sources, "scored_by": scored_by, "sizes": sizes, "mixtures": mixtures, "splits": splits,
        "rates": rates, "quality": quality, "learner": learner, "model": model, "device": device,
        "tables": None if tables is None else [str(path) for path in tables],
    }  # fmt: skip
    said = {name: entry for name, entry in given.items() if entry is not None}
    place = Path(cache) if cache else default_cache()
    if isinstance(source, str | Path) and is_run(source):
        source = Run(source)
    if isinstance(source, Run):
        own, kept = source.suite.exchange or ExchangeUse(), kept_rates(source)
        use = fitted(ExchangeUse, {**own.model_dump(exclude_defaults=True), **said}, "exchange: ")
        seed = source.suite.seed if seed is None else seed
        gone = bool(use.data) or source.ratings.empty
        if kept and gone and use == own and seed == source.suite.seed:
            return kept  # the run has its texts no more
        return rates_of(read_rated(use) if use.data else source, use, seed, place, stage, kept)
    if isinstance(source, str | Path):
        use = fitted(ExchangeUse, {**said, "data": str(place_of(source))}, "exchange: ")
        return rates_of(read_rated(use), use, seed or 0, place, stage)
    if not isinstance(source, pd.DataFrame):
        raise HarnessError(
            f"expected a run, the path of a run or of a file of ratings, or a DataFrame, not a {type(source).__name__}"
        )
    return rates_of(source, fitted(ExchangeUse, said, "exchange: "), seed or 0, place, stage)


def rates_of(
    source: pd.DataFrame | Run,
    use: ExchangeUse,
    seed: int,
    cache: Path,
    stage: Stage = _silent,
    kept: ExchangeRates | None = None,
) -> ExchangeRates:
    """Return the exchange rates of what was rated: those that are kept where they are of the same; see `exchange`."""
    known = rated(source, use)
    if kept and kept.made_of == _asked(known, use, seed):
        return kept
    scorers = matching(use.scored_by, known.rows["rater"], "scored_by") if use.scored_by else []
    if PERSON in set(known.rows["rater"]) - set(known.people):
        raise HarnessError(f"exchange: a rater that is no person is called {PERSON!r}; name it otherwise by `sources`")
    names = set(use.sources or known.rows["rater"])
    if unknown := [name for name in use.rates if name not in (PERSON, *names)]:
        raise HarnessError(f"--rates: nobody is called {unknown[0]!r}.{did_you_mean(unknown[0], names)}")
    learn = _learner(known, use, cache, stage)
    places = pd.Series(np.arange(len(known.items)), index=known.items.index)
    clusters = known.items["cluster"].fillna("") if "cluster" in known.items else places.astype(str)
    found, lacking = [], []
    measure: Measure = "share alike" if known.pairs else "correlation"
    for name in sorted(map(str, known.rows["criterion"].unique())):
        units, labels = known.labels(name, use, scorers)
        people = [person for person in known.people if person in labels]
        groups = pd.factorize(clusters.loc[units])[0]
        mixtures = [mixed(text) for text in use.mixtures]
        mine = [one for one in scorers if one in labels]
        try:
            curves = learning_curves(
                learn(places.loc[units].to_numpy()), labels, people, groups, use.sizes, mixtures, use.splits,
                seed=seed, scorers=mine, pairs=known.pairs,
            )  # fmt: skip
        except HarnessError as error:
            lacking.append(f"{name}: {error}")
        else:
            found.append(Exchange(name, curves, seed, use.rates, use.quality, measure))
    if not found:
        raise HarnessError("\n".join(lacking))
    notes = [*(source.attrs.get("notes", ()) if isinstance(source, pd.DataFrame) else ()), *lacking]
    kinds = known.rows.drop_duplicates("rater")
    human = (
        set() if use.sources or "rater_kind" not in kinds else set(kinds.loc[kinds["rater_kind"] == "human", "rater"])
    )
    humans = sorted(human.intersection(source for one in found for source in one.sources))
    return ExchangeRates(found, _asked(known, use, seed), humans, notes)


def _learner(known: Rated, use: ExchangeUse, cache: Path, stage: Stage) -> Callable[[Ints], Learner]:
    """Return from the places of some units what learns from them.

    The features of a unit are of its text, or of its text less those of the other text.
    """
    folder = str(torch_folder(cache)) if use.model == "embedded" else use.model
    items = known.items
    contexts = items["context"].fillna("").astype(str).tolist() if "context" in items else [""] * len(items)
    sides = [items[name].astype(str).tolist() for name in ("text", "against_text") if name in items]
    if use.learner == "lora":
        from harness.learning.worth.lora import TextRater

        rater = TextRater(sides, contexts, folder, use.device)
        return lambda places: lambda _: lambda rows, labels, wanted: rater.learn(places[rows], labels, places[wanted])
    with stage("texts are read", sum(map(len, sides))) as progress:
        made = text_features(
            [text for side in sides for text in side], contexts * len(sides), folder, cache, progress, use.device
        )
    features = made[: len(items)] - made[len(items) :] if known.pairs else made
    return lambda places: ridge(features[places], known.pairs)


def _asked(known: Rated, use: ExchangeUse, seed: int) -> str:
    usual = {"learner"} if use.learner == "ridge" else set()  # what was asked before there was another
    return digest(known.hash, use.model_dump(exclude={"data", "tables", "device", *usual}), seed, 1)


def stale(run: Run) -> bool:
    """Tell whether a run's own ratings have changed since the rates that it keeps were made."""
    kept, use = kept_rates(run), run.suite.exchange
    return bool(kept and use and use.data is None and kept.made_of != _asked(rated(run, use), use, run.suite.seed))
