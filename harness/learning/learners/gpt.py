"""A small decoder-only transformer (pre-norm, learnt positions), as in Radford et al. 2019, for short sequences.

Answers have a fixed number of tokens. They are written with a key-value cache, in one batch: the prompt is read once
for all samples of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Cache = list[tuple[Tensor, Tensor]]
"""Keys and values of each layer, each [batch, heads, positions so far, width of a head]."""


class Block(nn.Module):  # type: ignore[misc] # torch is optional, so mypy does not read it
    """Attention, then a feed-forward net of four times the width, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.ReLU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return the block's output [batch, length, width] and its keys and values, with those of the past before."""
        batch, length, width = x.shape
        heads = self.queries_keys_values(self.attention_norm(x)).view(batch, length, 3, self.heads, -1)
        queries, keys, values = heads.permute(2, 0, 3, 1, 4)
        if past is not None:
            keys, values = torch.cat([past[0], keys], dim=2), torch.cat([past[1], values], dim=2)
        # with a past, one new token sees everything; without, each token sees what is before it
        seen = F.scaled_dot_product_attention(queries, keys, values, is_causal=past is None)
        x = x + self.attention_out(seen.transpose(1, 2).reshape(batch, length, width))
        return x + self.mlp(self.mlp_norm(x)), (keys, values)


class GPT(nn.Module):  # type: ignore[misc] # as above
    """A decoder over a small vocabulary."""

    def __init__(self, vocabulary: int, positions: int, layers: int, width: int, heads: int, seed: int) -> None:
        """Make a network with random weights that follow from the seed."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.tokens = nn.Embedding(vocabulary, width)
            self.positions = nn.Embedding(positions, width)
            self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor, cache: Cache | None = None) -> tuple[Tensor, Cache]:
        """Return the logits of each next token [batch, length, vocabulary] and the cache with these tokens.

        Args:
            tokens: [batch, length]; with a cache the length is 1.
            cache: Of the tokens before these.
        """
        start = cache[0][0].shape[2] if cache else 0
        x = self.tokens(tokens) + self.positions.weight[start : start + tokens.shape[1]]
        grown: Cache = []
        for layer, block in enumerate(self.blocks):
            x, kept = block(x, cache[layer] if cache else None)
            grown.append(kept)
        return self.head(self.norm(x)), grown

    def write(
        self,
        prompts: Tensor,
        length: int,
        samples: int = 1,
        draw: torch.Generator | None = None,
        temperature: float = 1.0,
    ) -> Tensor:
        """Return what the network writes after each prompt.

        Args:
            prompts: [batch, prompt length].
            length: Tokens to write.
            samples: Answers a prompt.
            draw: Draws each token; the likeliest is taken where not given.
            temperature: Divides the logits of a draw.

        Returns:
            [batch, samples, length].
        """
        with torch.no_grad():
            logits, cache = self(prompts)
            logits = logits[:, -1].repeat_interleave(samples, 0)
            cache = [
                (keys.repeat_interleave(samples, 0), values.repeat_interleave(samples, 0)) for keys, values in cache
            ]
            written = [_next(logits, draw, temperature)]
            while len(written) < length:
                logits, cache = self(written[-1], cache)
                written.append(_next(logits[:, -1], draw, temperature))
        return torch.cat(written, 1).view(len(prompts), samples, length)


def _next(logits: Tensor, draw: torch.Generator | None, temperature: float) -> Tensor:
    if draw is None:
        return logits.argmax(-1, keepdim=True)
    return torch.multinomial(torch.softmax(logits / temperature, -1), 1, generator=draw)


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread: sums come in one order whatever the machine, and processes do not fight for cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
