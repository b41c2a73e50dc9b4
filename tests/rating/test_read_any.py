"""Commands that read ratings take files of every known format directly, with the names that stand in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.errors import HarnessError
from harness.rating.files.direct import read_any

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.mark.parametrize(
    "path",
    sorted(
        set(FIXTURES.glob("*.*"))
        - {FIXTURES / f"{name}.jsonl" for name in ("programs", "own_types", "tokens", "choices", "numbers", "judges")}
    ),
    ids=lambda path: path.name,
)
def test_every_format_is_a_frame_and_every_row_of_it_is_told_of(path):
    frame = read_any(path)
    assert {"item_id", "rater", "rater_kind", "criterion", "value"} <= set(frame)
    assert not frame["rater"].astype(str).str.fullmatch("h_[0-9a-f]{8}").any()
    counted, *rest = frame.attrs["notes"]
    read, kept = (int(word) for word in counted.split() if word.isdigit())
    left_out = sum(int(note.split()[0]) for note in rest if " rows left out: " in note)
    assert (kept, read) == (len(frame), len(frame) + left_out)


def test_agree_takes_mt_bench_directly(tmp_path):
    rows = [
        {"question_id": n, "model_a": "a", "model_b": "b", "turn": 1, "judge": judge, "winner": f"model_{'ab'[n % 2]}"}
        for n in range(20)
        for judge in ("expert_1", "author_2", "gpt-4")
    ]
    (tmp_path / "released.json").write_text(json.dumps([*rows, {**rows[0], "winner": "neither", "judge": "expert_9"}]))
    shown = CliRunner().invoke(app, ["agree", str(tmp_path / "released.json"), "--json", "--resamples", "0"])
    assert shown.exit_code == 0
    assert "mt-bench: 61 rows read, 60 ratings" in shown.stderr
    assert "1 rows left out: value is 'neither'" in shown.stderr
    (table,) = json.loads(shown.stdout)["tables"]
    assert (table["n_ratings"], table["percent_agreement"]["value"]) == (60, 1.0)


def test_a_wide_file_by_map_and_a_long_one_with_decimal_commas(tmp_path):
    frame = read_any(FIXTURES / "wide.csv", header="(?P<rater>alice|bob)_(?P<criterion>.+)", ai="bob")
    kinds = frame.drop_duplicates("rater").set_index("rater")["rater_kind"].astype(str).to_dict()
    assert kinds == {"alice": "human", "bob": "judge"}
    assert sorted(frame["criterion"].unique()) == ["fluency", "relevance"]
    (tmp_path / "comma.csv").write_text("item_id;rater;value\n1;ada;3,5\n2;ada;4\n")
    assert read_any(tmp_path / "comma.csv")["value"].tolist() == [3.5, 4.0]
    with pytest.raises(HarnessError, match="no rater matches 'carol'"):
        read_any(FIXTURES / "wide.csv", ai="carol")


def test_a_fault_in_a_long_table_is_told_as_such(tmp_path):
    (tmp_path / "typo.csv").write_text("item_id,rater,valeu\n1,ada,3\n")
    with pytest.raises(HarnessError, match=r"has no column 'value'\. Did you mean 'valeu'"):
        read_any(tmp_path / "typo.csv")
    (tmp_path / "unknown.json").write_text('[{"a": 1}]')
    with pytest.raises(HarnessError, match="of no format that is known"):
        read_any(tmp_path / "unknown.json")
