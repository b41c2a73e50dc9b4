"""Stored completions of coding problems, rated by their unit tests without a suite or a run.

Two JSONL files in, one rating a completion out, and the pass rates. A rating that came from candidate and tests in one
process is no evidence, so it counts in `pass_rate_same_process` alone.
"""

from __future__ import annotations

import gzip
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.answering import answer_of
from harness.errors import HarnessError, did_you_mean
from harness.rating.sandbox.check import Check, Limits, Tests
from harness.rating.sandbox.jail import Jail
from harness.rating.sandbox.sandbox import Sandboxes
from harness.rating.verifiers.crossing import Judgement, ProgramChecker
from harness.rating.verifiers.given import given, prompt_of
from harness.rating.verifiers.problems import BLOCK, TAGGED, clean, program, read_tests
from harness.records import Rating, digest
from harness.statistics import pass_at_k

STATUSES = ("passed", "failed", "visible_only", "timeout", "memory", "crash", "error", "skipped")
SAMPLES = (1, 2, 5, 10, 20, 50, 100)
"""The k of pass@k that are reported where every problem has that many samples."""


@dataclass(frozen=True)
class Completion:
    """One program to verify, and where it came from."""

    task_id: str
    model: str | None
    sample: int
    source: str


@dataclass(frozen=True)
class Verified:
    """One completion and what was found."""

    completion: Completion
    rating: Rating
    word: str
    same_process: bool

    @property
    def counts(self) -> bool:
        """Whether it is part of the pass rate: judged, and not where it could forge its verdict."""
        return self.rating.value is not None and not self.same_process


def read_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number and the object of every line of a JSONL file (`.gz` too).

    Raises:
        HarnessError: It cannot be read, or a line is no JSON object.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                entry = json.loads(line)
                if not isinstance(entry, dict):
                    raise HarnessError(f"{path}:{number}: expected a JSON object, found {type(entry).__name__}")
                yield number, entry
    except json.JSONDecodeError as error:
        raise HarnessError(f"{path}:{number}: is no JSON ({error.msg}); expected one object a line") from error
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file") from None
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: cannot be read ({error})") from error


def read_problems(path: Path) -> dict[str, dict[str, Any]]:
    """Return the problems of a JSONL file by `task_id` (or `name`).

    Raises:
        HarnessError: A line has no id, an id is there twice, or there is no problem.
    """
    problems: dict[str, dict[str, Any]] = {}
    for number, entry in read_lines(path):
        name = next((entry[field] for field in ("task_id", "name", "id", "question_id") if field in entry), None)
        if name is None:
            raise HarnessError(f"{path}:{number}: the problem has no task_id; it has {sorted(entry)}")
        if str(name) in problems:
            raise HarnessError(f"{path}:{number}: the problem {name!r} is there twice")
        problems[str(name)] = entry
    if not problems:
        raise HarnessError(f"{path}: holds no problem")
    return problems


def read_completions(path: Path, problems: Mapping[str, Mapping[str, Any]]) -> list[Completion]:
    """Return the completions of a JSONL file: `task_id` with `code` or `solution` (a whole program) or `completion`.

    A `completion` of a problem with prompt and entry point continues the prompt, unless it has a code block, or defines
    the entry point where the prompt ends before a body.

    Raises:
        HarnessError: A line lacks a field, or names a problem that is not there.
    """
    completions = []
    seen: Counter[tuple[str, str | None]] = Counter()
    for number, entry in read_lines(path):
        name = str(entry.get("task_id", entry.get("question_id", "")))
        if name not in problems:
            raise HarnessError(f"{path}:{number}: no problem has the task_id {name!r}.{did_you_mean(name, problems)}")
        whole = next((entry[key] for key in ("code", "solution") if key in entry), None)
        text = entry.get("completion") if whole is None else whole
        if not isinstance(text, str):
            raise HarnessError(
                f"{path}:{number}: neither `code` nor `completion` (nor `solution`) is text; it has {sorted(entry)}"
            )
        model = entry.get("model")
        model = None if model is None else str(model)
        source = clean(text) if whole is not None else _continued(problems[name], text)
        completions.append(Completion(name, model, seen[name, model], source))
        seen[name, model] += 1
    if not completions:
        raise HarnessError(f"{path}: holds no completion")
    return completions


def _continued(problem: Mapping[str, Any], completion: str) -> str:
    completion = clean(answer_of(completion))
    continues = (
        "entry_point" in problem
        and (prompt := prompt_of(problem))
        and not (BLOCK.search(completion) or TAGGED.search(completion))
        and not (prompt.rstrip().endswith(":") and _is_whole(completion, str(problem["entry_point"])))
    )
    return f"{prompt}{completion}" if continues else program(problem, completion)


def _is_whole(completion: str, entry_point: str) -> bool:
    """Tell whether a completion begins at the margin and defines the entry point: it is no body."""
    begins = completion.lstrip("\n")[:1]
    defined = re.search(rf"^(?:async\s+)?(?:def|class)\s+{re.escape(entry_point)}\b", completion, re.MULTILINE)
    return bool(begins.strip() and defined)


def verify(
    problems: Mapping[str, Mapping[str, Any]],
    completions: Sequence[Completion],
    jail: Jail,
    workers: int = 2,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    accept_same_process: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Verified]:
    """Run completions against their problems' tests and yield a rating for each, in order.

    Args:
        problems: By `task_id`, in any of the formats of `harness.rating.verifiers.problems`.
        completions: What to verify.
        jail: From `harness.rating.choose`.
        workers: Checks side by side.
        limits: Of each check.
        accept_same_process: Run tests that cannot cross in the candidate's own process.
        progress: Called with the number of completions that are newly done.

    A problem whose tests cannot be read has no value; the others go on.

    Raises:
        HarnessError: No problem's tests can be read.
    """
    tests: dict[str, Tests] = {}
    broken: dict[str, HarnessError] = {}
    for name in dict.fromkeys(entry.task_id for entry in completions):
        try:
            tests[name] = read_tests(problems[name])
        except HarnessError as error:
            broken[name] = error
    if broken and not tests:
        raise next(iter(broken.values()))
    checks = [
        Check(entry.source, tests[entry.task_id], limits, given=given(problems[entry.task_id], entry.source))
        for entry in completions
        if entry.task_id in tests
    ]
    with Sandboxes(jail, workers) as sandboxes:
        judged = ProgramChecker(sandboxes, accept_same_process).judge_all(checks)
        for entry in completions:
            unreadable = broken.get(entry.task_id)
            judgement = Judgement("skipped", str(unreadable), None) if unreadable else next(judged)
            yield Verified(entry, _rating(entry, judgement), judgement.word, "same_process" in judgement.flags)
            progress(1)


def _rating(entry: Completion, judgement: Judgement) -> Rating:
    response_id = digest(entry.task_id, entry.model, entry.sample, entry.source)
    return Rating(
        rating_id=digest("unit_tests", response_id),
        task="verify",
        item_id=entry.task_id,
        response_id=response_id,
        rater="unit_tests",
        rater_kind="verifier",
        criterion="correctness",
        scale="binary",
        value=judgement.value,
        status="error" if judgement.word == "error" else "skipped" if judgement.word == "skipped" else "ok",
        error=None if judgement.word == "passed" else f"{judgement.word}: {judgement.reason}",
        flags=list(judgement.flags),
        seconds=judgement.verdict.seconds if judgement.verdict else None,
        metadata=json.dumps({"model": entry.model, "sample": entry.sample, "outcome": judgement.word}),
    )


def pass_summary(verified: Sequence[Verified]) -> dict[str, Any]:
    """Return the counts and rates of verified completions, overall and for each model.

    Returns:
        `n`, `passed`, `pass_rate` (passed / judged; null where nothing was judged), `pass_at_k`, `statuses`,
        `problems_without_value` (why, by problem), `same_process` (`n`, `share`, `passed`), `pass_rate_same_process`
        (among those alone), and `by_model`.
    """
    models = sorted({entry.completion.model for entry in verified if entry.completion.model is not None})
    by_model = {model: _rates([entry for entry in verified if entry.completion.model == model]) for model in models}
    statuses = Counter(_status(entry) for entry in verified)
    unusable = {
        one.completion.task_id: one.rating.error for one in verified if one.word == "skipped" and not one.same_process
    }
    return {
        **_rates(verified),
        "problems_without_value": dict(sorted(unusable.items())),
        "by_model": by_model,
        "statuses": {status: statuses[status] for status in STATUSES},
    }


def _status(entry: Verified) -> str:
    return "skipped" if entry.same_process else entry.word


def _rates(verified: Sequence[Verified]) -> dict[str, Any]:
    judged = [entry for entry in verified if entry.counts]
    apart = [entry for entry in verified if entry.same_process]
    judged_together = [entry for entry in apart if entry.rating.value is not None]
    rates = {
        "n": len(verified),
        "passed": _passed(judged),
        "pass_rate": _share(_passed(judged), len(judged)),
        "pass_at_k": _pass_at_k(judged),
        "same_process": {
            "n": len(apart),
            "share": _share(len(apart), len(verified)),
            "passed": _passed(judged_together),
        },
    }
    if judged_together:
        rates["pass_rate_same_process"] = _share(_passed(judged_together), len(judged_together))
    return rates


def _passed(verified: Sequence[Verified]) -> int:
    return sum(entry.rating.value == 1 for entry in verified)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _pass_at_k(judged: Sequence[Verified]) -> dict[str, float]:
    """Return the mean over problems of pass@k, for each k of which every problem has as many samples."""
    counts: dict[tuple[str, str | None], list[int]] = defaultdict(lambda: [0, 0])
    for entry in judged:
        count = counts[entry.completion.task_id, entry.completion.model]
        count[0] += 1
        count[1] += entry.rating.value == 1
    fewest = min((n for n, _ in counts.values()), default=0)
    return {
        str(k): math.fsum(float(pass_at_k(c, n, k)) for n, c in counts.values()) / len(counts)
        for k in SAMPLES
        if 1 <= k <= fewest
    }
