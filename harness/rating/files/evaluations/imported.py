"""A run made of finished evaluations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import yaml

from harness.answering import CHECKPOINT, checkpoints_in, names_in_order, reference_responses
from harness.catalog import Catalog
from harness.errors import HarnessError, did_you_mean
from harness.rating.files.evaluations.evaluation import Checkpoint, Evaluation, Families
from harness.rating.files.evaluations.from_inspect import read_inspect
from harness.rating.files.evaluations.from_lm_eval import read_lm_eval
from harness.records import Family
from harness.run import Run, host_facts, is_run, now
from harness.suite import IMPORTED, ModelUse, Suite, TaskUse, compose, without_paths

READERS: dict[str, Callable[[Checkpoint, Families], Iterator[Evaluation]]] = {
    "lm-eval": read_lm_eval,
    "inspect": read_inspect,
}
"""Who made the evaluations, and how they are read."""


def import_evaluations(
    form: Literal["lm-eval", "inspect"],
    sources: Sequence[str | Path],
    into: str | Path,
    *,
    series: str | None = None,
    first_round: int = 0,
    family: Family | None = None,
    catalog: Catalog | None = None,
) -> tuple[Run, list[str]]:
    """Make a run of finished evaluations, or add them to one.

    Args:
        form: Who made them.
        sources: Output folders of lm-eval, or logs of Inspect; each may be `ROUND=PATH` or `SERIES:ROUND=PATH`, and of
            a series a folder of checkpoints (`step-0`, `step-1000`, ...) is its rounds, by their names.
        into: The run's folder, made where it is not there.
        series: The sources are the rounds of this series, in their order.
        first_round: The round of the first of them.
        family: The family of their tasks; where not given, that of the task of the same name in the catalogue.
        catalog: Where tasks are looked up.

    Returns:
        The run, and what could not be brought along.

    Raises:
        HarnessError: A source cannot be read, or the run has another task of the same name.
    """
    if form not in READERS:
        raise HarnessError(f"no evaluations of {form!r} can be imported.{did_you_mean(form, READERS)}")
    catalog, folder = catalog or Catalog(), Path(into)
    there = Run(folder).suite if is_run(folder) else None
    models = {who.name: _without_paths(who) for who in there.models} if there else {}
    tasks = {use.called: use for use in there.tasks} if there else {}
    found: list[Evaluation] = []
    for checkpoint in _checkpoints(sources, series, first_round):
        for evaluation in READERS[form](checkpoint, lambda task: family or _family_of(task, catalog)):
            who = ModelUse(
                name=evaluation.model,
                model=IMPORTED,
                args={"from": form, **evaluation.args},
                series=checkpoint.series,
                round=checkpoint.round,
                checkpoint=checkpoint.label,
            )
            if models.get(who.name, who).model_copy(update={"checkpoint": who.checkpoint}) != who:
                raise HarnessError(
                    f"{checkpoint.path}: the run has another model {who.name!r}; say which rounds they are: "
                    f"--series NAME, or SERIES:ROUND={checkpoint.path}"
                )
            models[who.name] = who
            samples = 1 + max((one.sample for one in evaluation.responses), default=0)
            tasks.setdefault(evaluation.task, TaskUse(task=evaluation.task, samples=samples))
            found.append(evaluation)
    found = _newest(found, Run(folder) if there else None)
    content = there.model_dump(exclude_defaults=True) if there else {"name": re.sub(r"[^\w.-]", "_", folder.name)}
    content |= {"models": [m.model_dump() for m in models.values()], "tasks": [t.model_dump() for t in tasks.values()]}
    suite = Suite.model_validate(content)
    if there:
        _refuse_other_items(Run(folder), found)
    run = Run.create(folder, suite)
    with run.lock():
        run.freeze(suite)
        started = {} if run.manifest else {"times": {"started": now()}}
        made = {who.name: who.model_dump(exclude_defaults=True) for who in suite.models}
        run.note(suite=suite.name, seed=suite.seed, models=made, **host_facts(), **started)
        for evaluation in found:
            _write(run, evaluation)
    return run, [note for evaluation in found for note in evaluation.notes]


def _without_paths(who: ModelUse) -> ModelUse:
    """Return an imported model without the paths that earlier imports kept; another model as it is."""
    return who.model_copy(update={"args": without_paths(who.args, distinct=True)}) if who.model == IMPORTED else who


def _newest(found: Sequence[Evaluation], run: Run | None) -> list[Evaluation]:
    """Return evaluations without what is older than another of the same model and task, or than what the run has.

    What is left out is told by the notes of an evaluation without items.
    """
    known = run.manifest.get("imported", {}) if run else {}
    newest = {name: str(settings.get("made") or "") for name, settings in known.items()}
    for evaluation in found:
        newest[evaluation.name] = max(newest.get(evaluation.name, ""), evaluation.made)
    there = set(run.responses["response_id"]) if run else set()
    kept = []
    undated = Counter(evaluation.name for evaluation in found if not evaluation.made)
    for evaluation in found:
        ids = {one.response_id for one in evaluation.responses}
        other = not evaluation.made and evaluation.name in known and not ids <= there
        if undated[evaluation.name] > 1 or other:
            evaluation.notes.append(
                f"{evaluation.settings['path']}: has no date; of {evaluation.name} the last that is given counts"
            )
        if evaluation.made and evaluation.made < newest[evaluation.name]:
            evaluation.items, evaluation.responses, evaluation.ratings = [], [], []
            evaluation.notes = [
                f"{evaluation.settings['path']}: is older than what there is of {evaluation.name}, left out"
            ]
        kept.append(evaluation)
    return kept


def _write(run: Run, evaluation: Evaluation) -> None:
    if not evaluation.items:  # empty, or older than what is there
        return
    part = f"{evaluation.task}-{evaluation.model}"
    known = set(run.items.loc[run.items["task"] == evaluation.task, "item_id"])
    new = [item for item in evaluation.items if item.item_id not in known]
    again = "harness import lm-eval DIR --into {run}  # or inspect LOG: what was imported, once more"
    run.write(new, evaluation.task, again)
    run.write(reference_responses(new), f"{evaluation.task}-reference", again)
    run.write(evaluation.responses, part, again)
    run.write(evaluation.ratings, f"{part}-{evaluation.source}", again)
    run.retire(evaluation.model, evaluation.task, [one.response_id for one in evaluation.responses])
    items = run.items[run.items["task"] == evaluation.task]
    run.note(
        tasks={evaluation.task: {"family": items["family"].iloc[0], "items": len(items)}},
        imported={evaluation.name: {**evaluation.settings, "made": evaluation.made}},
    )


def _refuse_other_items(run: Run, found: Sequence[Evaluation]) -> None:
    """Raise a `HarnessError` if the run has an item of the same name that is another one."""
    known = {(row.task, row.item_id): row.content_hash for row in run.items.itertuples()}
    for evaluation in found:
        for item in evaluation.items:
            if known.get((item.task, item.item_id), item.content_hash) != item.content_hash:
                raise HarnessError(
                    f"{run.folder}: its item {item.item_id!r} of {item.task!r} is another one than that of "
                    f"{evaluation.settings['path']}; import into a run of its own"
                )


def _checkpoints(sources: Sequence[str | Path], series: str | None, first: int) -> list[Checkpoint]:
    """Return the sources as checkpoints: of a series a folder of checkpoints has each as a round, by its name."""
    if series is not None and not any(CHECKPOINT.match(str(source)) for source in sources):
        paths = [one for source in map(Path, sources) for one in (_held(source) or [source])]
        labels = names_in_order(paths)
        return [
            Checkpoint(path, series, first + place, label)
            for place, (path, label) in enumerate(zip(paths, labels, strict=True))
        ]
    return [_checkpoint(source, series, first + place) for place, source in enumerate(sources)]


def _held(path: Path) -> list[Path]:
    return list(checkpoints_in(path)) if path.is_dir() else []


def _checkpoint(source: str | Path, series: str | None, number: int) -> Checkpoint:
    named = CHECKPOINT.match(str(source))
    if named:
        return Checkpoint(Path(named["path"]), named["series"] or series or "all", int(named["round"]))
    return Checkpoint(Path(source), series, number if series else None)


def _family_of(task: str, catalog: Catalog) -> Family:
    """Return the family that the catalogue says a task of this name has; `other` where it has none."""
    folder = catalog.entries("tasks").get(task)
    node = compose(folder / "task.yaml") if folder else None
    for key in ("metadata", "harness", "family"):
        values = (
            [value for name, value in node.value if name.value == key] if isinstance(node, yaml.MappingNode) else []
        )
        node = values[0] if values else None
    return node.value if isinstance(node, yaml.ScalarNode) else "other"
