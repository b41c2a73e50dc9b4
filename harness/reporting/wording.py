"""How templates say a number, a name or a sentence."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markupsafe import Markup, escape

from harness.reporting import tables
from harness.reporting.evidence import Row
from harness.reporting.finding import spanned, words
from harness.rounds import Label, counted
from harness.suite import without_whereabouts

LONG = 150
"""Characters that a finding may have in one piece."""
PART = re.compile(r"\. (?=[A-Z`])|; |, (?=the last round )")
"""Where a long finding may be parted."""


def window(rounds: Sequence[int | str] | None) -> str:
    """Return the first and the last of some rounds, `2–4`."""
    return _span(rounds[0], rounds[-1]) if rounds else "–"


def gained(row: Row, name: str) -> str:
    """Return a gain of what counts in points, with its interval."""
    measured = counted(row).get(name)
    if measured is None:
        return "–"
    return " ".join(spanned(measured["value"], measured["low"], measured["high"], row.get("sesoi") or 0.0))


def last_gain(row: Row) -> str:
    """Return the rounds that may have been the last to help, `2–4`."""
    last = counted(row).get("last_gain")
    if last is None:
        return "–"
    shown, possible = last["shown_label"], last["possible_label"]
    return f"{shown}" if shown == possible or counted(row)["verdict"] == "worsening" else _span(shown, possible)


def _span(first: Label, last: Label) -> str:
    """Return rounds from one to another: `2–4`, `step-0 to step-1000`."""
    return f"{first} to {last}" if isinstance(first, str) else f"{first}–{last}"


def quantity(name: str) -> str:
    """Return what two series are compared in, with its unit."""
    return tables.QUANTITIES.get(name, words(name))


def compared(row: Row) -> tuple[str, str]:
    """Return a difference of two series in points and its interval, finer where it is a gain by cost."""
    scale = 1000 if row["quantity"] == "gain_per_label" else 1
    value, low, high = (None if row[name] is None else scale * row[name] for name in ("value", "low", "high"))
    return spanned(value, low, high, least=2 if row["quantity"].startswith("gain_per") else 1)


def rated(row: Row) -> tuple[str, str]:
    """Return the rate of a series in points a round and its interval, as its sentence has them."""
    return spanned(row["rate"], row["low"], row["high"], row.get("sesoi") or 0.0)


def sentence(text: str) -> Markup:
    """Return a sentence as it is set: what stands between backticks as code, everything else escaped."""
    parts = without_whereabouts(text).split("`")
    if len(parts) % 2 == 0:  # an odd backtick is a backtick
        return escape(without_whereabouts(text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else escape(typeset(part))
        for place, part in enumerate(parts)
    )


def headed(text: str) -> tuple[str, str]:
    """Return a long sentence's first part, which says what was found, and the rest, which stands smaller under it.

    Parts end where a sentence does, at a semicolon, and before the last round's own figures; never within brackets.
    """
    if len(text) <= LONG:
        return text, ""
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        found = PART.match(text, place) if depth == 0 and text[:place].count("`") % 2 == 0 else None
        if found and (rest := text[found.end() :]):
            return f"{text[:place]}.", re.sub(r"^(?:the|by|so|about)\b", lambda word: word[0].capitalize(), rest)
    return text, ""


def typeset(text: str) -> str:
    """Return a sentence with the signs of print: a minus before numbers, a dash between rounds, percents unbroken."""
    text = re.sub(r"(?<![\w.)-])-(?=\d)", "−", text)
    text = re.sub(r"(?<=rounds )(\d+)-(\d+)", "\\1–\\2", text)
    return re.sub(r"(?<=\d) %", "\u00a0%", text)


def stacked(table: str) -> Markup:
    """Return a table whose cells say their column, for a row to stand as a list where the screen is narrow."""
    head, end, body = str(table).partition("</thead>")
    heads = [re.sub("<[^>]*>", "", one).strip() for one in re.findall(r"<th\b[^>]*>(.*?)</th>", head, re.S)]

    def row(found: re.Match[str]) -> str:
        places = iter(heads)

        def cell(one: re.Match[str]) -> str:
            label = "" if "colspan" in one[2] else next(places, "")
            bare = " data-bare" if re.sub("<[^>]*>", "", one[3]).strip() == "–" else ""
            return f'<{one[1]}{one[2]} data-label="{label}"{bare}>{one[3]}</{one[1]}>'

        return re.sub(r"<(t[dh])\b([^>]*)>(.*?)</\1>", cell, found[0], flags=re.S)

    marked = re.sub(
        r"<table(?: class=\"([^\"]*)\")?>", lambda one: f'<table class="{one[1] or ""} stack">', head, count=1
    )
    return Markup(marked + end + re.sub(r"<tr>.*?</tr>", row, body, flags=re.S))  # noqa: S704 the template's own


def jointed(name: str) -> Markup:
    """Return a name that may break after its own joints."""
    return Markup(re.sub(r"(?<=[_./:-])(?=\w)", "<wbr>", str(escape(name))))  # noqa: S704 escaped


def anchored(prefix: str, anchor: str) -> str:
    """Return an anchor of a run's part of the page: `fig-rounds` of the second run is `fig-run1-rounds`."""
    return f"fig-{prefix}{anchor[4:]}" if anchor.startswith("fig-") else prefix + anchor


def tone(value: float | None) -> str:
    """Return the step of the heat map's scale in which a coefficient lies: `none`, `t0` (0 or less) to `t5`."""
    if value is None:
        return "none"
    return f"t{sum(value > edge for edge in (0.0, 0.2, 0.4, 0.6, 0.8))}"
