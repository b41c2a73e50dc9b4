"""The arrays that statistics are computed from and give."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.integer[Any]]
Bools = NDArray[np.bool_]

BLOCK = 1 << 20
"""Codes are counted so many at a time: numpy makes copies of eight bytes each of what it counts."""


def counted(codes: Ints, least: int = 0) -> NDArray[np.int64]:
    """Return how often each code from 0 stands, as `numpy.bincount` does, in the memory of a block."""
    size = max(least, int(codes.max()) + 1 if len(codes) else 0)
    found = np.zeros(size, dtype=np.int64)
    if size > BLOCK:  # more codes than a block has rows: many blocks would each cost all codes
        return np.bincount(codes, minlength=size)
    for start in range(0, len(codes), BLOCK):
        found += np.bincount(codes[start : start + BLOCK], minlength=size)
    return found


def occurring(codes: Ints, size: int) -> Bools:
    """Return which codes below a size stand somewhere."""
    found = np.zeros(size, dtype=bool)
    found[codes] = True
    return found


def first_rows(codes: Ints, size: int) -> NDArray[np.int64]:
    """Return the first row at which each code below a size stands; all of them must."""
    found = np.full(size, -1, dtype=np.int64)
    for start in range(0, len(codes), BLOCK):
        block = codes[start : start + BLOCK]
        for code in np.flatnonzero((found < 0) & occurring(block, size)):
            found[code] = start + int(np.argmax(block == code))
        if (found >= 0).all():
            break
    return found


def smallest(count: int) -> type[np.signedinteger[Any]]:
    """Return the smallest kind of integers that holds so many codes and -1."""
    for kind in (np.int8, np.int16, np.int32):
        if count <= np.iinfo(kind).max:
            return kind
    return np.int64
