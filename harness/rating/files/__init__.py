"""Ratings from other people's files: a format is a mapping, a mapping is data, and no row is dropped in silence."""

from __future__ import annotations

from harness.rating.files.adjust import adjusted
from harness.rating.files.direct import form_of, frame_of, read_any
from harness.rating.files.hub import find_dataset, read_dataset
from harness.rating.files.mapping import Columns, Mapping
from harness.rating.files.presets import presets, read_mapping, recognise
from harness.rating.files.reading import Imported, read_ratings
from harness.rating.files.repeats import Rejected
from harness.rating.files.source import Source, read_source
from harness.rating.files.values import Words

__all__ = [
    "Columns",
    "Imported",
    "Mapping",
    "Rejected",
    "Source",
    "Words",
    "adjusted",
    "find_dataset",
    "form_of",
    "frame_of",
    "presets",
    "read_any",
    "read_dataset",
    "read_mapping",
    "read_ratings",
    "read_source",
    "recognise",
]
