"""Weights of a panel: into the file of a user, which keeps its comments, by criterion, whole or not at all."""

from __future__ import annotations

import pytest
import yaml

from harness.errors import HarnessError
from harness.rating import write_weights

PANEL = """\
# who votes, and why
kind: judge
use: judge.panel   # a panel
criteria: [pref]
scale: 'preference'
settings:
  # the three that we pay for
  raters:
    - a
    - "b"
  rule: weighted  # by accuracy
"""

STYLE, PREF = ("style", {"a": 0.9, "b": 0.1}), ("pref", {"a": 0.25, "b": 0.75, "c": 0.5})


def test_what_the_user_wrote_stays_as_it_is(tmp_path):
    path = tmp_path / "rater.yaml"
    path.write_text(PANEL)
    write_weights(path, [STYLE, PREF])
    assert path.read_text() == PANEL + "  weights:\n    a: 0.25\n    b: 0.75\n", "the panel's criterion and members"
    write_weights(path, [STYLE, ("pref", {"a": 0.5, "b": 0.5})])
    assert path.read_text() == PANEL + "  weights:\n    a: 0.5\n    b: 0.5\n"
    flush = PANEL.replace("    - ", "  - ")
    path.write_text(flush)
    write_weights(path, [PREF])
    assert path.read_text().startswith(flush)


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ([STYLE], "rates pref, and there are weights for style alone"),
        ([("pref", {"a": 1.0})], "no weight for the member 'b'"),
        ([("pref", {})], "no AI rater shares enough items"),
    ],
)
def test_whole_or_not_at_all(tmp_path, known, message):
    path = tmp_path / "rater.yaml"
    path.write_text(PANEL)
    with pytest.raises(HarnessError, match=message):
        write_weights(path, known)
    assert path.read_text() == PANEL


def test_a_file_of_its_own_has_them_by_criterion(tmp_path):
    path = tmp_path / "weights.yaml"
    write_weights(path, [STYLE, PREF])
    assert yaml.safe_load(path.read_text()) == {"weights": {"style": STYLE[1], "pref": PREF[1]}}
    path.write_text("- no mapping\n")
    with pytest.raises(HarnessError, match="expected keys and values"):
        write_weights(path, [STYLE])


def test_the_tasks_of_a_criterion_are_averaged(tmp_path):
    path = tmp_path / "weights.yaml"
    write_weights(path, [("pref", {"a": 1.0}), ("pref", {"a": 0.5, "b": 0.5})])
    assert yaml.safe_load(path.read_text()) == {"weights": {"a": 0.75, "b": 0.25}}
