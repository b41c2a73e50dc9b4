"""What `harness agree` prints: results on stdout, warnings on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from math import isnan
from textwrap import indent
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from harness.agreement import (
    ICC_NAMES,
    NO_PEOPLE,
    Agreed,
    Agreement,
    Components,
    Means,
    RunAgreement,
    confusion,
    of_labels,
    sentences,
)

if TYPE_CHECKING:
    from harness.agreement import Preferences

FEW_GRADES = 7
"""Values up to which two raters' table is printed."""
FEW_RATERS = 5
"""Raters up to which every pair is printed; `--json` has all."""


def show(found: Agreement | RunAgreement | Preferences) -> None:
    """Print a result to stdout, its warnings to stderr."""
    if isinstance(found, Agreement):
        _show_tables(found)
        _show_asked(found)
    elif isinstance(found, RunAgreement):
        _show_run(found)
        _show_asked(found)
    else:
        _show_preferences(found)
    _warn(found.warnings)


def _show_tables(found: Agreement) -> None:
    for sentence in found.plain:
        print(sentence)
    for table, units in zip(found.tables, found.units, strict=True):
        raters = ", ".join(table.raters) if len(table.raters) <= 6 else f"{len(table.raters)} raters"
        print(f"\n{table.criterion}: {table.n_items:,} items, {table.n_ratings:,} ratings by {raters} ({table.level})")
        for coefficient, value in table.coefficients.items():
            ends = table.random_raters.get(coefficient)
            random = f"  these raters; raters at random [{_number(ends.low)}, {_number(ends.high)}]" if ends else ""
            random += f" (too narrow: {', '.join(ends.doubts)}; see --components)" if ends and ends.doubts else ""
            named = ", ".join([coefficient, *ICC_NAMES.get(coefficient, ())])
            print(f"  {named:<22} {_words(value.to_dict())}{random}")
        print(f"  chosen: {table.why}")
        if len(table.raters) == 2 and len(units.values) <= FEW_GRADES:
            print(f"  rows {table.raters[0]}, columns {table.raters[1]}")
            print(indent(confusion(units, *table.raters).to_string(index_names=False), "    "))
        if 2 < len(table.raters) <= FEW_RATERS:
            pairs = found.matrix[found.matrix["criterion"] == table.criterion]
            _show_each("each pair", pairs.assign(who=pairs["rater_a"] + " and " + pairs["rater_b"]))
        if 2 < len(units.values) <= FEW_GRADES and table.level in ("nominal", "set"):
            _show_labels(of_labels(units, table.level, pairs=len(table.raters) == 2, **found.draws))
        rest = found.rest[found.rest["criterion"] == table.criterion]
        counts = rest.groupby("rater", sort=False)["n"].transform("max")
        counted = " (" + counts.map("{:,}".format) + " items)"
        who = rest["rater"].where(
            counts == table.n_items, rest["rater"] + counted
        )  # fewer: where the others are at one
        _show_each("one against the rest", rest.assign(who=who))


def _show_each(head: str, rows: pd.DataFrame) -> None:
    """Print coefficients, a line for each `who` and a column a coefficient."""
    if rows.empty:
        return
    lines = [[head, *rows["coefficient"].unique()]]
    lines += [[who, *(_words(row).strip() for row in _records(mine))] for who, mine in rows.groupby("who", sort=False)]
    _show_lines(lines)


def _show_lines(lines: list[list[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        print("  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _show_labels(rows: Iterable[dict[str, Any]]) -> None:
    """Print how far all raters together agree on each label, said or not said."""
    lines = [["each label", "given", "said again", "kappa"]]
    lines += [[one["label"], f"{one['given']:,}", _share(one["agreement"]),
               words_of({**one, "value": one["kappa"]})] for one in rows]  # fmt: skip
    _show_lines(lines)


def _show_asked(found: Agreement | RunAgreement) -> None:
    show_slices(found)
    for means in found.means:
        _show_means(means)
    for study in found.components if isinstance(found, Agreement) else ():
        _show_components(study)
    for row in found.self_agreement:
        print(
            f"\n{row['criterion']}: {row['rater']} with itself on {row['n']:,} items: "
            f"same {_words(row['percent_agreement']).strip()}; alpha {_words(row['alpha']).strip()}"
        )
    for one in found.stand_in:
        print(f"\n{one.sentence}")
        curve = ", ".join(f"{step['epsilon']:g}: {_share(step['omega'])}" for step in one.curve)
        print(f"  wins by epsilon: {curve}; advantage probability {_share(one.to_dict()['rho'])}")
        for name in ("human", "ai", "difference"):
            print(f"  {one.ceiling.measure}, {name:<10} {_words(getattr(one.ceiling, name).to_dict())}")
        print(f"  alpha of the humans {_words(one.alphas[0].to_dict())}; with it {_words(one.alphas[1].to_dict())}")
    for row in found.raters:
        _show_raters(row)
    for row in found.corrected:
        _show_corrected(row)


def show_slices(found: Agreed) -> None:
    """Print alpha in each group of items, and whether the groups differ."""
    for part in found.slices:
        print(f"\n{part.sentence}")
        for name, value in part.groups.items():
            print(f"  {name:<22} alpha {_words(value.to_dict())}  n {value.n:,}")


def _show_means(found: Means) -> None:
    """Print each system's mean, and how far each two lie apart."""
    if found.reason:
        print(f"\n{found.criterion}: means by {found.column}: undefined: {found.reason}")
        return
    for rater in dict.fromkeys(row["rater"] for row in found.rows):
        print(f"\n{found.criterion}: the mean by {found.column}, as {rater} rated")
        for row in found.rows:
            if row["rater"] == rater:
                print(f"  {row['group']:<24} {_words(row)}  {row['n']:,} answers, {row['n_ratings']:,} ratings")
        for row in found.differences:
            if row["rater"] == rater:
                on = f"on {row['n']:,} items of both" if row["paired"] else "not on the same items"
                p = "p < .001" if row["p_holm"] < 0.001 else f"p {row['p_holm']:.3f}"
                words = _words({**row, "reason": None}).strip()
                print(f"  {row['group_a']} - {row['group_b']}: {words}  {p} (Holm), {on}")
    if found.partly:
        print(f"  {', '.join(found.partly)} rated some of these only: how severe they are is part of the differences")


def _show_components(found: Components) -> None:
    """Print whose the variance is, and how sure a mean over more raters would be."""
    head = f"\n{found.criterion}: whose the variance is, of {found.n_ratings:,} ratings of {found.n_items:,} items"
    if found.reason:
        print(f"{head}: undefined: {found.reason}")
        return
    print(f"{head} by {', '.join(found.raters) if len(found.raters) <= 6 else f'{len(found.raters)} raters'}")
    for row in found.rows:
        below = "  (estimated below 0)" if row["negative"] else ""
        share = "" if row["share"] is None else f"{row['share']:5.0%}"
        print(f"  {row['effect']:<28} {_words({**row, 'value': row['variance'], 'reason': None})}  {share}{below}")
    print("  intervals: other items, these raters")
    for row in found.coefficients:
        ends = row.get("random_low"), row.get("random_high")
        random = "" if ends[0] is None else f"  these raters; raters at random [{_number(ends[0])}, {_number(ends[1])}]"
        print(f"  {row['coefficient'] + ' of one rating':<34} {_words({**row, 'reason': None})}{random}")
    show_decisions(found)


def show_decisions(found: Components) -> None:
    """Print what a mean over so many raters, prompts and repetitions would be worth."""
    print("  the mean of an item's ratings by so many of each; its standard error is in the units of the scale")
    names = list(found.decisions[0])
    print("  " + "  ".join(names))
    for row in found.decisions:
        cells = [str(cell) if isinstance(cell, int) else _number(cell) for cell in row.values()]
        print("  " + "  ".join(f"{cell:>{len(name)}}" for name, cell in zip(names, cells, strict=True)))


def _show_sequence(found: dict[str, Any]) -> None:
    """Print the interval that may be looked at again and again, and how many labels it still needs."""
    if found["value"] is None:
        print(f"  looked at while labels come in: undefined: {found['reason']}")
        return
    few = f"enough for an interval of {found['width']:g}"
    if not found["enough"]:
        more = "more than there are items" if found["more"] is None else f"rate about {found['more']:,} more"
        few = f"{more} for an interval of {found['width']:g}"
    looks = f"{len(found['looks']):,} looks in the order of {found['by']}".replace("order of the order", "order")
    print(f"  looked at while labels come in: {_words(found).strip()} after {found['n']:,} labels ({looks}): {few}")


def _show_systems(found: dict[str, Any]) -> None:
    """Print the systems' corrected scores and their differences."""
    for row in found["systems"]:
        print(f"  {row['system']:<24} {_words(row)}  {row['n_human']:,} human-rated of {row['n_items']:,}")
    for row in found["differences"]:
        p = "p < .001" if row["p_holm"] < 0.001 else f"p {row['p_holm']:.3f}"
        print(f"  {row['system_a']} - {row['system_b']}: {_words({**row, 'reason': None}).strip()}  {p} (Holm)")


METHODS = {"ppi++": "PPI++", "stratified_ppi++": "PPI++ within strata", "rogan_gladen": "Rogan and Gladen"}


def _show_corrected(row: dict[str, Any]) -> None:
    """Print a corrected score: each estimate with what it assumes, and how the human-rated items differ."""
    head = f"\n{row['criterion']}, by {row['rater']} and {row['n_human']:,} human-rated of {row['n_items']:,} items"
    estimates = row["estimates"]
    if len(estimates) > 1:
        print(f"{head}: which estimate is right depends on how those were chosen (say so with --chosen)")
    else:
        print(f"{head}: {_words(row).strip()}")
    for one in estimates:
        value = f"{_words(one)}  " if len(estimates) > 1 else ""
        print(f"  {value}{METHODS[one['method']]}: right if {one['assumes']}")
    if row["human_only"]:
        print(f"  people alone: {_words({**row['human_only'], 'reason': None})}; AI alone: {row['ai_only']:6.3f}")
    shift = row["shift"]
    if shift and shift["difference"] is not None:
        moved = "" if shift["moves"] is None else f"; the score is {shift['moves']:+.3f} from that of people alone"
        gap = f"{shift['difference']:+.3f} [{shift['low']:+.3f}, {shift['high']:+.3f}]"
        print(f"  {row['rater']} rates the human-rated items {gap} from the rest{moved}")
    if "sequential" in row:
        _show_sequence(row["sequential"])
    if "by" in row:
        _show_systems(row["by"])


def _show_raters(row: dict[str, Any]) -> None:
    """Print accuracy and severity of each rater, and the pairs whose errors go together most."""
    print(f"\n{row['criterion']}: the raters")
    for part, words in (("accuracy", "accuracy without a key (Dawid and Skene)"), ("severity", "severity")):
        if isinstance(row[part], str):
            print(f"  {words}: undefined: {row[part]}")
        else:
            one = {name: value["severity"] if part == "severity" else value for name, value in row[part].items()}
            print(f"  {words}: " + ", ".join(f"{name} {_number(value)}" for name, value in one.items()))
    pairs = [one for one in row["error_correlation"] if one["value"] is not None]
    for one in sorted(pairs, key=lambda pair: -pair["value"])[:3]:
        print(
            f"  errors of {one['rater_a']} and {one['rater_b']} correlate at {_number(one['value'])} (n {one['n']:,})"
        )


def _show_preferences(found: Preferences) -> None:
    for criterion, rater, ranking in found.rankings:
        print(f"\n{criterion}, by {rater}: {ranking.n:,} comparisons of {len(ranking.players)} players")
        for row in _records(ranking.df):
            strength = _words({**row, "value": row["strength"], "reason": ranking.reason})
            print(f"  {row['player']:<24} {strength}  wins {row['win_rate']:.0%}  Elo {row['elo']:.0f}  n {row['n']:,}")
    for row in found.lengths:
        print(
            f"\n{row['criterion']}, by {row['rater']}: {row['player']} beats {row['against']} "
            f"{_words(row['win_rate']).strip()}; at equal lengths {_words(row['length_controlled']).strip()}"
        )


def _number(value: float | None) -> str:
    """Return a number with three decimals, and 0 without a sign."""
    return "unknown" if value is None else f"{round(value, 3) + 0.0:.3f}"


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2f}"


def _show_run(found: RunAgreement) -> None:
    for row in found.pairs:
        share = "" if row["percent_agreement"] is None else f"  same {row['percent_agreement']:.0%}"
        who = f"{row['rater_a']} ({row['criterion_a']}) and {row['rater_b']} ({row['criterion_b']})"
        print(f"{row['task']}: {who}, {row['n']:,} shared: {row['coefficient']} {_words(row)}{share}")
    for row in found.positions:
        if row["n"]:
            print(
                f"{row['rater']}: kept its verdict in {row['consistency']:.0%} of {row['n']:,} pairs "
                f"when the answers changed places; preferred the one shown first {row['first_share']:.0%} of the time"
            )
    print(f"people: {', '.join(found.people)}" if found.people else NO_PEOPLE)


def _words(row: dict[str, Any]) -> str:
    value, low, high = (None if row[key] is None or isnan(row[key]) else row[key] for key in ("value", "low", "high"))
    if value is None:
        return f"undefined: {row['reason']}"
    shown = f"{_number(value):>6}"
    if low is not None:
        return f"{shown}  [{_number(low)}, {_number(high)}]"
    return shown if row["reason"] in (None, "no_resamples") else f"{shown}  no interval: {row['reason']}"


def words_of(row: dict[str, Any]) -> str:
    """Return a value with its interval, or why there is none."""
    return _words(row).strip()


def _warn(warnings: list[dict[str, Any]]) -> None:
    for code, said in sentences(warnings):
        print(f"warning {code}: {said}", file=sys.stderr)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return cast(list[dict[str, Any]], frame.to_dict("records"))
