"""The page's terms in a line each: a dotted word opens its line where it stands, without a script.

The formulas, with their sources, are in the methods (`definitions`).
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

TERMS = {
    "alpha": (
        "Krippendorff’s alpha: how far raters agree beyond chance. 1 is always, 0 is what chance gives, below"
        " 0 is against each other. Ratings that are missing are left out, not guessed."
    ),
    "cohen kappa": (
        "Cohen’s kappa: how far two raters agree beyond chance, where each keeps their own habits. 1 is "
        "always, 0 is what chance gives."
    ),
    "spearman": (
        "Spearman’s rank correlation: whether two raters put the answers into the same order, whatever scale "
        "each uses. 1 is the same order, 0 is none, −1 is the reverse."
    ),
    "pairwise accuracy": (
        "Of two answers that people rated differently, how often a rater prefers the same one. A half is what"
        " a guess gives."
    ),
    "percent agreement": (
        "The share of answers that got the same rating. It is high by chance where most ratings are alike."
    ),
    "smallest effect of interest": (
        "SESOI, the smallest change that would matter to you: a gain inside it counts as standing still. By "
        "default one point a round (`sesoi:` in the suite)."
    ),
    "simultaneous": ("All intervals of the row are right together in that share of repetitions, not each by itself."),
    "held-out": ("Items that are never trained on: what a model does on them was not taught by heart."),
    "the control": (
        "A series trained for as many steps with everything kept, good or bad: what it gains is training "
        "alone, not feedback."
    ),
    "plateaued": (
        "Whatever later rounds add lies inside the smallest effect of interest: shown to stand still, which "
        "is more than no gain seen."
    ),
    "inconclusive": (
        "Neither a gain nor a standstill is shown: the interval is too wide. The sentence says how many more "
        "items would decide."
    ),
    "selection item": (
        "An item on which feedback chose what to train on. It cannot measure the result, and is left out of it."
    ),
    "zeros with a reason": (
        "Answers that failed by themselves (they crashed, were empty, or could not be read by the answer "
        "key): rated 0, with the reason kept. A failure of the rater is missing, never a 0."
    ),
    "length bias": ("How often the longer of two answers is preferred beyond what people or an answer key would say."),
    "own family": ("Whether a judge prefers answers of models of its own family."),
    "consensus": ("The mean, or the majority, of the other people on the same answer."),
    "Holm": ("A correction for asking several questions at once, by which all answers hold together."),
    "training seed": (
        "The number that decides the chances of a training. One seed tells what this training did; several "
        "tell what such training does."
    ),
    "pass@1": ("The share of items that the first answer solves."),
}
"""Each term as it stands in sentences, and its line."""
SAME = {"SESOI": "smallest effect of interest", "kappa": "cohen kappa", "control": "the control"}
"""Other words for the same."""
_WORDS = {**{name: name for name in TERMS}, **SAME}
_PATTERN = re.compile(
    r"(?<![\w@-])(" + "|".join(sorted(map(re.escape, _WORDS), key=len, reverse=True)) + r")(?![\w@-])"
)


def explained(text: str | Markup) -> Markup:
    """Return a text (escaped if it is not yet) in which the first mention of each term opens its line."""
    seen: set[str] = set()

    def button(found: re.Match[str]) -> str:
        term = _WORDS[found[1]]
        if term in seen:
            return found[0]
        seen.add(term)
        return f'<button type="button" class="term" popovertarget="{anchor(term)}">{found[1]}</button>'

    parts = re.split(r"(<[^>]*>)", str(escape(text)))
    return Markup("".join(part if part.startswith("<") else _PATTERN.sub(button, part) for part in parts))  # noqa: S704 escaped


def anchor(term: str) -> str:
    """Return the id of a term's line."""
    return "term-" + re.sub(r"\W+", "-", term.lower())
