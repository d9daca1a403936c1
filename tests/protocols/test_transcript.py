from __future__ import annotations

from typing import Any

import pytest

from longthought.agents.errors import UsageError
from longthought.protocols.transcript import Transcript, fold

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


THOUGHT: dict[str, Any] = {"id": 1, "parent": 0, "kind": "step", "text": "a"}
NEXT: dict[str, Any] = {**THOUGHT, "id": 2, "parent": 1}


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"thoughts": [{**THOUGHT, "parent": 1}]}, "number 1 has id 1 and parent 1"),
        ({"thoughts": [{**THOUGHT, "id": 7}]}, "number 1 has id 7"),
        ({"thoughts": [THOUGHT, {**NEXT, "parent": 7}]}, "number 2 has id 2 and parent 7"),
        ({"judgements": [{"thought": 3, "decision": {"kind": "continue"}}]}, "there is no thought 3"),
        (
            {"judgements": [{"thought": 1, "decision": {"kind": "backtrack", "to": 1, "why": "no"}}]},
            "from thought 1 the way back to 1 is none",
        ),
        ({"told_wrong": [9]}, "told_wrong: names a thought that is not there"),
    ],
)
def test_a_transcript_that_is_no_tree_is_refused(parts: dict[str, Any], said: str) -> None:
    whole: dict[str, Any] = {
        "number": 0,
        "problem": {"id": "p", "question": "q"},
        "thoughts": [THOUGHT, NEXT],
        "judgements": [],
        "outcome": {"kind": "solved"},
        "turns": 2,
    }
    assert len(Transcript.model_validate(whole).thoughts) == 2
    with pytest.raises(ValueError, match=said):
        Transcript.model_validate({**whole, **parts})
