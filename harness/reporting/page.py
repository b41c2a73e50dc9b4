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
from markupsafe import Markup

from harness import __version__
from harness.agreement import Agreed, strength
from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.reporting import label_figures, label_tables, scorecard, tables
from harness.reporting.card import card as drawn_card
from harness.reporting.cases import block, carried, cases, shards
from harness.reporting.decision import decision
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import KINDS, SIGNS, decimals, share
from harness.reporting.findings import answers, findings_of, folded
from harness.reporting.methods import methods
from harness.reporting.models import models
from harness.reporting.numbers import numbers
from harness.reporting.terms import TERMS, anchor, explained
from harness.reporting.trust import trust_of
from harness.reporting.wording import (
    anchored,
    compared,
    gained,
    headed,
    jointed,
    last_gain,
    quantity,
    rated,
    sentence,
    stacked,
    tone,
    typeset,
    window,
)
from harness.rounds import Rounds, counted
from harness.run import Run, opened, write_whole
from harness.suite import without_paths, without_whereabouts

FOLDER = "reports/page"
SINGLE_FILE_LIMIT = 25_000_000
Runs = Run | str | Path | Sequence[Run | str | Path]


def report(
    run: Runs | Agreed | Rounds,
    path: str | Path | None = None,
    *,
    include: Sequence[str | Path] = (),
    redact_text: bool = False,
    bundle: str | Path | None = None,
    single_file_limit: int = SINGLE_FILE_LIMIT,
    usd_per_hour: float | None = None,
    card: str | Path | None = None,
    by: str | None = None,
) -> Path:
    """Write the page of a run, or of several side by side.

    Args:
        run: A run or its folder, or several; or a result: what `agree` or `compare_rounds` gave.
        path: Where the page is written; `report.html` in the (first) run's folder where not given, of a result here.
        include: Folders whose `reports/page/` files replace the built-in ones, file by file.
        redact_text: Leave out prompts, answers and rationales: ids and values only.
        bundle: A folder to write `index.html` and `data/` into, with every case that two raters rated; for large runs.
        single_file_limit: Bytes that a page in one file may have.
        usd_per_hour: What people are paid: the price of their ratings where none is recorded.
        card: A PNG file for the run's social card: what it says, in one picture.
        by: A column of groups of items: alpha in each, and whether they differ.

    Returns:
        The page's path.

    Raises:
        HarnessError: A folder is no run, a template is missing, one file would grow over the limit, or a card is wanted
            of several runs or of a bundle.
    """
    if isinstance(run, Agreed | Rounds):
        from harness.reporting.result_page import write_result

        return write_result(run, Path(path or "report.html"), Catalog(include))
    opened = opened_runs(run)
    if card is not None and (len(opened) > 1 or bundle is not None):
        raise HarnessError("a card is of one run in one file; leave the other runs or the bundle out")
    evidence = [Evidence.of(one, usd_per_hour, by) for one in opened]
    if bundle is not None:
        return write_bundle(evidence, Path(bundle), Catalog(include), redact_text)
    views = [view(one, carried(one, redact_text), _prefix(n)) for n, one in enumerate(evidence)]
    if card is not None:
        write_whole(Path(card), drawn_card(views[0], question(views)))
    content = render(views, Catalog(include), together=_together(evidence)).encode()
    if len(content) > single_file_limit:
        raise HarnessError(
            f"the page has {len(content):,} bytes, over {single_file_limit:,}; write it with --bundle DIR"
        )
    if path:
        write_whole(Path(path), content)
        return Path(path)
    target = opened[0].folder / "report.html"
    opened[0].keep(target, content, "harness report {run}")
    return target


def write_bundle(evidence: Sequence[Evidence], folder: Path, catalog: Catalog, redact_text: bool = False) -> Path:
    """Write a page whose cases lie in shards beside it; returns the path of its `index.html`."""
    views = []
    for number, one in enumerate(evidence):
        data = block(one, cases(one, None), redact_text)
        prefix = _prefix(number)
        parts = shards(data)
        names = [f"data/{prefix}shard-{place:04d}.js" for place in range(len(parts))]
        for name, part in zip(names, parts, strict=True):
            write_whole(folder / name, f'harnessShard("{prefix}cases",{script_json(part)});\n'.encode())
        light = {**data, "cases": [], "items": [], "responses": [], "shards": names}
        views.append(view(one, light, prefix, shown=len(data["cases"])))
    target = folder / "index.html"
    write_whole(target, render(views, catalog, sources="'self' ", together=_together(evidence)).encode())
    return target


def _prefix(number: int) -> str:
    """Return what stands before the ids of a page's second and later runs."""
    return f"run{number + 1}-" if number else ""


def summary(run: Run | str | Path, by: str | None = None) -> Row:
    """Return every table of the page as JSON values: what `harness report --json` prints."""
    evidence = Evidence.of(run, by=by)
    found: Row = {
        "run": evidence.run.suite.name,
        "decision": decision(evidence),
        "findings": [finding.to_dict() for finding in findings_of(evidence)],
        "rounds": evidence.rounds,
        "comparisons": evidence.comparisons,
        "notes": evidence.notes,
        "scores": tables.scores(evidence),
        "cautions": evidence.cautions,
        "labels": label_tables.labels(evidence),
        "means": label_tables.means(evidence),
        "slices": label_tables.slices(evidence),
        "matrix": evidence.pairs,
        "positions": evidence.positions,
        "stand_in": evidence.stand_ins,
        "models": models(evidence),
        "raters": scorecard.raters(evidence),
        "trust": [{"rater": evidence.name(rater), "mark": found.mark} for rater, found in trust_of(evidence).items()],
        "scorecard": scorecard.scorecard(evidence),
        "exchange": evidence.exchange,
        "audits": {evidence.name(rater): checks for rater, checks in evidence.audits.items()},
        "biases": scorecard.biases(evidence),
        "worth": scorecard.worth(evidence),
        "methods": methods(evidence),
    }
    shown: Row = without_paths(found)
    return shown


def opened_runs(run: Runs) -> list[Run]:
    """Return one or several runs, opened."""
    several = run if isinstance(run, Sequence) and not isinstance(run, str) else [run]
    return [opened(one) for one in several]


def view(evidence: Evidence, data: Row, prefix: str = "", shown: int | None = None) -> Row:
    """Return what the templates show of one run; `data` is its block of cases."""
    from harness.reporting.gallery import figures, lead

    drawn, cards = figures(evidence, prefix), scorecard.scorecard(evidence)
    failed = [status for status in scorecard.FAILURES if (evidence.run.ratings["status"] == status).any()]
    return {
        "prefix": prefix,
        "of": f" of {prefix.removesuffix('-').replace('run', 'run ')}" if prefix else "",
        "name": evidence.run.suite.name,
        "decision": decision(evidence),
        "numbers": numbers(evidence),
        "lead": lead(drawn),
        "answers": answers(evidence),
        "description": without_whereabouts(evidence.run.suite.description),
        "findings": folded(findings_of(evidence)),
        "figures": drawn,
        "min_n": tables.MIN_N,
        "apart": tables.apart(evidence),
        "cautions": evidence.cautions,
        "labels": label_tables.labels(evidence),
        "means": label_tables.means(evidence),
        "slices": label_tables.slices(evidence),
        "matrices": tables.matrices(evidence),
        "alone": tables.alone(evidence),
        "raters": scorecard.raters(evidence),
        "scorecard": cards,
        "card": [column for column in scorecard.COLUMNS if any(row[column["key"]] is not None for row in cards)],
        "unmeasured": [c["head"] for c in scorecard.COLUMNS if cards and all(row[c["key"]] is None for row in cards)],
        "audits": [(evidence.name(rater), checks) for rater, checks in evidence.audits.items()],
        "failed": failed,
        "positions": [{**row, "rater": evidence.name(row["rater"])} for row in evidence.positions],
        "rounds": evidence.rounds,
        "fed": evidence.fed,
        "rounds_head": "Checkpoints" if evidence.checkpoints else "Rounds",
        "comparisons": tables.compared(evidence.comparisons),
        "published": evidence.published,
        "exchange": evidence.exchange,
        "scorers": label_figures.scorers(evidence),
        "shown": len(data["cases"]) if shown is None else shown,
        "total": data["total"],
        "disagreeing": data["disagreeing"],
        "cases": script_json(data),
        "methods": methods(evidence, data["redacted"]),
        "redacted": data["redacted"],
    }


def _together(evidence: Sequence[Evidence]) -> Row | None:
    """Return what stands side by side, where there are several runs."""
    from harness.reporting.beside import beside
    from harness.reporting.gallery import figures_beside

    return {**beside(evidence), "figures": figures_beside(evidence)} if len(evidence) > 1 else None


def render(
    views: list[Row],
    catalog: Catalog,
    sources: str = "",
    index: str = "",
    together: Row | None = None,
    address: str = "",
) -> str:
    """Return the page's HTML.

    Args:
        views: What `view` returns, one a run.
        catalog: Where templates, style and script lie.
        sources: Script sources of the security policy beside the page's own script.
        index: The address of the site that the page is part of.
        together: What `beside` returns, of several runs, its figures drawn.
        address: The folder where the page will stand on the web, with its `card.png` beside it.
    """
    script = catalog.file(f"{FOLDER}/page.js").read_text(encoding="utf-8")
    style = catalog.file(f"{FOLDER}/page.css").read_text(encoding="utf-8")
    return (
        environment(catalog, FOLDER)
        .get_template("page.html")
        .render(
            terms=[(anchor(name), name, line) for name, line in TERMS.items()],
            views=views,
            title=" and ".join(dict.fromkeys(one["name"] for one in views)) + f": {_about(views)}",
            question=question(views),
            index=index,
            address=address,
            together=together,
            kinds=scorecard.KIND_WORDS,
            abouts=(together or {}).get("abouts", []),
            **parts(style, script, sources),
        )
    )


def _about(views: Sequence[Row]) -> str:
    """Return what the page is about, for its title."""
    trained = any(one["rounds"] for one in views)
    return "checkpoints" if trained and not any(one["fed"] for one in views) else "human and AI feedback"


def question(views: Sequence[Row]) -> str:
    """Return what the page answers: of checkpoints that nobody fed, whether training helps, not feedback."""
    if any(one["rounds"] and one["fed"] for one in views):
        return "Does the feedback still help?"
    if any(one["rounds"] for one in views):
        return "Does training still help?"
    only = all(one["exchange"] and not one["raters"] for one in views)
    return "What is a label worth?" if only else "Who agrees with whom?"


def environment(catalog: Catalog, folder: str) -> SandboxedEnvironment:
    """Return what renders the templates of a folder in the catalogues: everything is escaped, nothing is undefined."""
    found = SandboxedEnvironment(
        loader=FunctionLoader(lambda name: catalog.file(f"{folder}/{name}").read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= {
        "share": share,
        "number": decimals,
        "tone": tone,
        "window": window,
        "sentence": sentence,
        "anchored": anchored,
        "jointed": jointed,
        "headed": headed,
        "strong": lambda row: strength(row)[0],
        "stacked": stacked,
        "drawing": Markup,
        "typeset": typeset,
        "explained": explained,
        "sign": SIGNS.__getitem__,
        "said": KINDS.__getitem__,
        "quantity": quantity,
        "compared": compared,
        "rated": rated,
        "counted": counted,
        "gained": gained,
        "last_gain": last_gain,
        "times": label_figures.times,
    }
    return found


def parts(style: str, script: str, sources: str = "") -> Row:
    """Return what every page has: its style, its one script, and the policy that names the script by its hash."""
    policy = (
        f"default-src 'none'; script-src {sources}'{script_hash(script)}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    own = {"policy": policy, "style": style, "script": script}
    return {name: Markup(text) for name, text in own.items()} | {"version": __version__}  # noqa: S704 of the catalogue


def script_json(data: Any) -> Markup:
    """Return JSON that can stand in a script element: nothing in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 nothing in it ends an element, see the loop


def script_hash(script: str) -> str:
    """Return a script's hash as a content security policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
