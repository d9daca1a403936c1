"""Where two nested records differ, key by key, short enough for one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import cast

#: In place of a key that is not there.
_NOTHING = object()


def differences(old: object, new: object, key: str = "") -> Iterator[tuple[str, str, str]]:
    """Each key whose value changed (``seats.policy.temperature``), what it was and what it is."""
    was, is_ = _fields(old), _fields(new)
    if was is not None and is_ is not None:
        for name in sorted({*was, *is_}):
            inner = f"{key}.{name}" if key else name
            yield from differences(was.get(name, _NOTHING), is_.get(name, _NOTHING), inner)
    elif old != new:
        yield key, _short(old), _short(new)


def _fields(value: object) -> Mapping[str, object] | None:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None


def _short(value: object) -> str:
    text = "(none)" if value is _NOTHING else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:60] + "…"
