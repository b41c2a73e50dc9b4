"""Agreement on spans: values by hand, and one set of spans in three tools' exports."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from harness import agree_spans
from harness.cli import app
from harness.errors import HarnessError

ANN = {"d1": [(0, 4, "PER"), (10, 16, "LOC")], "d2": [(0, 5, "PER")], "d3": []}
BOB = {"d1": [(0, 4, "PER"), (12, 20, "LOC")], "d2": [(0, 5, "LOC")], "d3": [], "d4": [(0, 2, "PER")]}
"""Of d1 one span is exact, one touches; in d2 the label differs; d3 has none; d4 ann did not read."""


def doccano(folder):
    paths = []
    for name, documents in (("ann", ANN), ("bob", BOB)):
        paths.append(folder / f"{name}.jsonl")
        rows = [{"id": item, "text": "x" * 20, "label": list(map(list, spans))} for item, spans in documents.items()]
        paths[-1].write_text("".join(json.dumps(row) + "\n" for row in rows))
    return paths


def prodigy(folder):
    rows = [
        {"text": "x" * 20, "_input_hash": 1, "_task_hash": 2, "meta": {"id": item}, "answer": "accept",
         "_view_id": "ner_manual", "_annotator_id": name,
         "spans": [{"start": start, "end": end, "label": label} for start, end, label in spans]}
        for name, documents in (("ann", ANN), ("bob", BOB)) for item, spans in documents.items()
    ]  # fmt: skip
    rows.append({**rows[0], "answer": "ignore", "meta": {"id": "d4"}})
    (folder / "p.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "p.jsonl"


def label_studio(folder):
    def result(spans):
        return [
            {"from_name": "spans", "to_name": "text", "type": "labels",
             "value": {"start": start, "end": end, "text": "x", "labels": [label]}} for start, end, label in spans
        ]  # fmt: skip

    rows = [
        {"id": n, "data": {"item_id": item, "text": "x" * 20}, "annotations": [
            {"completed_by": {"id": 1, "email": name}, "was_cancelled": False, "result": result(documents[item])}
            for name, documents in (("ann", ANN), ("bob", BOB)) if item in documents
        ]} for n, item in enumerate(BOB)
    ]  # fmt: skip
    rows[-1]["annotations"].append({"completed_by": {"email": "ann"}, "was_cancelled": True, "result": []})
    (folder / "ls.json").write_text(json.dumps(rows))
    return folder / "ls.json"


@pytest.mark.parametrize("export", [doccano, prodigy, label_studio])
def test_exact_overlapping_and_characters_by_hand(export, tmp_path):
    found = agree_spans(export(tmp_path), resamples=0).df.set_index(["label", "measure"])
    every = found.xs("")
    assert found["n"].unique().tolist() == [3]  # d3 was read by both, d4 by bob alone
    assert (every["spans_a"].iloc[0], every["spans_b"].iloc[0]) == (3, 3)
    assert every.loc["exact", "value"] == pytest.approx(2 * 1 / 6)
    assert every.loc["overlap", "value"] == pytest.approx(4 / 6)  # 2 of each touch one of the same label
    # characters: in common 4 and 12 to 16, of 4 + 6 + 5 and 4 + 8 + 5
    assert every.loc["characters", "value"] == pytest.approx(2 * 8 / 32)
    assert found.loc[("LOC", "exact"), "value"] == 0
    assert found.loc[("LOC", "overlap"), "value"] == pytest.approx(2 / 3)  # of 1 and 2 spans
    assert found.loc[("PER", "exact"), "value"] == pytest.approx(2 * 1 / 3)


def test_the_command_says_the_same_and_refuses_what_spans_have_no_use_for(tmp_path):
    path = prodigy(tmp_path)
    shown = CliRunner().invoke(app, ["agree", str(path), "--spans", "--json"])
    assert json.loads(shown.stdout) == agree_spans(path).to_json()
    plain = CliRunner().invoke(app, ["agree", str(path), "--spans"])
    assert "spans: ann (3 spans) and bob (3), 3 documents" in plain.stdout
    refused = CliRunner().invoke(app, ["agree", str(path), "--spans", "--level", "nominal"])
    assert refused.exit_code == 2
    hinted = CliRunner().invoke(app, ["agree", str(path)])
    assert "--spans" in str(hinted.exception)


def test_identical_spans_agree_and_none_have_no_figure(tmp_path):
    rows = [{"id": "d", "text": "x", "label": []}, {"id": "e", "text": "x", "label": [[0, 1, "A"]]}]
    for name, part in (("a", rows), ("b", rows), ("c", [{**row, "label": []} for row in rows])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
    files = [tmp_path / f"{name}.jsonl" for name in "abc"]
    found = agree_spans(files, resamples=0).df.set_index(["rater_a", "rater_b", "label", "measure"])["value"]
    assert found[("a", "b", "", "exact")] == found[("a", "b", "A", "characters")] == 1
    assert found[("a", "c", "", "exact")] == 0
    (tmp_path / "d.jsonl").write_text((tmp_path / "c.jsonl").read_text())
    none = agree_spans([tmp_path / "c.jsonl", tmp_path / "d.jsonl"], resamples=0).df
    assert none["value"].isna().all()
    assert set(none["reason"]) == {"no_spans"}


@pytest.mark.parametrize("label", [[5, 2, "A"], ["0", 2, "A"], [0, 2], "A"])
def test_what_is_no_span_is_named(tmp_path, label):
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "d", "text": "x", "label": [label]}) + "\n")
    with pytest.raises(HarnessError, match=r"a.jsonl: 1: .* is no span"):
        agree_spans([tmp_path / "a.jsonl"])


def test_one_rater_alone_is_told_what_is_missing(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"id": "d", "text": "x", "label": [[0, 1, "A"]]}) + "\n")
    with pytest.raises(HarnessError, match="give all raters' files together"):
        agree_spans(tmp_path / "a.jsonl")
