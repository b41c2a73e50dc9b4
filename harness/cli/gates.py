"""`--fail-if`: which figures must not be so, and which verdicts must not come; one grammar for every command."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import isfinite
from pathlib import Path
from typing import Annotated, Any
from xml.etree import ElementTree

import typer

from harness.errors import HarnessError, nearest

FAILED = 4
"""The exit code of a gate that lets nothing through."""
TOLD: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
GATE = re.compile(
    r"(?P<name>[a-z]\w*)(?:\.(?P<end>value|low|high))?(?:\[(?P<whose>[^\]]+)\])?"
    r"(?:\s*(?P<sign><=|>=|<|>)\s*(?P<limit>-?(?:\d+\.?\d*|\.\d+))(?P<percent>\s*%)?)?"
)
APART = re.compile(r",(?![^\[]*\])")
"""A comma between gates: one within brackets is part of a name."""


@dataclass(frozen=True)
class Figure:
    """A number that a gate may look at.

    Attributes:
        name: What it is, as the gate names it.
        whose: Whose it is, or about what.
        value: It; None where it is not known.
        low: The lower end of its interval.
        high: The upper end.
        reason: Why it is not known.
    """

    name: str
    whose: str
    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Said:
    """A verdict that a gate may look at: one of the `kind`'s words, and whose it is."""

    kind: str
    whose: str
    word: str | None


@dataclass(frozen=True)
class Gate:
    """What must not be: a figure beyond a limit, or a word.

    Attributes:
        name: A figure's name, or a word.
        whose: A glob of those it is about.
        end: `value`, or an end of the figure's interval.
        sign: One of `TOLD`; empty for a word.
        limit: What the figure is held against.
    """

    name: str
    whose: str = "*"
    end: str = "value"
    sign: str = ""
    limit: float = 0.0

    def __str__(self) -> str:
        """Return the gate as it is written."""
        whose = "" if self.whose == "*" else f"[{self.whose}]"
        end = "" if self.end == "value" else f".{self.end}"
        return f"{self.name}{end}{whose}" + (f"{self.sign}{self.limit:g}" if self.sign else "")

    def looks_at(self, whose: str) -> bool:
        """Tell whether a figure or verdict of somebody is looked at."""
        return fnmatchcase(whose, self.whose)


JUnit = Annotated[
    Path | None, typer.Option("--junit", help="With --fail-if: write a test case a gate to this file, as JUnit XML.")
]


def gates_of(
    text: str | None,
    figures: Collection[str] = (),
    words: Mapping[str, str] | None = None,
    junit: Path | None = None,
) -> list[Gate]:
    """Return the gates that a text names, with commas between them.

    Args:
        text: `FIGURE[.low|.high][[WHOSE]]LIMIT`, as in `alpha<.6`, or a word, as in `plateaued`; several with commas.
        figures: What a command has figures of.
        words: The verdicts that it gives, each with its kind.
        junit: Where the gates will be written.

    Raises:
        HarnessError: There are no gates to be written, something in the text is no gate, or it names no figure and no
            verdict of the command.
    """
    if text is None:
        if junit is not None:
            raise HarnessError("--junit writes what --fail-if says; add it")
        return []
    return [_gate(part.strip(), figures, words or {}) for part in APART.split(text)]


def _gate(part: str, figures: Collection[str], words: Mapping[str, str]) -> Gate:
    found, known = GATE.fullmatch(part), [*words, *figures]
    forms = [f"a figure and a limit, say '{name}<.6'" for name in list(figures)[:1]]
    form = "; ".join(forms + [f"a verdict ({', '.join(words)})"] * bool(words))
    if not found or part == "":
        raise HarnessError(f"--fail-if {part!r}: is no gate; expected {form}; commas separate several")
    name, sign = found["name"], found["sign"]
    if name not in known:
        kinds = set(words.values())
        kind = "figure" if sign or not kinds else min(kinds) if len(kinds) == 1 else "verdict"
        listed = ", ".join(figures if sign and figures else words or figures)
        raise HarnessError(f"--fail-if {part!r}: {name!r} is no {kind} here; known: {listed}.{nearest(name, known)}")
    if name in words and (sign or found["end"]):
        raise HarnessError(f"--fail-if {part!r}: {name!r} is a verdict, and has no limit; write it alone")
    if name in figures and name not in words and not sign:
        raise HarnessError(f"--fail-if {part!r}: {name!r} needs a limit: '{part}<.6', '{part}>=.9'")
    limit = float(found["limit"] or 0) / (100 if found["percent"] else 1)
    return Gate(name, found["whose"] or "*", found["end"] or "value", sign or "", limit)


def stop_where_failing(
    gates: Sequence[Gate],
    figures: Sequence[Figure],
    said: Sequence[Said] = (),
    words: Mapping[str, str] | None = None,
    junit: Path | None = None,
) -> None:
    """Say on stderr what the gates do not let through, and end the command with `FAILED` where that is anything.

    Raises:
        HarnessError: There is nothing that a gate looks at.
    """
    found = {gate: failing([gate], figures, said, words) for gate in gates}
    if junit is not None:
        from harness.run import write_whole

        write_whole(junit, _as_junit(found))
    if lines := [line for own in found.values() for line in own]:
        print("\n".join(lines), file=sys.stderr)
        raise typer.Exit(FAILED)


def _as_junit(found: Mapping[Gate, Sequence[str]]) -> bytes:
    """Return the gates as JUnit XML: a test case each, failed with its lines; no times, so the same gives the same."""
    failures = sum(bool(lines) for lines in found.values())
    suite = ElementTree.Element("testsuite", name="harness", tests=str(len(found)), failures=str(failures))
    for gate, lines in found.items():
        case = ElementTree.SubElement(suite, "testcase", classname="harness.fail_if", name=str(gate))
        if lines:
            ElementTree.SubElement(case, "failure", message=lines[0]).text = "\n".join(lines)
    ElementTree.indent(suite)
    text: bytes = ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def failing(
    gates: Sequence[Gate], figures: Sequence[Figure], said: Sequence[Said] = (), words: Mapping[str, str] | None = None
) -> list[str]:
    """Return a line for each thing that a gate does not let through; what is not known is not let through.

    Raises:
        HarnessError: There is nothing that a gate looks at: it would let everything through.
    """
    return [
        line for gate in gates for line in (_beyond(gate, figures) if gate.sign else _heard(gate, said, words or {}))
    ]


def _beyond(gate: Gate, figures: Sequence[Figure]) -> Iterable[str]:
    own = [one for one in figures if one.name == gate.name]
    looked_at = _looked_at(gate, own, f"there is no {gate.name} here")
    for one in looked_at:
        number = getattr(one, gate.end)
        if number is None or not isfinite(number):
            why = one.reason or ("no interval" if gate.end != "value" and one.value is not None else "not known")
            yield f"--fail-if {gate}: {one.whose}: undefined ({why})"
        elif TOLD[gate.sign](number, gate.limit):
            end = "" if gate.end == "value" else f" {gate.end}"
            yield f"--fail-if {gate}: {one.whose}: {gate.name}{end} is {number:.3f}"


def _heard(gate: Gate, said: Sequence[Said], words: Mapping[str, str]) -> Iterable[str]:
    own = [one for one in said if one.kind == words[gate.name]]
    for one in _looked_at(gate, own, f"there is no {words[gate.name]} here"):
        if one.word == gate.name:
            yield f"--fail-if {gate}: {one.whose} is {one.word}"


def _looked_at(gate: Gate, own: Sequence[Any], nothing: str) -> list[Any]:
    found = [one for one in own if gate.looks_at(one.whose)]
    if not found:
        names = ", ".join(dict.fromkeys(one.whose for one in own))
        raise HarnessError(f"--fail-if {gate}: {f'looks at nobody; there are {names}' if own else nothing}")
    return found
