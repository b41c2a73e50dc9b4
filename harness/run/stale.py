"""A run's page that is older than its ratings says so itself, until it is made anew."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from harness.errors import HarnessError
from harness.run.checksums import Checksums

PAGE = "report.html"
AGAIN = "harness report {run}"
BODY = b"<body>\n"
MARK = (
    b'<p class="stale" role="status">This page is older than the run: answers or ratings came after it was made. '
    b"<code>harness report RUN</code> makes it anew.</p>\n"
)


def mark_stale(checksums: Checksums) -> None:
    """Write into a run's page that it is older than the run; nothing where there is none, it says so, or is damaged."""
    page = checksums.folder / PAGE
    if not page.is_file():
        return
    with suppress(HarnessError):
        content = checksums.read(page)
        if BODY in content and MARK not in content:
            checksums.write(page, content.replace(BODY, BODY + MARK, 1), AGAIN)


def is_stale(page: Path) -> bool:
    """Tell whether a page says that it is older than its run."""
    return page.is_file() and MARK in page.read_bytes()
