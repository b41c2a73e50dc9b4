"""The program of the process that serves a GGUF file: `python llama_server.py FILE SLOTS THREADS CONTEXT`.

It prints its address, and ends when its standard input does, so that it never outlives the process that started it,
however that one ended. It imports nothing of the harness, to start fast.
"""

from __future__ import annotations

import sys


def main(file: str, slots: int, threads: int, context: int) -> None:
    """Serve until standard input ends.

    Args:
        file: The path of the GGUF file.
        slots: Answers written at once.
        threads: Threads of computation.
        context: Tokens of prompt and answer together, for each slot.
    """
    import xllamacpp

    settings = xllamacpp.CommonParams()
    settings.model.path = file
    settings.n_parallel = slots
    settings.n_ctx = context * slots
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
    settings.n_threads_http = slots + 2
    settings.port = 0
    settings.ui = False
    settings.verbosity = 0
    server = xllamacpp.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:5]))
