r"""Numbers as answers write them: `1,234.50`, `1 000`, `$-5`, `3 1/2`, `\frac{1}{2}`, `10^3`, `1.5 million`, `50%`.

What looks like a number and is part of something else is none: `3:30`, `1,23`, `1.000,50`, `4th`, `0x10`, `2\sqrt{3}`,
`10 - 4`, `3 to 5`, `5k`, `3 ft 2 in`, `(2, 3)`, `at least 5`. A wrong number is worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

CURRENCIES = {
    "$": "usd", "usd": "usd", "dollar": "usd", "dollars": "usd", "us$": "usd", "€": "eur", "eur": "eur", "euro": "eur",
    "euros": "eur", "£": "gbp", "gbp": "gbp", "pound": "gbp", "pounds": "gbp", "¥": "jpy", "jpy": "jpy", "yen": "jpy",
    "₹": "inr", "inr": "inr", "rupee": "inr", "rupees": "inr", "cent": "cent", "cents": "cent", "¢": "cent",
}  # fmt: skip
PERCENT = {"%": "percent", "percent": "percent", "per cent": "percent"}
UNITS = CURRENCIES | PERCENT
TIMES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
HALVES = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅛": "1/8"}
RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
LONGEST = 400
"""Digits, and the largest exponent, of what is read."""

_WORDS = "|".join(
    sorted((re.escape(unit) for unit in UNITS if unit.isascii() and unit[0].isalpha()), key=len, reverse=True)
)
_DIGITS = (
    r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])|[1-9][0-9]{0,2}(?:[   ][0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
    r"|\.[0-9]+"
)
NUMBER = re.compile(
    rf"(?P<sign>(?<![\w)])[-+]\s?)?(?:(?P<before>US\$|[$€£¥₹])\s?(?P<inner>-)?)?(?<![\w.,:^√])(?P<digits>{_DIGITS})"
    rf"(?:[eE](?P<exponent>[-+]?[0-9]+))?"
    rf"(?:\s?[×*x·]\s?10\^(?P<tens>-?[0-9]+)|\^(?P<power>-?[0-9]+))?"
    rf"(?:(?P<mixed>\s[0-9]+)?\s?/\s?(?P<below>[0-9]+)(?![\w./]))?"
    rf"(?:\s(?P<times>hundred|thousand|million|billion|trillion)\b)?"
    rf"(?:\s?(?P<after>%|[$€£¥₹¢]|(?:{_WORDS})\b))?",
    re.IGNORECASE,
)
_SHORT = (
    "mm|cm|dm|km|mi|ft|in|yd|mg|kg|lb|oz|ml|mL|cl|dl|ms|hr|h|s|m|g|l|L|V|W|A|N|J|F|C|Hz|kW|Wh|MW|kJ|Pa|eV|px|KB|kB|MB|"
    "GB|TB|ha"
)
"""Units of one or two letters that may stick to a number; longer words may as well."""
_MONTHS = (
    r"(?:january|february|march|april|june|july|august|september|october|november|december|"
    r"(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\b\.?|may(?=\W*(?:[0-9]|$)))"
)
_PARTS = (
    r"(?:years?|months?|weeks?|days?|hours?|hrs?|h|minutes?|mins?|seconds?|secs?|feet|foot|ft|yards?|miles?|inch(?:es)?|in|"
    r"pounds?|lbs?|ounces?|oz|kg|g|km|m|cm|dollars?|euros?|cents?|degrees?)"
)
STICKS = re.compile(
    rf"\s*\.{{2,}}\s*[0-9]|(?:st|nd|rd|th|mil|mln|mio|bln)\b|[.,:]?[0-9]|(?!(?-i:{_SHORT})(?![a-z]))[a-z]{{1,2}}(?![a-z])|[a-z]+[0-9]"
    r"|[!_^√π∞₀-₉]|\)\s*[\^!]|\s?\\(?:sqrt|pi|[dt]?frac|log|ln|sin|cos|tan|theta|alpha|pm|mp)\b|\s?[√π±]|\s?\+/-"
    r"|\s(?-i:[xyz])\b|\s?/\s?(?-i:[xyzn])\b|[\s.]e[-+]?[0-9]|\s(?:squared|cubed|dozen)\b"
    rf"|\s(?:of\s)?{_MONTHS}|\sR\s?[0-9]|(?:\sdegrees?|\s?°[CF]?)?\s(?:below|under)\s(?:zero|freezing)\b",
    re.IGNORECASE,
)
"""What sticks to a number that is part of something else."""
GOES_ON = re.compile(
    r"\s*(?:is|was|are|were|would be|could be)\s*(?:not|n['’]t|wrong|incorrect|false|rejected|"
    r"extraneous|invalid|discarded|impossible|ruled out)\b|\s*(?:is|was)n['’]t\b"
    r"|\s*(?:or|and)\s+(?:more|less|fewer|higher|lower|above|below|under|over|up)\b|\s*at\s+(?:least|most)\b"
    r"|\s*(?:can(?:no|['’])t|could not|couldn['’]t)\s+be\b"
    r"|\s*(?:[-–—−+*×·/÷^<>]|(?:[a-z]+\s){0,2}?(?:to|or|and|through|plus|minus|times|divided by)\s)\s*[-$€£]?[0-9(]"
    r"|\s*[-−+*×÷^]\s*(?-i:[b-hj-z])\b|\s*(?:in|per|of|out of|mod|choose|by)\s+[$€£]?[0-9]"
    rf"|\s*{_PARTS}\b\.?,?\s+(?:and\s+)?[0-9]+\s*{_PARTS}\b",
    re.IGNORECASE,
)
"""An expression, a range or an alternative: the number is not all of it."""
LED_BY = re.compile(
    r"(?:\b(?:not|never|minus|negative|than|at least|at most|up to|above|below|under|over|exceeds?|twice|half of|"
    r"double|triple|root of|log|ln|sin|cos|tan|exp|sqrt)|n't|(?:n't|\bnot|\bcannot)\s+(?:be|equal))\s*\(?\s*[$€£]?$"
    r"|\b(?:hundred|thousand|[mb]illion)(?:\s+and)?\s+$"
    rf"|\b{_MONTHS}\s+(?:the\s+)?$"
    r"|[<>≤≥≠]=?\s*[$€£]?$|[\w+*/^-]\($"
    r"|(?:[±∓]|\+/-)\s*$|[⌊⌈|√]$|\w-$"
    r"|(?:[0-9)]|(?-i:\b[b-hj-z]))\s*[-+*×·/÷^]\s*$|\\[dt]?frac\s*\{[^{}]*\}\s*\{\s*$|\\[a-z]+\s*\{\s*$",
    re.IGNORECASE,
)
"""What makes something else of the number that follows."""
DECADE = re.compile("[12][0-9]{2}0")
"""`1990s` are years."""
OPERAND = re.compile(r"(?:[0-9)]|\b[b-hj-z])\s*$")
SEVERAL = re.compile(r"(?<![\w\\])[a-z](?:_?\{?\d\}?)?\s*=[^=]*(?:,|;|\b(?:and|or)\b)\s*\$?\s*[a-z](?:_?\{?\d\}?)?\s*=")
"""The values of several variables."""

_LATEX: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(r"<<[^<>]*>>"), ""),  # GSM8K's notes for a calculator
    (re.compile(r"</?[a-zA-Z][\w-]*>"), " "),
    (re.compile(r"\\(?:text|textbf|mathrm|mathbf|mbox|textit)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"\\(?:left|right|displaystyle|!|,|;|:)"), ""),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\([%$])"), r"\1"),
    (re.compile(r"\\(?:times|cdot)(?![a-zA-Z])"), "×"),
    (re.compile(r"\^?\s*\{?\\(?:circ|degree)\b\s*\}?"), "°"),
    (re.compile(r"\\pm\b"), "±"),
    (re.compile(r"\{(-?[0-9.]+)\}(?=\s*\|)"), r"\1"),
    (re.compile(r"[-=]>"), "→"),
    (re.compile(r"\\approx\b|≈|~"), " "),
    (re.compile(r"(\d?)\\[dt]?frac\s*\{\s*(-?[0-9.]+)\s*\}\s*\{\s*([0-9.]+)\s*\}"), lambda m: _fraction(m)),
    (re.compile(r"(\d?)\\[dt]?frac\s*([0-9])([0-9])"), lambda m: _fraction(m)),
    (re.compile(r"\^\{(-?[0-9]+)\}"), r"^\1"),
    (re.compile(r"(?<=[0-9])\*\*(?=-?[0-9])"), "^"),
    (re.compile(r"\*\*|__|`"), ""),
    (re.compile(r"[−﹣－]|[‐‑‒–](?=\s?[$€£]?[0-9])"), "-"),
    (re.compile(r"(^|\bis\s+|[:={(]\s*)(?:minus|negative)\s+(?=[$€£]?[0-9])", re.IGNORECASE), r"\1-"),
    (re.compile(r"(?<=[0-9])[⁻⁰¹²³⁴-⁹]+"), lambda m: "^" + m[0].translate(RAISED)),
    (re.compile(r"(\d?)([½⅓⅔¼¾⅕⅛])"), lambda m: f"{m[1]} {HALVES[m[2]]}" if m[1] else HALVES[m[2]]),
    (re.compile(r"\\[()\[\]]"), " "),
]


def _fraction(found: re.Match[str]) -> str:
    return f"{found[1]} {found[2]}/{found[3]}" if found[1] else f"{found[2]}/{found[3]}"


@dataclass(frozen=True)
class Quantity:
    """A number and its unit."""

    number: Fraction
    unit: str | None = None


NOBODY = re.compile(r"\b(?:no[ -]one|nobody|none|neither|nothing|hardly\s+any\w*)\b", re.IGNORECASE)
"""What takes back beforehand whatever number its sentence names."""
IN_ALL = re.compile(r"[0-9][^.]*\b(?:in total|in all|altogether|overall)\b", re.IGNORECASE)
LEADS = re.compile(
    r"[\s:=(\[{\"'$€£¥₹-]*(?:(?:about|approximately|exactly|simply|just|therefore|thus|equal to|roughly)[\s:$€£]*)*",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Return a text with LaTeX, marks and the signs of other alphabets written in plain characters."""
    for pattern, by in _LATEX:
        text = pattern.sub(by, text)
    return text


def stated(statement: str, marked: bool = False, whole: bool = False) -> Quantity | None:
    """Return the quantity of a statement; None where there is none that is sure.

    Of an equation its right side counts; where several numbers are left, the one that the statement begins with, and
    none where that goes on as an expression, a range or an alternative.

    Args:
        statement: In plain characters.
        marked: It is known to be the answer, so a number that it begins with is that.
        whole: There is nothing beside the answer: what is left over makes another quantity of it.
    """
    if SEVERAL.search(statement):
        return None
    right = re.split(r"=|\bequals\b", statement)[-1]
    found = [one for one in NUMBER.finditer(right) if re.search(r"[0-9]", one[0])]
    if not whole:
        found = _undenied(right, found)
    if not found or NOBODY.search(right[: found[0].start()]):
        return None
    first = found[0]
    if whole and re.search(r"[0-9\\√π^]|[a-z]\(", right[: first.start()] + right[first.end() :]):
        return None
    apart = whole or right != statement
    quantities = [_quantity(right, one, apart) for one in found]
    if len(set(quantities)) == 1:
        return quantities[0]
    stands = marked and LEADS.fullmatch(right[: first.start()]) and not IN_ALL.search(right[first.end() :])
    return quantities[0] if stands else None


def _undenied(text: str, found: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return numbers without those that a text says it is not: `not 5`, `not 5 or 6`."""
    kept: list[re.Match[str]] = []
    denied_to = -1
    for one in found:
        joined = denied_to >= 0 and re.fullmatch(r"[\s,]*(?:or|nor|and|,)[\s$€£]*", text[denied_to : one.start()])
        if joined or re.search(r"\b(?:not|nor)\s+[$€£]?$", text[: one.start()]):
            denied_to = one.end()
        else:
            kept.append(one)
    return kept


def _quantity(text: str, match: re.Match[str], apart: bool) -> Quantity | None:
    """Return the quantity at a place of a text, or None where it is part of something else.

    Args:
        text: A statement, or the right side of an equation.
        match: The number in it.
        apart: Nothing stands before the text: `- 5` at its start is below zero, and no entry of a list.
    """
    before, after = text[: match.start()], text[match.end() :]
    broken = STICKS.match(after) if not match["after"] else re.match(r"[0-9]", after)
    other = (match["digits"] == "0" and re.match(r"[xXbBoO][0-9a-fA-F]", after)) or (
        DECADE.fullmatch(match["digits"]) and re.match(r"['’]?s\b", after)
    )
    listed = after.startswith(")") and "(" not in before and re.match(r"\)\s*[\w$]", after)
    if broken or other or listed or GOES_ON.match(after) or LED_BY.search(before):
        return None
    if re.search(r"[(\[{]\s*$", before) and re.match(r"\s*,", after):
        return None
    if match["sign"] and (
        before.endswith(("-", "+"))
        or OPERAND.search(before)
        or (match["sign"][-1].isspace() and (not apart or before.strip()))
    ):
        return None
    digits = re.sub(r"[^0-9.]", "", match["digits"])
    powers = [int(match[name]) for name in ("exponent", "tens", "power") if match[name] and len(match[name]) < 9]
    named = [name for name in ("exponent", "tens", "power") if match[name]]
    if len(digits) > LONGEST or len(powers) < len(named) or any(abs(power) > LONGEST for power in powers):
        return None
    number = Fraction(digits)
    for name, power in zip(named, powers, strict=True):
        if name == "power" and (len(digits) * abs(power) > LONGEST or (not number and power < 0)):
            return None
        number = number**power if name == "power" else number * Fraction(10) ** power
    if match["below"]:
        if not int(match["below"]):
            return None
        part = Fraction(int(match["mixed"] or 0), int(match["below"]))
        number = number + part if match["mixed"] else number / int(match["below"])
    number *= TIMES.get((match["times"] or "").lower(), 1)
    if (match["sign"] or "").startswith("-") != bool(match["inner"]):
        number = -number
    return Quantity(number, UNITS.get((match["before"] or match["after"] or "").lower()))
