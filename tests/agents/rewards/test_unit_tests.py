# ruff: noqa: E501
"""S3: code from models is judged right and wrong, reaches nothing, and cannot forge its verdict."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.sandbox import Sandbox
from longthought.agents.rewards.unit_tests_scorer import UnitTestsScorer, last_block

DATA = Path(__file__).parents[4] / "shared" / "data"


def _why_not() -> str:
    try:
        Sandbox()
    except UsageError as error:
        return str(error)
    return ""


NO_SANDBOX = _why_not()
needs_sandbox = pytest.mark.skipif(bool(NO_SANDBOX), reason=NO_SANDBOX)


def test_the_answer_is_the_last_block_of_python() -> None:
    assert last_block("So\n```python\na = 1\n```\nor\n```\nb = 2\n```\nas in\n```text\nc\n```") == "b = 2"
    assert last_block("~~~py\na\n```\nb\n~~~") == "a\n```\nb"
    assert last_block("```python\nnot closed") is None
    assert last_block("no code") is None
    assert last_block("```\n" * 20_001) is None


def test_without_bubblewrap_the_scorer_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no command bwrap here; install it \(apt install bubblewrap"):
        Sandbox("bwrap-that-is-not-there")
    with pytest.raises(UsageError, match="bwrap cannot make one here: exit code 1"):
        Sandbox("false")


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox()


def _problem(tests: str, **metadata: Any) -> Problem:
    return Problem(id="p", question="q", scorer="unit-tests", metadata={"tests": tests, **metadata})


async def _score(sandbox: Sandbox, code: str, tests: str, timeout: float = 10.0, **metadata: Any) -> Reading:
    return await UnitTestsScorer(sandbox, timeout=timeout).score(code, _problem(tests, **metadata))


# --- right and wrong -------------------------------------------------------------------------------------------


VALUES = [
    *(
        "None",
        "True",
        "-7",
        "2**200",
        "0.1",
        "float('inf')",
        "1j",
        "'é\\ud800'",
        "b'\\x00'",
        "bytearray(b'x')",
    ),
    *("[1, (2, 3)]", "{1, 2}", "frozenset({3})", "{(1, 'a'): [None]}", "set()", "()"),
]


@needs_sandbox
async def test_values_cross_unchanged(sandbox: Sandbox) -> None:
    tests = "\n".join(
        f"assert same({value}) == {value} and type(same({value})) is type({value})" for value in VALUES
    )
    assert str(await _score(sandbox, "def same(x): return x", tests)) == "unit-tests: 1.00"


@needs_sandbox
async def test_objects_iterators_errors_and_helpers_of_the_prompt(sandbox: Sandbox) -> None:
    code = """
from dataclasses import dataclass

@dataclass
class Pair:
    a: int

def total(pairs): return sum(p.a for p in pairs)
def adder(n): return lambda x: x + n
def count(): yield from (1, 2)
def bad(): raise KeyError("no")
def sums(xs: List[int]): return sum(map(double, xs))
"""
    tests = """
assert total([Pair(1), Pair(a=2)]) == 3
assert adder(2)(3) == 5
assert next(count()) == 1 and list(count()) == [1, 2] and count() != [1, 2]
try:
    bad()
except KeyError:
    pass
else:
    assert False
def check(candidate):
    assert candidate([1, 2]) == double(3)
"""
    prompt = "from typing import List\ndef double(x): return 2 * x\ndef sums(xs): ..."
    reading = await _score(sandbox, code, tests, prompt=prompt, entry_point="sums")
    assert str(reading) == "unit-tests: 1.00"
    # The tests' own copy of the prompt's helpers is the one that they use.
    forged = code + "def double(x): return 0\ndef sums(xs): return 0"
    reading = await _score(sandbox, forged, tests, prompt=prompt, entry_point="sums")
    assert reading.value == 0.0


@needs_sandbox
@pytest.mark.parametrize(
    ("code", "tests", "said"),
    [
        ("def f(x): return x", "assert f(1) == 2", "0.00 (AssertionError at assert f(1) == 2)"),
        (
            "def g(x): return x",
            "assert f(1) == 2",
            "0.00 (NameError: the solution has no f at assert f(1) == 2)",
        ),
        ("def f(x) return x", "assert f(1) == 2", "0.00 (it does not load: SyntaxError"),
        ("def f(x): return 'x' * 70000", "assert f(1)", "0.00 (it returned more than 64 kB)"),
        ("def f(x): return x", "assert f(1) ==", "unscored (the tests do not load: SyntaxError"),
        ("def f(x): return x", "assert True", "unscored (the tests call nothing of the solution)"),
        ("def f(x): return x", " ", "unscored (the problem has no tests)"),
        ("#" * 70000, "f()", "0.00 (longer than 64 kB)"),
    ],
)
async def test_what_is_said(sandbox: Sandbox, code: str, tests: str, said: str) -> None:
    assert str(await _score(sandbox, code, tests)).startswith(f"unit-tests: {said}")


def _human_eval() -> list[tuple[str, Problem]]:
    rows = map(json.loads, (DATA / "humaneval" / "HumanEval.jsonl").read_text("utf-8").splitlines())
    return [
        (
            row["prompt"] + row["canonical_solution"],
            Problem(
                id=row["task_id"],
                question=row["prompt"],
                metadata={key: row[key] for key in ("test", "entry_point", "prompt")},
            ),
        )
        for row in rows
    ]


def _mbpp() -> list[tuple[str, Problem]]:
    rows = json.loads((DATA / "mbpp" / "mbpp_verified.json").read_text("utf-8"))
    return [
        (
            row["code"],
            Problem(
                id=f"mbpp-{row['task_id']}",
                question=row["prompt"],
                metadata={key: row[key] for key in ("test_list", "test_imports")},
            ),
        )
        for row in rows
    ]


async def _share_right(sandbox: Sandbox, work: list[tuple[str, Problem]]) -> float:
    scorer = UnitTestsScorer(sandbox)
    readings = await asyncio.gather(*(scorer.score(code, problem) for code, problem in work))
    return sum(reading.value == 1.0 for reading in readings) / len(readings)


@needs_sandbox
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
async def test_real_solutions_are_right_and_those_of_others_wrong(sandbox: Sandbox) -> None:
    work = [*_human_eval()[:12], *_mbpp()[:12]]
    assert await _share_right(sandbox, work) == 1.0
    assert await _share_right(sandbox, [(work[i - 1][0], work[i][1]) for i in range(len(work))]) == 0.0


@needs_sandbox
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not DATA.is_dir(), reason="the real data are not here")
@pytest.mark.parametrize(("work", "least"), [(_human_eval, 0.98), (_mbpp, 0.97)], ids=["humaneval", "mbpp"])
async def test_all_real_solutions(sandbox: Sandbox, work: Any, least: float) -> None:
    assert await _share_right(sandbox, work()) >= least


# --- S3: escapes -----------------------------------------------------------------------------------------------

#: Bodies of a function that returns "escaped" if it got out. PORT, FILE and PID are the host's.
ESCAPES = {
    "tcp to the host": "import socket; socket.create_connection(('127.0.0.1', PORT), 1)",
    "tcp over ipv6": "import socket; socket.create_connection(('::1', PORT), 1)",
    "tcp to the internet": "import socket; socket.create_connection(('1.1.1.1', 53), 1)",
    "udp to the internet": "import socket; s = socket.socket(2, 2); s.sendto(b'x', ('1.1.1.1', 53))",
    "name service": "import socket; socket.getaddrinfo('example.com', 80)",
    "url": "import urllib.request; urllib.request.urlopen('http://127.0.0.1:PORT', timeout=1)",
    "cloud metadata": "import urllib.request; urllib.request.urlopen('http://169.254.169.254/', timeout=1)",
    "raw socket": "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)",
    "packet socket": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "unix socket of docker": "import socket; socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
    "abstract unix socket": "import socket; socket.socket(socket.AF_UNIX).connect(chr(0) + 'longthought-NAME')",
    "socket of the virtual machine": "import socket; socket.socket(40, 1).connect((2, 22))",
    "netlink": "import socket; socket.if_nameindex()[1]",
    "read /etc/passwd": "open('/etc/passwd').read()",
    "read /etc/shadow": "open('/etc/shadow').read()",
    "read /etc/hostname": "open('/etc/hostname').read()",
    "list home": "import os; os.listdir(os.path.expanduser('~'))",
    "read a file of the host": "open('FILE').read()",
    "list the host's directory": "import os; os.listdir(os.path.dirname('FILE'))",
    "file through cwd": "open('../../../../../..' + 'FILE').read()",
    "this repository": "open('REPOSITORY/README.md').read()",
    "keys in the environment": "import os; os.environ['LONGTHOUGHT_TEST_KEY']",
    "any environment": "import os; [k for k in os.environ if k not in ('PWD', 'LC_CTYPE')][0]",
    "environment of the parent": "open('/proc/1/environ').read()",
    "host's process by /proc": "open('/proc/PID/cmdline').read()",
    "own /proc": "open('/proc/self/mem', 'r+b')",
    "sysctl": "open('/proc/sys/kernel/core_pattern', 'w')",
    "sysrq": "open('/proc/sysrq-trigger', 'w').write('c')",
    "cgroups": "import os; os.listdir('/sys/fs/cgroup')",
    "kill the host's process": "import os; os.kill(PID, 9)",
    "signal the host's process": "import os; os.kill(PID, 0)",
    "kill the sandbox's init": "import os; os.kill(1, 9); __import__('time').sleep(0.2); os.kill(1, 0); raise OSError",
    "ptrace the parent": "import ctypes; assert ctypes.CDLL(None).ptrace(16, 1, 0, 0) == 0",
    "be traced": "import ctypes; assert ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0",
    "read the parent's memory": "import ctypes; assert ctypes.CDLL(None).syscall(310, 1, 0, 0, 0, 0, 0) >= 0",
    "fork": "import os; os.fork()",
    "fork bomb": "import os\n  while True: os.fork()",
    "vfork": "import ctypes; assert ctypes.CDLL(None).syscall(58) >= 0",
    "subprocess": "import subprocess; subprocess.run(['/usr/bin/true'])",
    "os.system": "import os; assert os.system('true') == 0",
    "multiprocessing": "import multiprocessing as m; p = m.Process(target=print); p.start()",
    "posix_spawn": "import os; os.posix_spawn('/usr/bin/true', ['true'], {})",
    "write to /usr": "open('/usr/escaped', 'w')",
    "write to python": "import os; open(os.path.dirname(os.__file__) + '/escaped.py', 'w')",
    "write to the root": "open('/escaped', 'w')",
    "write to /tmp": "open('/tmp/escaped', 'w')",
    "write to /dev/shm": "open('/dev/shm/escaped', 'w')",
    "change the script": "open('/unit_tests_inside.py', 'a')",
    "symlink": "import os; os.symlink('FILE', '/link')",
    "hard link": "import os; os.link('/solution.py', '/link')",
    "mkdir": "import os; os.mkdir('/escaped')",
    "remove python": "import os; os.remove(os.__file__)",
    "chmod": "import os; os.chmod('/usr', 0o777)",
    "named pipe": "import os; os.mkfifo('/escaped')",
    "device": "import os; os.mknod('/escaped', 0o060666, os.makedev(8, 0))",
    "raw disk": "open('/dev/sda', 'rb')",
    "kernel memory": "open('/dev/mem', 'rb')",
    "terminal": "open('/dev/tty', 'w')",
    "mount": "import ctypes; assert ctypes.CDLL(None).mount(b'none', b'/usr', b'tmpfs', 0, 0) == 0",
    "remount writable": "import ctypes; assert ctypes.CDLL(None).mount(b'', b'/', b'', 0x20 | 0x1000, 0) == 0",
    "pivot_root": "import ctypes; assert ctypes.CDLL(None).syscall(155, b'/usr', b'/usr') == 0",
    "chroot": "import os; os.chroot('/usr')",
    "new namespaces": "import ctypes; assert ctypes.CDLL(None).unshare(0x10000000) == 0",
    "enter a namespace": "import ctypes; assert ctypes.CDLL(None).setns(0, 0) == 0",
    "become root": "import os; os.setuid(0)",
    "become root's group": "import os; os.setgid(0)",
    "setuid program": "import os; os.execv('/usr/bin/su', ['su', '-c', 'true'])",
    "raise a limit": "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**40, 2**40))",
    "change the host's name": "import socket; socket.sethostname('escaped')",
    "change the clock": "import time; time.clock_settime(0, 0)",
    "better priority": "import os; os.setpriority(0, 0, -20)",
    "kernel keyring": "import ctypes; assert ctypes.CDLL(None).syscall(250, 0, -3, 1) >= 0",
    "bpf": "import ctypes; assert ctypes.CDLL(None).syscall(321, 0, 0, 0) >= 0",
    "io_uring": "import ctypes; assert ctypes.CDLL(None).syscall(425, 8, bytes(200)) >= 0",
    "shared memory": "import ctypes; assert ctypes.CDLL(None).shmget(0, 4096, 0o1600) >= 0",
    "memory in a file": "import os; fd = os.memfd_create('x'); os.write(fd, b'x' * 10); os.fstat(fd).st_size or 1 / 0",
    "huge file": "import tempfile; tempfile.TemporaryFile().truncate(2**40)",
    "memory bomb": "x = bytearray(2**30)",
    "many files": "[open('/dev/null') for _ in range(100)]",
    "descriptors of the host": "import os; [os.fstat(fd) for fd in range(5, 32)]",
}

needs_x86 = pytest.mark.skipif(
    os.uname().machine != "x86_64", reason="its numbers of system calls are those of x86_64"
)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What there is to be got at: a key, a file, a listening socket and a process."""
    monkeypatch.setenv("LONGTHOUGHT_TEST_KEY", "sk-secret")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    name = f"longthought-{os.getpid()}"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as local:
        local.bind(f"\0{name}")
        local.listen()
        yield {
            "PORT": str(listener.getsockname()[1]),
            "FILE": str(secret),
            "longthought-NAME": name,
            "PID": str(os.getpid()),
            "REPOSITORY": str(Path(__file__).parents[3]),
        }
        for each in (listener, local):
            each.settimeout(0)
            with pytest.raises(BlockingIOError):
                each.accept()
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


def test_there_are_sixty_escapes() -> None:
    assert len(ESCAPES) >= 60


@needs_sandbox
@needs_x86
@pytest.mark.parametrize("name", ESCAPES)
async def test_no_escape(sandbox: Sandbox, host: dict[str, str], name: str) -> None:
    body = ESCAPES[name]
    for word, value in host.items():
        body = body.replace(word, value)
    code = f"def attempt():\n  {body}\n  return 'escaped'"
    reading = await _score(sandbox, code, "assert attempt() == 'escaped'")
    assert reading.value == 0.0, reading
    # Refused by the system, and not for a mistake in the attempt.
    assert "SyntaxError" not in reading.why
    assert "NameError" not in reading.why


@needs_sandbox
async def test_what_is_allowed_does_escape_in_this_sense(sandbox: Sandbox) -> None:
    code = "import os, math\ndef attempt():\n  open(os.__file__).read()\n  return 'escaped'"
    assert (await _score(sandbox, code, "assert attempt() == 'escaped'")).value == 1.0


# --- forged verdicts -------------------------------------------------------------------------------------------

#: Solutions of ``f(1) == 2`` that return 1, or nothing, and want to count as right.
FORGERIES = {
    "prints a verdict": """def f(x): print('{"passed": ""}'); print("started"); return x""",
    "prints at the end": "import atexit; atexit.register(print, '{\"passed\": \"\"}')\ndef f(x): return x",
    "sys.exit(0)": "import sys\ndef f(x): sys.exit(0)",
    "sys.exit(0) on load": "import sys; sys.exit(0)",
    "os._exit(0)": "import os\ndef f(x): os._exit(0)",
    "os._exit(0) on load": "import os; os._exit(0)",
    "dies by a signal": "import os\ndef f(x): os.kill(os.getpid(), 9)",
    "execs true": "import os\ndef f(x): os.execv('/usr/bin/true', ['true'])",
    "always equal": "class E(int):\n  def __eq__(s, o): return True\n  __hash__ = int.__hash__\ndef f(x): return E(1)",
    "always equal object": "class E:\n  def __eq__(s, o): return True\n  def __ne__(s, o): return False\ndef f(x): return E()",
    "patches builtins": "import builtins\nbuiltins.AssertionError = ValueError\nbuiltins.all = lambda x: True\ndef f(x): return x",
    "patches json": "import json\njson.dumps = lambda *a, **k: '{\"passed\": \"\"}'\ndef f(x): return x",
    "patches its runner": "import sys\nm = sys.modules['__main__']\nm.judge = m.write = lambda *a: 2\nm.told = str\ndef f(x): return 3",
    "writes to every descriptor": "import os\nfor d in range(64):\n  try: os.write(d, b'\"started\"\\n{\"passed\": \"\"}\\n')\n  except OSError: pass\ndef f(x): return x",
    "answers before it is asked": "import os\nfor d in range(64):\n  try: os.write(d, b'{\"value\": null}\\n' * 5)\n  except OSError: pass\ndef f(x): return x",
    "strange replies": "import os\nfor d in range(3, 64):\n  try: os.write(d, b'[[[[' * 9000 + b'\\n')\n  except OSError: pass\ndef f(x): return x",
    "replies with a wrong tag": "import sys, json\nsys.modules['__main__'].write = lambda *a: ['passed', 1]\ndef f(x): return x",
    "closes everything": "import os\ndef f(x): os.closerange(0, 64)",
    "raises what a test may catch": "def f(x): raise AssertionError('passed')",
    "raises SystemExit": "def f(x): raise SystemExit(0)",
    "looks for the expected value": "import gc\ndef f(x): return next(o['expected'] for o in gc.get_objects() if isinstance(o, dict) and 'expected' in o)",
    "reads the tests": "def f(x): return int(open('/tests.py').read().split('==')[1])",
    "claims another name": "def f(x): return x\ndef print(*a): return 2\ndef check(f): return None",
    "replaces print in the tests": "f = lambda x: x\nassert_ = AssertionError = BaseException = None",
}  # fmt: skip


@needs_sandbox
@pytest.mark.parametrize("name", FORGERIES)
async def test_no_verdict_is_forged(sandbox: Sandbox, name: str) -> None:
    reading = await _score(sandbox, FORGERIES[name], "expected = 2\nassert f(1) == 2")
    assert reading.value == 0.0, reading


# --- what never ends -------------------------------------------------------------------------------------------

ENDLESS = {
    "sleeps": "import time\ndef f(x): time.sleep(1e6)",
    "sleeps on load": "import time; time.sleep(1e6)",
    "spins": "def f(x):\n  while True: pass",
    "big power": "def f(x): return 9 ** 9 ** 9",
    "prints a gigabyte": "def f(x):\n  for _ in range(2**14): print('x' * 2**16)\n  return x",
    "returns a gigabyte": "import os\ndef f(x):\n  while True:\n    for d in range(3, 9):\n      try: os.write(d, b'x' * 65536)\n      except OSError: pass",
    "ignores every signal": "import signal, time\nfor s in set(signal.Signals) - {9, 19}:\n  signal.signal(s, signal.SIG_IGN)\ndef f(x): time.sleep(1e6)",
    "threads": "import threading, time\ndef f(x):\n  while True:\n    threading.Thread(target=time.sleep, args=(1e6,)).start()",
    "fills its memory": "def f(x):\n  kept = []\n  while True: kept.append('x' * 2**20)",
    "waits at the end": "import atexit, time\natexit.register(time.sleep, 1e6)\ndef f(x): return x",
}  # fmt: skip


@needs_sandbox
@pytest.mark.slow
@pytest.mark.parametrize("name", ENDLESS)
async def test_what_never_ends_is_ended(sandbox: Sandbox, name: str) -> None:
    reading = await _score(sandbox, ENDLESS[name], "assert f(1) == 2", timeout=4.0)
    assert reading.value == 0.0, reading


@needs_sandbox
async def test_a_cancelled_score_leaves_no_process(sandbox: Sandbox) -> None:
    scoring = asyncio.create_task(_score(sandbox, "import time; time.sleep(1e6)", "f()"))
    await asyncio.sleep(0.5)
    scoring.cancel()
    with pytest.raises(asyncio.CancelledError):
        await scoring
    own = str(os.getpid())
    children = [
        stat
        for stat in Path("/proc").glob("[0-9]*/stat")
        if stat.exists()
        and stat.read_text().rpartition(")")[2].split()[1] == own
        and "bwrap" in stat.read_text()
    ]
    assert children == []
