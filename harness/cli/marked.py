"""`harness agree --spans`: how far raters agree on spans that they marked in texts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typer

TAKEN = ("sources", "spans", "resamples", "seed", "as_json")


def agree_on_spans(
    context: typer.Context, sources: list[Path], resamples: int, seed: int | None, as_json: bool
) -> None:
    """Print the agreement on spans, and refuse every option that spans have no use for."""
    from harness.agreement import agree_spans
    from harness.cli.agreement_shown import words_of

    for name in context.params:
        source = context.get_parameter_source(name)
        if source and not source.name.startswith("DEFAULT") and name not in TAKEN:
            raise typer.BadParameter(
                "--spans compares spans, and takes --resamples, --seed and --json", param_hint=name
            )
    found = agree_spans(sources, resamples=resamples, seed=seed or 0)
    for note in found.notes:
        print(note, file=sys.stderr)
    if as_json:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
        return
    rows = found.to_json()["spans"]
    for pair in dict.fromkeys((row["criterion"], row["rater_a"], row["rater_b"]) for row in rows):
        own = [row for row in rows if (row["criterion"], row["rater_a"], row["rater_b"]) == pair]
        whole = own[0]
        counts = f"{whole['rater_a']} ({whole['spans_a']:,} spans) and {whole['rater_b']} ({whole['spans_b']:,})"
        print(f"\n{whole['criterion']}: {counts}, {whole['n']:,} documents")
        for label in dict.fromkeys(row["label"] for row in own):
            figures = "  ".join(f"{row['measure']} {words_of(row)}" for row in own if row["label"] == label)
            print(f"  {label or 'all labels':<16} {figures}")
