"""Many machines: the shards of a stage go to the workers of a Dask cluster, and the run's folder is all they share.

A shard is a function of its arguments that writes its records as one part of the run, named by what is in it: done
twice, it leaves the same part. So a worker that dies costs its shard, which another one does again, and a scheduler
that dies costs the command, which goes on where it stopped.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any, TypeVar

from harness.errors import HarnessError, IncompleteError, UnavailableError

Shard = TypeVar("Shard")

AHEAD = 3
"""Shards sent for each that can be worked on: the next one is there when a worker has done its last."""
SHARDS_EACH = 4
"""Shards for each slot of the cluster, where work is cut: who is faster does more."""
FIRST_WORKER = 60
"""Seconds in which a first worker must come; one that comes later than the command takes shards too."""
OTHER_CODE = ("Error during deserialization", "Can't get attribute")
"""In what Dask and pickle say where a name of ours is not known."""
LEAST = 100
"""Records a shard at least: a shard costs the scheduler about 2 ms."""


@dataclass(frozen=True)
class Cluster:
    """A cluster that is there."""

    client: Any
    slots: int
    """Shards that can be worked on at once."""

    def cut(self, work: Sequence[Shard], most: int) -> list[Sequence[Shard]]:
        """Return work in shards of at most so many."""
        size = min(most, max(LEAST, ceil(len(work) / (self.slots * SHARDS_EACH))))
        return [work[start : start + size] for start in range(0, len(work), size)]

    def call(self, job: Callable[..., Any], *arguments: Any) -> Any:
        """Run a job on some worker and return its result; threads may call this side by side."""
        with _lost():
            future = self.client.submit(job, *arguments, pure=False)
            future.exception()  # waits for its end
        return _result(future)

    def settle(self, job: Callable[[], None]) -> None:
        """Wait until every worker has ended what an earlier command gave it.

        Args:
            job: Ends when the worker that it runs on has nothing else to do.
        """
        with _lost():
            workers = self._workers()
            ended = {address: self.client.submit(job, workers=[address], pure=False) for address in workers}
            while any(not future.done() for address, future in ended.items() if address in self._workers()):
                time.sleep(0.1)

    def _workers(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.client.scheduler_info(n_workers=-1)["workers"]
        return found

    def do(self, job: Callable[..., int], argued: Sequence[tuple[Any, ...]]) -> Iterator[int]:
        """Run a job once for each tuple of arguments; yield the results as they come.

        Raises:
            IncompleteError: The scheduler is gone, or a shard was the death of several workers.
        """
        from distributed import as_completed

        left = iter(argued)
        with _lost():
            first = islice(left, AHEAD * self.slots)
            under_way = as_completed([self.client.submit(job, *each, pure=False) for each in first])
        while True:
            with _lost():
                future = next(under_way, None)
            if future is None:
                return
            result = _result(future)
            with _lost():
                for each in left:
                    under_way.add(self.client.submit(job, *each, pure=False))
                    break
            yield result


def _result(future: Any) -> Any:
    """Return the result of a job that has ended; what it raised is raised here.

    Raises:
        IncompleteError: It was the death of several workers, or nobody knows it any more.
        HarnessError: The scheduler or a worker has not the code that it takes.
    """
    from distributed import KilledWorker

    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            raise IncompleteError(
                f"a shard was given up: {error}\nWhat was done is saved; the same command goes on."
            ) from error
        if isinstance(error, ImportError) or any(words in str(error) for words in OTHER_CODE):
            raise HarnessError(
                f"the scheduler or a worker has other code than this command ({_cause(error)}): install the same "
                "version of feedback-harness, with the same extras and --include folders, on every machine"
            ) from error
        raise error
    with _lost():
        return future.result()


def _cause(error: BaseException) -> str:
    """Return what began it, in a line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).splitlines()[0]


@contextmanager
def _lost() -> Iterator[None]:
    from concurrent.futures import CancelledError

    from distributed.client import ClosedClientError, FutureCancelledError
    from distributed.comm import CommClosedError

    try:
        yield
    except (ClosedClientError, FutureCancelledError, CancelledError, CommClosedError, OSError, TimeoutError) as error:
        raise IncompleteError(
            f"the scheduler is gone ({error or type(error).__name__}); what was done is saved, the same command goes on"
        ) from error


@contextmanager
def cluster_of(executor: str | None) -> Iterator[Cluster | None]:
    """Give the cluster that `--executor` names: None for this machine alone.

    Args:
        executor: `local` or None; `dask:ADDRESS` (`dask:tcp://host:8786`, `dask:tls://...`), `dask:FILE.json` (a
            scheduler file), `dask:local:N` (N worker processes on this machine), or `dask` (what Dask's own
            configuration names).

    Raises:
        HarnessError: There is no such executor, or nobody answers there.
        UnavailableError: Dask is not installed.
    """
    kind, _, where = (executor or "local").partition(":")
    if kind == "local" and not where:
        yield None
        return
    if kind != "dask":
        raise HarnessError(
            f"no executor {executor!r}; there are local, dask, dask:ADDRESS, dask:FILE.json, dask:local:N"
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise UnavailableError("--executor dask: pip install 'feedback-harness[dask]'") from error
    with _connected(Client, where, str(executor)) as client:
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER)
        except TimeoutError as error:
            raise HarnessError(
                f"--executor {executor}: no worker came within {FIRST_WORKER} s; start some, then run this again"
            ) from error
        workers = client.scheduler_info(n_workers=-1)["workers"]
        yield Cluster(client, sum(worker["nthreads"] for worker in workers.values()))


@contextmanager
def _connected(client: Any, where: str, executor: str) -> Iterator[Any]:
    kind, _, count = where.partition(":")
    if kind == "local":
        if not count.isdecimal() or not int(count):
            raise HarnessError(f"--executor {executor}: expected dask:local:N, N processes")
        from distributed import LocalCluster

        quiet = {"dashboard_address": "127.0.0.1:0", "silence_logs": 50, "host": "127.0.0.1"}
        with (
            LocalCluster(n_workers=int(count), threads_per_worker=1, processes=True, **quiet) as here,
            client(here) as found,
        ):
            found.wait_for_workers(int(count), timeout=60)
            yield found
        return
    named = {"scheduler_file": where} if where.endswith(".json") else {"address": where or _configured(executor)}
    try:
        found = client(timeout="10s", **named)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        raise HarnessError(f"--executor {executor}: {_why_not(error)}") from error
    try:
        yield found
    finally:
        found.close()


def _why_not(error: Exception) -> str:
    """Return why a scheduler is not reached: certificates have reasons of their own."""
    if isinstance(error, TypeError):  # Dask's word for a TLS configuration that is not there, or names no file
        return (
            "tls:// needs certificates that can be read: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE and the others of "
            f"docs/cluster.md ({error})"
        )
    if isinstance(error.__cause__, ssl.SSLError):
        return (
            "the scheduler's certificate is not signed by the CA of DASK_DISTRIBUTED__COMM__TLS__CA_FILE, or ours is "
            f"refused there ({error.__cause__})"
        )
    return f"no scheduler answers there ({error})"


def _configured(executor: str) -> str:
    import dask.config

    address = dask.config.get("scheduler-address", None)
    if not address:
        raise HarnessError(
            f"--executor {executor}: no scheduler is configured (DASK_SCHEDULER_ADDRESS); name it: dask:tcp://HOST:8786"
        )
    return str(address)
