"""What a command that draws a page need not wait for."""

from __future__ import annotations

import sys


def skip_grammars() -> None:
    """Import jsonschema, which the charts need, without an optional part that takes two seconds.

    Where `rfc3987_syntax` is installed (jupyter brings it), jsonschema builds a grammar of addresses as it is imported,
    for a check of formats that neither charts nor verifiers ask for.
    """
    name = "rfc3987_syntax"
    if "jsonschema" in sys.modules or name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        import jsonschema  # type: ignore[import-untyped]  # noqa: F401
    finally:
        del sys.modules[name]
