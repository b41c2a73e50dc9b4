"""The models that answer: any model of lm-eval, any chat model, and the embedded one, behind one small protocol.

A model has two abilities: the log-likelihood of a text after a prompt, and generating. A chat model has only the
second; the embedded one has both, each where it is right and fast (log-likelihood in torch, generation in
llama.cpp). What fails, fails by itself: where a batch cannot be answered its members are asked one by one.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Any, TypeVar

from harness.answering.chat.chat import Answer, Chat, at_once, hand_in
from harness.answering.models.embedded import missing_packages, quiet_transformers
from harness.answering.models.generation import NULL, Generation, Model, Score
from harness.answering.reasoning import without_reasoning
from harness.answering.tasks.conversation import Conversation
from harness.answering.tasks.definitions import quiet_lm_eval
from harness.errors import HarnessError, UnavailableError, did_you_mean
from harness.records import digest
from harness.suite import ModelUse, reveal

CHAT_PREFIXES = ("openai:", "anthropic:", "replay:")

LOCAL = ("hf", "huggingface", "vllm", "sglang", "gguf", "ggml", "mamba", "nemo", "optimum", "openvino", "dummy")
"""How the names of lm-eval's models begin that run on this machine: nobody charges for them."""
EMBEDDED = "embedded"
BATCH = 8
"""Prompts that the embedded model scores at once: short ones by themselves wait for memory, not for arithmetic."""

Part = TypeVar("Part")
Result = TypeVar("Result")


class LmEvalModel:
    """A model of lm-eval (`hf`, `vllm`, `local-completions`, ...), loaded when first used."""

    converses = False
    shard = 64

    def __init__(self, kind: str, args: dict[str, Any]) -> None:
        self.kind = kind
        self.args = args
        self.identity = digest("lm-eval", kind, args)
        self._lm: Any = None

    @property
    def lm(self) -> Any:
        """lm-eval's model object."""
        if self._lm is None:
            in_torch = self.kind.startswith(("hf", "huggingface"))
            if in_torch and (absent := missing_packages("torch", "transformers", "accelerate")):
                raise UnavailableError(
                    f"the model {self.kind!r} needs {', '.join(absent)}: pip install 'feedback-harness[torch]'"
                )
            with quiet_lm_eval(), quiet_transformers() if in_torch else nullcontext():
                self._lm = _load_lm(self.kind, self.args)
        return self._lm

    def loglikelihood(self, groups: Sequence[Sequence[Any]]) -> list[list[Score] | Exception]:
        """See `Model.loglikelihood`."""
        _ = self.lm  # a model that cannot be loaded is an error, not a row for each item

        def score(some: Sequence[Sequence[Any]]) -> list[list[Score]]:
            requests = [self._instance("loglikelihood", *request.arguments) for group in some for request in group]
            results = iter(self._quietly("loglikelihood", requests))
            return [[_score(next(results)) for _ in group] for group in some]

        return together_or_singly(score, groups)

    def generate(self, wanted: Sequence[Generation]) -> Iterator[tuple[int, Answer]]:
        """See `Model.generate`. Drawn texts come one by one, each from its own seed; others as lm-eval batches them."""
        _ = self.lm

        def write(some: Sequence[Generation]) -> list[Any]:
            return self._quietly("generate_until", [self._request(one) for one in some])

        drawn = any(one.settings.get("do_sample") for one in wanted)
        for start in range(0, len(wanted), 1 if drawn else len(wanted) or 1):
            part = wanted[start : start + 1] if drawn else wanted
            for offset, text in enumerate(together_or_singly(write, part)):
                yield start + offset, _answer(text)

    def close(self) -> None:
        """See `Model.close`."""
        self._lm = None
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _request(self, wanted: Generation) -> Any:
        settings = dict(wanted.settings)
        if settings.get("do_sample") and self.kind.startswith("hf"):
            _seed_torch(wanted.seed)
        elif settings.get("do_sample"):
            settings["seed"] = wanted.seed
        return self._instance("generate_until", wanted.prompt, settings)

    def _instance(self, kind: str, prompt: str | Conversation, *rest: Any) -> Any:
        """Return lm-eval's request, the prompt rendered by the model's chat template where it is messages."""
        from lm_eval.api.instance import Instance

        return Instance(kind, {}, (self.rendered(prompt), *rest), 0)

    def rendered(self, prompt: str | Conversation) -> str:
        """Return the text that the model reads: messages by its chat template."""
        if isinstance(prompt, str):
            return prompt
        history = [{"role": role, "content": text} for role, text in prompt.messages]
        text: str = self.lm.apply_chat_template(history, add_generation_prompt=not prompt.begun)
        return text

    def _quietly(self, method: str, requests: list[Any]) -> list[Any]:
        function: Callable[..., list[Any]] = getattr(self.lm, method)
        quiet = {"disable_tqdm": True} if "disable_tqdm" in inspect.signature(function).parameters else {}
        return _outside_a_loop(lambda: function(requests, **quiet))


class ChatModel:
    """A chat model."""

    converses = True

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.shard = at_once(chat)  # nothing is lost with a shard: every finished call is in the cache
        self.identity = digest("chat", chat.identity)

    def loglikelihood(self, groups: Sequence[Sequence[Any]]) -> list[list[Score] | Exception]:
        """Refuse: chat interfaces give no log-likelihood of a given text."""
        raise HarnessError(
            f"{self.chat.identity}: a chat interface gives no log-likelihoods, which multiple-choice tasks need; "
            "use the model through lm-eval's `hf` or `vllm`, or a task that generates"
        )

    def generate(self, wanted: Sequence[Generation]) -> Iterator[tuple[int, Answer]]:
        """See `Model.generate`."""
        return self.chat.ask([one.call() for one in wanted])

    def hand_in(self, wanted: Sequence[Generation]) -> None:
        """Send on its way what is generated later, if the client asks by batch."""
        hand_in(self.chat, (one.call() for one in wanted))

    def close(self) -> None:
        """Nothing to free: the client's server outlives the model."""


class EmbeddedModel:
    """SmolLM2-135M-Instruct: log-likelihoods by torch, generation by llama.cpp, from the same file."""

    converses = True
    shard = 16

    def __init__(self, scorer: Callable[[], LmEvalModel], chat: Chat, threads: int = 1) -> None:
        self.chat = chat
        self.identity = digest("embedded", chat.identity)
        self.threads = threads
        self._make_scorer = scorer
        self._scorer: LmEvalModel | None = None

    def loglikelihood(self, groups: Sequence[Sequence[Any]]) -> list[list[Score] | Exception]:
        """See `Model.loglikelihood`. Each thread scores a part on one core: torch's own fight over few cores."""
        if self._scorer is None:
            self._scorer = self._make_scorer()
        lm = self._scorer
        _ = lm.lm  # loaded once, before the threads ask for it
        size = -(-len(groups) // self.threads) or 1
        parts = [groups[start : start + size] for start in range(0, len(groups), size)]

        def score(part: Sequence[Sequence[Any]]) -> list[list[Score] | Exception]:
            _one_torch_thread()
            return lm.loglikelihood(part)

        with ThreadPoolExecutor(self.threads) as pool:
            return [result for results in pool.map(score, parts) for result in results]

    def generate(self, wanted: Sequence[Generation]) -> Iterator[tuple[int, Answer]]:
        """See `Model.generate`."""
        return self.chat.ask([one.call() for one in wanted])

    def close(self) -> None:
        """See `Model.close`."""
        if self._scorer is not None:
            self._scorer.close()
            self._scorer = None


def together_or_singly(do: Callable[[Sequence[Part]], list[Result]], parts: Sequence[Part]) -> list[Result | Exception]:
    """Return what `do` makes of all parts at once; if that fails, of each by itself, or why it failed."""
    try:
        return [*do(parts)]
    except HarnessError:
        raise
    except Exception as error:  # models raise whatever their parts raise
        if len(parts) == 1:
            return [error]
    return [result for part in parts for result in together_or_singly(do, [part])]


def _score(result: tuple[Any, Any]) -> Score:
    return float(result[0]), bool(result[1])


def _answer(text: str | Exception | None) -> Answer:
    if isinstance(text, Exception):
        return Answer(status="error", error=f"{type(text).__name__}: {text}")
    if text is None or text.startswith(NULL):
        return Answer(status="error", error="the server gave no text (a filter, or its limit of tokens)")
    return without_reasoning(Answer(text=text))


def _outside_a_loop(function: Callable[[], Result]) -> Result:
    """Call a function that may start an event loop of its own, also where one runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return function()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


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

    try:
        model_class = get_model(kind)
    except ImportError as error:
        raise UnavailableError(f"lm-eval's model {kind!r} needs a package that is not installed: {error}") from error
    clients = sys.modules.get("lm_eval.models.api_models")
    if clients is not None:
        clients.LMEVAL_MODEL_NONE_ANSWER_PLACEHOLDER = NULL  # type: ignore[attr-defined]
    try:
        return model_class.create_from_arg_obj(reveal(dict(args)))
    except Exception as error:  # loaders raise whatever their parts raise
        raise HarnessError(f"lm-eval cannot load its model {kind!r} with {args}: {error}") from error


def _one_torch_thread() -> None:
    import torch

    torch.set_num_threads(1)  # holds for the calling thread


def _seed_torch(seed: int | None) -> None:
    import torch

    torch.manual_seed(seed or 0)
