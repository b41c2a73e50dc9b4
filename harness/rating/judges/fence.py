"""Marks around text that others wrote, which the text cannot end.

Every call has tags of its own, derived from all the texts of that call: to write the mark that ends its fence, a text
would have to contain the hash of itself. So nothing has to be secret, and the same input gives the same prompt on
every machine. `HARNESS_FENCE_SECRET` mixes a secret in, for those who rate the work of somebody who reads this.
What chat templates take for a change of speaker is broken up, because some servers read it even inside a message.
"""

from __future__ import annotations

import base64
import hmac
import os
import re
from collections.abc import Callable, Iterable

TAG_LETTERS = 16
"""Sixteen letters of base 32: 80 bits."""

SPEAKER = re.compile(r"<\|[^|<>\n]{1,40}\|>|</?s>|\[/?INST\]|<</?SYS>>|</?(?:start|end)_of_turn>|<｜[^｜\n]{1,40}｜>")

Fence = Callable[..., str]


def tag_of(texts: Iterable[str | None]) -> str:
    """Return the tag that follows from texts (and from `HARNESS_FENCE_SECRET`, where it is set)."""
    secret = os.environ.get("HARNESS_FENCE_SECRET", "feedback-harness").encode()
    message = "\x00".join(f"{len(text or '')}:{text or ''}" for text in texts)
    found = hmac.digest(secret, message.encode("utf-8", errors="surrogatepass"), "sha256")
    return base64.b32encode(found)[:TAG_LETTERS].decode().lower()


def fence_for(texts: Iterable[str | None]) -> Fence:
    """Return the function that puts a text into a fence, for a call that shows all of these texts."""
    tag = tag_of(texts)

    def fence(text: str | None, name: str = "text") -> str:
        """Return the text between two marks that carry its name and the call's tag."""
        return f"[{name} {tag}]\n{harmless(text or '')}\n[end of {name} {tag}]"

    return fence


def harmless(text: str) -> str:
    """Return the text with the marks of chat templates (`<|im_end|>`, `[INST]`) broken up by a space."""
    return SPEAKER.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
