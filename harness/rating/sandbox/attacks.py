"""The fifteen quickest attacks, run before the sandbox is trusted.

An attack is a program that gives the right answer only if it succeeded; so a check that it passes is a hole.
"""

from __future__ import annotations

import functools
from pathlib import Path

from harness.errors import HarnessError, UnavailableError
from harness.rating.sandbox.check import Check, Limits, Tests
from harness.rating.sandbox.jail import INSTALL, Jail, bubblewrap, landlock, unprotected
from harness.rating.sandbox.sandbox import Sandbox

TESTS = Tests("cases", {"hidden": [[[1], 2], [[20], 21]]}, "solve")
HONEST = "def solve(x):\n    return x + 1\n"
PRELUDE = """
import ctypes, os, socket, struct, json, sys
libc = ctypes.CDLL(None, use_errno=True)
def solve(x):
    return x + 1 if attack() else None
"""
QUICK = {
    "read a file of the machine": "def attack(): return open('/etc/passwd').read()",
    "list a home folder": "def attack(): return os.listdir('/root') or os.listdir('/home')",
    "write a file": "def attack(): return open('/tmp/left', 'w').write('x')",
    "see the environment": "def attack(): return dict(os.environ)",
    "see other processes": "def attack(): return os.listdir('/proc')",
    "open a network socket": "def attack(): return socket.socket(socket.AF_INET, socket.SOCK_STREAM)",
    "start a process": "def attack(): return os.fork() >= 0",
    "start a program": "def attack(): os.execv(sys.executable, ['python', '-c', ''])",
    "signal everyone": "def attack(): return os.kill(-1, 0) is None",
    "signal the parent": "def attack(): return os.kill(os.getppid(), 0) is None",
    "trace the parent": "def attack(): return libc.ptrace(16, os.getppid(), 0, 0) == 0",
    "make a namespace": "def attack(): return libc.unshare(0x10000000) == 0",
    "leave shared memory": "def attack(): return libc.shmget(4242, 4096, 0o1666) >= 0",
    "write the verdict": """
def attack():
    verdict = json.dumps({"outcome": "passed", "reason": "", "passed": ["hidden"]}).encode()
    for descriptor in range(64):
        try:
            os.write(descriptor, struct.pack("<I", len(verdict)) + verdict)
        except OSError:
            pass
""",
    "equal everything": """
class Equal(int):
    __eq__ = lambda self, other: True
    __hash__ = None
def solve(x): return Equal(3)
""",
}


def succeeded(jail: Jail) -> list[str]:
    """Return the names of the quick attacks that get through a jail; normally none.

    Raises:
        HarnessError: An honest program does not pass, so that nothing can be said.
    """
    limits = Limits(seconds=5.0, memory_mb=512)
    with Sandbox(jail) as sandbox:
        honest = sandbox.check(Check(HONEST, TESTS, limits))
        if honest.outcome != "passed":
            raise HarnessError(
                f"the sandbox ({jail.isolation}) does not work here: an honest program ends as {honest.outcome} "
                f"({honest.reason})"
            )
        verdicts = {name: sandbox.check(Check(PRELUDE + source, TESTS, limits)) for name, source in QUICK.items()}
    return [name for name, verdict in verdicts.items() if verdict.outcome in ("passed", "error")]


@functools.cache
def prove(jail: Jail) -> None:
    """Run the quick attacks against a jail, once.

    Raises:
        HarnessError: One succeeded: the jail is not to be used.
    """
    through = succeeded(jail)
    if through:
        raise HarnessError(f"the sandbox ({jail.isolation}) does not hold on this machine: {', '.join(through)}")


def choose(unsafe_local: bool = False, packages: Path | None = None, modules: tuple[str, ...] = ()) -> Jail:
    """Return the strongest jail that works here and holds against the quick attacks.

    Args:
        unsafe_local: Accept no jail at all where there is none; warns.
        packages: A folder of Python packages that programs and tests may import.
        modules: What the warm process imports before it forks, besides the usual modules.

    Raises:
        UnavailableError: There is no jail; says what to install.
    """
    reasons = []
    for make in (bubblewrap, landlock):
        try:
            jail = make(packages, modules)
            prove(jail)
            return jail
        except HarnessError as error:
            reasons.append(str(error))
    if not unsafe_local:
        raise UnavailableError(INSTALL.format(reason="; ".join(reasons)))
    return unprotected(packages, modules)
