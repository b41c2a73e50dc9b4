"""Broken input ends as a result or as an error with a message: a part of what benchmarks/fuzzing.py does."""

from __future__ import annotations

import random
import runpy
from pathlib import Path

import pytest

FUZZING = runpy.run_path(str(Path(__file__).parents[1] / "benchmarks" / "fuzzing.py"))
READERS = FUZZING["READERS"]


@pytest.mark.parametrize("name", READERS)
def test_every_reader_takes_its_seeds(tmp_path, name):
    reader = READERS[name]
    for seed in reader.seeds:
        reader.read(tmp_path / f"seed{reader.suffix}", seed)


@pytest.mark.parametrize("name", READERS)
def test_broken_input_is_a_result_or_an_error_with_a_message(tmp_path, name):
    found = FUZZING["fuzz"](READERS[name], tmp_path, random.Random(name), 40, 20.0)
    assert not found.faults, (found.faults, found.example)


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_a_minute_of_broken_input(tmp_path, name):
    found = FUZZING["fuzz"](READERS[name], tmp_path, random.Random(), 1_000_000, 60 / len(READERS))
    assert not found.faults, (found.faults, found.example)
