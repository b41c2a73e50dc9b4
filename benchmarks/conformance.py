"""The same table as lm-eval's, and what it costs: `harness run` beside `lm_eval.simple_evaluate`.

`HARNESS_TEST_DATA=... python benchmarks/conformance.py [--tasks piqa,gsm8k] [--items 200] [--repeats 1]` makes a mirror
of the hub from the real data, lets SmolLM2-135M-Instruct answer through lm-eval's `hf` both ways, each in a process of
its own, and compares: every metric and standard error to the last digit, every item's metrics, and the wall time from
the start of the process to its end, model loading and data included. Who goes first changes from task to task.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ITEMS = {"commonsense_qa": 200, "piqa": 200, "arc_challenge": 200, "gsm8k": 20}
DIRECT = {
    "commonsense_qa": "commonsense_qa/default.yaml",
    "piqa": "piqa/piqa.yaml",
    "arc_challenge": "arc/arc_challenge.yaml",
    "gsm8k": "gsm8k/gsm8k.yaml",
}


def mirror(folder: Path) -> Path:
    """The mirror that the tests use."""
    spec = importlib.util.spec_from_file_location("mirrors", ROOT / "tests" / "mirrors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.build(folder, Path(os.environ["HARNESS_TEST_DATA"]))


def model_folder() -> str:
    from harness.answering.chat.call_cache import default_cache
    from harness.answering.models.embedded import torch_folder

    return str(torch_folder(default_cache()))


def lm_eval_alone(task: str, items: int, model: str, batch: int, out: Path) -> None:
    """lm-eval as its users call it; only where the data come from is ours."""
    from lm_eval import simple_evaluate

    from harness.answering.tasks.definitions import lm_eval_folder
    from harness.answering.tasks.hub import tracing

    with tracing():
        found = simple_evaluate(
            model="hf",
            model_args={"pretrained": model, "dtype": "float32", "device": "cpu", "batch_size": batch},
            tasks=[str(lm_eval_folder() / "tasks" / DIRECT[task])],
            num_fewshot=0,
            limit=items,
        )
    metrics = {f"{metric},{sample['filter']}": {} for sample in found["samples"][task] for metric in sample["metrics"]}
    for sample in found["samples"][task]:
        for metric in sample["metrics"]:
            metrics[f"{metric},{sample['filter']}"][str(sample["doc_id"])] = sample[metric]
    out.write_text(json.dumps({"results": found["results"][task], "items": metrics}))


def harness_run(task: str, items: int, model: str, batch: int, out: Path) -> None:
    """The command as its users call it; then what it stored, item by item."""
    folder = out.with_suffix("")
    args = {"pretrained": model, "dtype": "float32", "device": "cpu", "batch_size": batch}
    suite = {
        "name": "conformance",
        "models": [{"name": "smollm2", "model": "hf", "args": args}],
        "tasks": [{"task": task, "num_fewshot": 0, "limit": items}],
    }
    path = out.with_suffix(".yaml")
    path.write_text(json.dumps(suite))
    from harness.cli import main

    sys.argv = ["harness", "run", str(path), "--out", str(folder), "--stages", "answer"]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise


def stored(task: str, items: int, folder: Path) -> dict:
    """A run's scores, and each item's, by its position."""
    from harness.answering.lm_eval_scores import item_scores
    from harness.answering.tasks.task import load_task
    from harness.catalog import Catalog
    from harness.records import Response
    from harness.run.folder import Run
    from harness.suite import TaskUse

    run = Run(folder)
    answers = {one.item_id: [one] for one in run.records(Response)}
    loaded = load_task(TaskUse(task=task, num_fewshot=0), Catalog(), items)
    places = {item.item_id: str(place) for item, (place, _) in zip(loaded.items, loaded.docs, strict=True)}
    each = {
        f"{metric},{name}": {places[item]: value for item, value in values.items()}
        for (metric, name), values in item_scores(loaded, answers).items()
    }
    return {"results": run.manifest["scores"]["smollm2"][task]["results"], "items": each}


CONTESTANTS = {"lm_eval": lm_eval_alone, "harness": harness_run}


def timed(name: str, task: str, items: int, model: str, batch: int, out: Path) -> float:
    """Run one contestant in a process of its own; return its wall seconds."""
    command = [sys.executable, __file__, "--contestant", name, "--tasks", task, "--items", str(items)]
    command += ["--model", model, "--batch", str(batch), "--out", str(out)]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, text=True)
    return time.perf_counter() - started


def compare(task: str, items: int, model: str, batch: int, repeats: int, turn: int) -> float:
    """Print one line for a task; return the ratio of the wall times' sums."""
    spent = dict.fromkeys(CONTESTANTS, 0.0)
    for repeat in range(repeats):
        names = list(CONTESTANTS)[:: 1 if (turn + repeat) % 2 else -1]
        with tempfile.TemporaryDirectory() as scratch:
            outs = {name: Path(scratch) / f"{name}.json" for name in names}
            for name in names:
                spent[name] += timed(name, task, items, model, batch, outs[name])
            theirs = json.loads(outs["lm_eval"].read_text())
            ours = stored(task, items, outs["harness"].with_suffix(""))
            results = {key: value for key, value in theirs["results"].items() if "," in key}
            assert {key: ours["results"].get(key) for key in results} == results, (theirs["results"], ours["results"])
            assert ours["items"] == theirs["items"], f"{task}: items differ"
    ratio = spent["harness"] / spent["lm_eval"]
    shown = ", ".join(f"{key} {value:.6g}" for key, value in results.items() if "_stderr" not in key)
    times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items())
    print(f"{task:<16} {items:>4} items, batch {batch}: {times}, ratio {ratio:.3f}; equal: {shown}", flush=True)
    return ratio


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", default=",".join(ITEMS))
    parser.add_argument("--items", type=int, default=0, help="items a task; 200, and 20 for gsm8k, where not given")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--model", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contestant:
        CONTESTANTS[given.contestant](given.tasks, given.items, given.model, given.batch, given.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HARNESS_DATA_DIR"] = str(mirror(Path(folder)))
        model = model_folder()
        for turn, task in enumerate(given.tasks.split(",")):
            compare(task, given.items or ITEMS[task], model, given.batch, given.repeats, turn)


if __name__ == "__main__":
    main()
