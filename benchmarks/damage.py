"""Flips single bits in the files of a small run and counts what changes a number without a word; it must be 0.

`python benchmarks/damage.py --flips 10000`. The run has every kind of file that a number can come from: suite,
manifest, items, responses, ratings, rounds, a rating session's journal, checksums, a page. After each flip the run is
read as every command reads it, and what it says is compared with what it said before.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

from harness.errors import HarnessError
from harness.rating import Session, asked_of
from harness.records import Item, Rating, Response
from harness.run import BAD, Run, check_run, read_events
from harness.run import checksums as sums
from harness.suite import Suite

SUITE = {"name": "damage", "models": [{"name": "m", "model": "embedded"}], "tasks": [{"task": "small"}]}


def small_run(folder: Path) -> Run:
    """Make a run of two dozen answers, rated by two raters and by a person in the rating page."""
    run = Run.create(folder, Suite.model_validate(SUITE))
    items = [Item(task="small", item_id=str(n), family="summarization", prompt=f"Question {n}?") for n in range(24)]
    responses = [
        Response(
            response_id=f"r{n:02d}", task="small", item_id=str(n), model="m", text=f"Answer {n}", logprobs=[-n / 7]
        )
        for n in range(24)
    ]
    run.write(items, "small")
    run.write(responses[:12], "small-m")
    run.write(responses[12:], "small-m")
    for rater in ("judge one", "judge_one"):
        ratings = [
            Rating(
                rating_id=f"{rater}{n}", task="small", item_id=str(n), response_id=f"r{n:02d}", rater=rater,
                rater_kind="judge", criterion="c", scale="ordinal", value=float((n * 7 + len(rater)) % 5),
            )
            for n in range(24)
        ]  # fmt: skip
        run.write(ratings, f"small-{rater}", f"harness rate {{run}} --rater '{rater}' --task small")
    run.note(raters={"judge one": {"version": "1"}}, retired={"m on small": ["r23"]})
    for number in range(3):
        run.write_round({"series": "self feedback", "seed": 0, "round": number, "kept": 40 + number, "right": 0.5})
    session = Session(run, "h_01234567", asked_of(run, limit=4))
    while (unit := session.next_unit()) is not None and len(session.answers()) < 6:
        session.answer(unit.key, session.asked[unit.about].question.grades[0].value)
    session.journal.close()
    run.keep(folder / "report.html", b"<!doctype html><title>damage</title><p>alpha = 0.71</p>\n")
    return run


def said(folder: Path) -> str:
    """Return all that a run says, as text.

    Raises:
        HarnessError: A file is not what was written.
    """
    run = Run(folder)
    frames = [frame.to_json(orient="split", double_precision=15) for frame in (run.items, run.responses, run.ratings)]
    journals = [read_events(path, path.read_bytes())[0] for path in sorted((folder / "annotation").glob("*.jsonl"))]
    rounds = run.rounds.to_json(orient="split", double_precision=15)
    return json.dumps([frames, rounds, run.manifest, run.suite.to_yaml(), journals, len(run.replaced)])


def outcome(folder: Path, before: str) -> str:
    """Return what becomes of a run with a flipped bit: named when read, named by the check, harmless, or silent."""
    try:
        now = said(folder)
    except HarnessError:
        return "named when read"
    except Exception as error:
        return f"traceback: {type(error).__name__}"
    if now != before:
        return "SILENT"
    bad = any(one.state in BAD for one in check_run(Run(folder)))
    return "named by harness check" if bad else "harmless"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    sums.PAUSE = 0.0  # nobody else writes here
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "run"
        small_run(folder)
        before = said(folder)
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ".lock"]
        places = [(path, number) for path in files for number in range(path.stat().st_size)]
        found: Counter[str] = Counter()
        silent = []
        started = time.perf_counter()
        for flip in range(options.flips):  # every second one draws the file first, so that small files have their share
            path, number = draw.choice(places)
            if flip % 2:
                path = draw.choice(files)
                number = draw.randrange(path.stat().st_size)
            content = path.read_bytes()
            flipped = bytearray(content)
            flipped[number] ^= 1 << draw.randrange(8)
            path.write_bytes(flipped)
            word = outcome(folder, before)
            found[word] += 1
            if word == "SILENT" or word.startswith("traceback"):
                silent.append((str(path.relative_to(folder)), number, word))
            path.write_bytes(content)
        assert said(folder) == before
    seconds = time.perf_counter() - started
    print(f"{options.flips:,} flips over {len(files)} files of {len(places):,} bytes, {seconds:.0f} s")
    for word, count in found.most_common():
        print(f"{count:>8,}  {word}")
    for file, number, word in silent[:20]:
        print(f"{word}: byte {number} of {file}")


if __name__ == "__main__":
    main()
