"""Gives readers broken input and counts what is neither a result nor an error with a message: it must be none.

`python benchmarks/fuzzing.py --seconds 60` shares the time among the readers; `--reader tables --inputs 1000000` gives
one of them so many. Inputs are seeds that real tools write, changed: bytes flipped, cut, doubled, two seeds spliced,
and words put in that break readers (nesting, doubled keys, infinity, half characters). A fault is an exception that is
no `HarnessError` (or, for a reader of replies, none that the boundary knows), or an input that takes over a second.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from harness.answering import read_samples, samples_in
from harness.answering.chat.boundary import UNREADABLE, received
from harness.answering.chat.limits import Trouble
from harness.answering.chat.openai_chat import read_answer
from harness.errors import HarnessError
from harness.rating import RaterSpec, read_ratings, read_source, recognise
from harness.rating.judges.reply import read_text
from harness.run import read_events
from harness.suite import read_document, read_suite

WORDS = [
    b"[" * 3000, b"{" * 3000, b'"a":' * 50, b"NaN", b"Infinity", b"-1e999", b"9" * 5000, b"\\ud800", b"\xff\xfe",
    b"\x00", b"\r", b"\n", b",", b";", b'"', b"'", b"null", b"true", b"[]", b"{}", b"&a [*a]", b"*a", b"<<: *a",
    b"!!python/name:os", b"\xe2\x80\xa8", b"1,5", b"%", b"=1+1", b"2024-99-99", b"0x1F", b"-", b": ", b"- ", b"? ",
    b"|", b"PAR1", b"\x1f\x8b",
]  # fmt: skip
ROW = {"item_id": "1", "rater": "ada", "criterion": "quality", "value": 3, "rater_kind": "human"}
LABEL_STUDIO = [
    {"id": 1, "data": {"response_id": "a", "item_id": "1", "prompt": "p", "response": "r"}, "predictions": [],
     "annotations": [{"id": 7, "completed_by": 3, "lead_time": 2.5, "created_at": "2026-01-01T00:00:00Z", "result": [
         {"type": "rating", "from_name": "quality", "to_name": "response", "value": {"rating": 4}},
         {"type": "choices", "from_name": "kind", "to_name": "response", "value": {"choices": ["a", "b"]}}]}]}
]  # fmt: skip
ARGILLA = [
    {"id": "1", "fields": {"prompt": "p"}, "metadata": {"item_id": "1"}, "suggestions": {},
     "responses": {"quality": [{"value": 4, "user_id": "u", "status": "submitted"}]}}
]  # fmt: skip
REPLY = {
    "choices": [{"message": {"content": '{"verdict": "Yes"}'}, "finish_reason": "stop", "logprobs": {"content": [
        {"token": "A", "logprob": -0.1, "top_logprobs": [{"token": "A", "logprob": -0.1}]}]}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}},
}  # fmt: skip
SAMPLES = [
    {"doc_id": 0, "doc": {"q": "one?"}, "target": "1", "arguments": [["one?", {"until": ["."]}]], "resps": [["1"]],
     "filtered_resps": ["1"], "filter": "none", "metrics": ["exact_match"], "exact_match": 1.0},
    {"doc_id": 1, "doc": {}, "target": 0, "arguments": {"a": {"b": "q", "c": " x"}, "d": {"b": "q", "c": " y"}},
     "resps": [[[-1.5, "True"]], [["-2.5", "False"]]], "filtered_resps": [-1.5, -2.5], "acc": 1.0},
]  # fmt: skip
RESULTS = {"config": {"model": "hf", "model_args": "pretrained=a/b"}, "results": {"t": {"acc,none": 0.5}}}
VERDICTS = [
    b'{"reasoning": "because", "verdict": "Yes"}', b"Verdict: No", b"[[A]]", b"<think>Yes</think> I would say: No",
    b"8/10", b"The answer is **B**.", b"```json\n{\"verdict\": \"No\"}\n```",
]  # fmt: skip
SUITE = b"""name: x
seed: 1
models: [{name: m, model: embedded}]
tasks: [{task: small, limit: 5}, {task: other}]
"""
RATER = (
    b"kind: judge\nuse: judge.pointwise\ncriteria: [quality]\nscale: ordinal\nsettings: {answers: {Yes: 1, No: 0}}\n"
)


def _lines(rows: list[object]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def _table(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    source = read_source(path)
    form = recognise(source)
    read_ratings(read_source(path, form.records) if form.records else source, form)


def _parquet(rows: list[dict[str, object]]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return bytes(sink.getvalue().to_pybytes())


def _suite(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    read_suite(path)


def _rater(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    read_document(path).check(RaterSpec, name="x", folder=path.parent)


def _reply(path: Path, content: bytes) -> None:
    received(read_answer(content))


def _verdict(path: Path, content: bytes) -> None:
    found = read_text(content.decode(errors="replace"), ["Yes", "No"]).word
    assert found in ("Yes", "No", None)


def _samples(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    list(read_samples(path))


def _results(path: Path, content: bytes) -> None:
    (path.parent / "results.json").write_bytes(content)
    (path.parent / "samples_t.jsonl").touch()
    for file in samples_in(path.parent):
        assert isinstance(file.made, str)


def _journal(path: Path, content: bytes) -> None:
    read_events(path, content)


@dataclass(frozen=True)
class Reader:
    """A reader, what it is given before it is changed, and what else than a `HarnessError` it may raise."""

    read: Callable[[Path, bytes], None]
    seeds: list[bytes]
    suffix: str = ""
    may_raise: tuple[type[BaseException], ...] = ()


READERS = {
    "tables": Reader(_table, [
        b"item_id,rater,criterion,value\n1,ada,quality,3\n2,bob,quality,4\n",
        b"item;ada;bob\n1;3,5;4\n2;1;2\n", _lines([ROW, {**ROW, "rater": "bob"}]), json.dumps([ROW, ROW]).encode(),
        "item_id\trater\tlabel\n1\té\tgut\n".encode("utf-16"),
    ], ".csv"),
    "label studio": Reader(_table, [json.dumps(LABEL_STUDIO).encode(), _lines(LABEL_STUDIO)], ".json"),
    "chat replies": Reader(_reply, [json.dumps(REPLY).encode()], may_raise=(Trouble, *UNREADABLE)),
    "judge replies": Reader(_verdict, VERDICTS),
    "suite yaml": Reader(_suite, [SUITE], ".yaml"),
    "rater yaml": Reader(_rater, [RATER], ".yaml"),
    "argilla": Reader(_table, [json.dumps(ARGILLA).encode(), _lines(ARGILLA)], ".json"),
    "parquet": Reader(_table, [_parquet([ROW, {**ROW, "item_id": "2"}])], ".parquet"),
    "lm-eval samples": Reader(_samples, [_lines(SAMPLES), json.dumps(SAMPLES).encode()], ".jsonl"),
    "lm-eval results": Reader(_results, [json.dumps(RESULTS).encode()]),
    "journals": Reader(_journal, [_lines([{"event": "plan", "units": []}, {"event": "answer", "value": 1}]) + b"\n"]),
}  # fmt: skip


def changed(draw: random.Random, seeds: list[bytes]) -> bytes:
    """Return a seed with one to five changes."""
    content = bytearray(draw.choice(seeds))
    for _ in range(draw.randint(1, 5)):
        place = draw.randrange(len(content) + 1)
        match draw.randrange(6):
            case 0 if content:
                content[place % len(content)] ^= 1 << draw.randrange(8)
            case 1:
                content[place:place] = draw.choice(WORDS)
            case 2:
                del content[place : place + draw.randint(1, 40)]
            case 3:
                content[place:place] = content[place : place + draw.randint(1, 40)]
            case 4:
                other = draw.choice(seeds)
                content = content[:place] + other[draw.randrange(len(other) + 1) :]
            case _:
                content[place : place + 1] = draw.randbytes(1)
    return bytes(content)


@dataclass
class Found:
    """What came of one reader's inputs."""

    inputs: int = 0
    read: int = 0
    slowest: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    example: dict[str, bytes] = field(default_factory=dict)


def fuzz(reader: Reader, folder: Path, draw: random.Random, inputs: int, seconds: float) -> Found:
    """Give a reader so many inputs, or as many as it takes in so many seconds."""
    found, path = Found(), folder / f"input{reader.suffix}"
    end = time.perf_counter() + seconds
    while found.inputs < inputs and time.perf_counter() < end:
        content = changed(draw, reader.seeds)
        started, before = time.perf_counter(), time.process_time()
        try:
            reader.read(path, content)
            found.read += 1
        except (HarnessError, *reader.may_raise):
            pass
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            fault = f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {error}"[:160]
            found.faults[fault] += 1
            found.example.setdefault(fault, content)
        took = min(time.perf_counter() - started, time.process_time() - before)  # a busy machine is no hang
        found.slowest = max(found.slowest, took)
        if took > 1:
            found.faults["over a second"] += 1
            found.example.setdefault("over a second", content)
        found.inputs += 1
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reader", choices=READERS, action="append")
    parser.add_argument("--inputs", type=int, default=1_000_000, help="for each reader, at most")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all readers together")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    names = options.reader or list(READERS)
    bad = 0
    with tempfile.TemporaryDirectory() as place:
        for name in names:
            draw = random.Random(f"{options.seed} {name}")
            found = fuzz(READERS[name], Path(place), draw, options.inputs, options.seconds / len(names))
            print(
                f"{name:16}{found.inputs:>10,} inputs, {found.read:>9,} read, slowest {found.slowest:.2f} s, "
                f"{found.faults.total()} faults",
                flush=True,
            )
            for fault, count in found.faults.most_common(10):
                print(f"    {count:>6,} x {fault}\n           {found.example[fault][:200]!r}")
            bad += found.faults.total()
    raise SystemExit(bad > 0)


if __name__ == "__main__":
    main()
