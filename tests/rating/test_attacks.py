"""The attack corpus: programs that give the right answer only if their attack succeeded, so that none may pass.

After each attack an honest program must pass in the same sandbox: nothing is left behind, nobody else is harmed.
"""

import contextlib
import os
import platform
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from harness.rating.sandbox import jail
from harness.rating.sandbox.attacks import HONEST, PRELUDE, QUICK, TESTS
from harness.rating.sandbox.check import Check, Limits, Tests
from harness.rating.sandbox.sandbox import Sandbox
from harness.rating.sandbox.zygote import ZygoteDied

pytestmark = pytest.mark.sandbox
Tests.__test__ = False  # its name is not meant for pytest

LIMITS = Limits(seconds=2.0, memory_mb=256)
SHORT = Limits(seconds=0.2, memory_mb=256)

# The whole program; the right answers are solve(1) == 2 and solve(20) == 21.
FORGERIES = {
    "equal everything, from object": """
class Equal:
    __eq__ = lambda self, other: True
    __bool__ = lambda self: True
def solve(x): return Equal()
""",
    "equal everything, from str": "class S(str):\n    __eq__ = lambda s, o: True\ndef solve(x): return S('a')",
    "equal everything, from float": "class F(float):\n    __eq__ = lambda s, o: True\ndef solve(x): return F(0)",
    "equal everything inside a list": "class E(int):\n    __eq__ = lambda s, o: True\ndef solve(x): return [E(0)]",
    "a class that claims to be int": """
class Liar:
    __class__ = int
    __eq__ = __req__ = lambda self, other: True
def solve(x): return Liar()
""",
    "a type that is named int": """
T = type('int', (), {'__eq__': lambda s, o: True, '__module__': 'builtins', '__hash__': None})
def solve(x): return T()
""",
    "a number that claims to be numpy's": """
class N:
    shape = ()
    item = lambda self: self
    __eq__ = lambda s, o: True
N.__module__ = 'numpy'
def solve(x): return N()
""",
    "not a number": "def solve(x): return float('nan')",
    "not implemented": "def solve(x): return NotImplemented",
    "an ellipsis": "def solve(x): return ...",
    "a true value": "def solve(x): return True",
    "a function": "def solve(x): return solve",
    "a generator of everything": "def solve(x):\n    while True: yield x + 1",
    "a type": "def solve(x): return int",
    "patched builtins": """
import builtins
for name in ('all', 'any', 'isinstance', 'callable', 'bool'):
    setattr(builtins, name, lambda *a, **k: True)
def solve(x): return 0
""",
    "patched equality helpers": """
import math, operator
math.isclose = lambda *a, **k: True
operator.eq = lambda *a: True
def solve(x): return 0.0
""",
    "patched assertion": """
import builtins
builtins.AssertionError = type('AssertionError', (BaseException,), {})
builtins.__debug__ if True else None
def solve(x): return 0
""",
    "patched unittest": """
import unittest
unittest.TestCase.assertEqual = lambda *a: None
def solve(x): return 0
""",
    "replaced modules": """
import sys
sys.modules['json'] = sys.modules['builtins'] = sys.modules['math'] = type(sys)('empty')
def solve(x): return 0
""",
    "exit at the top": "import sys; sys.exit(0)",
    "exit in a call": "import sys\ndef solve(x): sys.exit(0)",
    "leave at the top": "import os; os._exit(0)",
    "leave in a call": "import os\ndef solve(x): os._exit(0)",
    "quit by exception": "raise SystemExit(0)",
    "raise KeyboardInterrupt": "def solve(x): raise KeyboardInterrupt",
    "raise GeneratorExit": "def solve(x): raise GeneratorExit",
    "raise an exception group": "def solve(x): raise BaseExceptionGroup('g', [SystemExit(0)])",
    "an exception that claims to be the examiner's": """
class Ended(BaseException):
    outcome = 'passed'; reason = ''
def solve(x): raise Ended('passed', '')
""",
    "an exception with a hostile text": """
class E(Exception):
    def __str__(self): raise SystemExit(0)
def solve(x): raise E()
""",
    "handlers at exit": """
import atexit, os
atexit.register(os._exit, 0)
def solve(x): raise SystemExit(0)
""",
    "change the frames of the caller": """
import sys
def solve(x):
    frame = sys._getframe()
    while frame:
        for name in list(frame.f_locals):
            if name in ('expected', 'cases', 'right', 'outcome'):
                frame.f_locals[name] = 0
        frame = frame.f_back
    return 0
""",
    "find the expected value by gc": """
import gc
def solve(x):
    for thing in gc.get_objects():
        if type(thing) is dict and 'parts' in thing: return thing['parts']['hidden'][0][1]
        if type(thing) is list and len(thing) == 2 and thing[0] == [x]: return thing[1]
""",
    "find the tests in the loaded modules": """
import sys
def solve(x):
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()):
            if type(value) is dict and 'hidden' in value: return value['hidden'][0][1]
""",
    "patch the examiner": """
import inside.examiner, inside.remote
inside.examiner.equal = lambda *a: True
inside.examiner.run_cases = lambda *a: None
inside.remote.Handle.__eq__ = lambda *a: True
def solve(x): return 0
""",
    "patch the channel": """
import inside.plain
def send(self, message):
    import json, struct
    data = json.dumps({'outcome': 'passed', 'reason': '', 'passed': ['hidden']}).encode()
    self.end.sendall(struct.pack('<I', len(data)) + data)
inside.plain.Channel.send = send
def solve(x): return 0
""",
    "trace the calls": """
import sys
def tracer(frame, event, argument):
    if 'expected' in frame.f_locals: frame.f_locals['answer'] = frame.f_locals['expected']
    return tracer
sys.settrace(tracer); sys.setprofile(tracer)
def solve(x): return 0
""",
    "answer later from a thread": """
import threading, time
def solve(x):
    threading.Thread(target=lambda: (time.sleep(0.01), x + 1)).start()
""",
    "a signal handler during the test": """
import signal
def handler(*a): raise SystemExit(0)
signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
def solve(x):
    while True: pass
""",
    "a hash bomb of an answer": "def solve(x): return {n * (2 ** 61 - 1): 1 for n in range(3000)}",
    "an answer nested too deeply": "def solve(x):\n    a = []\n    for _ in range(100000): a = [a]\n    return a",
    "an answer that holds itself": "def solve(x):\n    a = []\n    a.append(a)\n    return a",
    "an answer of a hundred megabytes": "def solve(x): return 'x' * 10 ** 8",
    "an integer of a million digits": "def solve(x): return 1 << 4_000_000",
    "a range with no end": "def solve(x): return range(10 ** 18)",
    "the hidden source": """
import glob, os
def solve(x):
    files = [p for p in glob.glob('/[!uplds]*/**/*', recursive=True) if os.path.isfile(p)]
    found = [p for p in files if 'hidden' in open(p, errors='replace').read()]
    return x + 1 if [p for p in found if not p.startswith('/harness/inside')] else None
""",
    "source with a null byte": "def solve(x): return 0\x00",
    "source nested too deeply": "def solve(x): return " + "(" * 100_000,
    "source in another encoding": "# coding: utf-7\n+AGQ-ef solve(x): return 0",
    "replaced builtins of the module": "__builtins__ = {}\n__name__ = 'tests'\ndef solve(x): return 0",
    "shadowed names": "sorted = len = abs = map = all = lambda *a: True\ndef check(c): pass\ndef solve(x): return 0",
    "reduce to a command": """
class R:
    def __reduce__(self): import os; return os.system, ('true',)
def solve(x): return R()
""",
    "locale and time zone": """
import locale, os, time
locale.setlocale(locale.LC_ALL, ''); os.environ['TZ'] = 'UTC+3'; time.tzset()
def solve(x): return locale.str(x + .5)
""",
    "unlimited digits": "import sys\nsys.set_int_max_str_digits(0)\ndef solve(x): return str(10 ** 100000)",
}  # fmt: skip

RAW = {
    "a frame that says it is huge": "b'\\xff\\xff\\xff\\xff' + b'x' * 1000",
    "a frame of no JSON": "frame(b'{{{{')",
    "a frame nested too deeply": "frame(b'[' * 200000)",
    "a frame of an unknown kind": 'frame(b\'["value",{"os.system":["true"]},null]\')',
    "a frame that names an exotic type": 'frame(b\'["value",{"type":"__loader__"},null]\')',
    "a fraction over zero": 'frame(b\'["value",{"Fraction":[1,0]},null]\')',
    "a decimal that fills memory": 'frame(b\'["value",{"Decimal":["1e999999999"]},null]\')',
    "an unhashable key": 'frame(b\'["value",{"dict":[[[1],2]]},null]\')',
    "an integer of no digits": 'frame(b\'["value",{"int":"zz"},null]\')',
    "a forged exception": 'frame(b\'["raised","Ended",["__build_class__","Exception"],"passed"]\')',
    "a handle that is no number": 'frame(b\'["value",{"handle":["__class__","int"]},null]\')',
    "changes to other arguments": "frame(b'[\"value\",null,[1,2,3,4]]')",
    "an empty frame": "frame(b'')",
    "two keys": 'frame(b\'["value",{"int":"1","list":[]},null]\')',
}

# The body of attack(): true if it got through.
ESCAPES = {
    "read a key file": "return open('/root/.ssh/id_rsa').read() or open('/home/user/.ssh/id_rsa').read()",
    "read the shadow file": "return open('/etc/shadow').read()",
    "read the harness": "return open('/harness/inside/../../pyproject.toml').read()",
    "read own memory through proc": "return open('/proc/self/mem', 'rb')",
    "read the parent's environment": "return open(f'/proc/{os.getppid()}/environ').read()",
    "read the process 1's command line": "return open('/proc/1/cmdline').read()",
    "write to the temporary folder": "import tempfile; return tempfile.NamedTemporaryFile()",
    "write to shared memory's folder": "return open('/dev/shm/left', 'w').write('x')",
    "write here": "return open('left', 'w').write('x')",
    "write to the standard library": "return open(os.__file__, 'a').write('#')",
    "write bytecode": "return os.makedirs(os.path.dirname(os.__file__) + '/__pycache__/left') is None",
    "make a symbolic link": "return os.symlink('/etc/passwd', '/tmp/passwd') is None",
    "change a mode": "return os.chmod(os.__file__, 0o777) is None",
    "open a device": "return os.open('/dev/mem', os.O_RDWR) or os.open('/dev/kmsg', os.O_RDWR)",
    "make a device": "return os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0)) is None",
    "connect to the loopback": "return socket.create_connection(('127.0.0.1', 22), timeout=1)",
    "send a datagram": "return socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('8.8.8.8', 53))",
    "bind an abstract socket": "return socket.socket(socket.AF_UNIX).bind('\\0left') is None",
    "a raw packet": "return socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "a netlink socket": "return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "run a shell": "return os.system('true') == 0",
    "run a subprocess": "import subprocess; return subprocess.run([sys.executable, '-c', '']).returncode == 0",
    "spawn": "return os.posix_spawn('/bin/true', ['true'], {})",
    "a process by multiprocessing": """
    import multiprocessing
    multiprocessing.get_context('fork').Process(target=int).start()
    return True""",
    "fork bomb": "\n    while True:\n        if os.fork() == 0: return True",
    "kill everyone": "return os.kill(-1, 9) is None",
    "kill the parent": "return os.kill(os.getppid(), 9) is None",
    "kill process 1": "return os.kill(1, 9) is None",
    "kill the group": "return os.killpg(os.getpgrp(), 9) is None",
    "signal by thread": "return libc.syscall(234, os.getppid(), os.getppid(), 9) == 0",
    "signal by queue": "return libc.sigqueue(os.getppid(), 9, None) == 0",
    "open the parent as a descriptor": "return os.pidfd_open(os.getppid())",
    "let the kernel signal the parent": """
    import fcntl
    a, b = socket.socketpair()
    fcntl.fcntl(a, 8, os.getppid()); fcntl.fcntl(a, 10, 9); fcntl.fcntl(a, 4, 0o20000 | 0o4000)
    b.send(b'x')
    return True""",
    "let a terminal call signal the parent": """
    import fcntl
    a, b = socket.socketpair()
    fcntl.ioctl(a, 0x8901, struct.pack('i', os.getppid()))
    return True""",
    "attach to the parent": "return libc.ptrace(16, os.getppid(), 0, 0) == 0",
    "read the parent's memory": """
    buffer = ctypes.create_string_buffer(8)
    vector = (ctypes.c_void_p * 2)(ctypes.addressof(buffer), 8)
    return libc.process_vm_readv(os.getppid(), vector, 1, vector, 1, 0) > 0""",
    "limit the parent": "import resource; return resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))",
    "lift the memory limit": """
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return True""",
    "lift the processor limit": "import resource; resource.setrlimit(resource.RLIMIT_CPU, (10**6, 10**6)); return True",
    "lower the parent's priority": "return os.setpriority(os.PRIO_PROCESS, os.getppid(), 19) is None",
    "pin the parent": "return os.sched_setaffinity(os.getppid(), {0}) is None",
    "mount": "return libc.mount(b'none', b'/usr', b'tmpfs', 0, None) == 0",
    "remount": "return libc.mount(b'none', b'/', None, 32, None) == 0",
    "change the root": "return os.chroot('/usr') is None",
    "a namespace of users": "return libc.unshare(0x10000000) == 0",
    "a namespace of networks": "return libc.unshare(0x40000000) == 0",
    "another's namespace": "return libc.setns(3, 0) == 0",
    "become root": "return os.setuid(0) is None or os.setresuid(0, 0, 0) is None",
    "capabilities": "return libc.prctl(47, 2, 21, 0, 0) == 0",
    "take the filter off": "return libc.prctl(22, 0, 0, 0, 0) == 0",
    "a filter of one's own": "return libc.prctl(22, 1, 0, 0, 0) == 0",
    "a message queue": "return libc.mq_open(b'/left', 0o102, 0o666, None) >= 0",
    "a semaphore": "return libc.semget(4242, 1, 0o1666) >= 0",
    "an old message queue": "return libc.msgget(4242, 0o1666) >= 0",
    "a memory file": "return os.memfd_create('left')",
    "host name": "return socket.sethostname('left') is None",
    "the clock": "import time; return time.clock_settime(time.CLOCK_REALTIME, 0) is None",
    "restart the machine": "return libc.reboot(0) == 0",
    "pass a descriptor": """
    a, b = socket.socketpair()
    return socket.send_fds(a, [b'x'], [0])""",
    "use the zygote's socket": """
    for descriptor in range(3, 40):
        try: os.write(descriptor, b'E' + bytes(40)); return True
        except OSError: pass""",
    "the standard descriptors": "return any(not os.isatty(n) and os.read(n, 1) for n in (0, 1, 2))",
    "watch files": "return libc.inotify_init() >= 0",
    "read the command line": "return any('/' in part or '{' in part for part in sys.orig_argv + sys.argv)",
    "see where the harness was started": "return os.getcwd() != '/'",
    "the machine's name": """
    names = [os.uname().nodename]
    try: names.append(socket.gethostname())
    except OSError: pass
    return set(names) != {'sandbox'}""",
    "the machine's name by the call": """
    text = ctypes.create_string_buffer(65 * 6)
    return libc.uname(text) == 0 and text.raw[65:72] != b'sandbox'""",
}  # fmt: skip

SYSTEM_CALLS = {
    "keyctl": "250, 0, -3, 1", "add_key": "248, b'user', b'left', b'x', 1, -3", "bpf": "321, 0, 0, 0",
    "perf_event_open": "298, 0, 0, -1, -1, 0", "userfaultfd": "323, 0", "io_uring_setup": "425, 8, bytes(128)",
    "vfork": "58", "fork": "57", "clone3": "435, bytes(88), 88", "clone": "56, 17, 0, 0, 0, 0",
    "execveat": "322, -100, b'/bin/true', 0, 0, 0", "open_by_handle_at": "304, -100, bytes(8), 0",
    "init_module": "175, b'', 0, b''", "kexec_load": "246, 0, 0, 0, 0", "pivot_root": "155, b'/', b'/'",
    "move_mount": "429, -100, b'/', -100, b'/usr', 0", "process_madvise": "440, 0, 0, 0, 0, 0",
    "kcmp": "312, 1, 2, 0, 0, 0", "getpid of x32": "0x40000027", "swapon": "167, b'/tmp', 0",
    "quotactl": "179, 0, 0, 0, 0", "personality": "135, 0x0040000", "iopl": "172, 3", "tkill": "200, 1, 9",
    "rt_sigqueueinfo": "129, 1, 9, bytes(128)", "pidfd_getfd": "438, 3, 0, 0", "fanotify_init": "300, 0, 0",
    "name_to_handle_at": "303, -100, b'/', bytes(128), bytes(8), 0", "acct": "163, 0", "setsid": "112",
}  # fmt: skip
"""The numbers are those of x86_64."""

DISTURBANCES = {
    "fill the memory": "a = []\n    while True: a.append(bytearray(10 ** 7))",
    "fill the address space": "import mmap; a = [mmap.mmap(-1, 10 ** 9) for _ in range(100)]; return True",
    "a bomb of threads": """
    import threading, time
    threading.stack_size(1 << 16)
    for _ in range(100_000): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
    return True""",
    "a flood of output": "\n    for _ in range(200): os.write(1, b'x' * 10 ** 6); os.write(2, b'x' * 10 ** 6)",
    "use up the descriptors": "return [os.dup(1) for _ in range(10 ** 5)]",
    "unpack a bomb": """
    import zlib
    packed = zlib.compress(bytes(10 ** 7))
    return [zlib.decompress(packed) for _ in range(40)]""",
    "overflow the stack": "sys.setrecursionlimit(10 ** 9); f = lambda: f(); f()",
    "a segmentation fault": "ctypes.string_at(0)",
    "abort": "os.abort()",
    "close every descriptor": "os.closerange(0, 64)",
    "an integer that fills memory": "return 1 << (1 << 40)",
}  # fmt: skip

STALLS = {
    "loop for ever": "while True: pass",
    "sleep for ever": "import time; time.sleep(10 ** 6)",
    "ignore every signal": """
    import signal
    for number in range(1, 65):
        try: signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError): pass
    while True: pass""",
    "stop oneself": "os.kill(os.getpid(), 19)",
    "wait for a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    "an expression that never ends": "import re; re.match(r'(a+)+$', 'a' * 64 + 'b')",
    "loop in a thread": """
    import threading
    threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()
    while True: pass""",
}  # fmt: skip


def attack(body: str) -> str:
    return f"{PRELUDE}def attack():\n    {body.lstrip(' ')}\n"


def raw(frame: str) -> str:
    """A program that puts bytes of its own on the socket instead of an answer."""
    return f"""
import os, struct
def frame(data): return struct.pack('<I', len(data)) + data
def solve(x):
    for descriptor in range(40, 44):
        try: os.write(descriptor, {frame})
        except OSError: pass
"""


PROGRAMS = {
    **{name: PRELUDE + source for name, source in QUICK.items()},
    **FORGERIES,
    **{name: raw(frame) for name, frame in RAW.items()},
    **{name: attack(body) for name, body in {**ESCAPES, **DISTURBANCES}.items()},
    **{f"system call {name}": attack(f"return libc.syscall({call}) >= 0") for name, call in SYSTEM_CALLS.items()},
}
HARMLESS = {
    "threads": "import threading\ndef solve(x):\n    r = []\n    t = threading.Thread(target=lambda: r.append(x + 1))\n"
    "    t.start(); t.join()\n    return r[0]",
    "a pool of threads": "from concurrent.futures import ThreadPoolExecutor\ndef solve(x):\n"
    "    with ThreadPoolExecutor(4) as p: return sum(p.map(int, [x, 1]))",
    "recursion": "import sys\nsys.setrecursionlimit(20000)\ndef solve(x, n=4000):\n"
    "    return x + 1 if n == 0 else solve(x, n - 1)",
    "printing": "def solve(x):\n    print('x' * 100000)\n    return x + 1",
    "big integers": "def solve(x):\n    return (x + 1) * 10 ** 5000 // 10 ** 5000",
    "asyncio": "import asyncio\nasync def f(x):\n    await asyncio.sleep(0)\n    return x + 1\n"
    "def solve(x): return asyncio.run(f(x))",
    "random, time and time zones": "import random, time, datetime, zoneinfo\ndef solve(x):\n"
    "    random.seed(0); time.sleep(0.001); datetime.datetime.now(zoneinfo.ZoneInfo('Europe/Oslo'))\n    return x + 1",
    "classes": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef solve(x): return P(x).x + 1",
    "catching everything": "def solve(x):\n    try: raise SystemExit\n    except BaseException: return x + 1",
    "a main block": "def solve(x): return x + 1\nif __name__ == '__main__': raise SystemExit(input())",
    "numpy-like names": "class array(list): pass\ndef solve(x): return sum(array([x, 1]))",
}


def landlock_or_skip():
    try:
        return jail.landlock()
    except Exception as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module", params=["bubblewrap", "landlock"])
def sandbox(request):
    with Sandbox(jail.bubblewrap() if request.param == "bubblewrap" else landlock_or_skip()) as ready:
        yield ready


def check(sandbox, source, limits=LIMITS):
    return sandbox.check(Check(source, TESTS, limits))


def test_the_corpus_is_large():
    assert len(PROGRAMS) + len(STALLS) >= 60


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_attack_passes_and_none_harms_the_next_check(sandbox, name):
    if name.startswith(("system call", "signal by thread")) and platform.machine() != "x86_64":
        pytest.skip("numbers of x86_64")
    verdict = check(sandbox, PROGRAMS[name])
    assert verdict.outcome in ("failed", "opaque", "memory", "crash", "timeout"), verdict
    assert check(sandbox, HONEST).outcome == "passed"


@pytest.mark.parametrize("name", STALLS)
def test_a_program_that_stalls_is_ended_as_a_timeout(sandbox, name):
    verdict = check(sandbox, attack(STALLS[name]), SHORT)
    assert verdict.outcome == "timeout", verdict
    assert check(sandbox, HONEST).outcome == "passed"


@pytest.mark.parametrize("name", HARMLESS)
def test_a_legitimate_program_passes(sandbox, name):
    assert check(sandbox, HARMLESS[name]).outcome == "passed"


def descendants(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in children] + [pid for child in children for pid in descendants(child)]


def kill_zygote(sandbox):
    process = sandbox._candidate.process
    for pid in [*descendants(process.pid), process.pid]:
        with contextlib.suppress(ProcessLookupError):  # the end of one ends those in its namespace
            os.kill(pid, signal.SIGKILL)
    process.wait()


def test_a_check_whose_zygote_was_killed_is_done_once_more_in_another(sandbox):
    assert check(sandbox, HONEST).outcome == "passed"
    kill_zygote(sandbox)
    verdict = check(sandbox, HONEST)
    assert verdict.outcome == "passed", verdict


def test_a_check_whose_zygotes_die_twice_is_an_error_and_the_next_starts_another(sandbox, monkeypatch):
    def die(check):
        raise ZygoteDied("killed")

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "_apart", die)
        verdict = check(sandbox, HONEST)
    assert (verdict.outcome, verdict.reason) == ("error", "the sandbox died twice: killed")
    assert check(sandbox, HONEST).outcome == "passed"


SORTED = """
def check(c):
    x = [3, 1, 2]
    assert c(x) == sorted(x)
    assert c([5, 4]) == [4, 5]
check(f)
"""
SCRIPT = Tests("script", {"hidden": SORTED}, entry_point="f")
SCRIPT_FORGERIES = {
    "empty the argument": "def f(x):\n    x.clear()\n    return x",
    "replace the check": "def check(c): pass\ndef f(x): return None",
    "shadow what the tests use": "sorted = lambda x: None\ndef f(x): return None",
    "change assertions": "import sys\nsys.flags\nraise_ = None\ndef f(x): return 0\nAssertionError = Exception",
    "sort by comparison": "class A(list):\n    __eq__ = lambda s, o: True\n    __req__ = __eq__\ndef f(x): return A()",
}


@pytest.mark.parametrize("name", SCRIPT_FORGERIES)
def test_no_forgery_passes_a_test_program(sandbox, name):
    verdict = sandbox.check(Check(SCRIPT_FORGERIES[name], SCRIPT, LIMITS))
    assert verdict.outcome in ("failed", "opaque"), verdict
    assert sandbox.check(Check("def f(x): return sorted(x)", SCRIPT, LIMITS)).outcome == "passed"


ENDED_LOOPS = {
    "all of a map": "assert all(map(f, [1, 2]))",
    "zip": "for answer, wanted in zip(map(f, [1, 2]), [2, 3]): assert answer == wanted",
    "for": "for answer in map(f, [1, 2]): assert answer > 1",
    "a list": "found = [y for y in map(f, [1, 2])]\nassert 1 not in found",
    "iter until": "for answer in iter(lambda: f(1), None): assert answer == 2",
    "a handler of another kind": """
def guarded(x):
    try: return f(x) == x + 1
    except ValueError: return False
assert all(map(guarded, [1, 2]))""",
    "an iterator of the tests": """
class Answers:
    n = 0
    def __iter__(self): return self
    def __next__(self):
        self.n += 1
        if self.n > 3: raise StopIteration
        return f(self.n) == self.n + 1
assert all(Answers())""",
    "a sequence of the tests": """
class Answers:
    def __len__(self): return 3
    def __getitem__(self, n):
        if n > 2: raise IndexError
        return f(n) == n + 1
assert all(Answers())""",
    "an asynchronous iterator of the tests": """
import asyncio
class Answers:
    n = 0
    def __aiter__(self): return self
    async def __anext__(self):
        self.n += 1
        if self.n > 3: raise StopAsyncIteration
        return f(self.n)
async def main():
    async for answer in Answers(): assert answer in (2, 3, 4)
asyncio.run(main())""",
}  # fmt: skip


@pytest.mark.parametrize("loop", ENDED_LOOPS)
@pytest.mark.parametrize("kind", ["StopIteration", "StopAsyncIteration", "IndexError", "Mine"])
def test_an_exception_of_the_candidate_never_ends_a_loop_of_the_tests(sandbox, loop, kind):
    tests = Tests("script", {"hidden": ENDED_LOOPS[loop]}, entry_point="f")
    forged = f"class Mine(StopIteration, IndexError): pass\ndef f(x): raise {kind}"
    verdict = sandbox.check(Check(forged, tests, LIMITS))
    assert verdict.outcome == "failed", verdict
    right = "def f(x, calls=[]):\n    calls.append(x)\n    return x + 1 if len(calls) < 3 or x > 1 else None"
    if loop != "iter until" or kind == "IndexError":
        assert (
            sandbox.check(Check(right if loop == "iter until" else "def f(x): return x + 1", tests, LIMITS)).outcome
            == "passed"
        )


EXCUSES = {
    "collected": """
errors = []
for x in (1, 2):
    try: f(x)
    except Exception as error: errors.append(error)
if errors: raise errors[0]""",
    "raised from": """
try: f(1)
except Exception as error: raise ModuleNotFoundError("no", name="numpy") from error""",
    "made again": """
try: f(1)
except Exception as error: found = type(error)(*error.args)
raise found""",
    "shown in a message": "assert isinstance(g(), int), g()",
}  # fmt: skip


@pytest.mark.parametrize("name", EXCUSES)
def test_no_exception_of_the_candidate_takes_it_out_of_the_pass_rate(sandbox, name):
    tests = Tests("script", {"hidden": EXCUSES[name]}, entry_point="f")
    forged = """
import os
class Text:
    def __str__(self): os._exit(0)
def g(): return Text()
def f(x): raise ModuleNotFoundError("no module named 'numpy'", name="numpy")
"""
    tests = replace(tests, entry_point="f" if "f(" in EXCUSES[name] else "g")
    assert sandbox.check(Check(forged, tests, LIMITS)).outcome == "failed"


HANDED_BACK = """
import inside.candidate as c
def call(self, question):
    return ["value", 0, [[0, []], [1, []], [2, []], [3, [0, 0]]]]
c.Candidate.answer = call
"""


def test_arguments_that_a_candidate_hands_back_are_its_own_arguments_only(sandbox):
    """What was not given to it stays out of its reach, and what cannot be changed is not changed."""
    tests = Tests(
        "script",
        {"hidden": "wanted = [1, 2]\nx = (3, 'a')\nassert f(x, 1) == 0\nassert wanted == [1, 2]\nassert x == (3, 'a')"},
        entry_point="f",
    )
    assert sandbox.check(Check(f"def f(x, y): pass\n{HANDED_BACK}", tests, LIMITS)).outcome == "failed"


EVASIONS = {
    "a function where a number is asked for": ("assert LIMIT + 1 == 4", "def LIMIT(): pass"),
    "whose kind is asked": ("assert isinstance(LIMIT, int)", "def LIMIT(): pass"),
    "whose type is asked": ("assert type(LIMIT) is int", "def LIMIT(): pass"),
    "whose type is asked before": ("if type(LIMIT) is not int: raise ValueError('no number')", "def LIMIT(): pass"),
    "which is compared before": ("if READY is not True: raise ValueError('not ready')", "def READY(): pass"),
    "which a method refuses": ("assert 'abc'.startswith(PREFIX)", "def PREFIX(): pass"),
    "which a table lacks": ("assert {3: True}[LIMIT]", "def LIMIT(): pass"),
    "which is formatted": ("open(f'/{NAME}')", "def NAME(): pass"),
    "nothing defined": ("assert f(2) == 4", "def g(): pass"),
    "one of two": ("assert add(1) == 2\nassert sub(1) == 0", "def sub(x): pass"),
    "and said so": ("try: f\nexcept NameError: raise ValueError('no f')\nassert f(2) == 4", "def g(): pass"),
    "and looked for": ("assert 'f' in globals()\nassert f(2) == 4", "def g(): pass"),
    "and counted": ("1 / ('f' in globals())\nassert f(2) == 4", "def g(): pass"),
    "whatever was caught": ("try: f(2)\nexcept: raise ValueError('f fails')", "def g(): pass"),
    "what the tests would make": (
        "try: seen\nexcept NameError: seen = {}\nseen[1] = f(2)\nassert seen[1] == 4", "def seen(): pass"
    ),
    "an error of its own": ("assert f(2) == 4", "def f(x): raise NameError('close')"),
    "an error while it is loaded": ("assert f(2) == 4", "raise SyntaxError('tests')"),
}  # fmt: skip


@pytest.mark.parametrize("name", EVASIONS)
def test_no_program_makes_tests_look_broken_by_what_it_leaves_out_or_calls_by_their_names(sandbox, name):
    script, source = EVASIONS[name]
    found = sandbox.check(Check(source, Tests("script", {"hidden": script}), LIMITS))
    assert found.outcome == "failed", found


def test_in_one_process_a_forgery_does_pass_which_is_why_it_is_marked(sandbox):
    """The hole that two processes close, so that nobody takes the flag `same_process` for a formality."""
    forged = "class A(list):\n    __eq__ = lambda s, o: True\ndef f(x): return A()"
    tests = replace(SCRIPT, parts={"hidden": "assert f([2, 1]) == [1, 2]"})
    assert sandbox.check(Check(forged, tests, LIMITS, together=True)).outcome == "passed"
    assert sandbox.check(Check(forged, tests, LIMITS)).outcome == "opaque"
