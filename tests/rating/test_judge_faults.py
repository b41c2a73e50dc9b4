"""Ratings by a server of which every fifth answer is faulty: all accounted for, and none scored by a failure."""

import asyncio
import json
import threading
from collections import Counter

import pytest

from harness.records import Item, Response
from harness.run.folder import Run
from harness.stages.stages import rate
from harness.suite import Suite

FAULTS = [
    *("429", "500", "hang", "cut", "empty-body", "empty", "null", "refusal", "broken-json", "gibberish"),
    *("schema", "model", "slow", "503-html", "error-200", "no-choices", "filtered", "filter-400", "too-long", "400"),
]
FINAL = {
    "empty": "unparsed",
    "null": "unparsed",
    "gibberish": "unparsed",
    "refusal": "refused",
    "filtered": "refused",
    "filter-400": "refused",
    "too-long": "skipped",
    "400": "error",
}
"""Faults that another attempt does not mend, with the status that they become; all others are tried again."""


def stored_run(folder, count):
    task = {"task": "short_passages"}
    suite = {"name": "stored", "models": [{"name": "m", "model": "embedded"}], "tasks": [task]}
    run = Run.create(folder, Suite.model_validate(suite))
    names = [f"i{n:04d}" for n in range(count)]
    same = {"task": "short_passages"}
    run.write([Item(**same, item_id=n, family="summarization", prompt=f"What is {n}?") for n in names], "items")
    run.write([Response(**same, response_id=n, item_id=n, model="m", text=f"It is {n}.") for n in names], "answers")
    return run


def judge_folder(folder, base_url, **settings):
    place = folder / "raters" / "shaken"
    place.mkdir(parents=True)
    model = {"model": "openai:m", "base_url": base_url, "timeout": 3.0, "attempts": 8, **settings.pop("model", {})}
    settings = {"by": "text", "answers": {"Yes": 1, "No": 0}, "model": model, "max_tokens": 16} | settings
    spec = {
        "kind": "judge",
        "use": "judge.pointwise",
        "scale": "binary",
        "criteria": ["right"],
    }
    (place / "rater.yaml").write_text(json.dumps({**spec, "settings": settings}))
    (place / "prompt.j2").write_text("{% block user %}{{ fence(response, 'answer') }} Right? Yes or No.{% endblock %}")
    return folder


def check_whole(run, count):
    """Every item has one rating; only those that are ok have a value, and the others say why not."""
    rows = run.ratings
    assert sorted(rows["item_id"]) == sorted(run.items["item_id"])
    assert len(rows) == count
    good = rows["status"] == "ok"
    assert rows.loc[good, "value"].notna().all()
    assert rows.loc[~good, "value"].isna().all()
    assert rows.loc[~good, "error"].notna().all()
    return rows


@pytest.mark.parametrize("count", [200, pytest.param(2000, marks=pytest.mark.slow)])
def test_ratings_with_every_fifth_answer_faulty(chat_server, tmp_path, count):
    seen, fates = set(), {}

    def fault(number, body):
        # by the calls' first attempts, so that attempts that come again, whenever they do, change no call's fate
        text = body["messages"][-1]["content"]
        first = text not in seen
        seen.add(text)
        if not first or len(seen) % 5:
            return "ok"
        fates[text] = FAULTS[len(fates) % len(FAULTS)]
        return fates[text]

    run = stored_run(tmp_path / "run", count)
    with chat_server.ChatServer(fault=fault, retry_after=0.05) as server:
        judge_folder(tmp_path / "mine", server.base_url)
        rate(run, ["shaken"], include=[tmp_path / "mine"], cache=tmp_path / "cache")
        rows = check_whole(run, count)
        met = Counter(fates.values())
        assert met == dict.fromkeys(FAULTS, count // 5 // len(FAULTS))
        expected = Counter(FINAL[name] for name in fates.values() if name in FINAL)
        assert Counter(rows["status"]) == {**expected, "ok": count - expected.total()}
        assert (rows.loc[rows["status"] == "ok", "value"] == 1).all()  # what the server says where it is well
        assert rows.loc[rows["status"].isin(["unparsed", "refused"]), "raw"].fillna("").ne("").sum() >= met["null"]
        assert max(server.answered.values()) == 1  # nothing that was answered was asked twice
        asked = server.requests

        rate(run, ["shaken"], include=[tmp_path / "mine"], cache=tmp_path / "cache")
        assert server.requests == asked  # nothing is left to do

        rate(run, ["shaken"], include=[tmp_path / "mine"], cache=tmp_path / "cache", retry_errors=True)
        rows = check_whole(run, count)
        failed = expected.total() - expected["skipped"]  # too long stays too long
        assert server.requests == asked + failed
        assert Counter(rows["status"]) == {"skipped": expected["skipped"], "ok": count - expected["skipped"]}


class Shaker:
    """A proxy that breaks every fifth request to a real server: cuts it, answers with 429 or 500, or stalls."""

    def __init__(self, target):
        self.host, self.port = target.removeprefix("http://").removesuffix("/v1").split(":")
        self.requests, self.passed = 0, Counter()
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
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._over.wait()

    async def _connection(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            fields = (line.lower().split(b":") for line in head.split(b"\r\n"))
            body = await reader.readexactly(next(int(field[1]) for field in fields if field[0] == b"content-length"))
            self.requests += 1
            fault = self.requests // 5 % 5 if self.requests % 5 == 0 else None
            if fault == 0:
                writer.write(b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"cho')
            elif fault == 1:
                writer.write(b"HTTP/1.1 429 X\r\nretry-after: 0.2\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            elif fault == 2:
                writer.write(b"HTTP/1.1 500 X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
            elif fault == 3:
                await asyncio.sleep(60)
            elif fault == 4:
                empty = b'{"choices": [{"message": {"content": null}, "finish_reason": "stop"}]}'
                writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(empty) + empty)
            else:
                upstream, onward = await asyncio.open_connection(self.host, int(self.port))
                lines = [line for line in head.split(b"\r\n")[:-2] if not line.lower().startswith(b"connection:")]
                onward.write(b"\r\n".join([*lines, b"Connection: close", b"", b""]) + body)
                writer.write(await upstream.read())
                onward.close()
                self.passed[json.loads(body)["messages"][-1]["content"]] += 1
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()


@pytest.mark.model
@pytest.mark.slow
def test_a_real_server_behind_a_faulty_line(tmp_path):
    """llama.cpp's server with SmolLM2: the same promises as above, with answers of a real, weak judge."""
    from harness.answering.chat.call_cache import default_cache
    from harness.answering.chat.embedded_chat import EmbeddedServer
    from harness.answering.models.embedded import gguf_path

    count = 60
    run = stored_run(tmp_path / "run", count)
    with EmbeddedServer(gguf_path(default_cache()), slots=2, threads=1) as server, Shaker(server.base_url) as line:
        judge_folder(tmp_path / "mine", line.base_url, max_tokens=64, model={"concurrency": 2, "timeout": 20.0})
        rate(run, ["shaken"], include=[tmp_path / "mine"], cache=tmp_path / "cache")
        rows = check_whole(run, count)
        asked = line.requests
        rate(run, ["shaken"], include=[tmp_path / "mine"], cache=tmp_path / "cache")
        assert line.requests == asked
    assert line.requests >= count * 1.15
    assert max(line.passed.values()) == 1
    # the schema leaves the model two words: what went through is a verdict, what came back empty is none
    assert set(rows["status"]) == {"ok", "unparsed"}
    assert (rows["status"] == "ok").sum() == len(line.passed)
    assert set(rows["value"].dropna()) <= {0.0, 1.0}
