"""Make the table of `harness demo`: SummEval's experts, and the embedded model as a judge of the same summaries."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import harness

ARTICLES = 10
SYSTEMS = 16
SUITE = f"""\
name: demo-table
ratings:
  - dataset: summeval
    limit: {ARTICLES * SYSTEMS}
    raters: [summeval_quality_judge]
"""
NAMES = {"summeval_quality_judge": "smollm2_135m", **{f"expert_slot_{n}": f"expert_{n + 1}" for n in range(3)}}


def main(target: str, folder: str | None = None) -> None:
    """Write the table, from a finished run in a folder where one is named."""
    with tempfile.TemporaryDirectory() as scratch:
        if folder is None:
            suite = Path(scratch) / "suite.yaml"
            suite.write_text(SUITE)
            folder = str(Path(scratch) / "run")
            harness.run_suite(str(suite), folder, stages=["answer", "rate"])
        ratings = harness.load(folder).ratings
    ratings = ratings[ratings["rater"].isin(NAMES)].assign(rater=ratings["rater"].map(NAMES))
    parts = ratings["response_id"].str.rsplit("__", n=1, expand=True)
    wide = (
        ratings.assign(article=parts[0], system=parts[1])
        .pivot_table(index=["article", "system", "rater"], columns="criterion", values="value", sort=True)
        .round(3)
        .reset_index()
    )
    wide.to_csv(target, index=False)
    print(f"{target}: {len(wide):,} rows")


if __name__ == "__main__":
    main(*sys.argv[1:])
