"""A reward in the critic's seat: what it goes back from, and where it ends."""

from __future__ import annotations

from dataclasses import replace

import pytest

from longthought.agents.decisions import Backtrack, Continue, Decision, Terminate
from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.reward_critic import RewardCritic
from longthought.agents.thoughts import Path, straight_path

PROBLEM = Problem(id="p", question="2+2?")


class Says(Reward):
    name = "says"

    def __init__(self, said: Reading | None) -> None:
        self._said = said

    async def read(self, path: Path) -> Reading:
        if self._said is None:
            raise RewardError("down")
        return self._said


@pytest.mark.parametrize(
    ("said", "answer", "decision"),
    [
        (Reading(reward="says", value=0.9), None, Continue()),
        (Reading(reward="says", value=0.9), "4", Terminate(reason="solved", answer="4")),
        (Reading(reward="says", value=0.5), None, Continue()),
        (Reading(reward="says", value=0.49), None, Backtrack(to=1, why="says reads 0.49")),
        (Reading(reward="says", value=0.1), "4", Backtrack(to=1, why="says reads 0.10")),
        (
            Reading(reward="says", label="incorrect", why="5 is not 4"),
            None,
            Backtrack(to=1, why="5 is not 4"),
        ),
        (Reading(reward="says", why="nothing to read"), None, Continue()),
        (None, "4", Terminate(reason="solved", answer="4")),
    ],
)
async def test_it_goes_back_from_what_reads_low(
    said: Reading | None, answer: str | None, decision: Decision
) -> None:
    verdict = await RewardCritic(Says(said)).judge(straight_path(PROBLEM, ["2+2=4", "so 4"], answer))
    assert verdict.decision == decision
    assert [reading.reward for reading in verdict.readings] == ["says"]
    assert verdict.readings[0].missing is (said is None)


async def test_a_reading_that_is_there_is_not_made_again() -> None:
    path = straight_path(PROBLEM, ["2+2=5"])
    read = replace(path.walk[-1], readings=(Reading(reward="says", value=0.1),))
    verdict = await RewardCritic(Says(None)).judge(replace(path, walk=(read,)))
    assert verdict.decision == Backtrack(to=0, why="says reads 0.10")
    assert verdict.readings == ()
