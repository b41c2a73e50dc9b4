"""File names that follow from names of the user's own: two names never share a file."""

from __future__ import annotations

from urllib.parse import quote

from harness.records import digest

LONGEST = 120
"""Characters; a file system takes 255 bytes, and a part's name has more behind it."""


def file_name(text: str) -> str:
    """Return a name as a file's: letters, digits, `.`, `_` and `-` stand for themselves, the rest as `%20`.

    A long name is cut, and ends in the hash of the whole. No name begins with a dot.
    """
    name = quote(text, safe="").replace("~", "%7E")
    name = f"%2E{name[1:]}" if name.startswith(".") else name
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}-{digest(text)}"
