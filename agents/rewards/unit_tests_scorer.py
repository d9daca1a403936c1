"""Programs, scored by unit tests that call them, in sandboxes.

Two sandboxes: the solution runs in one, the tests in the other, joined by a pair of pipes (``unit_tests_inside``). A
solution that prints a verdict, leaves the process, patches builtins, redefines equality or floods its pipe changes its
own process only; the verdict comes from the other one. What this does not prevent: a solution may know the expected
results by heart, and where tests check one function of the solution by another one, both are its own.

Not seen by the tests: a change that a solution makes to a list it was handed, attributes of its objects, and its
functions by the name of a builtin unless they are the entry point.
"""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast
from weakref import WeakKeyDictionary

import orjson

from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Scorer
from longthought.agents.rewards.sandbox import Sandbox, end
from longthought.agents.rewards.unit_tests_inside import SETUP, SOLUTION, TESTS

#: Seconds of wall time for all tests of a problem.
TIMEOUT = 10.0
MAX_CODE = 64 * 1024
#: Bytes that are read of what the tests' sandbox says.
MAX_OUTPUT = 64 * 1024

_INSIDE = Path(__file__).with_name("unit_tests_inside.py")
_FENCE = re.compile(r"^[ \t]{0,3}(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+.-]*)[^\n`]*$")
_LANGUAGES = frozenset({"", "python", "python3", "py"})


class UnitTestsScorer(Scorer):
    """Right when every test passes. The answer is the last fenced block of Python.

    The tests are ``tests`` in the problem's metadata, a text or a list of statements, or ``test_list`` (MBPP) or
    ``test`` (HumanEval), else its gold field. ``test_setup_code``, ``test_imports`` and ``prompt`` come before them and
    before the solution; ``check`` in the tests is called with the function that ``entry_point`` names.

    Raises:
        UsageError: there is no working sandbox here.
    """

    name = "unit-tests"

    def __init__(
        self, sandbox: Sandbox | None = None, timeout: float = TIMEOUT, workers: int | None = None
    ) -> None:
        self._sandbox = sandbox or Sandbox()
        self._timeout = timeout
        self._workers = workers or max(1, min(8, len(os.sched_getaffinity(0))))
        self._slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    def extract(self, text: str) -> str | None:
        return last_block(text)

    async def score(self, answer: str, problem: Problem) -> Reading:
        tests = _joined(problem.metadata, "tests", "test_list", "test") or problem.gold or ""
        if not tests.strip():
            return Reading(reward=self.name, why="the problem has no tests")
        if len(answer.encode("utf-8", "surrogatepass")) > MAX_CODE:
            return Reading(reward=self.name, value=0.0, why=f"longer than {MAX_CODE // 1024} kB")
        setup = "\n".join(
            _joined(problem.metadata, key) for key in ("test_imports", "test_setup_code", "prompt")
        )
        files = {SETUP: setup, SOLUTION: answer, TESTS: tests}
        entry_point = problem.metadata.get("entry_point")
        slots = self._slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._workers))
        try:
            async with slots:
                verdict = await self._run(files, entry_point if isinstance(entry_point, str) else "")
        except RewardError as error:
            return Reading(reward=self.name, why=str(error))
        except TimeoutError:
            return Reading(reward=self.name, value=0.0, why=f"killed after {self._timeout:g} s")
        if "broken" in verdict:
            return Reading(reward=self.name, why=verdict["broken"])
        right = "passed" in verdict
        return Reading(reward=self.name, value=float(right), why="" if right else verdict.get("failed", ""))

    async def _run(self, texts: dict[str, str], entry_point: str) -> dict[str, str]:
        """What the tests' sandbox says in the end."""
        script = f"/{_INSIDE.name}"
        files = {path: text.encode("utf-8", "replace") for path, text in texts.items()}
        files[script] = _INSIDE.read_bytes()
        running: list[asyncio.subprocess.Process] = []
        try:
            with ExitStack() as pipes:
                (asked, asks), (heard, replies) = _pipe(pipes), _pipe(pipes)
                code = {path: files[path] for path in (script, SETUP, SOLUTION)}
                running.append(await self._sandbox.start(script, ["code"], code, asked, replies))
                known = {path: files[path] for path in (script, SETUP, TESTS)}
                tests = await self._sandbox.start(
                    script, ["tests", str(asks), entry_point], known, heard, asyncio.subprocess.PIPE, [asks]
                )
                running.append(tests)
            async with asyncio.timeout(self._timeout):
                said = await _read(cast("asyncio.StreamReader", tests.stdout))
        finally:
            for process in running:
                await end(process)
        return _verdict(said)


def last_block(text: str) -> str | None:
    """What stands in the last closed code fence of ``text`` that is Python or of no language; None without one."""
    last: str | None = None
    mark, block, taken = "", list[str](), False
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if mark:
            if fence is not None and fence["mark"].startswith(mark) and not fence["language"]:
                if taken and any(map(str.strip, block)):
                    last = "\n".join(block)
                mark = ""
            else:
                block.append(line)
        elif fence is not None:
            mark, block, taken = fence["mark"], [], fence["language"].lower() in _LANGUAGES
    return last


def _joined(metadata: dict[str, Any], *keys: str) -> str:
    """The first of these that is there, as text: a list is one statement a line."""
    for key in keys:
        found = metadata.get(key)
        if isinstance(found, str) and found.strip():
            return found
        if isinstance(found, list) and found:
            return "\n".join(map(str, cast("list[object]", found)))
    return ""


def _pipe(opened: ExitStack) -> tuple[int, int]:
    reads, writes = os.pipe()
    opened.callback(os.close, reads)
    opened.callback(os.close, writes)
    return reads, writes


async def _read(stream: asyncio.StreamReader) -> bytes:
    said = b""
    while len(said) <= MAX_OUTPUT and (more := await stream.read(MAX_OUTPUT)):
        said += more
    return said


def _verdict(said: bytes) -> dict[str, str]:
    started, _, rest = said.partition(b"\n")
    if started != b'"started"':
        raise RewardError("the sandbox of the tests did not start")
    try:
        return cast("dict[str, str]", orjson.loads(rest))
    except orjson.JSONDecodeError:
        return {"failed": "the tests ended without a verdict"}
