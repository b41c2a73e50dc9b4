"""A mirror of the hub for tests: benchmarks in the hub's exact schema, from the real data of `HARNESS_TEST_DATA`.

Where a schema needs a split or a field that those data lack, ten questions written for the tests make it. Files are
Parquet, as on the hub, but for three data sets that are JSONL.
"""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

WRITTEN = [
    ("What do you wear on your feet?", "shoes", "gloves", "a hat", "a scarf", "a belt"),
    ("What do you drink when you are thirsty?", "water", "sand", "paper", "salt", "glue"),
    ("What shines in the sky by day?", "the sun", "a lamp", "a candle", "a torch", "a mirror"),
    ("What do you open to enter a house?", "the door", "the roof", "the wall", "the floor", "the chimney"),
    ("What do cows eat?", "grass", "stones", "plastic", "metal", "glass"),
    ("What do you cut bread with?", "a knife", "a spoon", "a rope", "a book", "a towel"),
    ("What falls from clouds?", "rain", "milk", "coins", "leaves", "nails"),
    ("What do you sleep in?", "a bed", "a sink", "an oven", "a drawer", "a letterbox"),
    ("What do fish live in?", "water", "trees", "clouds", "ovens", "books"),
    ("What do you write with?", "a pencil", "a plate", "a pillow", "a shoe", "a door"),
]
SIZE = len(WRITTEN)

PLUS_TEST = """import numpy as np


def assertion(out, exp, atol):
    exact_match = out == exp
    if atol == 0 and isinstance(exp, float):
        atol = 1e-6
    if not exact_match and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert exact_match


"""


def build(mirror: Path, data: Path) -> Path:
    """Make the mirror in a folder, and return it."""
    mirror.mkdir(parents=True, exist_ok=True)
    for make in (_commonsense, _science, _strategyqa, _code, _plus, _summaries, _mathematics):
        make(mirror, data)
    return mirror


def lines(path: Path) -> list[dict]:
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def asked(path: Path) -> list[dict]:
    """The questions of a file, without the "Please choose ..." that some begin with."""
    rows = lines(path)
    for row in rows:
        row["question"] = re.sub(r"^Please choose the correct [^:]*: ", "", row["question"])
    return rows


def parquet(mirror: Path, name: str, split: str, rows: list[dict], schema: pa.Schema | None = None) -> None:
    path = mirror / name / f"{split}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)


def jsonl(mirror: Path, name: str, split: str, rows: list[dict]) -> None:
    path = mirror / name / f"{split}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def lettered(texts: list[str]) -> dict[str, list[str]]:
    return {"label": list("ABCDEFGH"[: len(texts)]), "text": list(texts)}


def _commonsense(mirror: Path, data: Path) -> None:
    folder = data / "commonsense"
    rows = asked(folder / "commonsenseqa_dev.jsonl.gz")
    parquet(mirror, "tau/commonsense_qa", "validation", [
        {"id": row["item_id"].removeprefix("csqa/"), "question": row["question"], "question_concept": row["concept"],
         "choices": lettered(row["choices"]), "answerKey": row["gold"]} for row in rows])  # fmt: skip
    parquet(mirror, "tau/commonsense_qa", "train", [
        {"id": f"written-{number}", "question": question, "question_concept": right,
         "choices": lettered([right, *wrong]), "answerKey": "A"}
        for number, (question, right, *wrong) in enumerate(WRITTEN)])  # fmt: skip

    piqa = [
        {"goal": row["question"], "sol1": row["choices"][0], "sol2": row["choices"][1],
         "label": row["labels"].index(row["gold"])} for row in asked(folder / "piqa_valid.jsonl.gz")]  # fmt: skip
    written = [{"goal": question, "sol1": right, "sol2": wrong, "label": 0} for question, right, wrong, *_ in WRITTEN]
    parquet(mirror, "baber/piqa", "validation", piqa)
    parquet(mirror, "baber/piqa", "train", written)

    rows = asked(folder / "winogrande_dev.jsonl.gz")
    parquet(mirror, "allenai/winogrande/winogrande_xl", "validation", [
        {"sentence": row["question"], "option1": row["choices"][0], "option2": row["choices"][1],
         "answer": str(row["labels"].index(row["gold"]) + 1)} for row in rows])  # fmt: skip
    parquet(mirror, "allenai/winogrande/winogrande_xl", "train", [
        {"sentence": f"To the question of the day the answer is _ , said Ann: {question}", "option1": right,
         "option2": wrong, "answer": "1"} for question, right, wrong, *_ in WRITTEN])  # fmt: skip

    def social(text: str) -> dict[str, str]:
        context, question = re.fullmatch(
            r"(.*)\s((?:What|How|Why|Where|Who|Which|Others would)\b.*)", text, re.DOTALL
        ).groups()
        return {"context": context, "question": question}

    jsonl(mirror, "lighteval/siqa", "validation", [
        {**social(row["question"]), **dict(zip(("answerA", "answerB", "answerC"), row["choices"], strict=True)),
         "label": str(row["labels"].index(row["gold"]) + 1)}
        for row in asked(folder / "socialiqa_dev.jsonl.gz")])  # fmt: skip
    jsonl(mirror, "lighteval/siqa", "train", [
        {"context": "Ann asks Ben.", "question": question, "answerA": right, "answerB": a, "answerC": b, "label": "1"}
        for question, right, a, b, *_ in WRITTEN])  # fmt: skip

    endings = [
        {"ind": number, "activity_label": "Asking", "ctx_a": question, "ctx_b": "the answer", "ctx": question,
         "endings": [right, *wrong[:3]], "source_id": f"written~{number // 2}", "split": "val",
         "split_type": "indomain", "label": "0"}
        for number, (question, right, *wrong) in enumerate(WRITTEN)]  # fmt: skip
    causes = [
        {"premise": "Ann asked a question.", "choice1": f"She wondered: {question}", "choice2": f"She had {wrong}.",
         "question": "cause" if number % 2 else "effect", "idx": number, "label": 0}
        for number, (question, _, wrong, *_) in enumerate(WRITTEN)]  # fmt: skip
    for split in ("train", "validation"):
        parquet(mirror, "Rowan/hellaswag", split, endings)
        parquet(mirror, "aps/super_glue/copa", split, causes)


def _science(mirror: Path, data: Path) -> None:
    def science(rows: list[dict], question: str) -> list[dict]:
        return [
            {"id": row["item_id"].split("/")[1], question: row["question"], "choices": lettered(row["choices"]),
             "answerKey": "ABCDEFGH"[row["labels"].index(row["gold"])]} for row in rows]  # fmt: skip

    def written(question: str) -> list[dict]:
        return [
            {"id": f"written-{number}", question: text, "choices": lettered([right, *wrong[:3]]), "answerKey": "A"}
            for number, (text, right, *wrong) in enumerate(WRITTEN)
        ]

    books, arc = "allenai/openbookqa/main", "allenai/ai2_arc/ARC-Challenge"
    parquet(mirror, books, "test", science(asked(data / "commonsense" / "openbookqa_test.jsonl.gz"), "question_stem"))
    parquet(mirror, arc, "test", science(asked(data / "commonsense" / "arc_challenge_test.jsonl.gz"), "question"))
    for split in ("train", "validation"):
        parquet(mirror, books, split, written("question_stem"))
        parquet(mirror, arc, split, written("question"))
    for split in ("train", "validation", "test"):
        parquet(mirror, "allenai/ai2_arc/ARC-Easy", split, written("question"))


def _strategyqa(mirror: Path, data: Path) -> None:
    rows = [
        {"qid": row["item_id"].split("/")[1], "term": "", "description": "", "question": row["question"],
         "answer": row["gold"], "facts": " ".join(row["facts"])}
        for row in lines(data / "commonsense" / "strategyqa_dev.jsonl.gz")]  # fmt: skip
    jsonl(mirror, "ChilleD/StrategyQA", "train", rows[:SIZE])
    jsonl(mirror, "ChilleD/StrategyQA", "test", rows[SIZE:])


def _code(mirror: Path, data: Path) -> None:
    parquet(mirror, "openai/openai_humaneval", "test", lines(data / "humaneval" / "HumanEval.jsonl.gz"))
    rows = lines(data / "mbpp" / "mbpp.jsonl.gz")
    text = pa.list_(pa.string())
    schema = pa.schema([("task_id", pa.int32()), ("text", pa.string()), ("code", pa.string()), ("test_list", text),
                        ("test_setup_code", pa.string()), ("challenge_test_list", text)])  # fmt: skip
    for split, first, last in (("prompt", 1, 10), ("test", 11, 510), ("validation", 511, 600), ("train", 601, 974)):
        part = [row for row in rows if first <= row["task_id"] <= last]
        parquet(mirror, "google-research-datasets/mbpp/full", split, part, schema)


def _plus(mirror: Path, data: Path) -> None:
    """Two problems of each plus version, in the form of its tests: many inputs, compared with numpy."""
    humaneval = lines(data / "humaneval" / "HumanEval.jsonl.gz")
    tests = {
        "HumanEval/2": ("inputs = [[3.5], [1.25]]\n    results = [0.5, 0.25]", 0),
        "HumanEval/23": ("inputs = [['abc'], [''], ['x' * 50]]\n    results = [3, 0, 50]", 0),
    }
    rows = []
    for row in humaneval:
        if row["task_id"] in tests:
            given, tolerance = tests[row["task_id"]]
            check = (
                f"def check(candidate):\n    {given}\n    for i, (inp, exp) in enumerate(zip(inputs, results)):\n"
                f"        assertion(candidate(*inp), exp, {tolerance})\n"
            )
            rows.append({**row, "test": PLUS_TEST + check})
    parquet(mirror, "evalplus/humanevalplus", "test", rows)
    rows = []
    for row in lines(data / "mbpp" / "mbpp.jsonl.gz"):
        if row["task_id"] in (17, 62):  # square_perimeter, smallest_num
            name, given = {
                17: ("square_perimeter", "inputs = [[10], [5], [0]]\nresults = [40, 20, 0]"),
                62: ("smallest_num", "inputs = [[[10, 20, 1]], [[4]]]\nresults = [1, 4]"),
            }[row["task_id"]]
            loop = f"for i, (inp, exp) in enumerate(zip(inputs, results)):\n    assertion({name}(*inp), exp, 0)\n"
            rows.append({"task_id": row["task_id"], "code": row["code"], "prompt": row["text"], "source_file": "x",
                         "test_imports": ["import math"], "test_list": row["test_list"],
                         "test": f"{PLUS_TEST}{given}\n{loop}"})  # fmt: skip
    parquet(mirror, "evalplus/mbppplus", "test", rows)


def _summaries(mirror: Path, data: Path) -> None:
    documents = lines(data / "summeval" / "documents.jsonl")
    summaries = lines(data / "summeval" / "items.jsonl")
    by_document: dict[str, list[str]] = {}
    for row in summaries:
        by_document.setdefault(row["doc_id"], []).append(row["summary"])
    parquet(mirror, "mteb/summeval", "test", [
        {"id": row["doc_id"], "text": row["source"], "machine_summaries": by_document[row["doc_id"]],
         "human_summaries": row["references"]} for row in documents])  # fmt: skip
    parquet(mirror, "abisee/cnn_dailymail/3.0.0", "test", [
        {"article": row["source"], "highlights": row["references"][0], "id": row["doc_id"]}
        for row in documents])  # fmt: skip
    short = [
        {"id": str(number), "text": f"{question} Ann asked, and Ben said: {right}.", "summary": f"Ben said {right}."}
        for number, (question, right, *_) in enumerate(WRITTEN)]  # fmt: skip
    parquet(mirror, "EdinburghNLP/xsum", "test", [
        {"document": row["text"], "summary": row["summary"], "id": row["id"]} for row in short])  # fmt: skip
    jsonl(mirror, "knkarthick/samsum", "test", [
        {"id": row["id"], "dialogue": row["text"], "summary": row["summary"]} for row in short])  # fmt: skip


def _mathematics(mirror: Path, data: Path) -> None:
    def shown(row: dict) -> dict[str, str]:
        return {"question": row["question"], "answer": row["answer"]}

    parquet(mirror, "openai/gsm8k/main", "test", [shown(row) for row in lines(data / "gsm8k" / "test.jsonl.gz")])
    parquet(mirror, "openai/gsm8k/main", "train", [
        {"question": f"Ann has {n} pens and buys {n + 2}. How many has she?",
         "answer": f"{n} + {n + 2} = <<{n}+{n + 2}={2 * n + 2}>>{2 * n + 2} pens.\n#### {2 * n + 2}"}
        for n in range(1, SIZE + 1)])  # fmt: skip
