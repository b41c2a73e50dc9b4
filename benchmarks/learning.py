"""What a loop on a language model costs, beside plain transformers and TRL on the same work.

Four parts, each told as soon as it is done, as ratios in one run, so that a slow machine or other work beside it counts
on both sides:

1. `share`: how much of a loop's wall time is outside sampling, rating and training;
2. `growth`: what a loop costs as prompts, samples and rounds grow;
3. `writing`: tokens a second, beside `generate` of transformers with the same prompts, samples and number of tokens;
4. `training`: tokens a second, beside a plain loop in torch and TRL's SFT, with the same tokens, batches and steps.

    python benchmarks/learning.py --size whole --out learning.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.answering import default_cache
from harness.catalog import Catalog
from harness.learning import Example, make_learner
from harness.stages import rounds as stage
from harness.stages import run_suite
from harness.suite import Suite

Row = dict[str, Any]
GROWN = ("prompts", "samples", "rounds")


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    base: tuple[int, int, int]
    """Prompts, samples and rounds of the smallest loop of `addition`."""
    times: tuple[int, ...]
    """How many times each of them grows."""
    prompts: int
    """Of the language model, a round."""
    most: int
    """Tokens of an answer at most."""
    samples: tuple[int, ...]
    """Answers to a prompt, in `writing`."""
    steps: int
    """Of training, with `batch` answers each."""
    rounds: int
    """Of the loops in `share`."""
    batch: int = 8


SIZES = {
    "small": Size((50, 4, 1), (2,), 4, 8, (1, 4), 2, 1),
    "whole": Size((200, 4, 2), (2, 4), 16, 12, (1, 4, 8), 5, 2),
}


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds of a piece of work in this process, and its result."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def loop(rounds: Row) -> Row:
    """Run a loop in this process: the seconds of its parts, and what is left of the wall time.

    `gold` are the ratings of the held-out answers, and `rating` the feedback.
    """
    gold, rate_work = 0.0, stage.rate_work

    def timed_ratings(*arguments: Any) -> None:
        nonlocal gold
        started = time.perf_counter()
        rate_work(*arguments)
        gold += time.perf_counter() - started

    suite = Suite.model_validate({"name": "loop", "rounds": {"feedback": {"none": None}, **rounds}})
    with TemporaryDirectory() as folder:
        stage.rate_work = timed_ratings  # type: ignore[assignment]
        started = time.perf_counter()
        run = run_suite(suite, Path(folder) / "run", stages=["rounds"], workers=1)
        wall = time.perf_counter() - started
        stage.rate_work = rate_work
        rows = run.rounds
    trained = rows[rows["round"] > 0]
    base = float(rows.loc[rows["round"] == 0, "seconds"].max())  # shared, and told by each series
    parts = {name: float(trained[f"{name}_seconds"].sum()) for name in ("sampling", "rating", "training")}
    answering = float(trained["seconds"].sum()) - sum(parts.values())
    outside = wall - base - answering - gold - sum(parts.values())
    parts |= {"answering": answering, "gold": gold}
    return {"wall": wall, "base": base, **parts, "outside": outside, "share": outside / wall}


def growth(size: Size, model: str) -> Iterator[Row]:
    """A loop of the tiny learner, each of its three sizes grown alone; seconds also as times the smallest loop's."""
    first: Row = {}
    grown = [(0, 1), *((place, times) for place in range(len(GROWN)) for times in size.times)]
    _addition(10, 2, 1, steps=1, base_steps=1)  # imports and first calls, which no size has twice
    for place, times in grown:
        sizes = [one * (times if at == place else 1) for at, one in enumerate(size.base)]
        found = _addition(*sizes, steps=20, base_steps=20)
        first = first or found
        told = {f"{name}_times": found[name] / first[name] for name in ("sampling", "rating", "training", "outside")}
        yield {**dict(zip(GROWN, sizes, strict=True)), **found, **told}


def _addition(prompts: int, samples: int, rounds: int, items: int = 500, **settings: int) -> Row:
    chosen = {"prompts": prompts, "samples": samples, "base_steps": 200, "base_accuracy": 0, **settings}
    feedback = {"verifier": "answer_key", "none": None}
    use = {"learner": "addition", "rounds": rounds, "items": items, "feedback": feedback, "settings": chosen}
    return loop(use)


def share(size: Size, model: str) -> Iterator[Row]:
    """Two loops with a verifier and the control: of the tiny learner as in `suites/feedback_race.yaml`, and of a model
    whose held-out items are explored."""
    _addition(10, 2, 1, steps=1, base_steps=1)
    yield {"learner": "addition", **_addition(500, 8, size.rounds, 1000)}
    settings = {"task": "two_digit_sums", "model": model, "prompts": size.prompts, "samples": 4, "steps": size.steps}
    settings |= {"batch": size.batch, "max_new_tokens": size.most}
    rounds = {
        "learner": "language_model", "rounds": size.rounds, "items": 40, "gold": "last_number",
        "explore": {"items": 20, "samples": 2}, "feedback": {"verifier": "last_number", "none": None},
    }  # fmt: skip
    yield {"learner": "language_model", **loop({**rounds, "settings": settings})}


def writing(size: Size, model: str) -> Iterator[Row]:
    """Write answers by the learner and by `generate`, both drawn, and count tokens."""
    for samples in size.samples:
        yield _written(model, size.prompts, samples, size.most)


def _written(model: str, prompts: int, samples: int, most: int) -> Row:
    import torch

    settings: Row = {"task": "two_digit_sums", "model": model, "prompts": prompts, "samples": samples}
    one = make_learner(
        "language_model", settings | {"max_new_tokens": most}, 0, catalog=Catalog(), cache=default_cache()
    )
    state, _ = one.start()
    items = one.practice(1)
    with one._at_work(state) as network:
        rows = one._prompts(network, items)
        network.tokenizer.padding_side, network.tokenizer.pad_token_id = "left", network.end
        padded = network.tokenizer.pad({"input_ids": rows}, return_tensors="pt").to(network.device)
        stops = network.stops(one.task.until).tolist()

        def generate() -> Any:
            with torch.no_grad():
                return network.model.generate(
                    **padded, do_sample=True, temperature=1.0, top_k=0, num_return_sequences=samples,
                    max_new_tokens=most, eos_token_id=stops, pad_token_id=network.end,
                )  # fmt: skip

        theirs, whole = timed(generate)
        new = whole[:, padded["input_ids"].shape[1] :]
        ended = torch.isin(new, torch.tensor(stops)).int()
        counts = torch.where(ended.any(1), ended.argmax(1) + 1, new.shape[1])
    ours, groups = timed(lambda: one.sample(state, items, 1))
    written = sum(len(answer.logprobs) for group in groups for answer in group)
    rates = written / ours, int(counts.sum()) / theirs
    return {
        "prompts": prompts, "samples": samples, "cpu_seconds": ours, "tokens_a_second": rates[0],
        "generate": rates[1], "ratio": rates[0] / rates[1],
    }  # fmt: skip


def training(size: Size, model: str) -> Iterator[Row]:
    """Train on the same answers plainly, by a loop of plain torch, and by TRL; each once before, unmeasured."""
    import torch

    answers = size.steps * size.batch
    settings: Row = {"task": "two_digit_sums", "model": model, "prompts": answers, "batch": size.batch}
    make = {"catalog": Catalog(), "cache": default_cache()}
    trainers = {
        (trainer, steps): make_learner("language_model", settings | {"trainer": trainer, "steps": steps}, 0, **make)
        for trainer in ("plain", "trl-sft")
        for steps in (1, size.steps)
    }
    one = trainers["plain", size.steps]
    state, _ = one.start()
    examples = [Example(item, str(item.target)) for item in one.practice(1)]
    with one._at_work(state) as network:
        tokens = sum(len(network.prompt(e.item.prompt, None)) + len(network.target(e.text)) for e in examples)

    def plainly(steps: int) -> None:
        with one._at_work(state) as network:
            _plain_torch(network, examples, steps, size.batch, torch)

    ways = {
        "ours": lambda steps: trainers["plain", steps].train(state, examples, 1),
        "plain_torch": plainly,
        "trl": lambda steps: trainers["trl-sft", steps].train(state, examples, 1),
    }
    seconds: dict[str, float] = {}
    for name, way in ways.items():
        way(1)
        seconds[name], _ = timed(partial(way, size.steps))
        rate = {"tokens_a_second": tokens / seconds[name], "ours_times": seconds[name] / seconds["ours"]}
        yield {"trainer": name, "steps": size.steps, "batch": size.batch, "cpu_seconds": seconds[name], **rate}


def _plain_torch(network: Any, examples: Sequence[Example], steps: int, batch: int, torch: Any) -> None:
    """The loop that anybody writes: whole padded rows, labels of -100 before the answer, AdamW."""
    model = network.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.0)
    for step in range(steps):
        rows = [
            (network.prompt(one.item.prompt, None), network.target(one.text))
            for one in examples[step * batch : (step + 1) * batch]
        ]
        longest = max(len(prompt) + len(target) for prompt, target in rows)
        tokens = torch.full((len(rows), longest), network.end)
        labels = torch.full((len(rows), longest), -100)
        for place, (prompt, target) in enumerate(rows):
            tokens[place, : len(prompt) + len(target)] = torch.tensor(prompt + target)
            labels[place, len(prompt) : len(prompt) + len(target)] = torch.tensor(target)
        mask = (torch.arange(longest) < torch.tensor([len(p) + len(t) for p, t in rows])[:, None]).long()
        model(input_ids=tokens, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


PARTS: dict[str, Callable[[Size, str], Iterator[Row]]] = {
    "training": training,
    "share": share,
    "growth": growth,
    "writing": writing,
}


def main() -> None:
    """Measure; print each row as it comes, and write all so far as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found: dict[str, list[Row]] = {}
    for name in asked.parts:
        for row in PARTS[name](SIZES[asked.size], asked.model):
            found.setdefault(name, []).append(row)
            print(name, json.dumps(row), flush=True)
            if asked.out:
                asked.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
