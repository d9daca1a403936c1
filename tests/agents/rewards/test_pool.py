"""The scoring pool: bombs cost their timeout and nothing else; no process outlives its owner."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from longthought.agents.errors import RewardError
from longthought.agents.rewards.pool import MAX_ANSWER, ScoringPool

# ``exec`` stands for a library with a hole: whatever it is handed runs in the worker.
HOLE = exec


@pytest.fixture(scope="module")
def pool() -> Iterator[ScoringPool]:
    pool = ScoringPool(workers=2, timeout=1.0)
    yield pool
    pool.close()


async def test_results_and_errors_come_back(pool: ScoringPool) -> None:
    assert await pool.run(int, "42") == 42
    with pytest.raises(RewardError, match="ValueError: invalid literal"):
        await pool.run(int, "x")


async def test_a_long_answer_is_not_sent(pool: ScoringPool) -> None:
    with pytest.raises(RewardError, match=f"{MAX_ANSWER + 2} bytes, at most {MAX_ANSWER}"):
        await pool.run(len, "é" * (MAX_ANSWER // 2 + 1))


async def test_a_bomb_is_killed_and_the_loop_never_waits(pool: ScoringPool) -> None:
    await pool.run(int, "1")
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    started = time.monotonic()
    bombs = [pool.run(HOLE, "9**9**9"), pool.run(HOLE, "while True: pass")]
    results = await asyncio.gather(
        *bombs, *(pool.run(int, str(i)) for i in range(50)), return_exceptions=True
    )
    took = time.monotonic() - started
    ticking.cancel()
    assert [str(result) for result in results[:2]] == ["killed after 1 s"] * 2
    assert results[2:] == list(range(50))
    assert took < 4.0
    assert ticks > 30


async def test_a_dying_worker_takes_nothing_with_it(pool: ScoringPool) -> None:
    deaths = [pool.run(HOLE, "import os; os._exit(3)") for _ in range(4)]
    results = await asyncio.gather(
        *deaths, *(pool.run(int, str(i)) for i in range(40)), return_exceptions=True
    )
    assert all(isinstance(result, RewardError) for result in results[:4])
    assert results[4:] == list(range(40))


@pytest.mark.parametrize(
    "code",
    [
        "open({path!r}, 'w')",
        "import os; os.open({path!r}, os.O_CREAT | os.O_RDWR)",
        "import os; os.mkdir({path!r})",
        "import os; os.system('touch ' + {path!r})",
        "import subprocess; subprocess.run(['touch', {path!r}])",
        "import os; os.fork()",
        "import os; os.execv('/bin/touch', ['touch', {path!r}])",
        "import socket; socket.socket()",
        "import ctypes; ctypes.CDLL(None)",
    ],
)
async def test_a_worker_may_not_touch_the_world(pool: ScoringPool, code: str, tmp_path: Path) -> None:
    path = tmp_path / "canary"
    with pytest.raises(RewardError, match=r"PermissionError: .* is not allowed in a scoring worker"):
        await pool.run(HOLE, code.format(path=str(path)))
    assert not path.exists()


async def test_memory_and_depth_are_limited(pool: ScoringPool) -> None:
    with pytest.raises(RewardError, match="it needs too much memory"):
        await pool.run(HOLE, "bytearray(3 * 2**30)")
    with pytest.raises(RewardError, match="nested too deeply"):
        await pool.run(HOLE, "f = lambda: f()\nglobals().update(f=f)\nf()", {})
    assert await pool.run(int, "1") == 1


async def test_closing_answers_those_who_wait_and_a_later_call_starts_afresh() -> None:
    pool = ScoringPool(workers=1, timeout=30.0)
    assert await pool.run(int, "1") == 1
    waiting = [asyncio.create_task(pool.run(HOLE, "import time; time.sleep(30)")) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.to_thread(pool.close)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert {str(result) for result in results} == {"the scoring pool was closed"}
    assert await pool.run(int, "2") == 2
    pool.close()
    pool.close()


def test_one_pool_serves_several_event_loops() -> None:
    pool = ScoringPool(workers=1)
    assert [asyncio.run(pool.run(int, text)) for text in "12"] == [1, 2]
    pool.close()


PROGRAM = """
import asyncio, subprocess, sys, time
print("main runs")
from longthought.agents.rewards.math_verify_scorer import MathVerifyScorer
from longthought.agents.problems import Problem

async def main():
    reading = await MathVerifyScorer().score("36/2", Problem(id="p", question="q", gold="18"))
    print(reading, flush=True)

asyncio.run(main())
if "hang" in sys.argv:
    time.sleep(60)
"""


def _start(tmp_path: Path, *argv: str) -> subprocess.Popen[str]:
    script = tmp_path / "unguarded.py"
    script.write_text(PROGRAM)
    # Descriptor 0 closed, warnings as errors, no main guard: none of it may reach the workers.
    command = f"exec {sys.executable} -W error::UserWarning {script} {' '.join(argv)} <&-"
    return subprocess.Popen(
        command,
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "error::SyntaxWarning"},
        start_new_session=True,
    )


def _alive(session: int) -> list[str]:
    found = subprocess.run(["ps", "-o", "pid=,stat=", "-s", str(session)], capture_output=True, text=True)
    return [line for line in found.stdout.splitlines() if " Z" not in line]


def _left_after(session: int, seconds: float) -> list[str]:
    deadline = time.monotonic() + seconds
    while (left := _alive(session)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def test_an_unguarded_program_without_standard_input_works_and_leaves_no_process(tmp_path: Path) -> None:
    process = _start(tmp_path)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == ["main runs", "math-verify: 1.00"]
    assert _left_after(process.pid, seconds=5) == []


def test_workers_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    process = _start(tmp_path, "hang")
    assert process.stdout is not None
    assert process.stderr is not None
    assert [process.stdout.readline().strip() for _ in range(2)] == ["main runs", "math-verify: 1.00"]
    assert len(_alive(process.pid)) >= 3
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    process.stderr.close()
    assert _left_after(process.pid, seconds=10) == []
