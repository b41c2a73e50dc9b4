"""What holds over many verdicts at once: sentences by Holm's step-down, since one of many is wrong by chance."""

from __future__ import annotations

from collections.abc import Sequence

from harness.rounds.scores.labels import at_round, round_name
from harness.rounds.verdict.comparison import Comparison
from harness.rounds.verdict.result import RoundsResult, listed, spanned
from harness.rounds.verdict.verdict import Outcome
from harness.statistics import holm

WORDS = ("improving", "plateaued", "worsening")


def answers(results: Sequence[RoundsResult], fed: bool = True) -> list[str]:
    """Return a sentence for each kind of feedback, benchmark by benchmark, on what it gave, and what holds of them all.

    Beyond training alone, where a control tells; its absence is said of what was trained with feedback (`fed`).
    """
    results = [one for one in results if not one.is_beside]
    benchmarks = list(dict.fromkeys(one.benchmark for one in results))
    found = []
    for benchmark in benchmarks:
        kinds = [one for one in results if one.benchmark == benchmark and not one.is_control and _counting(one)]
        kinds.sort(key=lambda one: -outcome.gain_total.value if (outcome := _counting(one)) else 0.0)
        if kinds:
            first, *rest = _answer(kinds, fed)
            found += [(f"{benchmark}: " if len(benchmarks) > 1 else "") + first, *rest]
    return found


def overview(results: Sequence[RoundsResult], comparisons: Sequence[Comparison]) -> list[str]:
    """Return a sentence for each series with several benchmarks, and for each quantity of several comparisons."""
    return [*benchmarks_together(results), *_comparisons(comparisons)]


def _counting(result: RoundsResult) -> Outcome | None:
    """Return the outcome that counts: over the control where there is one."""
    over = result.over_control
    return result.outcome if over is None else over.outcome


def _answer(kinds: Sequence[RoundsResult], fed: bool) -> list[str]:
    """Return the answer of one benchmark, one sentence a kind of feedback, and what holds of all of them."""
    outcomes = [outcome for one in kinds if (outcome := _counting(one))]
    adjusted = holm([outcome.p_values["gain"] for outcome in outcomes])
    said = [_kind(one, outcome, p) for one, outcome, p in zip(kinds, outcomes, adjusted, strict=True)]
    notes = []
    if fed and any(one.over_control is None for one in kinds):
        notes.append("there is no control: what is gained may be from training alone")
    if len(kinds) > 1:
        notes.append(f"the {len(kinds)} answers hold together, by Holm")
    text = "; ".join(notes)
    if all(one.n_seeds == 1 and one.paired for one in kinds):
        said[0] = f"In this run (one training seed): {said[0]}"
    return [*said, *([f"{text[:1].upper()}{text[1:]}."] if notes else [])]


def _kind(result: RoundsResult, outcome: Outcome, p: float) -> str:
    """Return what one kind of feedback gave, and when it gave its last."""
    last, rounds = outcome.last_gain, result.rounds
    total, interval = spanned(outcome.gain_total, result.sesoi)
    gained = f"{total} points {'in all' if result.over_control is None else 'beyond training alone'} {interval}"
    if p >= result.significance:
        standing = outcome.verdict == "plateaued" and last.shown == last.possible == 0
        word = "no" if standing or outcome.verdict == "worsening" else "not known"
        why = "and no later gain of interest" if standing else "not shown to be a gain"
        if outcome.verdict == "worsening" and outcome.gain_total.high < 0:
            why = "a loss"
        return f"{result.series}: {word}, {gained}, {why}."
    if outcome.gain_total.low <= 0:
        until = round_name(last.shown_label)
        return f"{result.series}: no longer, {gained}; it helped up to {until}, and that is not kept."
    if outcome.verdict == "improving":
        own = rounds if result.over_control is None else result.over_control.rounds
        when = f"still gaining {at_round(own[-1])}"
    elif outcome.verdict == "worsening":
        when = f"none of it after {round_name(outcome.best)}, and worse since"
    elif outcome.verdict == "plateaued":
        until = {0: "", 1: f" or {last.possible_label}"}.get(last.possible - last.shown, f" to {last.possible_label}")
        when = f"its last gain was {round_name(last.shown_label)}{until}"
    else:
        when = f"the last gain shown is {round_name(last.shown_label)}, a later one is not ruled out"
    full = next((flag for flag in result.flags if flag["flag"] == "saturated"), None)
    rest = f"; at {100 * full['score']:.3g} of {100 * full['top']:.3g} there is little left to gain" if full else ""
    return f"{result.series}: yes, {gained}; {when}{rest}."


def benchmarks_together(results: Sequence[RoundsResult]) -> list[str]:
    """Return a sentence for each series with several benchmarks: on which of them what holds, by Holm over them."""
    found = []
    for series in dict.fromkeys(result.series for result in results):
        judged = [one for one in results if one.series == series and _counting(one)]
        if len(judged) < 2:
            continue
        said = []
        for word in WORDS:
            outcomes = [outcome for one in judged if (outcome := _counting(one))]
            adjusted = holm([outcome.p_values[word] for outcome in outcomes])
            names = [one.benchmark for one, p in zip(judged, adjusted, strict=True) if p < one.significance]
            if names:
                said.append(f"{word} on {len(names)} ({listed(names)})")
        found.append(
            f"{series}, {len(judged)} benchmarks together (Holm over benchmarks): {'; '.join(said) or 'nothing holds'}"
        )
    return found


def _comparisons(comparisons: Sequence[Comparison]) -> list[str]:
    found = []
    for quantity in dict.fromkeys(one.quantity for one in comparisons):
        judged = [one for one in comparisons if one.quantity == quantity and one.p_values]
        if len(judged) < 2:
            continue
        said = []
        for word in ("more", "less"):
            adjusted = holm([one.p_values[word] for one in judged])
            pairs = zip(judged, adjusted, strict=True)
            said += [f"{one.a} {word} than {one.b} on {one.benchmark}" for one, p in pairs if p < (1 - one.level) / 2]
        name = quantity.replace("_", " ")
        found.append(f"{name}, {len(judged)} comparisons together (Holm): {listed(said) or 'no difference holds'}")
    return found
