"""Ratings a second over a chat server on this machine: the harness beside the bare `openai` client.

`python benchmarks/judging.py [--latency .05] [--ratings 3000] [--concurrency 64]`; every contestant asks the same
server the same prompts in the same run, each in a process of its own. `cpu` is the contestant's processor time a
rating; for the harness it covers rendering, asking, reading, the cache on disk and the rating.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]


def prompt(number):
    return f"Is answer {number} right? Reply with a verdict." + " It is a plain sentence." * 20


def bare(url, count, concurrency):
    """The openai client with a semaphore."""
    import openai

    async def main():
        client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
        todo = iter(range(count))

        async def work():
            for number in todo:
                messages = [{"role": "user", "content": prompt(number)}]
                answer = await client.chat.completions.create(model="m", messages=messages, max_tokens=16)
                assert answer.choices[0].message.content

        await asyncio.gather(*(work() for _ in range(concurrency)))
        await client.close()

    asyncio.run(main())


def harness(url, count, concurrency):
    """A pointwise judge by text, with the cache of calls."""
    from harness.answering.call_cache import Cached, CallCache
    from harness.answering.openai_chat import OpenAIChat
    from harness.answering.traffic import Limits
    from harness.rating.pointwise import pointwise
    from harness.rating.rater import RaterSpec, Surroundings, Work
    from harness.records import Item, Response

    def work(number):
        item = Item(task="t", item_id=str(number), family="other", prompt=prompt(number))
        return Work(item, Response(response_id=str(number), task="t", item_id=str(number), model="m", text="yes"))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blocks = "{% block user %}{{ fence(prompt, 'q') }}{{ fence(response, 'a') }}{% endblock %}"
        (folder / "prompt.j2").write_text(blocks)
        settings = {"by": "text", "answers": {"Yes": 1, "No": 0}, "max_tokens": 16}
        spec = RaterSpec(
            name="judge", kind="judge", use="x:y", criteria=["c"], scale="binary", settings=settings, folder=folder
        )
        chat = OpenAIChat("m", url, Limits(concurrency=concurrency))
        cached = Cached(chat, CallCache(folder / "calls.sqlite"))
        judge = pointwise(spec, Surroundings(chat=lambda model: cached))
        ratings = sum(rating.status == "ok" for rating in judge.rate([work(number) for number in range(count)]))
        assert ratings == count
        chat.close()


CONTESTANTS = {"openai": bare, "harness": harness}


def compete(name, url, count, concurrency):
    """Run one contestant here, and print what it took."""
    contestant = CONTESTANTS[name]
    contestant(url, concurrency, concurrency)  # imports and connections
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before, started = time.process_time(), time.perf_counter()
    contestant(url, count, concurrency)
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    facts = {"name": name, "ratings": count, "seconds": round(seconds, 2), "rate": round(count / seconds, 1)}
    print(json.dumps(facts | {"cpu_ms": round(1000 * cpu / count, 3), "memory_mb": round(more / 1024, 1)}))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--ratings", type=int, default=3000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--only", choices=CONTESTANTS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.url:
        compete(chosen.only, chosen.url, chosen.ratings, chosen.concurrency)
        return
    command = [sys.executable, str(ROOT / "tests" / "chat_server.py"), str(chosen.latency)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        for name in [chosen.only] if chosen.only else CONTESTANTS:
            options = ["--only", name, "--url", url, "--ratings", str(chosen.ratings)]
            options += ["--concurrency", str(chosen.concurrency)]
            subprocess.run([sys.executable, __file__, *options], check=True)
        print(f"the most that latency allows: {chosen.concurrency / chosen.latency:.0f} a second", file=sys.stderr)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
