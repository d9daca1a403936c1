"""Puts a directory in another's place in one step, or removes it: its name leads to a whole one or to none."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.synth.corpus.row_files import sync

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def replacing(target: Path) -> Generator[Path]:
    """An empty directory beside ``target`` to write into; it takes its place once the block ends well.

    What a killed process left behind is cleared by the next one. Files must be on the disk when the block
    ends. A link keeps its place: what it leads to is replaced.

    Raises:
        UsageError: another process is writing to the same target, or it is where we stand.
        OSError: the directory cannot be made or moved.
    """
    target = place_of(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = _partial(target)
    if partial.is_symlink():
        partial.unlink()  # never what it leads to
    partial.mkdir(exist_ok=True)
    lock = os.open(partial, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"{target}: another process is writing there; wait for it or choose another directory"
            ) from None
        _empty(partial)
        old = _old(target)
        if old.exists() and not target.exists():
            old.rename(target)  # killed between the two renames of a system without an exchange
        try:
            yield partial
            sync(partial)
            _put(partial, target)
            sync(target.parent)
        finally:
            # On success this is what stood there before.
            shutil.rmtree(partial, ignore_errors=True)
    finally:
        os.close(lock)


def remove(target: Path) -> None:
    """Remove a directory, if it is there, in one step: no file of it goes before the others.

    Of a link, what it leads to is removed.
    """
    target = Path(os.path.realpath(target))
    partial = _partial(target)
    shutil.rmtree(partial, ignore_errors=True)  # a killed process left it
    if target.exists():
        target.rename(partial)
        shutil.rmtree(partial, ignore_errors=True)


def place_of(target: Path) -> Path:
    """Where ``target`` leads, links followed.

    Raises:
        UsageError: to the working directory or one around it; whoever stands there would go on in what is removed.
    """
    place = Path(os.path.realpath(target))
    if Path.cwd().is_relative_to(place):
        raise UsageError(f"{target}: is or holds the directory that you work in; choose another")
    return place


def _put(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
    elif not _exchanged(new, target):
        # No exchange on this system: for an instant nothing stands at the target, and the old one beside it.
        old = _old(target)
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
        new.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.partial")


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _exchanged(one: Path, other: Path) -> bool:
    """Swap two names with Linux's renameat2(2); False where the system or the file system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    if (
        libc.renameat2(
            _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), ctypes.c_uint(_RENAME_EXCHANGE)
        )
        == 0
    ):
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))


def _empty(directory: Path) -> None:
    for entry in directory.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
