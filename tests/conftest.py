"""What tests need from outside: real data, bubblewrap, a browser, the embedded model.

A missing thing skips the test with its reason, unless `HARNESS_REQUIRE` names it: then it is a failure, so that CI
cannot pass by skipping.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")  # how fast an example runs is no property of the code

REQUIRED = {name for name in os.environ.get("HARNESS_REQUIRE", "").split(",") if name}


def absent(thing: str, reason: str) -> None:
    """Skip the test, or fail it where the environment says that the thing is required."""
    if thing in REQUIRED:
        pytest.fail(f"{thing} is required here (HARNESS_REQUIRE), but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(autouse=True, scope="session")
def _alpha_is_checked() -> None:
    """Every alpha that a test asks for is compared with the `krippendorff` package."""
    importlib.import_module("harness.agreement.frame_agreement").CROSS_CHECK = True  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data with published figures."""
    folder = os.environ.get("HARNESS_TEST_DATA")
    if not folder:
        absent("data", "HARNESS_TEST_DATA is not set")
    elif not Path(folder).is_dir():
        absent("data", f"HARNESS_TEST_DATA={folder} is no folder")
    return Path(str(folder))


@pytest.fixture(scope="session")
def mirrors() -> ModuleType:
    """The module that builds a mirror of the hub."""
    return importlib.import_module("mirrors")


@pytest.fixture(scope="session")
def batch_server() -> ModuleType:
    """The module of the server that has batch interfaces too."""
    return importlib.import_module("batch_server")


@pytest.fixture(scope="session")
def chat_server() -> ModuleType:
    """The module of the chat server that misbehaves as real ones do."""
    return importlib.import_module("chat_server")


@pytest.fixture(scope="session")
def built_mirror(mirrors: ModuleType, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mirror of the hub, made from the real data; to be read, not changed."""
    folder: Path = mirrors.build(tmp_path_factory.mktemp("hub"), data_dir)
    return folder


@pytest.fixture
def hub_mirror(built_mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mirror, in use: `HARNESS_DATA_DIR` names it."""
    monkeypatch.setenv("HARNESS_DATA_DIR", str(built_mirror))
    return built_mirror


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
