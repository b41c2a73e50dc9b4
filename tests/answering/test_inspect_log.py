"""Logs of Inspect, made by Inspect itself with its mock model."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.answering.logs.inspect_log import is_inspect_log, read_inspect_log
from harness.errors import HarnessError

pytest.importorskip("inspect_ai")
pytestmark = pytest.mark.slow  # Inspect takes seconds to import

EVALUATION = """
import sys
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import write_eval_log
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import Score, accuracy, mean, match, scorer
from inspect_ai.solver import generate

@scorer(metrics={"words": [mean()], "grade": [mean()]})
def style():
    async def score(state, target):
        words = len(state.output.completion.split())
        return Score(value={"words": words, "grade": "C" if words < 3 else "poor"}, explanation="counted")
    return score

@scorer(metrics=[accuracy()])
def shy():
    async def score(state, target):
        return Score.unscored(reason="cannot tell")
    return score

talk = [ChatMessageSystem(content="Be brief."), ChatMessageUser(content="What is 2 + 2?")]
samples = [
    Sample(id="sum", input="What is 1 + 1?", target="2", metadata={"topic": "sums"}),
    Sample(id=7, input=talk, target=["4", "four"]),
]
answers = ["2", "I think it is 5", "3", "4"]
outputs = [ModelOutput.from_content("mockllm/model", text) for text in answers]
for output in outputs:
    output.usage = ModelUsage(input_tokens=9, output_tokens=1, total_tokens=10)  # else it is counted, online
eval(
    Task(dataset=samples, solver=generate(), scorer=[match(), style(), shy()], name="sums", version=2, epochs=2),
    model=get_model("mockllm/model", custom_outputs=outputs), temperature=0.5, max_connections=1, max_samples=1,
    log_dir=sys.argv[1], display="none",
)
"""


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    subprocess.run([sys.executable, "-c", EVALUATION, str(folder)], check=True, capture_output=True, cwd=folder)
    (path,) = folder.glob("*.eval")
    assert is_inspect_log(path)
    return read_inspect_log(path)


def test_the_header(log):
    assert (log.task, log.version, log.model, log.status) == ("sums", "2", "mockllm/model", "success")
    assert log.created.startswith("20")
    assert (log.config["temperature"], log.config["epochs"]) == (0.5, 2)
    assert sorted(log.scorers) == ["match", "shy", "style"]


def test_samples_are_rows_of_what_was_asked_and_answered(log):
    rows = {(row.id, row.epoch): row for row in log.samples}
    assert set(rows) == {("sum", 1), ("sum", 2), ("7", 1), ("7", 2)}
    assert sorted(row.output for row in log.samples) == ["2", "3", "4", "I think it is 5"]
    first, talk = rows["sum", 1], rows["7", 1]
    assert (first.input, first.target, first.metadata["topic"]) == ("What is 1 + 1?", ["2"], "sums")
    assert (talk.input, talk.target) == ("system: Be brief.\n\nuser: What is 2 + 2?", ["4", "four"])
    assert [turn["role"] for turn in talk.messages] == ["system", "user", "assistant"]
    assert talk.messages[-1]["content"] == talk.output
    assert (first.finish_reason, first.error) == ("stop", None)


def test_scores_are_numbers_as_inspect_counts_them(log):
    for row in log.samples:
        match, words, grade, shy = row.scores
        assert [one.name for one in row.scores] == ["match", "style/words", "style/grade", "shy"]
        assert match.value == float(row.output in row.target)
        assert (match.label, match.answer) == ("C" if match.value else "I", row.output)
        assert (words.value, words.explanation) == (len(row.output.split()), "counted")
        assert (grade.value, grade.label) == ((1.0, "C") if words.value < 3 else (None, "poor"))
        assert (shy.value, shy.label) == (None, None)  # unscored is no 0


def test_what_is_no_log_is_refused(tmp_path):
    with pytest.raises(HarnessError, match="there is no such file"):
        read_inspect_log(tmp_path / "none.eval")
    (tmp_path / "wrong.eval").write_text("no zip")
    with pytest.raises(HarnessError, match="is no log"):
        read_inspect_log(tmp_path / "wrong.eval")
