"""The tape of one debate: writes what happens to the journal, and plays back what an earlier run already journalled.

Resume is by replay. The debate's code runs again from the start; every outside call finds its journalled result by the
digest of its request and is not made again, and every event that was already written is checked and not written twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any

import orjson

from longthought.agents.errors import RunError
from longthought.agents.models.contract import Usage
from longthought.protocols.journal import Event, Journal

#: Events that hold an outside call, looked up by key; all others are the debate's own and come in a fixed order.
CALLS = frozenset({"sampled", "read", "scored", "seated"})


class Tape:
    """Implements ``agents.calls.Recorder`` for one debate.

    Args:
        past: the debate's events from an earlier, unfinished run.
        seed: from which every request's seed is derived.
    """

    def __init__(self, journal: Journal | None, debate: int, seed: int, past: Sequence[Event] = ()) -> None:
        self._journal, self._debate, self._seed = journal, debate, seed
        self._calls = {e["data"]["key"]: e["data"] for e in past if e["kind"] in CALLS}
        own = [e for e in past if e["kind"] not in CALLS and e["kind"] != "failed"]
        self._own = iter(own)
        self._seen: Counter[bytes] = Counter()
        self.events: list[Event] | None = [] if journal is None else None
        #: Which seat the next calls are for.
        self.seat = "policy"
        self.usage: dict[str, Usage] = {}
        self.calls: Counter[str] = Counter()

    # --- agents.calls.Recorder --------------------------------------------------------------------------------

    def key(self, digest: bytes) -> tuple[str, int]:
        """The digest with the number of times it came before in this debate, and a seed made from both."""
        again = self._seen[digest]
        self._seen[digest] = again + 1
        seed = blake2b(b"%d|%b|%d" % (self._seed, digest, again), digest_size=4).digest()
        return f"{digest.hex()}.{again}", int.from_bytes(seed) & 0x7FFFFFFF

    def replay(self, key: str) -> Any | None:
        return self._calls.get(key)

    def record(self, key: str, kind: str, data: Mapping[str, Any], usage: Usage) -> None:
        self.usage[self.seat] = self.usage.get(self.seat, Usage()) + usage
        self.calls[self.seat] += 1
        if key not in self._calls:
            self._write(kind, {"seat": self.seat, "key": key, **data})

    def failed(self, key: str, attempt: int, error: str, wait: float) -> None:
        data = {"seat": self.seat, "key": key, "attempt": attempt, "error": error, "wait": round(wait, 3)}
        self._write("failed", data)

    # --- the debate's own events ------------------------------------------------------------------------------

    def emit(self, kind: str, data: Mapping[str, Any]) -> None:
        """Write an event, or check it against the one that stands in its place.

        Raises:
            RunError: the journal holds something else; the code or the model's replies changed since.
        """
        past = next(self._own, None)
        if past is None:
            self._write(kind, data)
        elif past["kind"] != kind or orjson.dumps(past["data"]) != orjson.dumps(data):
            raise RunError(
                f"debate {self._debate} cannot be resumed: the journal holds a {past['kind']!r} event where "
                f"this version writes {kind!r}; start a new run directory"
            )

    def total(self) -> Usage:
        total = Usage()
        for usage in self.usage.values():
            total += usage
        return total

    def _write(self, kind: str, data: Mapping[str, Any]) -> None:
        if self._journal is not None:
            self._journal.write(self._debate, kind, data)
        elif self.events is not None:
            plain = orjson.loads(orjson.dumps(data))
            self.events.append({"debate": self._debate, "at": 0.0, "kind": kind, "data": plain})
