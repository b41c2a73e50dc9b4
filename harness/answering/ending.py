"""How an answer ended: what a server's `finish_reason` says of it, whatever the server calls it."""

from __future__ import annotations

from typing import Literal

Ending = Literal["whole", "cut", "filtered", "failed"]

WHOLE = {"", "stop", "stop_sequence", "end_turn", "eos", "eos_token", "end", "complete", "completed", "finished"}
CUT = {
    "length",
    "max_tokens",
    "max_output_tokens",
    "max_completion_tokens",
    "model_length",
    "model_context_window_exceeded",
    "limit",
    "token_limit",
}
FILTERED = {
    "content_filter",
    "content_filtered",
    "safety",
    "image_safety",
    "recitation",
    "language",
    "blocklist",
    "prohibited_content",
    "spii",
    "refusal",
    "sensitive",
    "guardrail_intervened",
}


def ending(finish_reason: str | None) -> Ending:
    """Return how an answer ended; a reason that nobody knows is a failure, for it may be cut anywhere.

    A server that gives no reason is believed: those that give none are not servers of chat but models on this machine.
    """
    reason = (finish_reason or "").strip().lower().replace("-", "_")
    if reason in WHOLE:
        return "whole"
    return "cut" if reason in CUT else "filtered" if reason in FILTERED else "failed"


TOLD = {
    "cut": "the answer was cut off by its length ({}): raise `max_tokens`",
    "filtered": "the provider's content filter cut the answer ({})",
    "failed": "the answer ended with the reason {}",
}


def unfinished(finish_reason: str | None) -> str | None:
    """Return why an answer is not whole, or None where it is."""
    how = ending(finish_reason)
    return None if how == "whole" else TOLD[how].format(finish_reason)
