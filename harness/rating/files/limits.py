"""How much is read of a file, and what JSON may be: what goes beyond is an error that says so, at once.

A file that unpacks to more than can be meant, a document nested without end, a key that stands twice: each would end in
no memory left, in a traceback, or in a value that is taken in silence.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

MOST_BYTES = 4 << 30
"""Of a file, unpacked; `allow_bytes` takes more."""
MOST_COLUMNS = 4096
MOST_DIGITS = 300
"""Of a number in JSON: no float holds more."""
BOMB_FROM, BOMB_RATIO = 64 << 20, 100
"""What has unpacked to so many bytes, and to so many times what it was, is not meant to be read."""
PIECE = 1 << 20
HALF = re.compile(r"\\u[dD][89a-fA-F]")
"""Begins an escape that may be half a character."""

_allowed: int | None = None


def allow_bytes(most: int | None) -> None:
    """Read files of up to so many bytes, unpacked; the default where None."""
    global _allowed
    _allowed = most


def most_bytes() -> int:
    """Return how many bytes of a file are read."""
    return _allowed or MOST_BYTES


def check_size(path: Path, size: int) -> None:
    """Refuse a file that is too large.

    Raises:
        HarnessError: It is.
    """
    if size > most_bytes():
        raise HarnessError(
            f"{path}: has {size:,} bytes, and {most_bytes():,} are read at most; --max-bytes N reads more"
        )


def unpacked(path: Path, content: bytes) -> bytes:
    """Return what gzip, bzip2 or xz packed; other content as it is. Stops where it grows beyond what can be meant.

    Raises:
        HarnessError: It is too large, or grows like a bomb.
        OSError, EOFError, lzma.LZMAError, zlib.error: It is damaged, or cut short.
    """
    if content.startswith(b"\x1f\x8b"):
        return _read(path, gzip.GzipFile(fileobj=io.BytesIO(content)), len(content))
    if content.startswith(b"BZh"):
        return _read(path, bz2.BZ2File(io.BytesIO(content)), len(content))
    if content.startswith(b"\xfd7zXZ"):
        return _read(path, lzma.LZMAFile(io.BytesIO(content)), len(content))
    return content


def _read(path: Path, packed: Any, size: int) -> bytes:
    found = io.BytesIO()
    while piece := packed.read(PIECE):
        found.write(piece)
        if found.tell() > most_bytes():
            check_size(path, found.tell())
        if not _allowed and found.tell() > max(BOMB_FROM, BOMB_RATIO * size):
            raise HarnessError(
                f"{path}: unpacks to more than {BOMB_RATIO} times its {size:,} bytes; --max-bytes N reads so many"
            )
    return found.getvalue()


def check_archive(path: Path, content: bytes) -> None:
    """Refuse a zip archive (an Excel file is one) that unpacks to more than can be meant.

    Raises:
        HarnessError: It does.
    """
    try:
        sizes = [part.file_size for part in zipfile.ZipFile(io.BytesIO(content)).infolist()]
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError) as error:
        raise HarnessError(f"{path}: cannot be read as Excel: {error}") from error
    check_size(path, sum(sizes))
    if not _allowed and sum(sizes) > max(BOMB_FROM, BOMB_RATIO * len(content)):
        raise HarnessError(f"{path}: unpacks to {sum(sizes):,} bytes; --max-bytes N reads so many")


def check_columns(path: Path, count: int, line: int = 1) -> None:
    """Refuse a header with more columns than a table of ratings can have.

    Raises:
        HarnessError: It has.
    """
    if count > MOST_COLUMNS:
        raise HarnessError(
            f"{path}:{line}: has {count:,} columns, {MOST_COLUMNS:,} are read at most; are rows and columns swapped?"
        )


def read_json(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: It is no JSON, or has what cannot be read for sure: a key twice in one object, half a character, a
            number of more than 300 digits, more nesting than Python reads.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if HALF.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("has half a character (a lone surrogate)") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice!r} stands twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number has {len(digits):,} digits")
    return int(digits)
