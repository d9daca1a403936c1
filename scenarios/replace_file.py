"""Writes a file whole: its name leads to the old text or to the new, whatever happens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from longthought.agents.errors import RunError


def replace_file(file: Path, content: str | Iterable[bytes]) -> None:
    """Replace the file in one step by a text, or by lines of bytes as they are made.

    Raises:
        RunError: it cannot be written (a full disk); the old one stays.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        with partial.open("wb") as out:
            out.writelines([content.encode()] if isinstance(content, str) else content)
            out.flush()
            os.fsync(out.fileno())
        partial.replace(file)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunError(f"{file}: {error.strerror}") from error
