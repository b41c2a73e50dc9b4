"""What a problem gives to the programs that answer it: they may use it without defining it.

A prompt's imports and helper functions, which a model that writes the function alone leaves out; and the names that
LeetCode has ready for a `class Solution`, whose type hints are in the code that everybody starts from.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

TYPING = (
    *("Any", "Callable", "Dict", "FrozenSet", "Generator", "Iterable", "Iterator", "List", "Literal", "Mapping"),
    *("Optional", "Sequence", "Set", "Tuple", "Type", "Union"),
)
HINTED = re.compile(rf"\b(?:{'|'.join(TYPING)})\b")
SOLUTION = re.compile(r"^class Solution\b", re.MULTILINE)
LEETCODE = (
    "import bisect, collections, functools, heapq, itertools, math, operator, re, string",
    "from bisect import bisect, bisect_left, bisect_right, insort",
    "from collections import Counter, OrderedDict, defaultdict, deque",
    "from functools import cache, cmp_to_key, lru_cache, reduce",
    "from heapq import heapify, heappop, heappush, heappushpop, heapreplace, nlargest, nsmallest",
    "from itertools import accumulate, chain, combinations, groupby, pairwise, permutations, product, zip_longest",
    "from math import ceil, comb, factorial, floor, gcd, inf, isqrt, lcm, log, log2, sqrt",
)


def prompt_of(problem: Mapping[str, Any]) -> str:
    """Return the code that a problem begins with (BigCodeBench has it beside a prompt in words)."""
    return problem.get("prompt") or problem.get("complete_prompt") or problem.get("code_prompt") or ""


def given(problem: Mapping[str, Any], source: str) -> tuple[str, ...]:
    """Return the statements that a program may rely on."""
    parts = [f"from typing import {', '.join(TYPING)}"] if HINTED.search(source) else []
    if SOLUTION.search(source):
        parts += LEETCODE
    entry = problem.get("entry_point")
    return (*parts, *(_before(prompt_of(problem), entry) if isinstance(entry, str) else ()))


def _before(prompt: str, entry: str) -> list[str]:
    """Return the statements of a prompt but for what is asked for."""
    for text in (prompt, f"{prompt.rstrip()}\n    pass\n"):
        try:
            tree = ast.parse(text)
        except SyntaxError:
            continue
        kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign)
        nodes = [node for node in tree.body if isinstance(node, kept) and getattr(node, "name", None) != entry]
        return [ast.unparse(node) for node in nodes if getattr(node, "module", None) != "__future__"]
    return []


def with_helpers(code: str, blocks: Sequence[str]) -> str:
    """Return a program with what it uses of an answer's other code blocks before it."""
    try:
        used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    except SyntaxError:
        return code
    parts: list[str] = []
    for block in reversed(blocks):
        with contextlib.suppress(SyntaxError):
            for node in reversed(ast.parse(block).body):
                names = _defined(node)
                if names & used:
                    used = used - names | {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
                    parts.append(ast.unparse(node))
    return "\n".join([*reversed(parts), code])


def _defined(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines, where it does nothing else."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    return set()
