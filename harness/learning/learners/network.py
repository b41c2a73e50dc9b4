"""A causal language model of transformers as a learner uses it: it writes, says how sure it was, and is trained.

Answers are written by a loop of our own around the model's forward pass, for three things that `generate` does not do:
what all prompts begin with is read once, a prompt is read once for all of its samples, and the probability of each
token, and how far its distribution is from another model's, are known without reading everything again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.answering import quiet_transformers
from harness.errors import HarnessError
from harness.learning.learner import Answer, SeriesEnded

if TYPE_CHECKING:
    from torch import Generator, Tensor

NO_MEMORY = "can't allocate memory"
NEWLINES = ("\n", "Ċ", "<0x0A>")
"""How vocabularies write the end of a line."""


@dataclass(frozen=True)
class Writing:
    """How answers are written."""

    samples: int = 1
    temperature: float | None = None
    """None takes the likeliest token."""
    most: int = 24
    """Tokens of an answer at most."""
    until: tuple[str, ...] = ()
    """An answer ends before the first of these."""
    batch: int = 256
    """Answers written at once."""


class Network:
    """A model with its tokenizer on a device."""

    def __init__(self, folder: str, device: str, adapt: Callable[[Any], Any] = lambda model: model) -> None:
        """Load a model.

        Args:
            folder: What `from_pretrained` takes.
            device: cpu or cuda.
            adapt: Puts an adapter into the model.

        Raises:
            HarnessError: There is none, or it cannot be read.
        """
        import torch
        from safetensors import SafetensorError
        from transformers import AutoModelForCausalLM, AutoTokenizer

        if device != "cpu":
            torch.set_float32_matmul_precision("high")
        self.folder, self.device = folder, device
        try:
            with quiet_transformers():
                self.tokenizer = AutoTokenizer.from_pretrained(folder)
                loaded = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        except (OSError, ValueError, SafetensorError) as error:
            raise HarnessError(f"the model {folder!r} cannot be loaded: {str(error).splitlines()[0]}") from error
        self.model = adapt(loaded).to(device).eval()

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the weights that are trained."""
        return {name: one.detach().clone() for name, one in self.model.named_parameters() if one.requires_grad}

    def use(self, weights: dict[str, Tensor]) -> None:
        """Take weights that `weights` gave."""
        import torch

        with torch.no_grad():
            own = dict(self.model.named_parameters())
            for name, value in weights.items():
                own[name].copy_(value)

    @cached_property
    def end(self) -> int:
        """The token that ends an answer."""
        end = self.tokenizer.eos_token_id
        return int(self.model.config.eos_token_id if end is None else end)

    def prompt(self, text: str, system: str | None) -> list[int]:
        """Return a prompt's tokens: as a chat where the model has a template, else the text and the end of the line."""
        if not self.tokenizer.chat_template:
            return list(self.tokenizer(f"{system}\n{text}\n" if system else f"{text}\n")["input_ids"])
        messages = [{"role": "system", "content": system}] if system else []
        shown = self.tokenizer.apply_chat_template(
            [*messages, {"role": "user", "content": text}], add_generation_prompt=True, tokenize=False
        )
        return list(self.tokenizer(shown, add_special_tokens=False)["input_ids"])

    def target(self, text: str) -> list[int]:
        """Return the tokens of an answer to learn, with its end."""
        return [*self.tokenizer(text, add_special_tokens=False)["input_ids"], self.end]

    def stops(self, until: Sequence[str]) -> Tensor:
        """Return the tokens that end an answer: the model's own end, and those with a line's end where that is one."""
        import torch

        found = {self.end}
        if "\n" in until:
            names = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
            found |= {place for place, name in enumerate(names) if name and any(mark in name for mark in NEWLINES)}
        return torch.tensor(sorted(found), device=self.device)

    def write(
        self, prompts: Sequence[list[int]], how: Writing, draw: Generator | None = None, base: Network | None = None
    ) -> list[list[Answer]]:
        """Write answers to prompts.

        Args:
            prompts: Tokens of each.
            how: How many, how long, how drawn.
            draw: Where chance comes from; on the network's device.
            base: The model that `kl` is measured to; not measured where not given.
        """
        import torch

        stops, answers = self.stops(how.until), list[Answer]()
        size = max(1, how.batch // how.samples)
        order = sorted(range(len(prompts)), key=lambda place: len(prompts[place]))
        while len(answers) < len(order) * how.samples:
            start = len(answers) // how.samples
            try:
                some = [prompts[place] for place in order[start : start + size]]
                answers += self._write(some, how, stops, draw, base)
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size //= 2  # other processes may share the device
            self.free()
        back = sorted(range(len(order)), key=order.__getitem__)
        return [answers[place * how.samples : (place + 1) * how.samples] for place in back]

    def _write(
        self, prompts: Sequence[list[int]], how: Writing, stops: Tensor, draw: Generator | None, base: Network | None
    ) -> list[Answer]:
        import torch

        readers = [_Reader(one.model, prompts, how.samples, self.device) for one in (self, base) if one is not None]
        rows = torch.arange(len(prompts) * how.samples, device=self.device)
        shape = (len(rows), how.most)
        tokens = torch.full(shape, -1, dtype=torch.long, device=self.device)
        logprobs, kls = torch.zeros(shape, device=self.device), torch.zeros(shape, device=self.device)
        with torch.no_grad():
            for step in range(how.most):
                logits = readers[0].logits
                sure = torch.log_softmax(logits, -1)
                if how.temperature is None:
                    chosen = logits.argmax(-1, keepdim=True)
                else:
                    chosen = torch.multinomial(torch.softmax(logits / how.temperature, -1), 1, generator=draw)
                tokens[rows, step] = chosen[:, 0]
                logprobs[rows, step] = sure.gather(1, chosen)[:, 0]
                if base is not None:
                    other = torch.log_softmax(readers[1].logits, -1)
                    kls[rows, step] = (sure.exp() * (sure - other)).sum(-1)
                going = ~torch.isin(chosen[:, 0], stops)
                if step + 1 == how.most or not bool(going.any()):
                    break
                if int(going.sum()) <= len(rows) // 2:  # those that have ended need no more room
                    rows, chosen = rows[going], chosen[going]
                    for reader in readers:
                        reader.select(going)
                for reader in readers:
                    reader.read(chosen)
        return [
            self._answer(*one, how, stops, base is not None)
            for one in zip(tokens.tolist(), logprobs.tolist(), kls.tolist(), strict=True)
        ]

    def _answer(
        self, tokens: list[int], logprobs: list[float], kls: list[float], how: Writing, stops: Tensor, measured: bool
    ) -> Answer:
        ending = set(stops.tolist())
        ends = next((place for place, token in enumerate(tokens) if token in ending), None)
        length = ends + 1 if ends is not None else how.most
        text = self.tokenizer.decode(tokens[:length], skip_special_tokens=True)
        for mark in how.until:
            text = text.split(mark, 1)[0]
        return Answer(
            text,
            [round(value, 6) for value in logprobs[:length]],
            max(0.0, sum(kls[:length])) if measured else None,
            "length" if ends is None else "stop",
        )

    def free(self) -> None:
        """Give back the device's memory that is not in use: caches of growing length leave much of it behind."""
        import torch

        if self.device != "cpu":
            torch.cuda.empty_cache()

    def losses(self, prompts: Sequence[list[int]], targets: Sequence[list[int]]) -> tuple[Tensor, Tensor]:
        """Return the sum of the negative log-probabilities of each target's tokens, and how many tokens it has."""
        import torch
        from torch.nn.functional import cross_entropy

        longest = max(len(p) + len(t) for p, t in zip(prompts, targets, strict=True))
        tokens = torch.full((len(prompts), longest), self.end)
        mask, labels = torch.zeros_like(tokens), torch.full_like(tokens, -100)
        for row, (prompt, target) in enumerate(zip(prompts, targets, strict=True)):
            whole = len(prompt) + len(target)
            tokens[row, :whole] = torch.tensor([*prompt, *target])
            mask[row, :whole] = 1
            labels[row, len(prompt) : whole] = torch.tensor(target)
        tokens, mask, labels = (one.to(self.device) for one in (tokens, mask, labels))
        shortest = min(map(len, prompts))  # nothing is learnt before the first answer begins
        kept = longest - shortest + 1
        logits = self.model(input_ids=tokens, attention_mask=mask, use_cache=False, logits_to_keep=kept).logits
        labels = labels[:, -kept:][:, 1:]
        lost = cross_entropy(logits[:, :-1].flatten(0, 1), labels.flatten(), reduction="none", ignore_index=-100)
        return lost.view(labels.shape).sum(1), (labels != -100).sum(1)


class _Reader:
    """A model that has read prompts and goes on token by token."""

    logits: Tensor
    """Those of the next token of each row."""

    def __init__(self, model: Any, prompts: Sequence[list[int]], samples: int, device: str) -> None:
        import torch
        from transformers import DynamicCache

        self.model = model
        shared = _shared(prompts)
        rest = max(len(prompt) for prompt in prompts) - shared
        tokens, mask = torch.zeros(len(prompts), rest, dtype=torch.long), torch.zeros(len(prompts), rest)
        for row, prompt in enumerate(prompts):
            own = prompt[shared:]
            tokens[row, rest - len(own) :] = torch.tensor(own)
            mask[row, rest - len(own) :] = 1
        self.cache = DynamicCache()
        with torch.no_grad():
            if shared:
                beginning = torch.tensor([prompts[0][:shared]], device=device)
                model(input_ids=beginning, past_key_values=self.cache, use_cache=True, logits_to_keep=1)
                self.cache.batch_repeat_interleave(len(prompts))
            self.mask = torch.cat([torch.ones(len(prompts), shared), mask], 1).to(device)
            self._forward(tokens.to(device))
        if samples > 1:
            self.cache.batch_repeat_interleave(samples)
            self.logits, self.mask = (one.repeat_interleave(samples, 0) for one in (self.logits, self.mask))

    def read(self, tokens: Tensor) -> None:
        """Read one more token of each row; shape (rows, 1)."""
        import torch

        self.mask = torch.cat([self.mask, torch.ones_like(self.mask[:, :1])], 1)
        self._forward(tokens)

    def select(self, rows: Tensor) -> None:
        """Keep some rows."""
        self.cache.batch_select_indices(rows.nonzero()[:, 0])
        self.mask = self.mask[rows]

    def _forward(self, tokens: Tensor) -> None:
        places = (self.mask.cumsum(1) - 1).clamp(min=0)[:, -tokens.shape[1] :].long()
        done = self.model(
            input_ids=tokens, attention_mask=self.mask, position_ids=places, past_key_values=self.cache, use_cache=True,
            logits_to_keep=1,
        )  # fmt: skip
        self.logits = done.logits[:, -1].float()


def _shared(prompts: Sequence[list[int]]) -> int:
    """Return how many first tokens all prompts share, at most all but one of the shortest."""
    first, last = min(prompts), max(prompts)
    most = min(len(prompt) for prompt in prompts) - 1
    same = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), most)
    return max(0, min(same, most))


@contextmanager
def ends_series() -> Iterator[None]:
    """Turn a want of memory into the end of a series.

    Raises:
        SeriesEnded: There is not enough memory on the device.
    """
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:  # on a CPU torch says it in words alone
        if not isinstance(error, torch.OutOfMemoryError | MemoryError) and NO_MEMORY not in str(error):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise SeriesEnded("out_of_memory", str(error).split("\n")[0] or "no memory is left") from error
