"""Plays scripted loops again and again, killed (SIGKILL) at a later point each time, until the killed one is whole.

``python -m tests.train.loop_kills LOOPS FIRST [STEP]`` in an empty directory: each loop straight, then killed at event
FIRST and gone on with; with STEP also at every STEP-th event behind it. An event is a file opened for writing, made,
moved or removed below the loop's directory, a model asked, or a training begun or ended. Prints ``LOOP: N kills``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from longthought.scenarios.loop_asking import How
from longthought.scenarios.looping import play_loop
from tests.train import loop_models

#: Names of files that hold seconds or dates.
TIMED = ("journal-", "manifest.json", "training.json", "README.md")
_MOVES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")


def final_hashes(out: Path) -> dict[str, str]:
    """The hashes of a loop's files, without those that hold seconds or places; a corpus's manifest holds neither."""
    return {
        str(file.relative_to(out)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(out.rglob("*"))
        if file.is_file()
        and (not file.name.startswith(TIMED) or "corpus" in file.parent.name)
        # The work behind the transcripts: journals and locks.
        and "run" not in file.relative_to(out).parts
    }


def play(loop: str, out: Path) -> None:
    play_loop(
        loop,
        loop_models.settings_of(loop),
        out,
        How(max_connections=4, allow_import=True),
        lambda stage, there: None,
        loop_models.train,
    )


def _in_child(work: Callable[[], None]) -> int:
    """The signal that ended a child doing it; 0 where it ended by itself."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:
            import traceback

            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return os.WTERMSIG(status)
    assert os.WEXITSTATUS(status) == 0, "the loop failed"
    return 0


def _kill_at(event: int, below: str) -> None:
    left = event

    def hear(what: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        writes = name == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (writes or name in _MOVES) and str(arguments[0]).startswith(below):
            hear(name)

    loop_models.heard.append(hear)
    sys.addaudithook(hook)


def kill_often(loop: str, first: int, step: int | None) -> None:
    """Play it straight, then killed at one event after the other, and compare what is left in the end."""
    straight = Path(f"{loop}-straight").absolute()
    play(loop, straight)  # in this process, so that its children find everything imported
    expected = final_hashes(straight)
    assert len(expected) > 10, expected
    kills = 0
    for event in [first] if step is None else count(first, step):
        out = Path(f"{loop}-{event}").absolute()

        def killed(out: Path = out, event: int = event) -> None:
            _kill_at(event, str(out))
            play(loop, out)

        def resumed(out: Path = out) -> None:
            play(loop, out)

        if _in_child(killed) == 0:
            break  # it has no more events than that
        kills += 1
        assert _in_child(resumed) == 0
        found = final_hashes(out)
        assert found == expected, (event, {k for k in {*found, *expected} if found.get(k) != expected.get(k)})
    print(f"{loop}: {kills} kills", flush=True)


def main() -> None:
    loops, first, *step = sys.argv[1:]
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # progress
    for loop in loops.split(","):
        kill_often(loop, int(first), int(step[0]) if step else None)


if __name__ == "__main__":
    main()
