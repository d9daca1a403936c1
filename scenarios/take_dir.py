"""Takes a directory for one piece of resumable work, or goes on in the one of the same work."""

from __future__ import annotations

from pathlib import Path

from longthought.agents.errors import RunError, UsageError
from longthought.scenarios.replace_file import replace_file

MARK = "work.txt"


def take(out: Path, identity: str, what: str) -> None:
    """Make ``out`` and note what it is for.

    Args:
        identity: equal for two runs of the same work.
        what: what such work makes, for error lines.

    Raises:
        UsageError: it holds other work, or files of another kind.
        RunError: it cannot be made.
    """
    mark = out / MARK
    try:
        out.mkdir(parents=True, exist_ok=True)
        if mark.is_file():
            if mark.read_text() != f"{what} {identity}":
                raise UsageError(f"{out}: holds {what} of something else; choose another --out")
            return
        # A process that was killed at its first breath leaves half a mark.
        if any(entry.name != f"{MARK}.partial" for entry in out.iterdir()):
            raise UsageError(f"{out}: is not empty and holds no {what}; choose another --out")
    except OSError as error:
        raise RunError(f"{out}: {error.strerror}") from error
    replace_file(mark, f"{what} {identity}")
