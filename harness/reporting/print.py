"""A page on paper: Chromium prints it, with every figure and without what only a screen can use."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from harness.errors import HarnessError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 120


def print_pdf(page: str | Path, path: str | Path) -> Path:
    """Print a page into a PDF file.

    Raises:
        HarnessError: There is no Chromium, or it did not write the file.
    """
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise HarnessError(
            "printing needs Chromium (apt-get install chromium), or print the page from your own browser"
        )
    target = Path(path).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update", f"--user-data-dir={profile}",
            "--no-pdf-header-footer", f"--print-to-pdf={target}", Path(page).resolve().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise HarnessError(f"{browser} did not print {page} within {SECONDS} seconds") from error
    if done.returncode or not target.is_file():
        raise HarnessError(f"{browser} could not print {page}: {done.stderr.strip()[-500:]}")
    return target
