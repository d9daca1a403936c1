"""A suggestion to follow a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, there: Iterable[str]) -> str:
    """The closest of the names that are there, in words, or nothing."""
    close = get_close_matches(name, list(there), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
