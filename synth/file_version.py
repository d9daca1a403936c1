"""What tells a file from the one that stood there before, for caches of what was read from it."""

from __future__ import annotations

import os
from contextlib import suppress

Version = tuple[int, int]


def version_of(file: str | None) -> Version | None:
    """Time of change in nanoseconds and size in bytes; None where there is no such file."""
    with suppress(OSError):
        if file is not None:
            found = os.stat(file)
            return found.st_mtime_ns, found.st_size
    return None
