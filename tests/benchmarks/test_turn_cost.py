"""The measurement of a turn's cost counts every turn, on both sides, and judges the worst case."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from benchmarks import turn_cost
from benchmarks.turn_cost_client import Play, autogen, measure, ours
from longthought.agents.models.loopback import LoopbackServer


@pytest.mark.parametrize("side", [ours, autogen])
async def test_a_turn_is_one_model_call(
    side: Callable[[str, Path], AbstractAsyncContextManager[Play]], tmp_path: Path
) -> None:
    async with LoopbackServer(turn_cost.say) as server:
        found = await measure(side(server.base_url, tmp_path), turns=4, debates=3, rounds=2)
    # The short debate before the clock starts takes two.
    assert len(server.requests) == 4 * 3 * 2 + 2
    assert found["cpu_ms_per_turn"] > 0


def test_goals_are_judged_by_the_worst_size() -> None:
    rows = [
        {
            "side": side,
            "turns": turns,
            "debates": debates,
            "cpu_ms_per_turn": cost,
            "cpu_ms_per_turn_all": [cost * (1.3 if (turns, debates) == (48, 256) else 1.0)] * 2,
            "wall_over_latency": 1.06 if (turns, debates) == (24, 64) else 1.01,
            "kib_per_debate": 50.0,
        }
        for side, cost in (("ours", 0.2), ("autogen", 4.0))
        for turns in turn_cost.TURNS
        for debates in turn_cost.DEBATES
    ]
    assert [(goal["measured"], goal["held"]) for goal in turn_cost.goals(rows)] == [
        (20.0, True),
        (1.3, False),
        (1.06, False),
        (50.0, True),
    ]
