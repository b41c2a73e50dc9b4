"""What every command's help has beside its options: examples, and the variables of the environment.

An option can also be given as a variable; a flag that ends the program (`--version`, `--help`, completion) cannot: a
variable that somebody has set would turn every command into a success that did nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand, TyperGroup

from harness.cli.examples import EXAMPLES

ELSEWHERE = {
    "HARNESS_PATH": "folders with catalogues of your own, with colons; as --include",
    "HARNESS_DATA_DIR": "a mirror of data sets, for a machine without a network",
    "HARNESS_KEY_FILE": "the key of the pseudonyms",
    "NO_COLOR, CI": "plain output; no progress bar",
}
"""Variables that belong to no single option."""


class Command(TyperCommand):
    """A command whose help ends with examples and variables."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, those that end the program without a variable."""
        return _prepared(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, then examples, then the variables."""
        with _folding():
            super().format_help(ctx, formatter)
        print(_section("Examples", EXAMPLES.get(ctx.info_name, ())))
        prefix = ctx.auto_envvar_prefix
        named = [one for one in self.params if one.param_type_name == "option" and not one.is_eager]
        if named and prefix:
            lines = [f"{prefix}_{one.name.upper()}  {max(one.opts, key=len)}" for one in named]
            print(_section("Environment", _columns(lines), "each option also as a variable"))


class Group(TyperGroup):
    """The program itself; its help names the variables of all commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the options, those that end the program without a variable."""
        return _prepared(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, then where to begin, then the variables."""
        with _folding():
            super().format_help(ctx, formatter)
        print(_section("Examples", EXAMPLES["harness"]))
        print(_section("Environment", _columns([f"{name}  {what}" for name, what in ELSEWHERE.items()])))


@contextmanager
def _folding() -> Iterator[None]:
    """Have names and defaults that are wider than their column go on in the next line: typer cuts them off."""
    from rich.table import Table
    from typer import rich_utils

    class Folding(Table):
        def add_row(self, *cells: Any, **how: Any) -> None:
            super().add_row(*cells, **how)
            for column in self.columns:
                column.overflow = "fold"

    setattr(rich_utils, "Table", Folding)  # noqa: B010
    try:
        yield
    finally:
        setattr(rich_utils, "Table", Table)  # noqa: B010


def _prepared(params: list[Any]) -> list[Any]:
    for one in params:
        one.show_envvar = False  # they stand in a section of their own
        if one.is_eager or not one.expose_value:
            one.allow_from_autoenv = False
    return params


def _section(title: str, lines: tuple[str, ...] | list[str], more: str = "") -> str:
    head = f" {title}{f' ({more})' if more else ''}"
    return "\n".join([head, *(f"   {line}" for line in lines), ""])


def _columns(lines: list[str]) -> list[str]:
    pairs = [line.split("  ", 1) for line in lines]
    width = max(len(name) for name, _ in pairs)
    return [f"{name:<{width}}  {what}".rstrip() for name, what in pairs]
