"""A site of many runs: a static index with search and filters, a page a run, and an Atom feed of the verdicts.

It can lie on any static host, or be opened from disk. No clock is read: times are those of the runs' manifests, ids
follow from names, and the same runs give the same bytes.
"""

from __future__ import annotations

import os
import re
import sys
import uuid
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from xml.etree import ElementTree

from harness.catalog import Catalog
from harness.errors import HarnessError
from harness.records import digest
from harness.reporting import page
from harness.reporting.card import card
from harness.reporting.cases import carried
from harness.reporting.decision import decision
from harness.reporting.drawn import look_of, read_record, run_hash, write_record
from harness.reporting.evidence import Evidence, Row
from harness.reporting.finding import KINDS
from harness.reporting.findings import answer, said
from harness.reporting.trust import trust
from harness.rounds import counted
from harness.run import Run, write_whole
from harness.suite import without_whereabouts

FOLDER = "reports/site"
ATOM = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 200
"""Verdicts in the feed, the newest first."""
NO_TIME = "1970-01-01T00:00:00Z"
"""The time of a run whose manifest has none: the feed's format asks for one."""


@dataclass(frozen=True)
class Entry:
    """One run in the index."""

    slug: str
    name: str
    description: str
    answer: str
    """What to do, else what the run says."""
    time: str
    tasks: list[str]
    raters: list[str]
    verdicts: list[Row]
    """`about, mark, sentence`: of each series and benchmark, then of each AI judge."""
    question: str = ""
    """What its page asks."""


def publish(
    source: str | Path | Sequence[str | Path],
    out: str | Path = "site",
    *,
    include: Sequence[str | Path] = (),
    redact_text: bool = False,
    base_url: str = "",
) -> Path:
    """Write a static site of all runs in a folder; what has not changed since the last time is not drawn again.

    Args:
        source: A folder that holds runs, at any depth, or a run, or several of them.
        out: The folder to write: `index.html`, `feed.xml`, and `runs/NAME/index.html` with its `card.png` for each run.
        include: Folders whose `reports/` files replace the built-in ones, file by file.
        redact_text: Leave out prompts, answers and rationales on every page.
        base_url: Where the site will stand; feed readers need it to follow a link, and who shows a card of a page.

    Returns:
        The path of the index.

    Raises:
        HarnessError: There is no run.
    """
    site, catalog = Path(out), Catalog(include)
    look, known = look_of(catalog, redact_text, base_url), read_record(site)
    drawn: dict[str, Row] = {}
    left: list[_Page] = []
    for slug, folder in _named(_runs(source)):
        key = digest(look, run_hash(folder))
        there = all((site / "runs" / slug / name).is_file() for name in ("index.html", "card.png"))
        if known.get(slug, {}).get("key") == key and there:
            drawn[slug] = known[slug]
        else:
            address = f"{base_url.rstrip('/')}/runs/{slug}/" if base_url else ""
            left.append(_Page(slug, folder, key, site, tuple(map(str, include)), redact_text, address))
    for one, entry in zip(left, _draw_all(left), strict=True):
        drawn[one.slug] = {"key": one.key, "entry": asdict(entry)}
    write_record(site, drawn)
    entries = [Entry(**one["entry"]) for one in drawn.values()]
    entries.sort(key=lambda entry: entry.slug)
    entries.sort(key=lambda entry: entry.time, reverse=True)
    write_whole(site / "feed.xml", _feed(entries, base_url))
    target = site / "index.html"
    write_whole(target, _index(entries, catalog).encode())
    return target


def _runs(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the folders of runs in the order of their paths."""
    folders = [Path(one) for one in ([source] if isinstance(source, str | Path) else source)]
    found = {file.parent.resolve() for folder in folders for file in folder.rglob("suite.yaml")}
    if not found:
        raise HarnessError(f"{', '.join(map(str, folders))}: holds no run (no folder with a suite.yaml)")
    return sorted(found)


@dataclass(frozen=True)
class _Page:
    """A page that has to be drawn."""

    slug: str
    folder: Path
    key: str
    site: Path
    include: tuple[str, ...]
    redact_text: bool
    address: str


def _draw_all(pages: Sequence[_Page]) -> list[Entry]:
    """Draw pages, on all cores where that is safe: the engine that draws the charts does not survive a fork."""
    workers = min(len(pages), len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1)
    if workers < 2 or "vl_convert" in sys.modules:
        return [_draw(one) for one in pages]
    with ProcessPoolExecutor(workers, mp_context=get_context("fork")) as pool:
        return list(pool.map(_draw, pages))


def _draw(one: _Page) -> Entry:
    evidence = Evidence.of(Run(one.folder))
    view = page.view(evidence, carried(evidence, one.redact_text))
    html = page.render([view], Catalog(one.include), index="../../index.html", address=one.address)
    write_whole(one.site / "runs" / one.slug / "card.png", card(view, page.question([view])))
    write_whole(one.site / "runs" / one.slug / "index.html", html.encode())
    return _entry(one.slug, evidence, page.question([view]))


def _named(folders: list[Path]) -> list[tuple[str, Path]]:
    """Return each run under a name for its address: its folder's, with its parents' where two are alike."""
    found = []
    for folder in folders:
        parts = [folder.name]
        alike = [other for other in folders if other != folder]
        for parent in folder.parents:
            if not any(other.parts[-len(parts) :] == tuple(parts) for other in alike):
                break
            parts.insert(0, parent.name)
        slug = re.sub(r"[^\w.-]+", "-", "-".join(parts)).strip("-.") or "run"
        found.append((slug, folder))
    return found


def _entry(slug: str, evidence: Evidence, question: str) -> Entry:
    run = evidence.run
    verdicts = [
        {
            "about": f"{row['series']} on {row['benchmark']}",
            "mark": counted(row)["verdict"] or "unknown",
            "sentence": without_whereabouts(said(row)),
        }
        for row in evidence.rounds
    ]
    verdicts += [
        {"about": finding.about, "mark": finding.mark, "sentence": without_whereabouts(finding.sentence)}
        for finding in trust(evidence)
    ]
    times = run.manifest.get("times") or {}
    return Entry(
        slug=slug,
        name=run.suite.name,
        description=without_whereabouts(run.suite.description),
        answer=without_whereabouts(decision(evidence) or answer(evidence)),
        time=str(times.get("finished") or times.get("started") or NO_TIME),
        tasks=sorted(map(str, run.items["task"].unique())),
        raters=sorted({evidence.name(rater) for rater, kind in evidence.kinds.items() if kind != "human"})
        + (["people"] if "human" in evidence.kinds.values() else []),
        verdicts=verdicts,
        question=question,
    )


def _index(entries: list[Entry], catalog: Catalog) -> str:
    script = catalog.file(f"{FOLDER}/site.js").read_text(encoding="utf-8")
    style = "".join(
        catalog.file(name).read_text(encoding="utf-8") for name in ("reports/page/page.css", f"{FOLDER}/site.css")
    )
    return (
        page.environment(catalog, FOLDER)
        .get_template("index.html")
        .render(
            entries=entries,
            questions=list(dict.fromkeys(entry.question for entry in entries if entry.question)),
            tasks=sorted({task for entry in entries for task in entry.tasks}),
            raters=sorted({rater for entry in entries for rater in entry.raters}),
            marks=[mark for mark in KINDS if any(row["mark"] == mark for entry in entries for row in entry.verdicts)],
            no_time=NO_TIME,
            **page.parts(style, script),
        )
    )


def _feed(entries: list[Entry], base_url: str) -> bytes:
    """Return the Atom feed (RFC 4287): one entry a verdict, which gets a new id when its word changes."""
    base = base_url.rstrip("/") + "/" if base_url else ""
    names = uuid.uuid5(uuid.NAMESPACE_URL, base or "feedback-harness")
    feed = ElementTree.Element("feed", xmlns=ATOM)

    def add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, tag, attributes)
        element.text = _xml(text) or None
        return element

    add(feed, "id", names.urn)
    fed = any(entry.question != "Does training still help?" for entry in entries)
    add(feed, "title", f"Verdicts on {'human and AI feedback' if fed else 'checkpoints'}")
    add(feed, "updated", max((entry.time for entry in entries), default=NO_TIME))
    add(add(feed, "author"), "name", "feedback-harness")
    add(feed, "link", rel="self", href=f"{base}feed.xml")
    add(feed, "link", rel="alternate", href=f"{base}index.html")
    rows = [(entry, row) for entry in entries for row in entry.verdicts]
    for entry, row in rows[:MOST_ENTRIES]:
        one = add(feed, "entry")
        add(one, "id", uuid.uuid5(names, "\x1f".join((entry.slug, row["about"], row["mark"]))).urn)
        add(one, "title", f"{entry.name}: {row['about']}: {KINDS[row['mark']]}")
        add(one, "updated", entry.time)
        add(one, "link", rel="alternate", href=f"{base}runs/{entry.slug}/index.html")
        add(one, "category", term=row["mark"])
        add(one, "summary", row["sentence"])
    ElementTree.indent(feed)
    text: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _xml(text: str) -> str:
    """Return a text without the characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
