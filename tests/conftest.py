"""What tests need from outside: real data, bubblewrap, a browser, the embedded model.

A missing thing skips the test with its reason, unless `HARNESS_REQUIRE` names it: then it is a failure, so that CI
cannot pass by skipping.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

REQUIRED = {name for name in os.environ.get("HARNESS_REQUIRE", "").split(",") if name}


def absent(thing: str, reason: str) -> None:
    """Skip the test, or fail it where the environment says that the thing is required."""
    if thing in REQUIRED:
        pytest.fail(f"{thing} is required here (HARNESS_REQUIRE), but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data with published figures."""
    folder = os.environ.get("HARNESS_TEST_DATA")
    if not folder:
        absent("data", "HARNESS_TEST_DATA is not set")
    elif not Path(folder).is_dir():
        absent("data", f"HARNESS_TEST_DATA={folder} is no folder")
    return Path(str(folder))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("sandbox") and not shutil.which("bwrap"):
        absent("sandbox", "bubblewrap (bwrap) is not installed")
    if item.get_closest_marker("browser"):
        if not shutil.which("chromium"):
            absent("browser", "chromium is not installed")
        if not importlib.util.find_spec("playwright"):
            absent("browser", "playwright is not installed")
    if item.get_closest_marker("model"):
        for module in ("torch", "transformers", "gguf", "xllamacpp"):
            if not importlib.util.find_spec(module):
                absent("model", f"{module} is not installed (pip install 'feedback-harness[quickstart]')")
