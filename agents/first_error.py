"""What pydantic says of a value that is not what it must be, as one line: the first of its errors."""

from __future__ import annotations

from pydantic import ValidationError


def first_error(error: ValidationError, *place: str) -> str:
    """The key and what is wrong with it. ``place`` is where the value itself stands, in front of its keys."""
    first = error.errors(include_url=False)[0]
    key = ".".join((*place, *map(str, first["loc"])))
    return f"{key}: {first['msg']}" if key else first["msg"]
