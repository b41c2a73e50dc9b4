"""A chat server that also has the batch interfaces of OpenAI and Anthropic, and what goes wrong with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count

from chat_server import ChatServer, completion, message

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


class BatchServer(ChatServer):
    """Answers the requests of a batch by `reply` when it was looked at `looks` times, and hands results out backwards.

    What becomes of a request is said by `outcome` of its body: `ok`, `expired`, `refused` (400), `busy` (500), `lost`
    (no result), `twice` (the same result again), `differs` (another one again) or `foreign` (one of nobody's call).
    `trouble` may answer a request for the interface itself, by its method, path and number: a status and a body, or
    `gone` where it is done and the connection cut before its answer.
    """

    def __init__(
        self,
        outcome: Callable[[dict], str] = lambda body: "ok",
        looks: int = 1,
        trouble: Callable[[str, str, int], tuple[int, dict] | str | None] = lambda method, path, number: None,
        ends: dict | None = None,
        **how,
    ):
        super().__init__(**how)
        self.outcome, self.looks, self.trouble, self.ends = outcome, looks, trouble, ends or {}
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict] = {}
        self.asked: list[dict] = []
        """The bodies of the requests in batches."""
        self.log: list[tuple[str, str]] = []
        """Method and path of what was asked of the interface."""
        self._numbers = count(1)

    def other(self, method, path, content):
        path, method = path.decode().partition("?")[0], method.decode()
        ours = path.startswith(("/v1/files", "/v1/batches", "/v1/messages/batches"))
        if not ours:
            return None
        self.log.append((method, path))
        said = self.trouble(method, path, next(self._numbers))
        if isinstance(said, tuple):
            return said
        done = self._do(method, path, content)
        return (0, b"") if said == "gone" else done

    def _do(self, method, path, content):
        *_, last = path.split("/")
        if path == "/v1/files":
            lines = [line for line in content.splitlines() if line.startswith(b"{")]
            return 200, self._kept(b"\n".join(lines))
        if path.startswith("/v1/files/"):
            return 200, self.files[path.split("/")[3]]
        anthropic = path.startswith("/v1/messages")
        show = self._message_batch if anthropic else self._batch
        if last == "batches" and method == "POST":
            said = json.loads(content)
            requests = said["requests"] if anthropic else self._lines(said["input_file_id"])
            name = f"batch_{len(self.batches) + 1}"
            self.batches[name] = {"requests": requests, "looks": 0, "said": said}
            self.asked += [one.get("params") or one["body"] for one in requests]
            return 200, show(name)
        if last == "batches":
            ours = [name for name, batch in self.batches.items() if ("requests" in batch["said"]) == anthropic]
            return 200, {"object": "list", "data": [show(name) for name in reversed(ours)], "has_more": False}
        if last == "results":
            lines = [
                line for request in self.batches[path.split("/")[4]]["requests"] for line in self._results(request)
            ]
            return 200, b"\n".join(reversed(lines)) + b"\n"
        if last not in self.batches:
            return 404, {"error": {"message": "no such batch"}}
        self.batches[last]["looks"] += 1
        return 200, show(last)

    def _lines(self, file):
        return [json.loads(line) for line in self.files[file].splitlines()]

    def _kept(self, content):
        name = f"file-{len(self.files) + 1}"
        self.files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 1,
            "filename": "f",
            "purpose": "batch",
        }

    def _batch(self, name):
        batch = self.batches[name]
        total, ended = len(batch["requests"]), batch["looks"] > self.looks
        shown = {
            "id": name, "object": "batch", "endpoint": "/v1/chat/completions", "completion_window": "24h",
            "created_at": 1, "input_file_id": batch["said"]["input_file_id"], "metadata": batch["said"]["metadata"],
            "status": "in_progress", "request_counts": {"total": total, "completed": 0, "failed": 0},
        }  # fmt: skip
        if not ended:
            return shown
        if "files" not in batch:
            lines = [line for request in reversed(batch["requests"]) for line in self._results(request)]
            failed = [line for line in lines if b'"status_code": 200' not in line]
            good = [line for line in lines if line not in failed]
            batch["files"] = [self._kept(b"\n".join(some))["id"] if some else None for some in (good, failed)]
        output, errors = batch["files"]
        return {**shown, "status": "completed", "output_file_id": output, "error_file_id": errors, **self.ends}

    def _message_batch(self, name):
        batch = self.batches[name]
        total, ended = len(batch["requests"]), batch["looks"] > self.looks
        counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
        return {
            "id": name, "type": "message_batch", "created_at": NOW, "expires_at": LATER, "cancel_initiated_at": None,
            "archived_at": None, "ended_at": NOW if ended else None,
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": {**counts, "succeeded" if ended else "processing": total},
            "results_url": f"{self.base_url}/messages/batches/{name}/results" if ended else None,
        }  # fmt: skip

    def _results(self, request) -> list[bytes]:
        anthropic = "params" in request
        body = request.get("params") or request["body"]
        made = self._message_result if anthropic else self._completion_result
        outcome, name = self.outcome(body), request["custom_id"]
        lines = {
            "lost": lambda: [],
            "twice": lambda: [made(name, body, "ok")] * 2,
            "differs": lambda: [made(name, body, "ok"), made(name, body, "busy")],
            "foreign": lambda: [made("nobody", body, "ok")],
        }.get(outcome, lambda: [made(name, body, outcome)])()
        return [json.dumps(line).encode() for line in lines]

    def _completion_result(self, name, body, outcome):
        if outcome == "expired":
            error = {"code": "batch_expired", "message": "This request could not be executed in time."}
            return {"id": "r", "custom_id": name, "response": None, "error": error}
        codes = {
            "ok": (200, completion(self.reply(body))),
            "cut": (200, completion("par", choice={"finish_reason": "length"})),
            "filtered": (200, completion("par", choice={"finish_reason": "content_filter"})),
            "thinks": (200, completion(self.reply(body), message={"reasoning_content": "because"})),
            "refused": (400, {"error": {"message": "too many", "code": "context_length_exceeded"}}),
            "busy": (500, {"error": {"message": "internal"}}),
        }
        code, said = codes[outcome]
        response = {"status_code": code, "request_id": "q", "body": said}
        return {"id": "r", "custom_id": name, "response": response, "error": None}

    def _message_result(self, name, body, outcome):
        def error(kind, said):
            return {"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": said}}}

        results = {
            "ok": {"type": "succeeded", "message": message(self.reply(body))},
            "cut": {"type": "succeeded", "message": message("par", stop_reason="max_tokens")},
            "filtered": {"type": "succeeded", "message": message(None, stop_reason="refusal")},
            "expired": {"type": "expired"},
            "refused": error("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            "busy": error("overloaded_error", "overloaded"),
        }
        return {"custom_id": name, "result": results[outcome]}
