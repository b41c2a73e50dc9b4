"""The stage in which the learner is trained in rounds, once with each kind of feedback."""

from __future__ import annotations

import shutil

from harness.learning import make_learner, run_feedback
from harness.rating import Work, find_rater, rater_facts
from harness.stages.context import Context


def train_rounds(context: Context) -> None:
    """Train the learner with each kind of feedback, and let the gold rater rate the held-out answers of every round."""
    use = context.suite.rounds
    if use is None:
        return
    run = context.run
    learner = make_learner(use.learner, use.settings, context.suite.seed)
    held_out = learner.held_out(min(use.items, context.suite.limit or use.items))
    gold = find_rater(use.gold, context.catalog, context.surroundings)
    raters = {
        series: find_rater(name, context.catalog, context.surroundings) if name else None
        for series, name in use.feedback.items()
    }
    for rater in (gold, *raters.values()):
        if rater is not None:
            run.note(raters={rater.spec.name: rater_facts(rater)})
    finished: dict[str, int] = {}
    for row in run.rounds.itertuples():
        finished[str(row.series)] = max(int(str(row.round)), finished.get(str(row.series), -1))
    left = sum(use.rounds - finished.get(series, -1) for series in raters)
    if left:
        run.write(held_out, "held-out")
    states = run.folder / ".states"
    with context.stage("the learner trains", left) as progress:
        for done in run_feedback(
            learner,
            raters,
            use.rounds,
            held_out=held_out,
            state_dir=states,
            finished=finished,
            workers=context.surroundings.workers,
        ):
            part = f"{learner.name}-{done.summary.series}-round{done.summary.round:03d}"
            for records in (done.responses, done.practice_items, done.practice, done.ratings):
                run.write(records, part)
            items = {item.item_id: item for item in held_out}
            answers = [Work(items[response.item_id], response) for response in done.responses]
            run.write(gold.rate(answers), f"{part}-{use.gold}")
            run.write_round(done.summary.model_dump())  # last: a round with a summary is whole
            progress(1)
    shutil.rmtree(states, ignore_errors=True)
