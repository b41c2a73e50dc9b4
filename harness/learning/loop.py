"""The feedback loop: a learner practises, raters give feedback, it trains on what each kind of feedback kept.

Sampling, training and answering are jobs (`jobs.py`). Who runs them, this process or a few others, changes nothing in
the numbers, and neither does an interruption. Raters stay in the caller's process, whatever they need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from harness.errors import HarnessError
from harness.learning.jobs import Evaluation, begin
from harness.learning.learner import Learner, SeriesEnded
from harness.learning.processes import Call, process_pool
from harness.learning.round import Round
from harness.learning.selection import refuse_rater, refuse_rule
from harness.learning.series import Series
from harness.rating import Rater
from harness.records import Item
from harness.suite import BudgetUse, KeepUse


def run_series(
    learner: Learner,
    series: str,
    rater: Rater | None,
    rounds: int,
    *,
    held_out: Sequence[Item],
    state_dir: Path,
    finished: int = -1,
    use: KeepUse | None = None,
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
        use: What is kept of the samples, where it is not the usual.

    Raises:
        HarnessError: The rater cannot give feedback to a loop, or the learner practises on held-out items.
        IncompleteError: The rater failed on everything; the same call goes on where this one stopped.
        SeriesEnded: The learner cannot go on.
    """
    use = use or KeepUse()
    refuse_rater(rater)
    refuse_rule(learner, rater, use)
    lineage = Series(series, learner, rater, Evaluation.of(held_out), state_dir, use=use)
    yield from lineage.rounds(rounds, finished)


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
        SeriesEnded: The learner cannot go on.
    """
    last = {(name, learner.seed): number for name, number in (finished or {}).items()}
    yield from run_seeds(
        [learner], feedback, rounds, Evaluation.of(held_out), state_dir, finished=last, workers=workers
    )


def run_seeds(
    learners: Sequence[Learner],
    feedback: Mapping[str, Rater | None],
    rounds: int,
    evaluation: Evaluation,
    state_dir: Path,
    *,
    keep: Mapping[str, KeepUse] | None = None,
    budget: BudgetUse | None = None,
    export: bool = False,
    keep_states: bool = False,
    finished: Mapping[tuple[str, int], int] | None = None,
    workers: int = 2,
    call: Call | None = None,
    ended: Callable[[Series, SeriesEnded], None] | None = None,
) -> Iterator[Round]:
    """Train a learner of several seeds with several kinds of feedback; see `run_feedback`.

    Args:
        learners: The learner with each of the seeds.
        feedback: Series name to the rater that gives its feedback, None for the control.
        rounds: Rounds of training after round 0.
        evaluation: What is answered after every round.
        state_dir: Where states and finished jobs are kept.
        keep: Series name to what is kept of its samples, where it is not the usual.
        budget: What each series may cost with each seed; one that has spent it ends.
        export: Whether the first round's data are all that is wanted: each series ends with them.
        keep_states: Whether the state of each round stays until the caller removes it. Otherwise it may be gone when
            its round is yielded, since the series go on meanwhile.
        finished: Series name and seed to the last round that the caller has already.
        workers: Processes at once; 1 for this one alone.
        call: Runs a job in some process of others' that sees `state_dir` under this path; then none is started here.
        ended: Is told of a series that cannot go on, and the others do; where not given, that is raised.

    Raises:
        HarnessError: A rater cannot give feedback to a loop, the learner practises on held-out items, or its seeds
            have one version.
        IncompleteError: A rater failed on everything; the same call goes on where this one stopped.
        SeriesEnded: A series cannot go on, and nobody is told of it.
    """
    keep, finished = keep or {}, finished or {}
    if len({learner.version for learner in learners}) < len(learners):
        raise HarnessError(
            f"rounds: {learners[0].name} has the same version with several seeds, so that their states would be taken "
            "for one; a learner's `version` is a hash of its seed too"
        )
    for name, rater in feedback.items():
        refuse_rater(rater)
        refuse_rule(learners[0], rater, keep.get(name, KeepUse()))
    turn = Lock()
    wanted = [
        (series, last)
        for name, rater in feedback.items()
        for learner in learners
        if (last := finished.get((name, learner.seed), -1)) < rounds
        for series in [
            Series(
                name,
                learner,
                rater,
                evaluation,
                state_dir,
                turn=turn,
                use=keep.get(name, KeepUse()),
                budget=budget or BudgetUse(),
                export=export,
                keep_states=keep_states,
            )
        ]
    ]
    if not wanted or (workers == 1 and call is None):
        for series, last in wanted:
            yield from _to_its_end(series, rounds, last, ended)
        return
    with nullcontext(call) if call else process_pool(workers) as do:
        bases = {series.base: series for series, _ in wanted}
        with ThreadPoolExecutor(len(bases)) as threads:  # before their heirs all want them
            list(threads.map(lambda one: do(begin, one.learner, one.base, evaluation), bases.values()))
        called = [(replace(series, call=do), last) for series, last in wanted]
        yield from _side_by_side([_to_its_end(series, rounds, last, ended) for series, last in called])


def _to_its_end(
    series: Series, rounds: int, finished: int, ended: Callable[[Series, SeriesEnded], None] | None
) -> Iterator[Round]:
    try:
        try:
            yield from series.rounds(rounds, finished)
        except MemoryError as error:
            raise SeriesEnded("out_of_memory", str(error) or "no memory is left") from error
    except SeriesEnded as error:
        if ended is None:
            raise
        ended(series, error)


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
