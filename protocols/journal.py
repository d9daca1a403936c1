"""The append-only journal of a run: a JSON line per event, one writer per file, on disk before the next request.

A line is ``{"debate": number, "at": unix seconds, "kind": …, "data": {…}}``. Each event is one unbuffered ``write``, so
a killed process leaves at most one torn line at the end, which is cut when the journal is opened again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson

from longthought.agents.errors import RunError, UsageError

Event = dict[str, Any]

_BEGINS = re.compile(rb'\{"debate": ?(\d+),')
#: Unix time at which the monotonic clock stood at 0.
_EPOCH = time.time() - time.monotonic()


def now() -> float:
    """Unix seconds that only ever grow while the process lives, whatever is done to its clock."""
    return _EPOCH + time.monotonic()


class Journal:
    """The journal of a run directory, open for one writer.

    Raises:
        UsageError: another process holds the run directory; the line names it.
        RunError: the file cannot be written (a full disk); what was journalled stays whole.
    """

    def __init__(self, run_dir: Path, worker: int = 0) -> None:
        self.file = run_dir / f"journal-{worker}.jsonl"
        self._lock = _lock(run_dir / f"journal-{worker}.lock")
        try:
            self._fd = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            cut_torn_tail(self._fd)
        except OSError as error:
            raise RunError(f"{self.file}: {error.strerror}") from error

    def write(self, debate: int, kind: str, data: Any) -> float:
        """Append one event; its ``at``."""
        at = now()
        line = orjson.dumps({"debate": debate, "at": at, "kind": kind, "data": data}) + b"\n"
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            cut_torn_tail(self._fd)
            raise RunError(
                f"{self.file}: {error.strerror}; the run is whole up to here, free space and resume it"
            ) from error
        return at

    def unfinished(self) -> tuple[set[int], dict[int, list[Event]]]:
        """Numbers of the debates that are closed, and the events of those that are not."""
        closed: set[int] = set()
        opened: defaultdict[int, list[Event]] = defaultdict(list)
        for event in read_events(self.file):
            if event["kind"] == "closed":
                closed.add(event["debate"])
                opened.pop(event["debate"], None)
            else:
                opened[event["debate"]].append(event)
        return closed, dict(opened)

    def close(self) -> None:
        os.close(self._fd)
        os.close(self._lock)


def read_events(file: Path) -> Iterator[Event]:
    """The events of one journal file; a torn last line is passed over.

    Raises:
        UsageError: a line in the middle is no event.
    """
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                return
            yield _event(line, f"{file}:{number}")


def _event(line: bytes, where: str) -> Event:
    try:
        return cast("Event", orjson.loads(line))
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{where}: not a journal event ({error})") from error


def read_debates(run_dir: Path) -> Iterator[list[Event]]:
    """The events of each debate, debates in the order of their numbers, whatever order they were played in.

    Holds one offset per event in memory, not the events.

    Raises:
        UsageError: a line is no event.
    """
    places: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    files = sorted(run_dir.glob("journal-*.jsonl"))
    for which, file in enumerate(files):
        at = 0
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.endswith(b"\n"):
                    # The number stands first in every line that this module writes.
                    begins = _BEGINS.match(line)
                    if begins is None:
                        raise UsageError(f"{file}:{number}: not a journal event")
                    places[int(begins[1])].append((which, at))
                at += len(line)
    handles = [file.open("rb") for file in files]
    try:
        for debate in sorted(places):
            events: list[Event] = []
            for which, at in places[debate]:
                handles[which].seek(at)
                events.append(_event(handles[which].readline(), f"{files[which]}: at byte {at}"))
            yield events
    finally:
        for handle in handles:
            handle.close()


def cut_torn_tail(fd: int) -> None:
    """Cut the file after its last whole line."""
    end = os.lseek(fd, 0, os.SEEK_END)
    at = end
    while at > 0:
        start = max(0, at - 65_536)
        newline = os.pread(fd, at - start, start).rfind(b"\n")
        if newline >= 0:
            at = start + newline + 1
            break
        at = start
    if at != end:
        os.ftruncate(fd, at)


def _lock(file: Path) -> int:
    """Take the lock file; the kernel gives it back when the process dies, so a stale one needs no reclaiming."""
    fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(fd, 200, 0).decode(errors="replace").strip() or "another process"
        os.close(fd)
        raise UsageError(
            f"{file.parent}: in use by {holder}; wait for it, stop it, or choose another --run-dir"
        ) from None
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
    return fd
