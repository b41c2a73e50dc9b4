"""A judge's prompt: a Jinja template in the rater's folder, with one block for each speaker.

`{% block system %}`, `{% block user %}`, and where wanted `{% block assistant %}`, the beginning of the answer. The
template is rendered in Jinja's sandbox; what others wrote comes in as values, never as template, and an unknown
variable is an error. What stays the same from call to call belongs first, where servers keep it in their prefix cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness.answering import Message
from harness.errors import HarnessError

SPEAKERS = ("system", "user", "assistant")


class Prompt:
    """One template file."""

    def __init__(self, path: Path) -> None:
        """Read and compile the template.

        Raises:
            HarnessError: It cannot be read, is no template, or has no block `user`.
        """
        self.path = path
        try:
            self.source = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise HarnessError(f"{path}: the prompt cannot be read ({error})") from error
        environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
        try:
            self._template = environment.from_string(self.source)
        except TemplateSyntaxError as error:
            raise HarnessError(f"{path}:{error.lineno}: the prompt is no Jinja template: {error.message}") from error
        unknown = set(self._template.blocks) - set(SPEAKERS)
        if "user" not in self._template.blocks or unknown:
            raise HarnessError(
                f"{path}: a prompt has the blocks `system`, `user` and `assistant`, of which `user` must be there"
                + (f"; found {', '.join(sorted(unknown))}" if unknown else "")
            )

    def messages(self, values: Mapping[str, Any]) -> tuple[Message, ...]:
        """Return the messages for the values.

        Raises:
            HarnessError: The template uses a variable that is not there, or something that the sandbox forbids.
        """
        try:
            context = self._template.new_context(dict(values))
            spoken = [
                (speaker, "".join(self._template.blocks[speaker](context)).strip())
                for speaker in SPEAKERS
                if speaker in self._template.blocks
            ]
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            raise HarnessError(f"{self.path}: the prompt cannot be rendered: {error}") from error
        return tuple((speaker, text) for speaker, text in spoken if text)
