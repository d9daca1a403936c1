from __future__ import annotations

from typing import Any

import pytest

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import fold

CLOSED: dict[str, Any] = {"turns": 0, "usage": {}, "calls": {}}


@pytest.mark.parametrize(
    ("opened", "said"),
    [
        ({}, "no 'epoch'"),
        ({"epoch": "x", "seed": "y", "problem": {}}, "epoch: Input should be a valid integer"),
    ],
)
def test_events_that_are_no_debate_are_one_line(opened: dict[str, Any], said: str) -> None:
    events: list[dict[str, Any]] = [
        {"debate": 3, "kind": "opened", "data": opened},
        {"debate": 3, "kind": "closed", "data": CLOSED},
    ]
    with pytest.raises(UsageError, match=f"debate 3: not a transcript of version 1: {said}") as error:
        fold(events)
    assert "\n" not in str(error.value)
