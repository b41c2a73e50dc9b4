"""Ratings a second over a chat server on this machine: the harness beside the clients that others use.

`python benchmarks/judging.py [--latency .05 .5] [--ratings 3000] [--concurrency 64]`: every contestant asks the same
server the same prompts in the same run, each in a process of its own, in turns so that what else the machine does
falls on all of them. `cpu_ms` is the contestant's processor time a rating; for the harness it covers rendering,
asking, reading, the cache on disk and the rating, for the others asking and reading. `--memory` asks the harness
alone, for 1,000 and 10,000 ratings.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAX_TOKENS = 16


def prompt(number):
    return f"Is answer {number} right? Reply with a verdict." + " It is a plain sentence." * 20


def bare(url, count, concurrency):
    """The openai client with so many workers."""
    import openai

    async def main():
        client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)
        todo = iter(range(count))

        async def work():
            for number in todo:
                messages = [{"role": "user", "content": prompt(number)}]
                answer = await client.chat.completions.create(model="m", messages=messages, max_tokens=MAX_TOKENS)
                assert answer.choices[0].message.content

        await asyncio.gather(*(work() for _ in range(concurrency)))
        await client.close()

    asyncio.run(main())


def lm_eval(url, count, concurrency):
    """lm-eval's client of chat completions."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalChatCompletion

    model = LocalChatCompletion(
        base_url=f"{url}/chat/completions", model="m", num_concurrent=concurrency, max_gen_toks=MAX_TOKENS
    )
    settings = {"until": [], "max_gen_toks": MAX_TOKENS}
    requests = []
    for number in range(count):
        text = model.apply_chat_template([{"role": "user", "content": prompt(number)}])
        requests.append(Instance("generate_until", {}, (text, settings), number))
    assert all(model.generate_until(requests, disable_tqdm=True))


def inspect_ai(url, count, concurrency):
    """inspect-ai's client, without its evaluation around it."""
    from inspect_ai.model import GenerateConfig, get_model

    async def main():
        config = GenerateConfig(max_connections=concurrency, max_tokens=MAX_TOKENS)
        model = get_model("openai-api/local/m", base_url=url, api_key="none", config=config, memoize=False)
        todo = iter(range(count))

        async def work():
            for number in todo:
                answer = await model.generate(prompt(number))
                assert answer.completion

        await asyncio.gather(*(work() for _ in range(concurrency)))

    asyncio.run(main())


def harness(url, count, concurrency):
    """A pointwise judge by text, with the cache of calls."""
    from harness.answering.chat.call_cache import Cached, CallCache
    from harness.answering.chat.openai_chat import OpenAIChat
    from harness.answering.chat.traffic import Limits
    from harness.rating.judges.pointwise import pointwise
    from harness.rating.rater import RaterSpec, Surroundings, Work
    from harness.records import Item, Response

    def work():
        for number in range(count):
            item = Item(task="t", item_id=str(number), family="other", prompt=prompt(number))
            response = Response(response_id=str(number), task="t", item_id=str(number), model="m", text="yes")
            yield Work(item, response)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        blocks = "{% block user %}{{ fence(prompt, 'q') }}{{ fence(response, 'a') }}{% endblock %}"
        (folder / "prompt.j2").write_text(blocks)
        settings = {"by": "text", "answers": {"Yes": 1, "No": 0}, "max_tokens": MAX_TOKENS}
        spec = RaterSpec(
            name="judge", kind="judge", use="x:y", criteria=["c"], scale="binary", settings=settings, folder=folder
        )
        chat = OpenAIChat("m", url, Limits(concurrency=concurrency))
        cached = Cached(chat, CallCache(folder / "calls.sqlite"))
        judge = pointwise(spec, Surroundings(chat=lambda model: cached))
        assert sum(rating.status == "ok" for rating in judge.rate(work())) == count
        chat.close()


CONTESTANTS = {"openai": bare, "lm-eval": lm_eval, "inspect-ai": inspect_ai, "harness": harness}


def compete(name, url, count, concurrency):
    """Run one contestant here, and print what it took."""
    logging.disable(logging.WARNING)
    contestant = CONTESTANTS[name]
    contestant(url, concurrency, concurrency)  # imports and connections
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    before, started = time.process_time(), time.perf_counter()
    contestant(url, count, concurrency)
    seconds, cpu = time.perf_counter() - started, time.process_time() - before
    more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
    facts = {"name": name, "ratings": count, "rate": round(count / seconds, 1), "cpu_ms": round(1000 * cpu / count, 3)}
    print(json.dumps(facts | {"memory_mb": round(more / 1024, 1), "peak_mb": round((memory + more) / 1024, 1)}))


def measure(name, url, count, concurrency):
    """Return what a contestant took, in a process of its own."""
    command = [sys.executable, __file__, "--contestant", name, "--url", url, "--ratings", str(count)]
    done = subprocess.run([*command, "--concurrency", str(concurrency)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


def race(names, latency, count, concurrency, turns):
    """Let all ask one server, in turns, and print the medians."""
    command = [sys.executable, str(ROOT / "tests" / "chat_server.py"), str(latency)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        found = {name: [] for name in names}
        for _ in range(turns):
            for name in names:
                found[name].append(measure(name, url, count, concurrency))
    finally:
        server.kill()
        server.wait()
    most = concurrency / latency
    print(f"\n{count:,} ratings, {concurrency} at once, {1000 * latency:g} ms latency: {most:.0f} a second possible")
    print(f"{'':12}{'a second':>10}{'of possible':>13}{'cpu ms each':>13}{'memory MB':>11}")
    for name in names:
        rate, cpu, memory = (
            statistics.median(one[key] for one in found[name]) for key in ("rate", "cpu_ms", "memory_mb")
        )
        print(f"{name:12}{rate:10.1f}{rate / most:13.1%}{cpu:13.3f}{memory:11.1f}")
    if {"openai", "harness"} <= set(names):
        pairs = list(zip(found["harness"], found["openai"], strict=True))
        rate, cpu = (statistics.median(ours[key] / bare[key] for ours, bare in pairs) for key in ("rate", "cpu_ms"))
        print(f"the harness beside the bare client: {rate:.2f} of its rate, {cpu:.2f} of its processor time")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.05, 0.5])
    parser.add_argument("--ratings", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--turns", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--memory", action="store_true", help="the harness alone, 1,000 and 10,000 ratings")
    parser.add_argument("--contestant", choices=CONTESTANTS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.contestant:
        compete(chosen.contestant, chosen.url, chosen.ratings, chosen.concurrency)
    elif chosen.memory:
        for count in (1_000, 10_000):
            race(["harness"], 0.01, count, chosen.concurrency, chosen.turns)
    else:
        for latency in chosen.latency:
            race(chosen.only, latency, chosen.ratings, chosen.concurrency, chosen.turns)


if __name__ == "__main__":
    main()
