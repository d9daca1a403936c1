"""What a model did on each of the unseen problems, read from its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.journey_vs_shortcut.thoughts import ways_of
from longthought.agents.rewards.countdown import puzzle_of
from longthought.protocols.transcript import Transcript
from longthought.protocols.transcript_files import read_transcripts


def replies(run: Path) -> list[dict[str, Any]]:
    """Of each reply: whether it is right, was cut, or claims an answer that is wrong; its tokens; what is in it."""
    return [_reply(said) for said in read_transcripts(run)]


def _reply(said: Transcript) -> dict[str, Any]:
    puzzle = puzzle_of(said.problem)
    assert puzzle is not None
    ways = ways_of("".join(thought.text for thought in said.thoughts), puzzle)
    return {
        "id": said.problem.id,
        "right": said.outcome.is_right,
        "cut": said.outcome.group == "limit",
        "claims": said.outcome.answer is not None and not said.outcome.is_right,
        "tokens": said.usage["policy"].completion,
        "backs": ways.backs,
        "valid_backs": ways.valid,
        "steps": ways.steps,
        "legal_steps": ways.legal,
        "attempts": ways.attempts,
        "repeated": ways.repeated,
    }
