"""Methods: what made the run, read from its manifest and suite, and how each number on the page is defined.

Nothing here is written by hand for one run: what the manifest does not hold is said to be unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.reporting.definitions import definitions, settings
from harness.reporting.evidence import Evidence, Row, value_of
from harness.suite import without_homes, without_paths, without_whereabouts

UNKNOWN = "not recorded"


def methods(evidence: Evidence, redact_text: bool = False) -> Row:
    """Return what made the run.

    Returns:
        `facts` (name, value), `packages`, `tasks`, `models`, `raters` (with prompt and its hash), `definitions`,
        `estimates` (what they were told), `settings` (the suite as YAML), `exclusions`.
    """
    run = evidence.run
    manifest = value_of(run.manifest)
    facts = [
        ("Suite", manifest.get("suite", run.suite.name)),
        ("Suite fingerprint", run.suite.fingerprint),
        ("Seed", manifest.get("seed", run.suite.seed)),
        ("Harness", manifest.get("harness")),
        ("Python", manifest.get("python")),
        ("Platform", manifest.get("platform")),
        ("Git commit", manifest.get("git")),
    ]
    ended = {key: why for key, why in (manifest.get("ended") or {}).items() if why}
    if ended:
        facts.append(("Series that ended early", without_whereabouts(_shown(ended))))
    return {
        "facts": [(name, UNKNOWN if value in (None, "") else _shown(value)) for name, value in facts],
        "times": sorted((name.capitalize(), _shown(value)) for name, value in (manifest.get("times") or {}).items()),
        "packages": sorted((manifest.get("packages") or {}).items()),
        "tasks": [_entry(name, entry) for name, entry in sorted((manifest.get("tasks") or {}).items())],
        "models": [_entry(name, entry) for name, entry in sorted((manifest.get("models") or {}).items())],
        "raters": [
            _rater(evidence, name, entry, redact_text) for name, entry in sorted((manifest.get("raters") or {}).items())
        ],
        "lm_eval": lm_eval_scores(manifest),
        "definitions": definitions(evidence),
        "estimates": settings(evidence),
        "settings": without_whereabouts(run.suite.to_yaml()),
        "exclusions": _exclusions(evidence),
    }


def _entry(name: str, entry: Any) -> Row:
    facts = entry if isinstance(entry, dict) else {"value": entry}
    text = {key: _shown(value) for key, value in sorted(facts.items()) if value not in (None, "", [], {})}
    return {"name": name, "card": text.pop("card", None), "prompt": None, "facts": sorted(text.items())}


def _rater(evidence: Evidence, name: str, entry: Any, redact_text: bool) -> Row:
    row = _entry(evidence.name(name), entry)
    facts = dict(row["facts"])
    facts.pop("prompt", None)
    prompt = entry.get("prompt") if isinstance(entry, dict) else None
    return {
        **row,
        "facts": sorted(facts.items()),
        "prompt": None if redact_text or not prompt else without_homes(str(prompt)),
    }


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_shown(inner)}" for key, inner in sorted(value.items()))
    if isinstance(value, list):
        return ", ".join(_shown(inner) for inner in value)
    return str(without_paths(str(value)))


def lm_eval_scores(manifest: Row) -> list[Row]:
    """Return a row a task or group, model and metric of lm-eval: the value and its standard error, None without one.

    Those of groups come first, with the tasks and groups that they hold as `members`.
    """
    members = {group["name"]: list(group["members"]) for group in manifest.get("groups") or []}
    rows = [
        {"task": task, "model": model, "metric": metric, "value": value, "stderr": stderr, "members": []}
        for model, tasks in (manifest.get("scores") or {}).items()
        for task, found in tasks.items()
        for metric, value, stderr in _measured(found["results"])
    ]
    rows += [
        {"task": name, "model": model, "metric": metric, "value": value, "stderr": stderr, "members": members[name]}
        for model, groups in (manifest.get("group_scores") or {}).items()
        for name, found in groups.items()
        for metric, value, stderr in _measured(found)
        if name in members
    ]
    return sorted(rows, key=lambda row: (not row["members"], row["task"], row["model"], row["metric"]))


def _measured(results: Row) -> Iterator[tuple[str, float, float | None]]:
    for key, value in results.items():
        metric, comma, name = key.partition(",")
        if comma and not metric.endswith("_stderr") and isinstance(value, int | float):
            error = results.get(f"{metric}_stderr,{name}")
            yield key, value, error if isinstance(error, int | float) else None


def _exclusions(evidence: Evidence) -> list[str]:
    ratings = evidence.run.ratings
    lines = []
    repeated = int((ratings["repetition"].fillna(0) > 0).sum())
    failed = int((ratings["status"] != "ok").sum())
    if repeated:
        lines.append(f"{repeated:,} repeated ratings are used for self-agreement only.")
    if failed:
        lines.append(f"{failed:,} ratings have no value, because the rater failed; they are missing everywhere.")
    for row in evidence.rounds:
        missing = row.get("missing") or []
        if any(missing):
            shown = ", ".join(f"{100 * value:.1f} %" for value in missing if isinstance(value, int | float))
            lines.append(f"{row['series']}: share of held-out items missing, round by round: {shown or missing}.")
    return lines + [without_whereabouts(str(note)) for note in evidence.notes]
