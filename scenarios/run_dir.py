"""Opening a run directory: a new run, the same run again, or another one in the way; for one process only."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from longthought.agents.errors import RunError, UsageError
from longthought.agents.problems import Problem
from longthought.protocols.journal import Journal
from longthought.protocols.transcript_files import PACKED
from longthought.scenarios.manifest import (
    Manifest,
    Status,
    check_same_run,
    now,
    read_manifest,
    write_manifest,
)


@dataclass
class OpenRun:
    """A run directory that this process holds. As a context manager it lets go at the end."""

    path: Path
    manifest: Manifest
    journal: Journal
    #: Keeps the lock of a run that was moved aside until this one is over.
    aside: Journal | None = None

    def close(self) -> None:
        self.journal.close()
        if self.aside is not None:
            self.aside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_run(
    run_dir: Path,
    manifest: Manifest,
    problems: Sequence[Problem],
    *,
    resume: bool = False,
    force_new: bool = False,
) -> OpenRun:
    """Take the directory and write the manifest into it.

    Args:
        resume: a run of the same scenario may be there, and is gone on with.
        force_new: a run that is there is moved to ``<name>.1`` (or the next free number).

    Raises:
        UsageError: another process holds it, or a run is there and neither flag is set.
        JournalMismatch: it holds the run of another scenario.
        RunError: it cannot be written.
    """
    read_manifest(run_dir)  # a foreign manifest.json is noticed before anything is created
    journal = _take(run_dir)
    aside: Journal | None = None
    try:
        old = read_manifest(run_dir)
        if old is None and journal.file.stat().st_size:
            raise UsageError(f"{run_dir}: holds a journal but no manifest; choose another --run-dir")
        if old is not None and force_new:
            _move_aside(run_dir)
            aside, journal, old = journal, _take(run_dir), None
        if old is not None:
            check_same_run(run_dir, old, manifest, problems)
            if not resume:
                how = "interrupted" if old.status == "running" else old.status
                raise UsageError(
                    f"{run_dir}: holds this run already ({how}); go on with --resume, "
                    "start afresh with --force-new, or choose another --run-dir"
                )
            manifest = _continued(old, manifest)
        # The journal is the truth while a run is under way; a packed copy of an earlier state would hide it.
        (run_dir / PACKED).unlink(missing_ok=True)
        write_manifest(run_dir, manifest)
    except BaseException:
        journal.close()
        if aside is not None:
            aside.close()
        raise
    return OpenRun(run_dir, manifest, journal, aside)


def close_run(run: OpenRun, status: Status, error: str = "") -> None:
    """Write how the run ended, with the outcomes of all its sessions."""
    outcomes = outcomes_in(run.journal.file)
    update = {"status": status, "finished": now(), "outcomes": outcomes, "error": error}
    run.manifest = run.manifest.model_copy(update=update)
    write_manifest(run.path, run.manifest)


def outcomes_in(journal: Path) -> dict[str, int]:
    """How many debates of a journal ended how; kinds without their detail."""
    counts: Counter[str] = Counter()
    with journal.open("rb") as lines:
        for line in lines:
            # Looked for first: a journal is mostly other events, and parsing them all takes long.
            if b'"kind":"closed"' in line and line.endswith(b"\n"):
                event = orjson.loads(line)
                if event["kind"] == "closed":
                    counts[event["data"]["kind"].partition(":")[0]] += 1
    return dict(sorted(counts.items()))


def is_held(run_dir: Path) -> bool:
    """Whether a process has the run open now."""
    try:
        fd = os.open(run_dir / "journal-0.lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False


def _take(run_dir: Path) -> Journal:
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        return Journal(run_dir)
    except FileExistsError as error:
        raise UsageError(f"{run_dir}: is a file; name a directory with --run-dir") from error
    except OSError as error:
        raise RunError(f"{run_dir}: {error.strerror}") from error


def _move_aside(run_dir: Path) -> None:
    number = 1
    while (target := run_dir.with_name(f"{run_dir.name}.{number}")).exists():
        number += 1
    try:
        run_dir.rename(target)
    except OSError as error:
        raise RunError(f"{run_dir}: cannot be moved to {target}: {error.strerror}") from error


def _continued(old: Manifest, new: Manifest) -> Manifest:
    """Resumed with a smaller ``--limit``, a run keeps the problems that it has."""
    keep: dict[str, object] = {"started": old.started}
    if old.problems > new.problems:
        keep |= {"problems": old.problems, "problems_hash": old.problems_hash, "debates": old.debates}
    return new.model_copy(update=keep)
