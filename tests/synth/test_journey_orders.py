from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longthought.protocols.transcript import Transcript
from longthought.synth.derive.journey import Journey
from longthought.synth.derive.rows import SftRow
from longthought.synth.telling.depth_first import depth_first
from longthought.synth.telling.pieces import Piece
from tests.synth.random_debates import debates
from tests.synth.scripted_runs import Script, transcript_of

#: Two wrong tries at the problem, one of them two steps deep with a fork, then a wrong try below the right step.
FORKS = Script(
    ["w1", "w1a", "w1b", "w2", "right", "w3", "answer: 4"],
    [
        "continue",
        "backtrack 1: w1a fails",
        "backtrack 0: w1b fails",
        "backtrack 0: w2 fails",
        "continue",
        "backtrack 1: w3 fails",
        "terminate solved",
    ],
)


def told(tmp_path: Path, **options: Any) -> list[str]:
    (row,) = Journey.model_validate(options).rows([transcript_of(tmp_path / "run", FORKS)])
    assert isinstance(row, SftRow)
    return row.messages[1]["content"].removeprefix("<think>\n").split("\n</think>")[0].split("\n")


def thoughts(lines: list[str]) -> list[str]:
    steps = [*FORKS.steps]
    return [line for line in lines if line in steps]


@pytest.mark.parametrize("seed", range(6))
def test_depth_first_tries_each_node_so_often_and_follows_one_child(tmp_path: Path, seed: int) -> None:
    once = thoughts(told(tmp_path, order="dfs", trials=1, seed=seed))
    assert once in (
        ["w1", "w1a", "right", "w3", "answer: 4"],
        ["w1", "w1b", "right", "w3", "answer: 4"],
        ["w2", "right", "w3", "answer: 4"],
    )
    twice = thoughts(told(tmp_path, order="dfs", trials=2, seed=seed))
    assert Counter(twice) - Counter(["w1a"]) - Counter(["w1b"]) == Counter(
        ["w1", "w2", "right", "w3", "answer: 4"]
    )
    assert len(twice) == 6
    assert thoughts(told(tmp_path, order="dfs", trials=0, seed=seed)) == ["right", "answer: 4"]


def test_every_choice_is_made_by_some_seed(tmp_path: Path) -> None:
    seen = {tuple(thoughts(told(tmp_path, order="dfs", seed=seed))) for seed in range(20)}
    assert len(seen) == 3


def test_a_branch_is_left_for_the_reason_that_was_given(tmp_path: Path) -> None:
    lines = told(tmp_path, order="dfs", trials=5)
    for wrong, back in (("w2", 0), ("w3", 1)):
        way = lines[lines.index(wrong) + 1]
        assert f"{wrong} fails" in way
        assert ('"right"' in way) == (back == 1)


def test_without_reasons_the_bank_speaks(tmp_path: Path) -> None:
    whole, bare = told(tmp_path), told(tmp_path, detours="unreasoned")
    assert thoughts(whole) == thoughts(bare) == list(FORKS.steps)
    assert "fails" in " ".join(whole)
    assert "fails" not in " ".join(bare)
    assert len(whole) == len(bare)


@settings(max_examples=60, deadline=None)
@given(debates(), st.integers(0, 5))
def test_shuffled_detours_are_the_same_words_around_the_same_path(
    samples: list[Transcript], seed: int
) -> None:
    whole, mixed = Journey(seed=seed), Journey(seed=seed, detours="shuffled")
    for transcript in samples:
        pieces, other = whole.thought(transcript), mixed.thought(transcript)
        if not isinstance(pieces, list) or not isinstance(other, list):
            assert type(pieces) is type(other)
            continue
        assert Counter(pieces) == Counter(other)
        path = {thought.id for thought in transcript.final_path}

        def along(told: list[Piece], path: set[int] = path) -> list[Piece]:
            return [piece for piece in told if piece.thought in path]

        assert along(pieces) == along(other)


@settings(max_examples=60, deadline=None)
@given(debates(), st.integers(0, 3))
def test_any_debate_walks_depth_first(samples: list[Transcript], trials: int) -> None:
    for transcript in samples:
        walk = depth_first(transcript, trials, 0)
        assert tuple(turn.thought for turn in walk if turn.thought in transcript.final_path) == (
            transcript.final_path
        )
        assert len({turn.thought.id for turn in walk}) == len(walk)
        if trials == 0:
            assert tuple(turn.thought for turn in walk) == transcript.final_path
