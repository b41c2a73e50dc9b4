"""A rater that is a small language model with a low-rank adapter, trained on the texts themselves; for a GPU.

For each number of labels of each source in each split it starts from the same adapter and head, so that all that
differs is what was learnt from. A text is read after its context, as for features; its value is a linear function of
the mean of the last hidden states over the text. Of two texts the difference of their values is learnt.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import HarnessError
from harness.learning.learners.network import Network
from harness.learning.worth.features import CONTEXT_TOKENS, TEXT_TOKENS
from harness.records import digest
from harness.statistics import Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor

RANK, ALPHA = 16, 32
EPOCHS, FEWEST_STEPS = 3, 30
BATCH = 16
RATE = 3e-4


class TextRater:
    """Learns from labels of texts, or of pairs of texts."""

    def __init__(self, sides: Sequence[Sequence[str]], contexts: Sequence[str], folder: str, device: str) -> None:
        """Load the model.

        Args:
            sides: The texts; where two were compared the texts and the other texts.
            contexts: What each is about.
            folder: The model, as `from_pretrained` takes it.
            device: cpu or cuda.

        Raises:
            HarnessError: peft is not installed.
        """
        if importlib.util.find_spec("peft") is None:
            raise HarnessError("--learner lora needs peft: pip install 'feedback-harness[train]'")
        import torch

        def adapt(model: Any) -> Any:
            from peft import LoraConfig, get_peft_model

            with torch.random.fork_rng():
                torch.manual_seed(0)
                return get_peft_model(model, LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear"))

        self._network = Network(folder, device, adapt)
        self._fresh = self._network.weights()
        self._rows = [[self._tokens(c, t) for c, t in zip(contexts, side, strict=True)] for side in sides]

    def learn(self, rows: Ints, known: Floats, wanted: Ints) -> Floats:
        """Return what a rater that learnt from labels of some items says of others.

        Args:
            rows: The items that are learnt from.
            known: Their labels.
            wanted: The items that it is asked about.
        """
        import torch

        self._network.use(self._fresh)
        head = torch.nn.Linear(self._network.model.config.hidden_size, 1, bias=False).to(self._network.device)
        torch.nn.init.zeros_(head.weight)
        pairs = len(self._rows) == 2
        centre = 0.0 if pairs else known.mean()
        spread = float(np.sqrt(((known - centre) ** 2).mean())) or 1.0
        targets = torch.tensor((known - centre) / spread, dtype=torch.float32, device=self._network.device)
        trained = [one for one in self._network.model.parameters() if one.requires_grad]
        optimizer = torch.optim.AdamW([*trained, *head.parameters()], lr=RATE, weight_decay=0.0)
        random = np.random.default_rng(int(digest(rows.tolist()), 16))
        steps = max(FEWEST_STEPS, EPOCHS * -(-len(rows) // BATCH))
        order = np.concatenate([random.permutation(len(rows)) for _ in range(-(-steps * BATCH // len(rows)))])
        self._network.model.train()
        for step in range(steps):
            batch = order[step * BATCH : (step + 1) * BATCH]
            loss = ((self._said(head, rows[batch]) - targets[batch]) ** 2).mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        self._network.model.eval()
        with torch.no_grad():
            parts = [self._said(head, wanted[at : at + BATCH]) for at in range(0, len(wanted), BATCH)]
        found: Floats = torch.cat(parts).cpu().numpy().astype(np.float64)
        return found

    def _said(self, head: Any, items: Ints) -> Tensor:
        values = [self._values(head, [side[item] for item in items]) for side in self._rows]
        return values[0] if len(values) == 1 else values[0] - values[1]

    def _values(self, head: Any, rows: Sequence[tuple[list[int], list[int]]]) -> Tensor:
        import torch

        longest, device = max(len(before) + len(own) for before, own in rows), self._network.device
        tokens = torch.full((len(rows), longest), self._network.end)
        read, counts = torch.zeros(len(rows), longest), torch.zeros(len(rows), longest)
        for place, (before, own) in enumerate(rows):
            end = len(before) + len(own)
            tokens[place, :end] = torch.tensor([*before, *own])
            read[place, :end] = 1
            counts[place, len(before) : end] = 1
        tokens, read, counts = (one.to(device) for one in (tokens, read, counts))
        states = self._network.model(
            input_ids=tokens, attention_mask=read, output_hidden_states=True, use_cache=False, logits_to_keep=1
        ).hidden_states[-1]
        mean = (states * counts[:, :, None]).sum(1) / counts.sum(1, keepdim=True)
        value: Tensor = head(mean)[:, 0]
        return value

    def _tokens(self, context: str, text: str) -> tuple[list[int], list[int]]:
        """Return the tokens before a text, and its own."""
        tokenizer = self._network.tokenizer
        begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else self._network.end

        def tokens(words: str) -> list[int]:
            return list(tokenizer(words, add_special_tokens=False)["input_ids"])

        before = [*tokens(context)[:CONTEXT_TOKENS], *tokens("\n\n")] if context else []
        return [begin, *before], tokens(text or " ")[:TEXT_TOKENS] or [begin]
