"""A small trainer for the learner `command`: `python trainer.py FOLDER`.

It learns from `train.jsonl` with torch and transformers, and goes on from `half` in the folder where it was killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main(folder: Path) -> None:
    job = json.loads((folder / "job.json").read_text())
    wish = job["options"]
    if wish.get("fails_on", "nothing") in (folder / job["data"]).read_text():
        sys.exit("the disk is full")
    if wish.get("sleeps"):
        (folder / "at_work").write_text(str(os.getpid()))
        time.sleep(60)
    if wish.get("endpoint"):
        report = {"model": {"model": f"openai:round-{job['round']}", "base_url": wish["endpoint"]}, "steps": 1}
    else:
        report = learn(folder, job)
    report |= wish.get("report", {})
    (folder / "model.json").write_text(json.dumps(report))


def learn(folder: Path, job: dict) -> dict:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    examples = [json.loads(line) for line in (folder / job["data"]).read_text().splitlines()]
    half = folder / "half"
    tokenizer = AutoTokenizer.from_pretrained(job["model"])
    model = AutoModelForCausalLM.from_pretrained(half if half.is_dir() else job["model"])
    if half.is_dir():
        (folder / "went_on").touch()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for step in range(4):
        for one in examples:
            text = one["prompt"][-1]["content"] + "\n" + one["completion"][0]["content"]
            tokens = torch.tensor([tokenizer(text)["input_ids"]])
            loss = model(input_ids=tokens, labels=tokens).loss
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        if step == 1 and job["options"].get("killed") and not half.is_dir():
            model.save_pretrained(half)
            os.kill(os.getpid(), signal.SIGKILL)
    model.save_pretrained(folder / "weights")
    tokenizer.save_pretrained(folder / "weights")
    return {"model": "weights", "steps": 4}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
