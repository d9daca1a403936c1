"""The tape of one debate: writes what happens to the journal, and plays back what an earlier run already journalled.

Resume is by replay. The debate's code runs again from the start; every outside call finds its journalled result by the
digest of its request and is not made again, and every event that was already written is checked and not written twice.
Its time is replayed, too: ``seconds`` is that of the last event, and a debate that hurries then hurries again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from longthought.agents.errors import RunError
from longthought.agents.models.contract import Usage
from longthought.protocols.journal import Event, Journal, now

#: Events that hold an outside call, looked up by key; the debate's own come in a fixed order.
CALLS = frozenset({"sampled", "read", "scored", "seated"})
#: Neither: what went wrong, and where a later run took the debate up.
RESUMED = "resumed"
_NOTES = frozenset({"failed", RESUMED})


class Tape:
    """Implements ``agents.calls.Recorder`` for one debate.

    Args:
        past: the debate's events from an earlier, unfinished run.
        seed: from which every request's seed is derived.
    """

    def __init__(self, journal: Journal | None, debate: int, seed: int, past: Sequence[Event] = ()) -> None:
        self._journal, self._debate, self._seed = journal, debate, seed
        self._clock = _Clock()
        #: Wall time of the debate up to its last event, without the time between runs.
        self.seconds = 0.0
        timed = [(event, self._clock.tell(event["kind"], event["at"])) for event in past]
        self._calls = {e["data"]["key"]: (e["data"], at) for e, at in timed if e["kind"] in CALLS}
        self._own = iter([(e, at) for e, at in timed if e["kind"] not in CALLS | _NOTES])
        self._closed = False
        self._seen: Counter[bytes] = Counter()
        self.events: list[Event] | None = [] if journal is None else None
        #: Which seat the next calls are for.
        self.seat = "policy"
        self.usage: dict[str, Usage] = {}
        self.calls: Counter[str] = Counter()
        if past and past[-1]["kind"] != "closed":
            self._write(RESUMED, {})
            self.seconds = 0.0

    # --- agents.calls.Recorder --------------------------------------------------------------------------------

    def key(self, digest: bytes) -> tuple[str, int]:
        """The digest with the number of times it came before in this debate, and a seed made from both."""
        again = self._seen[digest]
        self._seen[digest] = again + 1
        seed = blake2b(b"%d|%b|%d" % (self._seed, digest, again), digest_size=4).digest()
        return f"{digest.hex()}.{again}", int.from_bytes(seed) & 0x7FFFFFFF

    def replay(self, key: str) -> Any | None:
        past = self._calls.get(key)
        return None if past is None else past[0]

    def record(self, key: str, kind: str, data: Mapping[str, Any], usage: Usage, calls: int = 1) -> None:
        if self._closed:
            return  # a call that a seat left running: the debate has ended without it
        self.usage[self.seat] = self.usage.get(self.seat, Usage()) + usage
        self.calls[self.seat] += calls
        if key in self._calls:
            self._reached(self._calls[key][1])
        else:
            self._write(kind, {"seat": self.seat, "key": key, **data})

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        data = {"seat": self.seat, "key": key, "attempt": attempt, "error": error, "wait": round(wait, 3)}
        if not self._closed:
            self._write("failed", data)

    # --- the debate's own events ------------------------------------------------------------------------------

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Write an event, or check it against the one that stands in its place.

        Raises:
            RunError: the journal holds something else; the code or the model's replies changed since.
        """
        past, at = next(self._own, (None, 0.0))
        if past is None:
            self._write(kind, data)
        elif past["kind"] != kind or orjson.dumps(past["data"]) != orjson.dumps(data):
            raise RunError(
                f"debate {self._debate} cannot be resumed: the journal holds a {past['kind']!r} event where "
                f"this version writes {kind!r}; start a new run directory"
            )
        else:
            self._reached(at)
        self._closed = kind == "closed"

    def total(self) -> Usage:
        total = Usage()
        for usage in self.usage.values():
            total += usage
        return total

    def _write(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._journal is not None:
            at = self._journal.write(self._debate, kind, data)
        else:
            at = now()
            if self.events is not None:
                plain = orjson.loads(orjson.dumps(data))
                self.events.append({"debate": self._debate, "at": 0.0, "kind": kind, "data": plain})
        self._reached(self._clock.tell(kind, at))

    def _reached(self, seconds: float) -> None:
        self.seconds = max(self.seconds, seconds)


class _Clock:
    """The time of a debate from the times of its events, the same whether they are written or read again."""

    def __init__(self) -> None:
        self._last: float | None = None
        self._seconds = 0.0

    def tell(self, kind: str, at: float) -> float:
        """Seconds since the first event, without those before a ``resumed``; told of all in the journal's order."""
        if self._last is not None and kind != RESUMED:
            self._seconds += max(0.0, at - self._last)
        self._last = at
        return self._seconds
