"""LLMBar's recorded verdicts: the accuracy and the positional agreement of all 349 published configurations."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from harness.agreement.coefficients.coefficients import compute
from harness.agreement.grid.units import Units, encode


def share(first, second):
    codes, values = encode([np.asarray(first, dtype=object), np.asarray(second, dtype=object)])
    return compute("percent_agreement", Units("c", ["a", "b"], np.stack(codes), values), "nominal", resamples=0).value


def test_all_published_configurations(data_dir):
    folder = data_dir / "llmbar"
    verdicts = pd.read_csv(folder / "judge_verdicts.csv.gz", keep_default_na=False, dtype=str)
    verdicts["winner"] = verdicts["winner"].replace("", "unparsable")  # a word of its own: two of them agree
    items = pd.read_json(folder / "items.jsonl.gz", lines=True)
    gold = items.set_index("item_id")["label"].astype(str)
    verdicts["subset"] = verdicts["item_id"].map(items.set_index("item_id")["subset"])
    published = pd.read_csv(folder / "published_statistics.csv")
    assert len(published) == 349
    groups = dict(list(verdicts.groupby(["subset", "llm", "strategy"])))
    wrong = []
    for row in published.to_dict("records"):
        sides = groups[(row["subset"], row["llm"], row["strategy"])].pivot(
            index="item_id", columns="swapped", values="winner"
        )
        key = gold.loc[sides.index]
        found = {
            "correct_False": share(sides["False"], key),
            "correct_True": share(sides["True"], key),
            "equal": share(sides["False"], sides["True"]),
        }
        for name, value in found.items():
            if abs(100 * value - float(row[name].split("= ")[1].rstrip("%"))) > 1e-9:
                wrong.append((row["subset"], row["llm"], row["strategy"], name, value, row[name]))
    assert not wrong, json.dumps(wrong[:5])
