"""Nothing that stands in a file speaks to the terminal: control characters are shown, not sent."""

from __future__ import annotations

import builtins
from typing import Any

SHOWN = {code: f"\\u{code:04x}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}
"""What takes a control character's place: the form that JSON has for it."""
_print = builtins.print


def shown(text: str) -> str:
    """Return a text with its control characters, but line breaks and tabs, made visible."""
    return text.translate(SHOWN)


def show_control_characters() -> None:
    """Let everything that commands print, by `print` or by tables of rich, go through `shown`."""
    import rich.control

    rich.control._CONTROL_STRIP_TRANSLATE.update(SHOWN)
    builtins.print = _plainly


def _plainly(*values: Any, **options: Any) -> None:
    _print(*(shown(str(value)) for value in values), **options)
