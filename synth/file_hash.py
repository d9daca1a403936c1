"""What tells a file's content from any other: its SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from longthought.agents.errors import UsageError


def file_hash(file: Path) -> str:
    """In hexadecimal digits.

    Raises:
        UsageError: the file cannot be read.
    """
    try:
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
