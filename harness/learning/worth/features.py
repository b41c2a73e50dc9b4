"""What a small language model makes of a text, as numbers to learn from; made once and kept.

A text is read after its context (the passage that it summarizes, the prompt that it answers): the mean of the hidden
states of two layers over the text, the last token's state, the mean and the lowest log-probability of its tokens, its
length, and its share of different tokens.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.learning.learners.network import Network
from harness.records import digest
from harness.statistics import Floats

if TYPE_CHECKING:
    from torch import Tensor

CONTEXT_TOKENS = 220
TEXT_TOKENS = 160
LAYERS = (0.4, 2 / 3)
"""Where in the depth of the model the means are taken: layers 12 and 20 of 30."""
PART = 64
"""Texts whose features are written at once."""
TOGETHER = 16
"""Texts read at once."""


def text_features(
    texts: Sequence[str],
    contexts: Sequence[str],
    folder: str,
    cache: Path,
    progress: Callable[[int], None] = lambda count: None,
    device: str = "cpu",
) -> Floats:
    """Return the features of texts, one row each; those that are not in the cache are made and kept there.

    Args:
        texts: The texts.
        contexts: What each is about; empty where it stands alone. Texts of one context are read together.
        folder: The model, as `from_pretrained` takes it.
        cache: The user's cache folder.
        progress: Is told how many texts are done.
        device: cpu or cuda.
    """
    place = cache / "features" / digest(Path(folder).name, CONTEXT_TOKENS, TEXT_TOKENS, LAYERS, 1)
    known = _stored(place)
    keys = [digest(context, text) for text, context in zip(texts, contexts, strict=True)]
    wanted: dict[str, dict[str, str]] = defaultdict(dict)
    for key, text, context in zip(keys, texts, contexts, strict=True):
        if key not in known:
            wanted[context][key] = text
    progress(sum(key in known for key in keys))
    if wanted:
        network = Network(folder, device)
        made: dict[str, Floats] = {}
        for context, own in wanted.items():
            made |= zip(own, _features(network, list(own.values()), context), strict=True)
            progress(len(own))
            if len(made) >= PART:
                _store(place, made)
                known, made = known | made, {}
        _store(place, made)
        known |= made
    return np.stack([known[key] for key in keys])


def _features(network: Network, texts: Sequence[str], context: str) -> Iterator[Floats]:
    """Yield the features of texts of one context, which is read once."""
    import torch
    from transformers import DynamicCache

    tokenizer, device = network.tokenizer, network.device
    begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else network.end
    before = tokenizer(context, add_special_tokens=False)["input_ids"][:CONTEXT_TOKENS] if context else []
    before = [begin, *before, *(tokenizer("\n\n", add_special_tokens=False)["input_ids"] if context else [])]
    for start in range(0, len(texts), TOGETHER):
        rows = [
            tokenizer(text or " ", add_special_tokens=False)["input_ids"][:TEXT_TOKENS] or [begin]
            for text in texts[start : start + TOGETHER]
        ]
        longest = max(map(len, rows))
        tokens = torch.full((len(rows), longest), network.end, device=device)
        mask = torch.zeros(len(rows), longest, device=device)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        cache = DynamicCache()
        with torch.no_grad():
            beginning = torch.tensor([before], device=device)
            first = network.model(input_ids=beginning, past_key_values=cache, use_cache=True, logits_to_keep=1)
            cache.batch_repeat_interleave(len(rows))
            whole = torch.cat([torch.ones(len(rows), len(before), device=device), mask], 1)
            read = network.model(
                input_ids=tokens, attention_mask=whole, past_key_values=cache, use_cache=True, output_hidden_states=True
            )
            logits = torch.cat([first.logits[:, -1:].expand(len(rows), -1, -1), read.logits[:, :-1]], 1)
            sure = torch.log_softmax(logits, -1).gather(2, tokens[:, :, None])[:, :, 0]
        states = [read.hidden_states[round(share * (len(read.hidden_states) - 1))] for share in LAYERS]
        for place, row in enumerate(rows):
            yield _row(states, read.hidden_states[-1], sure, place, row)


def _row(states: Sequence[Tensor], last: Tensor, sure: Tensor, place: int, row: Sequence[int]) -> Floats:
    own = sure[place, : len(row)]
    parts = [*(one[place, : len(row)].mean(0) for one in states), last[place, len(row) - 1]]
    facts = [float(own.mean()), float(own.min()), float(len(row)), len(set(row)) / len(row)]
    return np.concatenate([*(part.cpu().numpy() for part in parts), facts]).astype(np.float64)


def _stored(place: Path) -> dict[str, Floats]:
    known: dict[str, Floats] = {}
    for path in sorted(place.glob("*.npz")):
        with np.load(path) as part:
            known |= zip(part["keys"].tolist(), part["rows"].astype(np.float64), strict=True)
    return known


def _store(place: Path, made: dict[str, Floats]) -> None:
    """Write a part so that it is there whole or not at all."""
    if not made:
        return
    place.mkdir(parents=True, exist_ok=True)
    temporary = place / f".{os.getpid()}"
    with temporary.open("wb") as handle:
        np.savez(handle, keys=np.array(list(made)), rows=np.stack(list(made.values())).astype(np.float32))
    temporary.rename(place / f"{digest(sorted(made))}.npz")
