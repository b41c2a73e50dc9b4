"""What a site has drawn already: by the contents of a run, of the page's files and of the code, never by the clock."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from harness.catalog import Catalog
from harness.records import digest
from harness.run import write_whole

RECORD = ".drawn.json"
"""Lies in the site: for each page what it was drawn from, and its entry in the index."""
PARTS = ("suite.yaml", "manifest.json", "items", "responses", "ratings", "rounds")


def look_of(catalog: Catalog, *options: object) -> str:
    """Return the hash of all that decides a page beside its run: code, templates, cards of raters, and options."""
    code = Path(__file__).parents[1].rglob("*.py")
    files = [path for root in catalog.roots for part in ("reports/page", "raters") for path in (root / part).rglob("*")]
    return digest(_hash([*code, *files]), *options)


def run_hash(folder: Path) -> str:
    """Return the hash of a run's contents."""
    found: list[Path] = []
    for name in PARTS:
        path = folder / name
        found += [path] if path.is_file() else path.rglob("*")
    return _hash(found)


def _hash(paths: Iterable[Path]) -> str:
    whole = hashlib.blake2b(digest_size=16)
    for path in sorted(paths):
        if path.is_file() and "__pycache__" not in path.parts:
            with path.open("rb") as file:
                whole.update(f"{path.name}\0".encode() + hashlib.file_digest(file, "blake2b").digest())
    return whole.hexdigest()


def read_record(site: Path) -> dict[str, Any]:
    """Return what a site says it has drawn; nothing where it says nothing that can be read."""
    try:
        found = json.loads((site / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write_record(site: Path, record: dict[str, Any]) -> None:
    """Keep what a site has drawn."""
    write_whole(site / RECORD, json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True).encode())
