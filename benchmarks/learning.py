"""What a loop on a language model costs, beside plain transformers and TRL on the same work.

Three questions, each as a ratio in one run, so that a slow machine or other work beside it counts on both sides:

1. the share of a loop's processor time outside sampling, rating and training, with the learner `addition`;
2. tokens a second written, beside `generate` of transformers with the same prompts, samples and number of tokens;
3. answers a second trained on, beside a plain loop in torch and TRL's SFT, with the same tokens, batches and steps.

    python benchmarks/learning.py --out learning.json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.answering import default_cache
from harness.catalog import Catalog
from harness.learning import Example, make_learner
from harness.stages import run_suite
from harness.suite import Suite


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the processor seconds of a piece of work in this process, and its result."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def overhead(prompts: int) -> dict[str, Any]:
    """Run a small loop of the tiny learner in this process: what is spent outside its jobs and raters."""
    rounds = {
        "learner": "addition", "rounds": 3, "items": 500, "feedback": {"verifier": "answer_key", "none": None},
        "settings": {"prompts": prompts, "base_steps": 200, "base_accuracy": 0},
    }  # fmt: skip
    suite = Suite.model_validate({"name": "loop", "rounds": rounds})
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        run = run_suite(suite, Path(folder) / "run", stages=["rounds"], workers=1)
        wall = time.perf_counter() - started
        rows = run.rounds
        base = float(rows.loc[rows["round"] == 0, "seconds"].max())  # the base is shared, and told by each series
        inside = base + float(rows.loc[rows["round"] > 0, "seconds"].sum())
    return {"prompts": prompts, "wall": wall, "inside": inside, "outside": 1 - inside / wall}


def writing(model: str, prompts: int, samples: int, most: int) -> dict[str, Any]:
    """Write answers by the learner and by `generate`, both drawn, and count tokens."""
    import torch

    settings: dict[str, Any] = {"task": "two_digit_sums", "model": model, "prompts": prompts, "samples": samples}
    settings["max_new_tokens"] = most
    one = make_learner("language_model", settings, 0, catalog=Catalog(), cache=default_cache())
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
        "prompts": prompts, "samples": samples, "tokens_a_second": rates[0], "generate": rates[1],
        "ratio": rates[0] / rates[1],
    }  # fmt: skip


def training(model: str, steps: int, batch: int) -> dict[str, Any]:
    """Train on the same answers plainly, by a loop of plain torch, and by TRL."""
    import torch

    settings: dict[str, Any] = {"task": "two_digit_sums", "model": model, "prompts": steps * batch}
    settings |= {"steps": steps, "batch": batch}
    made = [
        make_learner("language_model", settings | {"trainer": trainer}, 0, catalog=Catalog(), cache=default_cache())
        for trainer in ("plain", "trl-sft")
    ]
    state, _ = made[0].start()
    examples = [Example(item, str(item.target)) for item in made[0].practice(1)]
    ours, _ = timed(lambda: made[0].train(state, examples, 1))
    by_trl, _ = timed(lambda: made[1].train(state, examples, 1))
    with made[0]._at_work(state) as network:
        loop, _ = timed(lambda: _plain_torch(network, examples, steps, batch, torch))
    answers = steps * batch
    return {
        "steps": steps, "batch": batch, "answers_a_second": answers / ours, "plain_torch": answers / loop,
        "trl": answers / by_trl, "ratio_torch": loop / ours, "ratio_trl": by_trl / ours,
    }  # fmt: skip


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


def main() -> None:
    """Measure, print, and write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--prompts", type=int, default=16)
    parser.add_argument("--samples", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    found = {
        "overhead": [overhead(prompts) for prompts in (100, 400)],
        "writing": [writing(asked.model, asked.prompts, count, asked.tokens) for count in (1, asked.samples)],
        "training": training(asked.model, asked.steps, asked.batch),
    }
    text = json.dumps(found, indent=2)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
