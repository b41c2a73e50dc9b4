"""The page: one HTML file that opens from disk, asks for nothing, and runs no script but its own.

Every text of a model, a rater or a data set reaches it through autoescaping, or as JSON that the script writes with
`textContent`; the content security policy names the script by its hash, so that nothing else could run even if it got
in. Figures are static; with scripts off all but the list of disagreements still shows. The same run gives the same
bytes: no clock is read.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup, escape

from harness import __version__
from harness.catalog import Catalog
from harness.reporting import tables
from harness.reporting.cases import MOST_CASES, block, cases
from harness.reporting.evidence import Evidence, Row, public
from harness.reporting.findings import findings, points, share
from harness.reporting.gallery import figures
from harness.reporting.methods import methods
from harness.run import Run, write_whole

FOLDER = "reports/page"
Runs = Run | str | Path | Sequence[Run | str | Path]


def report(
    run: Runs,
    path: str | Path | None = None,
    *,
    include: Sequence[str | Path] = (),
    redact_text: bool = False,
) -> Path:
    """Write the page of a run, or of several side by side.

    Args:
        run: A run or its folder, or several.
        path: Where the page is written; `report.html` in the (first) run's folder where not given.
        include: Folders whose `reports/page/` files replace the built-in ones, file by file.
        redact_text: Leave out prompts, answers and rationales: ids and values only.

    Returns:
        The page's path.

    Raises:
        HarnessError: A folder is no run, or a template is missing.
    """
    opened = opened_runs(run)
    target = Path(path) if path else opened[0].folder / "report.html"
    views = [view(Evidence.of(one), redact_text, f"run{n}-" if n else "") for n, one in enumerate(opened)]
    write_whole(target, render(views, Catalog(include)).encode())
    return target


def summary(run: Run | str | Path) -> Row:
    """Return every table of the page as JSON values: what `harness report --json` prints."""
    evidence = Evidence.of(run)
    return {
        "run": evidence.run.suite.name,
        "findings": [finding.to_dict() for finding in findings(evidence)],
        "rounds": evidence.rounds,
        "comparisons": evidence.comparisons,
        "scores": tables.scores(evidence),
        "matrix": evidence.pairs,
        "positions": evidence.positions,
        "raters": tables.raters(evidence),
        "methods": methods(evidence),
    }


def opened_runs(run: Runs) -> list[Run]:
    """Return one or several runs, opened."""
    several = [run] if isinstance(run, Run | str | Path) else list(run)
    return [one if isinstance(one, Run) else Run(one) for one in several]


def view(evidence: Evidence, redact_text: bool = False, prefix: str = "") -> Row:
    """Return what the templates show of one run."""
    found = cases(evidence, MOST_CASES, evidence.run.suite.seed)
    data = block(evidence, found, redact_text)
    return {
        "prefix": prefix,
        "name": evidence.run.suite.name,
        "description": public(evidence.run.suite.description),
        "findings": findings(evidence),
        "figures": figures(evidence, prefix),
        "matrices": tables.matrices(evidence),
        "raters": tables.raters(evidence),
        "positions": [{**row, "rater": evidence.name(row["rater"])} for row in evidence.positions],
        "rounds": evidence.rounds,
        "shown": len(data["cases"]),
        "total": found.total,
        "disagreeing": found.disagreeing,
        "cases": script_json(data),
        "methods": methods(evidence, redact_text),
        "redacted": redact_text,
    }


def render(views: list[Row], catalog: Catalog) -> str:
    """Return the page's HTML."""
    environment = SandboxedEnvironment(
        loader=FunctionLoader(lambda name: catalog.file(f"{FOLDER}/{name}").read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "points": points,
        "share": share,
        "number": number,
        "tone": tone,
        "window": window,
        "sentence": sentence,
        "anchored": anchored,
        "drawing": Markup,
    }
    script = catalog.file(f"{FOLDER}/page.js").read_text(encoding="utf-8")
    style = catalog.file(f"{FOLDER}/page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html").render(
        views=views,
        title=" and ".join(one["name"] for one in views) + ": human and AI feedback",
        question="Does the feedback still help?" if any(one["rounds"] for one in views) else "Who agrees with whom?",
        version=__version__,
        script_sources="",
        style=Markup(style),
        script=Markup(script),
        script_hash=script_hash(script),
        kinds=tables.KIND_WORDS,
        failures=tables.FAILURES,
    )


def script_json(data: Any) -> Markup:
    """Return JSON that can stand in a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def script_hash(script: str) -> str:
    """Return a script's hash as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def number(value: float | None, digits: int = 2) -> str:
    """Return a number for a table; a dash where it is unknown, never 0."""
    return "–" if value is None else f"{value:,.{digits}f}".replace("-", "−")


def window(rounds: Sequence[int] | None) -> str:
    """Return the rounds of a verdict's window, `2–4`."""
    return f"{min(rounds)}–{max(rounds)}" if rounds else "–"


def sentence(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code; everything else is escaped."""
    parts = public(text).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is a backtick
        return escape(public(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )


def anchored(prefix: str, anchor: str) -> str:
    """Return an anchor of a run's part of the page: `fig-rounds` of the second run is `fig-run1-rounds`."""
    return f"fig-{prefix}{anchor[4:]}" if anchor.startswith("fig-") else prefix + anchor


def tone(value: float | None) -> str:
    """Return the step of the heat map's scale in which a coefficient lies: `none`, `t0` (0 or less) to `t5`."""
    if value is None:
        return "none"
    return f"t{sum(value > edge for edge in (0.0, 0.2, 0.4, 0.6, 0.8))}"
