"""Keep a finished run for the gallery: its suite and manifest, a row a round, its scores, its page; no texts.

python docs/gallery/keep.py runs/feedback_race docs/gallery/feedback_race
harness rounds docs/gallery/feedback_race/scores.parquet     # the run's verdicts, from what is kept
"""

import shutil
import sys
from pathlib import Path

import pandas as pd

import harness as h
from harness.rounds import read_scores

SCORES = ("benchmark", "series", "seed", "round", "item", "sample", "score", "confidence", "length")
ROUNDS = ("series", "seed", "round")
"""What a row of `scores.parquet` and of `rounds.csv` begins with; a column of nothing is left out."""


def keep(run: Path, folder: Path) -> None:
    """Write what the gallery shows of `run` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("suite.yaml", "manifest.json"):
        shutil.copyfile(run / name, folder / name)
    scores, _ = read_scores([run])
    held_out = scores[~scores["selection"]] if "selection" in scores else scores
    by_round = held_out.groupby([*ROUNDS, "benchmark"], observed=True)["score"].mean().unstack("benchmark")
    rounds = h.load(run).rounds.merge(by_round.reset_index(), on=list(ROUNDS), how="left")
    _filled(rounds).to_csv(folder / "rounds.csv", index=False, float_format="%.6g")
    kept = held_out[[name for name in SCORES if name in held_out]]
    _filled(kept).to_parquet(folder / "scores.parquet", index=False)
    h.report(run, folder / "report.html", redact_text=True)


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.dropna(axis="columns", how="all")


if __name__ == "__main__":
    keep(*map(Path, sys.argv[1:3]))
