"""The social card: one picture of what a run says, as sites show it that link to the page."""

from __future__ import annotations

import re
from html import escape
from textwrap import wrap

from harness.reporting.evidence import Row
from harness.reporting.figures import INK, PAPER, QUIET, VARIABLES
from harness.reporting.wording import typeset

WIDTH, HEIGHT = 1200, 630
"""Pixels: the size that sites ask for."""
MARGIN, LEFT = 56, 490
"""Pixels around everything, and where the chart begins."""
SERIF, SANS = "Georgia, Liberation Serif, DejaVu Serif, serif", "Liberation Sans, Arial, DejaVu Sans, sans-serif"
MOST_LINES = 9
"""Lines of the decision; what is longer ends with an ellipsis, and stands on the page."""


def card(view: Row, question: str) -> bytes:
    """Return the PNG: the question, what to do (else the answer), and the chart at the head of the page.

    Args:
        view: What the page shows of one run.
        question: The page's question.
    """
    import vl_convert

    figure, said = view["lead"], view["decision"] or " ".join(view["answers"])
    across = 30 if figure else 74
    lines = wrap(typeset(said), across)
    if len(lines) > MOST_LINES:
        lines = wrap(" ".join(lines[:MOST_LINES]), across, max_lines=MOST_LINES, placeholder=" …") or lines
        lines = [*lines[:-1], lines[-1].rstrip(" …") + " …"]
    heads = wrap(question, 22 if figure else 60)
    top = MARGIN + 44 * (len(heads) - 1)
    parts = [
        _text(f"feedback-harness · {view['name']}", MARGIN, MARGIN, 18, SANS, QUIET),
        *(_text(line, MARGIN, MARGIN + 58 + 44 * place, 40, SERIF, INK) for place, line in enumerate(heads)),
        *(_text(line, MARGIN, top + 116 + 35 * place, 26, SERIF, INK) for place, line in enumerate(lines)),
    ]
    if figure:
        parts.append(
            _text(figure.title if len(figure.title) <= 72 else figure.title[:70] + "…", LEFT, MARGIN, 18, SANS, INK)
        )
        parts.append(_placed(figure.wide, LEFT, MARGIN + 24, WIDTH - LEFT - MARGIN / 2, HEIGHT - 2 * MARGIN - 24))
    body = "".join(parts)
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{PAPER}"/>{body}</svg>'
    )
    png: bytes = vl_convert.svg_to_png(drawing)
    return png


def _text(text: str, x: float, y: float, size: int, font: str, colour: str) -> str:
    return f'<text x="{x}" y="{y}" font-family="{font}" font-size="{size}" fill="{colour}">{escape(text)}</text>'


def _placed(drawing: str, x: float, y: float, width: float, height: float) -> str:
    """Return a figure of the page at a place, in the light palette, as large as fits."""
    colours = {name: hue for hue, name in VARIABLES.items()}
    drawing = re.sub(r"var\((--[\w-]+)\)", lambda found: colours[found[1]], drawing)
    view = re.search(r'viewBox="([^"]+)"', drawing)
    box = view[1] if view else f"0 0 {width} {height}"
    opening = (
        f'<svg x="{x}" y="{y}" width="{width}" height="{height}" viewBox="{box}" preserveAspectRatio="xMinYMin meet" '
        f'font-family="{SANS}">'
    )
    return re.sub(r"<svg [^>]*>", opening, drawing, count=1)
