"""In a debate of 12 turns on a real vLLM the prefix cache hits what it can, for both seats."""

from __future__ import annotations

import pytest

from benchmarks.prefix_cache import GOAL, TURNS, goals, serve_and_measure
from benchmarks.prefix_watch import Prefixes


def test_the_longest_known_prefix() -> None:
    known = Prefixes()
    known.add([1, 2, 3])
    known.add([1, 5])
    assert [known.longest(ids) for ids in ([1, 2, 4], [1, 5, 3], [2, 3], [1, 2, 3, 4], [])] == [2, 2, 0, 3, 0]


@pytest.mark.vllm
@pytest.mark.timeout(900)
def test_both_seats_hit_the_cache_over_twelve_turns() -> None:
    pytest.importorskip("vllm")
    rows = serve_and_measure(None, debates=2, at_once=(1, 2), memories=("walk",))
    assert [(row["context"], row["at_once"], row["seat"]) for row in rows] == [
        (context, at_once, seat)
        for context in ("per_seat", "shared")
        for at_once in (1, 2)
        for seat in ("policy", "critic")
    ]
    for row in rows:
        assert row["requests"] >= 2 * TURNS
        # Prompts grow by appending, so nearly all of them could be there.
        assert row["could"] >= 0.8
        assert row["did"] >= GOAL
        assert len(row["decisions"]) >= 2
    assert all(goals(rows).values()), rows
