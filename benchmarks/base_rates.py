"""How often a model is right before any training, on each task that a learner can practise on.

The first held-out items, answered token by token without chance, rated by the task's own first rater:

    python benchmarks/base_rates.py --items 100
"""

from __future__ import annotations

import argparse
import time
from fractions import Fraction

from scipy.stats import binomtest

from harness.answering import default_cache
from harness.catalog import Catalog
from harness.learning import make_learner
from harness.learning.learner import from_json, to_json
from harness.learning.problems.task import generated
from harness.rating import Surroundings, Work, find_rater
from harness.records import Response


def base_rate(task: str, model: str, items: int) -> tuple[int, list[str]]:
    """Return how many of the first held-out items are right, and the answers."""
    learner = make_learner(
        "language_model", {"task": task, "model": model}, 0, catalog=Catalog(), cache=default_cache()
    )
    asked = learner.held_out(items)
    state, _ = learner.start()
    texts = [from_json(to_json(one)).text for one in learner.answer(state, asked)]
    rater = find_rater(learner.task.raters[0], Catalog(), Surroundings(workers=1))
    work = [
        Work(item, Response(response_id=item.item_id, task=task, item_id=item.item_id, model="m", text=text))
        for item, text in zip(asked, texts, strict=True)
    ]
    right = sum(rating.value == 1 for rating in rater.rate(work))
    return right, texts


def main() -> None:
    """Print a line a task, as soon as it is done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--items", type=int, default=100)
    parser.add_argument("--tasks", nargs="+", default=generated(Catalog()))
    parser.add_argument("--show", type=int, default=0, help="so many answers of each task, to look at")
    asked = parser.parse_args()
    for task in asked.tasks:
        started = time.process_time()
        right, texts = base_rate(task, asked.model, asked.items)
        low, high = binomtest(right, asked.items).proportion_ci(method="wilson")
        share = float(Fraction(right, asked.items))
        seconds = time.process_time() - started
        print(f"{task}: {right} of {asked.items}, {share:.2f} [{low:.2f}, {high:.2f}], {seconds:.0f} CPU-s", flush=True)
        for text in texts[: asked.show]:
            print(f"    {text!r:.200}")


if __name__ == "__main__":
    main()
