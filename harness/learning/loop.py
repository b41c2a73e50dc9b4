"""The feedback loop: a learner practises, raters give feedback, it trains on what each kind of feedback kept.

Sampling, training and answering are jobs (`jobs.py`). Who runs them, this process or a few others, changes nothing in
the numbers, and neither does an interruption. Raters stay in the caller's process, whatever they need.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from harness.learning.jobs import begin
from harness.learning.learner import Learner
from harness.learning.processes import process_pool
from harness.learning.selection import refuse_rater
from harness.learning.series import Round, Series
from harness.rating import Rater
from harness.records import Item


def run_series(
    learner: Learner,
    series: str,
    rater: Rater | None,
    rounds: int,
    *,
    held_out: Sequence[Item],
    state_dir: Path,
    finished: int = -1,
) -> Iterator[Round]:
    """Train a learner with one kind of feedback in this process; yield the rounds in order.

    Args:
        learner: What is trained.
        series: The name of the series.
        rater: Gives the feedback; None keeps the first sample of every item, without looking: the control.
        rounds: Rounds of training after round 0.
        held_out: Items that are answered in every round and never practised on.
        state_dir: Where states and finished jobs are kept; needed no more when all rounds are written.
        finished: The last round that the caller has already, -1 for none; the rounds after it are yielded.

    Raises:
        HarnessError: The rater cannot give feedback to a loop, or the learner practises on held-out items.
        IncompleteError: The rater failed on everything; the same call goes on where this one stopped.
    """
    refuse_rater(rater)
    yield from Series(series, learner, rater, list(held_out), state_dir).rounds(rounds, finished)


def run_feedback(
    learner: Learner,
    feedback: Mapping[str, Rater | None],
    rounds: int,
    *,
    held_out: Sequence[Item],
    state_dir: Path,
    finished: Mapping[str, int] | None = None,
    workers: int = 2,
) -> Iterator[Round]:
    """Train a learner with several kinds of feedback, side by side; yield each round as soon as it is finished.

    The rounds of a series come in order; the series mix as they go. With more than one worker the jobs run in that
    many processes, started by `spawn`: a script that calls this needs the usual `if __name__ == "__main__":`.

    Args:
        learner: What is trained.
        feedback: Series name to the rater that gives its feedback, None for the control.
        rounds: Rounds of training after round 0.
        held_out: Items that are answered in every round and never practised on.
        state_dir: Where states and finished jobs are kept; needed no more when all rounds are written.
        finished: Series name to the last round that the caller has already; those rounds are not yielded again.
        workers: Processes at once; 1 for this one alone.

    Raises:
        HarnessError: A rater cannot give feedback to a loop, or the learner practises on held-out items.
        IncompleteError: A rater failed on everything; the same call goes on where this one stopped.
    """
    for rater in feedback.values():
        refuse_rater(rater)
    last = {name: (finished or {}).get(name, -1) for name in feedback}
    wanted = {name: rater for name, rater in feedback.items() if last[name] < rounds}
    held_out = list(held_out)
    if workers == 1:
        for name, rater in wanted.items():
            yield from Series(name, learner, rater, held_out, state_dir).rounds(rounds, last[name])
    elif wanted:
        turn = Lock()
        with process_pool(workers) as call:
            series = [Series(name, learner, rater, held_out, state_dir, call, turn) for name, rater in wanted.items()]
            call(begin, learner, series[0].base, held_out)  # before its heirs all want it
            yield from _side_by_side([each.rounds(rounds, last[each.name]) for each in series])


def _side_by_side(lineages: Sequence[Iterator[Round]]) -> Iterator[Round]:
    """Yield what several iterators give, each advanced by its own thread, as it comes."""
    finished: SimpleQueue[Round | BaseException | None] = SimpleQueue()

    def follow(lineage: Iterator[Round]) -> None:
        try:
            for done in lineage:
                finished.put(done)
        except BaseException as error:
            finished.put(error)
        else:
            finished.put(None)

    for lineage in lineages:
        Thread(target=follow, args=(lineage,), daemon=True).start()
    left = len(lineages)
    while left:
        result = finished.get()
        if result is None:
            left -= 1
        elif isinstance(result, BaseException):
            raise result
        else:
            yield result
