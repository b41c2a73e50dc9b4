"""A key in the environment is used, and stands in no file, no output and no page."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

KEY = "planted-1f0c9d2e7ab34455"
SUITE = """
name: planted
models: [{{name: m, model: "openai:m", args: {{base_url: "{url}", concurrency: 2}}}}]
tasks: [{{task: {task}, limit: 2}}]
"""


@pytest.mark.parametrize("fails", [False, True])
def test_a_planted_key_is_sent_and_written_nowhere(tmp_path, chat_server, fails):
    folder = tmp_path / "tasks" / "mine"
    folder.mkdir(parents=True)
    (folder / "items.csv").write_text("question,answer\nOne?,1\nTwo?,2\nThree?,3\n")
    (folder / "task.yaml").write_text(
        "task: mine\ndataset_path: csv\ndataset_kwargs: {data_files: {test: items.csv}}\ntest_split: test\n"
        "output_type: generate_until\ndoc_to_text: '{{question}}'\ndoc_to_target: '{{answer}}'\n"
        "generation_kwargs: {until: ['\\n'], max_gen_toks: 8}\nmetadata: {harness: {family: other}}\n"
    )
    environment = {**os.environ, "OPENAI_API_KEY": KEY, "HARNESS_CACHE": str(tmp_path / "cache"), "HOME": str(tmp_path)}
    with chat_server.ChatServer(fault=lambda number, body: "401" if fails else "ok") as server:
        (tmp_path / "suite.yaml").write_text(SUITE.format(url=server.base_url, task="mine"))
        command = [sys.executable, "-m", "harness", "run", "suite.yaml", "--out", "run", "--include", "."]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        heads = b"".join(server.heads)
    assert KEY.encode() in heads, done.stderr
    assert KEY not in done.stdout + done.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        assert KEY.encode() not in path.read_bytes(), path
