"""The models that answer: any model of lm-eval, any chat model, and the embedded one, behind one small protocol.

A model has two abilities: the log-likelihood of a text after a prompt, and generating. A chat model has only the
second; the embedded one has both, each where it is right and fast (log-likelihood in torch, generation in
llama.cpp).
"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, Protocol

from harness.answering.chat import Answer, Call, Chat
from harness.answering.embedded import quiet_transformers
from harness.answering.tasks import quiet_lm_eval
from harness.errors import HarnessError, did_you_mean
from harness.records import digest
from harness.suite import ModelUse

CHAT_PREFIXES = ("openai:",)

EMBEDDED = "embedded"
BATCH = 8
"""Prompts that the embedded model scores at once: short ones by themselves wait for memory, not for arithmetic."""


class Model(Protocol):
    """A model under test."""

    identity: str
    """Everything that decides its answers: for ids and caches."""

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Return each request's log-likelihood of the continuation, and whether it is the greedy one.

        Raises:
            HarnessError: The model has no log-likelihoods.
        """
        ...

    def generate(self, calls: Sequence[Call]) -> Iterator[tuple[int, Answer]]:
        """Yield the position and the answer of each call, as they finish; a failed call is an answer with a status."""
        ...

    def close(self) -> None:
        """Free the memory that the model holds."""
        ...


class LmEvalModel:
    """A model of lm-eval (`hf`, `vllm`, `local-completions`, ...), loaded when first used."""

    def __init__(self, kind: str, args: dict[str, Any]) -> None:
        self.kind = kind
        self.args = args
        self.identity = digest("lm-eval", kind, args)
        self._lm: Any = None

    @property
    def lm(self) -> Any:
        """lm-eval's model object."""
        if self._lm is None:
            with quiet_lm_eval(), quiet_transformers() if self.kind.startswith("hf") else nullcontext():
                self._lm = _load_lm(self.kind, self.args)
        return self._lm

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """See `Model.loglikelihood`."""
        results = self._quietly("loglikelihood", list(requests))
        return [(float(value), bool(greedy)) for value, greedy in results]

    def generate(self, calls: Sequence[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Model.generate`. The prompt is sent as text, without a chat template."""
        from lm_eval.api.instance import Instance

        _ = self.lm  # a model that cannot be loaded is an error, not a row for each item
        for position, call in enumerate(calls):
            settings: dict[str, Any] = {"until": list(call.stop), "max_gen_toks": call.max_tokens}
            if call.temperature:
                settings |= {"do_sample": True, "temperature": call.temperature}
                _seed_torch(call.seed)
            else:
                settings |= {"do_sample": False}
            prompt = "\n\n".join(text for _, text in call.messages)
            request = Instance("generate_until", {}, (prompt, settings), 0)
            try:
                text = self._quietly("generate_until", [request])[0]
            except Exception as error:  # one failed request is a row, not the end of the run
                yield position, Answer(status="error", error=f"{type(error).__name__}: {error}")
            else:
                yield position, Answer(text=text)

    def close(self) -> None:
        """See `Model.close`."""
        self._lm = None
        gc.collect()

    def _quietly(self, method: str, requests: list[Any]) -> list[Any]:
        function: Callable[..., list[Any]] = getattr(self.lm, method)
        quiet = {"disable_tqdm": True} if "disable_tqdm" in inspect.signature(function).parameters else {}
        return function(requests, **quiet)


class ChatModel:
    """A chat model; the prompt is one user message."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.identity = digest("chat", chat.identity)

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Refuse: chat interfaces give no log-likelihood of a given text."""
        raise HarnessError(
            f"{self.chat.identity}: a chat interface gives no log-likelihoods, which multiple-choice tasks need; "
            "use the model through lm-eval's `hf` or `vllm`, or a task that generates"
        )

    def generate(self, calls: Sequence[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Model.generate`."""
        return self.chat.ask(calls)

    def close(self) -> None:
        """Nothing to free: the client's server outlives the model."""


class EmbeddedModel:
    """SmolLM2-135M-Instruct: log-likelihoods by torch, generation by llama.cpp, from the same file."""

    def __init__(self, scorer: Callable[[], LmEvalModel], chat: Chat, threads: int = 1) -> None:
        self.chat = chat
        self.identity = digest("embedded", chat.identity)
        self.threads = threads
        self._make_scorer = scorer
        self._scorer: LmEvalModel | None = None

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """See `Model.loglikelihood`. Each thread scores a part on one core: torch's own fight over few cores."""
        if self._scorer is None:
            self._scorer = self._make_scorer()
        lm = self._scorer
        _ = lm.lm  # loaded once, before the threads ask for it
        size = -(-len(requests) // self.threads) or 1
        parts = [requests[start : start + size] for start in range(0, len(requests), size)]

        def score(part: Sequence[Any]) -> list[tuple[float, bool]]:
            _one_torch_thread()
            return lm.loglikelihood(part)

        with ThreadPoolExecutor(self.threads) as pool:
            return [result for results in pool.map(score, parts) for result in results]

    def generate(self, calls: Sequence[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Model.generate`."""
        return self.chat.ask(calls)

    def close(self) -> None:
        """See `Model.close`."""
        if self._scorer is not None:
            self._scorer.close()
            self._scorer = None


def check_model(kind: str) -> None:
    """Check that a kind of model is known, without loading one.

    Raises:
        HarnessError: It is not; says which is near.
    """
    if kind == EMBEDDED or kind.startswith(CHAT_PREFIXES):
        return
    with quiet_lm_eval():
        import lm_eval.models  # noqa: F401  (fills lm-eval's registry)
        from lm_eval.api.registry import model_registry
    if kind not in model_registry:
        known = [*model_registry.keys(), EMBEDDED, *(f"{prefix}NAME" for prefix in CHAT_PREFIXES)]
        raise HarnessError(f"no model {kind!r}.{did_you_mean(kind, known)}")


def make_model(use: ModelUse, chat: Callable[..., Chat], embedded_folder: Callable[[], str], threads: int = 1) -> Model:
    """Return the model that a suite names.

    Args:
        use: The suite's entry.
        chat: Makes the chat client of a model specification and its arguments.
        embedded_folder: Makes or finds the folder of the embedded model for torch.
        threads: Threads that the embedded model may use.

    Raises:
        HarnessError: lm-eval knows no such kind of model.
    """
    if use.model == EMBEDDED:

        def scorer() -> LmEvalModel:
            args = {"pretrained": embedded_folder(), "dtype": "float32", "device": "cpu", "batch_size": BATCH}
            return LmEvalModel("hf", args | use.args)

        return EmbeddedModel(scorer, chat(EMBEDDED), threads)
    if use.model.startswith(CHAT_PREFIXES):
        return ChatModel(chat({"model": use.model, **use.args}))
    return LmEvalModel(use.model, use.args)


def _load_lm(kind: str, args: dict[str, Any]) -> Any:
    check_model(kind)
    from lm_eval.api.registry import get_model

    model_class = get_model(kind)
    try:
        return model_class.create_from_arg_obj(dict(args))
    except Exception as error:  # loaders raise whatever their parts raise
        raise HarnessError(f"lm-eval cannot load its model {kind!r} with {args}: {error}") from error


def _one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)  # holds for the calling thread


def _seed_torch(seed: int | None) -> None:
    import torch

    torch.manual_seed(seed or 0)
