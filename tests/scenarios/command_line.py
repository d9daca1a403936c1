"""The type of the fixture ``call``, which runs the command line."""

from __future__ import annotations

from collections.abc import Callable

#: From arguments to exit code, standard output and standard error.
Call = Callable[..., tuple[int, str, str]]
