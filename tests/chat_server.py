"""A chat server on this machine that behaves as real ones do, faults included: for tests and benchmarks.

`python chat_server.py LATENCY` prints its address and serves until its standard input ends. What it does with a call
is decided by a function of the request's number and body that names a fault.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable

GOOD = "ok"


def completion(text, **fields):
    """The JSON of a chat completion."""
    message = {"role": "assistant", "content": text, **fields.pop("message", {})}
    choice = {"index": 0, "finish_reason": "stop", "message": message, **fields.pop("choice", {})}
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    usage["prompt_tokens_details"] = {"cached_tokens": 8}
    return {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage, **fields}


def message(text, **fields):
    """The JSON of a message of Anthropic's."""
    content = [] if text is None else [{"type": "text", "text": text}]
    usage = {
        "input_tokens": 12,
        "cache_read_input_tokens": 8,
        "cache_creation_input_tokens": 4,
        "output_tokens": 5,
    }
    plain = {"id": "x", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    return {**plain, "content": content, "stop_reason": "end_turn", "usage": usage, **fields}


class ChatServer:
    """Speaks OpenAI's interface, and Anthropic's at `/v1/messages`; counts what it was asked and answered well.

    It serves on a free port, in a thread of its own.
    """

    def __init__(
        self,
        reply: Callable[[dict], str] = lambda body: json.dumps({"verdict": "Yes"}),
        fault: Callable[[int, dict], str | tuple[int, dict]] = lambda number, body: GOOD,
        latency: float = 0.0,
        retry_after: float = 0.2,
        port: int = 0,
    ):
        self.reply, self.fault, self.latency, self.retry_after = reply, fault, latency, retry_after
        self.port = port
        self.requests = 0
        self.bodies: list[dict] = []
        self.heads: list[bytes] = []
        self.keep_bodies = True
        self.answered: Counter[str] = Counter()
        self.inside = self.most_inside = 0
        self._ready = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", self.port, backlog=1024)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._over.wait()  # asyncio.run cancels what is still open

    async def _connection(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = (line.lower().split(b":") for line in head.split(b"\r\n"))
                length = next((int(field[1]) for field in fields if field[0] == b"content-length"), 0)
                content = await reader.readexactly(length)
                if (other := self.other(head.split(b" ")[0], head.split(b" ")[1], content)) is not None:
                    if not await self._send(writer, other[0], ["retry-after-ms: 1"], other[1]):
                        break
                    continue
                body = json.loads(content or b"{}")
                self.requests += 1
                if self.keep_bodies:
                    self.bodies.append(body)
                    self.heads.append(head)
                self.inside += 1
                self.most_inside = max(self.most_inside, self.inside)
                try:
                    alive = await self._answer(body, writer, b"/messages " in head[:100])
                finally:
                    self.inside -= 1
                if not alive:
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def other(self, method: bytes, path: bytes, content: bytes) -> tuple[int, dict | bytes] | None:
        """Answer what is no call: nothing is, here. A status of 0 is a connection that is cut."""

    async def _send(self, writer, status, headers, content) -> bool:
        if not status:
            return False
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        lines = [f"HTTP/1.1 {status} X", "content-type: application/json", f"content-length: {len(data)}", *headers]
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        await writer.drain()
        return True

    async def _answer(self, body, writer, anthropic) -> bool:
        fault = self.fault(self.requests, body)
        if self.latency:
            await asyncio.sleep(self.latency)
        if fault == "hang":
            await asyncio.sleep(60)
            return False
        if fault == "cut":
            writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"cho')
            await writer.drain()
            return False
        if fault == "slow":
            data = json.dumps(completion("late")).encode()
            writer.write(f"HTTP/1.1 200 OK\r\ncontent-length: {len(data)}\r\n\r\n".encode())
            for byte in data:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.5)
            return True
        if isinstance(fault, tuple):  # status and content
            status, headers, content = fault[0], [], fault[1]
        else:
            status, headers, content = (self._message if anthropic else self._content)(fault, body)
        if fault == GOOD and self.keep_bodies:
            self.answered[body["messages"][-1]["content"]] += 1
        return await self._send(writer, status, headers, content)

    def _content(self, fault, body):
        def error(message, **fields):
            return {"error": {"message": message, **fields}}

        known = {
            "429": (429, [f"retry-after: {self.retry_after}"], error("slow down")),
            "500": (500, [], error("internal")),
            "503-html": (503, [], b"<html>bad gateway</html>"),
            "400": (400, [], error("no such field")),
            "401": (401, [], error("wrong key")),
            "404": (404, [], error("no such model")),
            "model": (200, [], completion(self.reply(body), model="another-model")),
            "schema": (400, [], error("response_format of type json_schema is not supported")),
            "too-long": (400, [], error("too many tokens", code="context_length_exceeded")),
            "quota": (429, [], error("no money", code="insufficient_quota")),
            "filter-400": (400, [], error("rejected", code="content_filter")),
            "empty-body": (200, [], b""),
            "broken-json": (200, [], b'{"choices": [{"mess'),
            "no-choices": (200, [], {"choices": []}),
            "error-200": (200, [], error("overloaded")),
            "null": (200, [], completion(None)),
            "empty": (200, [], completion("")),
            "refusal": (200, [], completion(None, message={"refusal": "I cannot help"})),
            "filtered": (200, [], completion("par", choice={"finish_reason": "content_filter"})),
            "gibberish": (200, [], completion('well, {"verdict": "perhaps')),
        }
        if fault == "schema" and "response_format" not in body:
            fault = GOOD
        return known[fault] if fault in known else (200, [], completion(self.reply(body)))

    def _message(self, fault, body):
        def error(kind, said):
            return {"type": "error", "error": {"type": kind, "message": said}}

        long = error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum")
        known = {
            "429": (429, [f"retry-after: {self.retry_after}"], error("rate_limit_error", "slow down")),
            "500": (500, [], error("api_error", "internal")),
            "529": (529, [], error("overloaded_error", "overloaded")),
            "401": (401, [], error("authentication_error", "wrong key")),
            "404": (404, [], error("not_found_error", "model: m")),
            "schema": (400, [], error("invalid_request_error", "output_config.format: is not supported")),
            "too-long": (400, [], long),
            "too-large": (413, [], error("request_too_large", "too large")),
            "broken-json": (200, [], b'{"content": [{"ty'),
            "null": (200, [], message(None)),
            "refusal": (200, [], message(None, stop_reason="refusal")),
            "window": (200, [], message("par", stop_reason="model_context_window_exceeded")),
        }
        if fault == "schema" and "output_config" not in body:
            fault = GOOD
        return known[fault] if fault in known else (200, [], message(self.reply(body)))


def main(latency: float) -> None:
    server = ChatServer(latency=latency)
    server.keep_bodies = False
    with server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(float(sys.argv[1]))
