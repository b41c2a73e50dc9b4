"""Ratings from other people's files: a format is a mapping, a mapping is data, and no row is dropped in silence."""

from __future__ import annotations

from harness.rating.files.adjust import adjusted
from harness.rating.files.direct import frame_of, read_any
from harness.rating.files.hub import find_dataset, read_dataset
from harness.rating.files.mapping import Mapping
from harness.rating.files.presets import presets, read_mapping, recognise
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.repeats import Rejected
from harness.rating.files.source import Source, read_source

__all__ = [
    "Imported",
    "Mapping",
    "Rejected",
    "Source",
    "adjusted",
    "find_dataset",
    "frame_of",
    "presets",
    "read_any",
    "read_dataset",
    "read_mapping",
    "read_ratings",
    "read_source",
    "recognise",
]
