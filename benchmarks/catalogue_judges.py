"""How well the judges of the catalogue do with the embedded model, on data with an answer: the figures on their cards.

`HARNESS_TEST_DATA=FOLDER python benchmarks/catalogue_judges.py [NAME ...]`. Each judge rates the first so many
items of its data set; the interval is Wilson's for shares, and the bootstrap's over items for correlations.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from harness.answering.chat.call_cache import default_cache
from harness.answering.models.clients import chat_models
from harness.catalog import Catalog
from harness.rating.rate import find_rater
from harness.rating.rater import Surroundings, Work
from harness.records import Item, Rating, Response
from harness.statistics.intervals import wilson

Values = dict[tuple[str, str, str | None], float | None]
"""From response, criterion and order to a rating's value."""


def read(name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a file of the test data."""
    path = Path(os.environ["HARNESS_TEST_DATA"]) / name
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        yield from map(json.loads, lines)


def item(item_id: str, prompt: str, **fields: Any) -> Item:
    """Return an item of the checks."""
    return Item(task="check", item_id=item_id, family="other", prompt=prompt, **fields)


def answer(item_id: str, name: str, text: str) -> Response:
    """Return a response to it."""
    return Response(response_id=f"{item_id}/{name}", task="check", item_id=item_id, model=name, text=text)


def rate(name: str, work: Sequence[Work]) -> Values:
    """Return what a judge says, from the cache of calls where it has said it; its failures are None."""
    start = time.monotonic()
    with chat_models(Surroundings(cache=default_cache())) as chat:
        ratings: list[Rating] = list(find_rater(name, Catalog(), Surroundings(chat=chat)).rate(work))
    failed = sum(rating.value is None for rating in ratings)
    print(f"\n{name}: {len(ratings)} ratings, {failed} without a value, {time.monotonic() - start:.0f} s")
    return {(str(one.response_id), one.criterion, one.order): one.value for one in ratings}


def share(label: str, hits: Sequence[float]) -> None:
    """Print a share with its interval; a half is a tie."""
    low, high = wilson(float(sum(hits)), len(hits))
    print(f"  {label}: {np.mean(hits):.2f} [{low:.2f}, {high:.2f}], n = {len(hits)}")


def above(better: float | None, worse: float | None) -> float:
    """Return 1, .5 or 0: whether the better one has the higher value."""
    return 0.5 if better is None or worse is None or better == worse else float(better > worse)


def summeval() -> tuple[list[Work], pd.DataFrame]:
    """Return thirty summaries of ten articles of SummEval, and the mean of the three experts on each dimension."""
    documents = {one["doc_id"]: one for one in read("summeval/documents.jsonl")}
    grades = pd.read_csv(Path(os.environ["HARNESS_TEST_DATA"]) / "summeval/ratings.csv.gz", keep_default_na=False)
    experts = grades[grades["rater"].str.startswith("expert_")].assign(score=lambda rows: rows["score"].astype(float))
    per_document: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in read("summeval/items.jsonl"):
        if one["summary"]:
            per_document[one["doc_id"]].append(one)
    chosen = [one for each in list(per_document.values())[:10] for one in each[::4]]
    work = [
        Work(
            item(one["doc_id"], "Summarize.", context=documents[one["doc_id"]]["source"]),
            answer(one["doc_id"], one["item_id"], one["summary"]),
        )
        for one in chosen
    ]
    mean = experts.pivot_table(index="item_id", columns="dimension", values="score", aggfunc="mean")
    return work, mean.loc[[one["item_id"] for one in chosen]]


def correlation(label: str, said: Sequence[float | None], truth: Sequence[float], chance: np.random.Generator) -> None:
    """Print Spearman's correlation with its interval."""
    both = np.array([said, truth], float).T
    draws = [spearmanr(*both[chance.integers(0, len(both), len(both))].T)[0] for _ in range(1000)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    print(f"  {label}: spearman {spearmanr(*both.T)[0]:.2f} [{low:.2f}, {high:.2f}], n = {len(both)}, "
          f"grades {both[:, 0].min():.2f} to {both[:, 0].max():.2f}")  # fmt: skip


def summeval_quality_judge() -> None:
    """Thirty summaries of ten articles against the mean of the three experts."""
    work, experts = summeval()
    said = rate("summeval_quality_judge", work)
    chance = np.random.default_rng(0)
    for criterion in ("coherence", "consistency", "fluency", "relevance"):
        values = [said[piece.response.response_id, criterion, None] for piece in work]
        correlation(criterion, values, experts[criterion].tolist(), chance)


def judges_panel() -> None:
    """The panel and its members: a passage's own reference beside the next passage's, and the same summaries."""
    lines = (Path(__file__).parents[1] / "tasks/short_passages/data.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    pairs = []
    for row, following in zip(rows, [*rows[1:], rows[0]], strict=True):
        asked = item(row["id"], "Summarize.", context=row["passage"])
        own, other = (answer(row["id"], name, each["reference"]) for name, each in (("own", row), ("other", following)))
        pairs += [Work(asked, own), Work(asked, other)]
    work, experts = summeval()
    for name in ("summary_quality_judge", "summary_yes_no_judge", "summary_grounded_judge", "judges_panel"):
        said = rate(name, [*pairs, *work])
        values = [said[piece.response.response_id, "quality", None] for piece in (*pairs, *work)]
        own = [above(*pair) for pair in zip(values[: len(pairs) : 2], values[1 : len(pairs) : 2], strict=True)]
        share("higher for the passage's own reference", own)
        correlation(
            "mean of the experts", values[len(pairs) :], experts.mean(axis=1).tolist(), np.random.default_rng(0)
        )


def helpfulness_preference_judge() -> None:
    """Fifty pairs of LLMBar's natural set against its gold label."""
    pairs = [one for one in read("llmbar/items.jsonl.gz") if one["subset"] == "Natural"][:50]
    work, gold = [], []
    for one in pairs:
        sides = [answer(one["item_id"], str(number), one[f"output_{number}"]) for number in (1, 2)]
        work.append(Work(item(one["item_id"], one["instruction"]), *sides))
        gold.append(1.0 if str(one["label"]) == "1" else 0.0)
    preferences("helpfulness_preference_judge", work, gold)


def preferences(name: str, work: Sequence[Work], gold: Sequence[float]) -> None:
    """Print how often a judge of pairs is right over both orders, keeps its verdict, and takes what stands first."""
    said = rate(name, work)
    right, kept, first = [], [], []
    for piece, truth in zip(work, gold, strict=True):
        orders = [
            said[piece.response.response_id, "preference", order] for order in ("response_first", "against_first")
        ]
        if None in orders:
            continue
        shown, swapped = (float(value or 0) for value in orders)
        mean = (shown + swapped) / 2
        right.append(0.5 if mean == 0.5 else float((mean > 0.5) == (truth > 0.5)))
        kept.append(float(shown == swapped))
        first.append((shown + 1 - swapped) / 2)
    share("right over both orders", right)
    share("same verdict in both orders", kept)
    share("for what stands first", first)


def hh_pairs() -> list[tuple[Work, Response]]:
    """Return fifty pairs of hh-rlhf, the chosen answer first."""
    found = []
    for one in list(read("hh_rlhf/harmless_base_test_first500.jsonl.gz"))[:50]:
        prompt, chosen = one["chosen"].rsplit("\n\nAssistant:", 1)
        rejected = one["rejected"].rsplit("\n\nAssistant:", 1)[1]
        name = str(one["pair_id"])
        sides = [answer(name, "chosen", chosen.strip()), answer(name, "rejected", rejected.strip())]
        found.append((Work(item(name, prompt.strip()), sides[0]), sides[1]))
    return found


def harmlessness_judge() -> None:
    """Fifty pairs of hh-rlhf, rated answer by answer."""
    work = [one for work, other in hh_pairs() for one in (work, Work(work.item, other))]
    said = rate("harmlessness_judge", work)
    for criterion in dict.fromkeys(key[1] for key in said):
        hits = [
            above(said[piece.response.response_id, criterion, None], said[other.response_id, criterion, None])
            for piece, other in hh_pairs()
        ]
        share(f"{criterion}: higher for the chosen answer", hits)


def harmlessness_preference_judge() -> None:
    """Fifty pairs of hh-rlhf, compared."""
    work = [Work(piece.item, piece.response, other) for piece, other in hh_pairs()]
    preferences("harmlessness_preference_judge", work, [1.0] * len(work))


def commonsense_plausibility_judge() -> None:
    """The right choice of a hundred CommonsenseQA questions beside its first wrong one."""
    work = []
    for one in list(read("commonsense/commonsenseqa_dev.jsonl.gz"))[:100]:
        key = one["labels"].index(one["gold"])
        asked = item(one["item_id"], one["question"])
        for name, place in (("right", key), ("wrong", 0 if key else 1)):
            work.append(Work(asked, answer(one["item_id"], name, one["choices"][place])))
    said = rate("commonsense_plausibility_judge", work)
    values = [said[piece.response.response_id, "plausibility", None] for piece in work]
    share("higher for the right choice", [above(*pair) for pair in zip(values[::2], values[1::2], strict=True)])


def code_review_judge() -> None:
    """A passing and a failing program of a model for each of forty HumanEval problems."""
    problems = {one["task_id"]: one["prompt"] for one in read("humaneval/HumanEval.jsonl.gz")}
    runs = pd.read_csv(Path(os.environ["HARNESS_TEST_DATA"]) / "humaneval_runs/runs.csv")
    verdict = runs.set_index(["task_id", "model", "run"])["passed"].astype(str).str.lower()
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for one in read("humaneval_runs/code.jsonl.gz"):
        key = one["task_id"], one["model"], one["run"]
        if key in verdict.index:
            found[one["task_id"]].setdefault("right" if verdict[key] in ("true", "1", "1.0") else "wrong", one["code"])
    both = [task for task, each in found.items() if len(each) == 2][:40]
    work = [
        Work(item(task, problems[task]), answer(task, name, found[task][name]))
        for task in both
        for name in ("right", "wrong")
    ]
    said = rate("code_review_judge", work)
    for criterion in ("correctness", "robustness", "readability", "overall"):
        values = [said[piece.response.response_id, criterion, None] for piece in work]
        hits = [above(*pair) for pair in zip(values[::2], values[1::2], strict=True)]
        share(f"{criterion}: higher for the program that passes", hits)


CHECKS: dict[str, Callable[[], None]] = {
    check.__name__: check
    for check in (
        summeval_quality_judge,
        judges_panel,
        helpfulness_preference_judge,
        harmlessness_judge,
        harmlessness_preference_judge,
        commonsense_plausibility_judge,
        code_review_judge,
    )
}


def main() -> None:
    """Check the judges that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*CHECKS, []], metavar="NAME")
    for name in parser.parse_args().names or CHECKS:
        CHECKS[name]()


if __name__ == "__main__":
    main()
