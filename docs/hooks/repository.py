"""Links from a page to a file of the repository lead to a copy of it in the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"(?<=\]\()(?P<up>(?:\.\./)+[^)#\s]+)")
PLACE = "repository"


def on_files(files: Files, config: Any) -> Files:
    """Add what pages link to outside `docs/`."""
    for page in list(files.documentation_pages()):
        for target in filter(None, (_outside(page, match["up"]) for match in LINK.finditer(page.content_string))):
            if (ROOT / target).is_file() and not files.get_file_from_path(f"{PLACE}/{target}"):
                files.append(File.generated(config, f"{PLACE}/{target}", abs_src_path=str(ROOT / target)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Point such links at the copies; one to a file that is not there stays, and the strict build names it."""

    def moved(match: re.Match[str]) -> str:
        target = _outside(page.file, match["up"])
        copy = f"{PLACE}/{target}"
        if target is None or not files.get_file_from_path(copy):
            return match["up"]
        return posixpath.relpath(copy, posixpath.dirname(page.file.src_uri) or ".")

    return LINK.sub(moved, markdown)


def _outside(page: File, link: str) -> str | None:
    """Return the path from the repository's root where a link leaves `docs/`, else None."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.src_uri), link))
    return None if path.startswith("docs/") else path
