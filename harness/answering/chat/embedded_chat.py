"""The embedded model as a chat client: llama.cpp writes, torch weighs.

Text is written by llama.cpp's server, in a process of its own. A call that only wants the probabilities of the next
token is answered by torch: it reads prompts three times as fast for each second of computation, and what two prompts
begin with in common is read once.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import takewhile
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self

from harness.answering.chat import llama_server
from harness.answering.chat.chat import Answer, Call
from harness.answering.chat.limits import TrafficLimits
from harness.answering.chat.openai_chat import OpenAIChat
from harness.answering.chat.price import FREE
from harness.answering.models.embedded import (
    IN_TORCH,
    MODEL,
    Note,
    gguf_path,
    missing_packages,
    quiet_transformers,
    sha256,
    torch_folder,
)
from harness.errors import UnavailableError

CONTEXT = 4096
"""Tokens of prompt and answer together."""


class EmbeddedServer:
    """llama.cpp's server with the embedded model, on a free port of this machine, as long as the context lasts."""

    def __init__(self, file: Path, slots: int = 4, threads: int = 2, context: int = CONTEXT) -> None:
        """Make it; entering the context starts it."""
        self.command = [sys.executable, llama_server.__file__, str(file), str(slots), str(threads), str(context)]
        self.base_url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Start the process and wait until it is ready.

        Raises:
            UnavailableError: xllamacpp is not installed, or the process does not get ready; with what it said.
        """
        if not importlib.util.find_spec("xllamacpp"):
            raise UnavailableError("the embedded model needs xllamacpp: pip install 'feedback-harness[quickstart]'")
        with tempfile.TemporaryFile("w+") as log:
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(self.command, stdin=pipe, stdout=pipe, stderr=log, text=True)
            assert self._process.stdout is not None
            address = self._process.stdout.readline().strip()
            if not address or not self._healthy(address):
                self.__exit__(None, None, None)
                log.seek(0)
                raise UnavailableError(f"the server of the embedded model does not start: {log.read()[-500:]}")
        self.base_url = f"{address}/v1"
        return self

    def _healthy(self, address: str, patience: float = 60.0) -> bool:
        end = time.monotonic() + patience
        while time.monotonic() < end and self._process is not None and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5) as reply:  # noqa: S310 own loopback
                    if reply.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        return False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Writer:
    """Several servers of one thread each: the threads of one server wait for each other whenever a core is busy."""

    def __init__(self, file: Path, servers: int, slots: int, name: str) -> None:
        """Start the servers.

        Args:
            file: The GGUF file.
            servers: How many.
            slots: Answers written at once, by all of them.
            name: The identity of the model.
        """
        each = -(-slots // servers)
        self._servers = [EmbeddedServer(file, each, threads=1).__enter__() for _ in range(servers)]
        limits = TrafficLimits(concurrency=each, timeout=300)
        self._clients = [OpenAIChat(MODEL, server.base_url, limits, name=name, rates=FREE) for server in self._servers]

    def ask(self, calls: Sequence[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`; the calls are dealt out to the servers in turn."""
        count = len(self._clients)

        def write(place: int) -> Iterator[tuple[int, Answer]]:
            for index, answer in self._clients[place].ask(calls[place::count]):
                yield place + index * count, answer

        return _side_by_side([partial(write, place) for place in range(count)])

    def close(self) -> None:
        """Close the connections, and end the servers."""
        for client in self._clients:
            client.close()
        for server in self._servers:
            server.__exit__(None, None, None)


class Scorer:
    """The probabilities of the next token, by torch. Threads share the weights; each reads a part of the prompts."""

    def __init__(self, folder: Path, threads: int = 2, context: int = CONTEXT) -> None:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        with quiet_transformers():
            self.tokenizer: Any = AutoTokenizer.from_pretrained(folder)
            self.model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype="float32").eval()
        self.context = context
        self.threads = threads

    def ask(self, calls: Sequence[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`; every call wants one token and its alternatives."""
        prompts = {position: self._tokens(call) for position, call in enumerate(calls)}
        for position, tokens in prompts.items():
            if len(tokens) >= self.context:
                error = f"the input does not fit the model's context ({len(tokens)} of {self.context} tokens)"
                yield position, Answer(status="skipped", error=error, prompt_tokens=len(tokens))
        # in order of their tokens, so that neighbours share the longest beginnings
        order = sorted((p for p in prompts if len(prompts[p]) < self.context), key=lambda p: prompts[p])
        size = -(-len(order) // self.threads) or 1
        parts = [order[start : start + size] for start in range(0, len(order), size)]
        yield from _side_by_side([partial(self._read, part, prompts, calls) for part in parts])

    def _tokens(self, call: Call) -> list[int]:
        """Return the prompt; a last message of the assistant is the beginning of the answer."""
        *before, (role, last) = call.messages
        messages = [{"role": r, "content": text} for r, text in (before if role == "assistant" else call.messages)]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text + (last if role == "assistant" else "")).input_ids
        return ids

    def _read(
        self, part: list[int], prompts: dict[int, list[int]], calls: Sequence[Call]
    ) -> Iterator[tuple[int, Answer]]:
        import torch
        from transformers import DynamicCache

        torch.set_num_threads(1)  # for this thread: several that share the cores beat one that is spread over them
        read: list[int] = []
        past = DynamicCache(config=self.model.config)
        for position in part:
            started = time.perf_counter()
            tokens = prompts[position]
            shared = min(_shared(read, tokens), len(tokens) - 1)
            if shared < len(read):
                past.crop(shared - len(read))
            with torch.inference_mode():
                new = torch.tensor([tokens[shared:]])
                logits = self.model(new, past_key_values=past, use_cache=True, logits_to_keep=1).logits[0, -1]
                best = logits.log_softmax(-1).topk(calls[position].top_logprobs)
            read = tokens
            found: dict[str, float] = {}
            for token, value in zip(best.indices.tolist(), best.values.tolist(), strict=True):
                found.setdefault(self.tokenizer.decode([token]), round(value, 3))  # beyond that, order of work shows
            yield position, self._answer(found, tokens, shared, started)

    def _answer(self, found: dict[str, float], tokens: list[int], shared: int, started: float) -> Answer:
        return Answer(
            text=next(iter(found)),
            finish_reason="length",
            top_logprobs=(found,),
            prompt_tokens=len(tokens),
            cached_tokens=shared,
            completion_tokens=1,
            cost_usd=0.0,
            seconds=round(time.perf_counter() - started, 4),
        )


def _side_by_side(parts: Sequence[Callable[[], Iterable[tuple[int, Answer]]]]) -> Iterator[tuple[int, Answer]]:
    """Yield the answers of parts that are worked on by a thread each, as they come."""
    answers: SimpleQueue[tuple[int, Answer] | None] = SimpleQueue()

    def work(part: Callable[[], Iterable[tuple[int, Answer]]]) -> None:
        try:
            for answer in part():
                answers.put(answer)
        finally:
            answers.put(None)

    with ThreadPoolExecutor(len(parts) or 1) as pool:
        running = [pool.submit(work, part) for part in parts]
        for _ in parts:
            while (pair := answers.get()) is not None:
                yield pair
        for done in running:
            done.result()


def _shared(one: list[int], other: list[int]) -> int:
    """Return how many tokens two prompts begin with in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


class EmbeddedChat:
    """The embedded model. Server and weights are loaded when first needed, and let go by `close`."""

    def __init__(self, cache: Path, threads: int = 2, slots: int = 4, note: Note = lambda _: None) -> None:
        """Make the client; fetches the model's file where it is missing.

        Args:
            cache: The user's cache folder.
            threads: Threads of computation, for writing and for weighing.
            slots: Answers written at once.
            note: Is told of the steps that take long.
        """
        self.file = gguf_path(cache, note)
        self.weighs = not missing_packages(*IN_TORCH)
        by = "torch and llama.cpp" if self.weighs else "llama.cpp"
        self.identity = f"embedded:{MODEL} {sha256(self.file)[:12]} by {by}"
        self._cache, self._threads, self._slots, self._note = cache, threads, slots, note
        self._lock = threading.Lock()
        self._writer: Writer | None = None
        self._scorer: Scorer | None = None

    def ask(self, calls: Iterable[Call]) -> Iterator[tuple[int, Answer]]:
        """See `Chat.ask`. All calls are taken first: what begins alike is read together."""
        calls = list(calls)
        weighed = [p for p, call in enumerate(calls) if self.weighs and call.top_logprobs and call.max_tokens == 1]
        written = sorted(set(range(len(calls))).difference(weighed))
        for positions, client in ((weighed, self._scoring), (written, self._writing)):
            if positions:
                for index, answer in client().ask([calls[position] for position in positions]):
                    yield positions[index], answer

    def price(self, *_: int | None) -> float:
        """See `Chat.price`: nothing."""
        return 0.0

    def _writing(self) -> Writer:
        with self._lock:
            if self._writer is None:
                self._writer = Writer(self.file, self._threads, self._slots, self.identity)
            return self._writer

    def _scoring(self) -> Scorer:
        with self._lock:
            if self._scorer is None:
                self._scorer = Scorer(torch_folder(self._cache, self._note), self._threads)
            return self._scorer

    def close(self) -> None:
        """End the server and free the weights."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
            self._writer = self._scorer = None
