"""Monte-Carlo rollouts, by policies whose chances are known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pytest

from longthought.agents.decisions import Continue
from longthought.agents.errors import UsageError
from longthought.agents.problems import Problem
from longthought.agents.rewards.exact_scorer import ExactScorer
from longthought.agents.rewards.rollouts import RolloutReward
from longthought.agents.rewards.scorers import NoScorer
from longthought.agents.seats.contract import Step
from longthought.agents.thoughts import Path, straight_path

PROBLEM = Problem(id="p", question="count to 4", gold="4", scorer="exact")


class Says:
    """A policy that says what a function of the steps so far makes up, and notes what it was asked."""

    def __init__(self, line: Callable[[Sequence[str]], str | Step]) -> None:
        self._line = line
        self.asked: list[tuple[tuple[str, ...], int]] = []

    async def propose(self, path: Path, n: int = 1) -> list[Step]:
        assert path.walk[-1].decision == Continue()
        steps = tuple(thought.text for thought in path.thoughts)
        self.asked.append((steps, n))
        lines = [self._line(steps) for _ in range(n)]
        return [line if isinstance(line, Step) else Step(line) for line in lines]


def counting(slips: float, seed: int = 0) -> Says:
    """Counts on to 4, and at each step goes wrong for good with the chance ``slips``."""
    random = Random(seed)

    def line(steps: Sequence[str]) -> str:
        if "lost" in steps or random.random() < slips:
            return "lost" if len(steps) < 4 else "answer: 5"
        return str(len(steps) + 1) if len(steps) < 4 else "answer: 4"

    return Says(line)


def rollouts(policy: Says, **settings: Any) -> RolloutReward:
    return RolloutReward(policy, ExactScorer(), **settings)


async def test_the_soft_estimate_is_the_policys_chance_to_end_right() -> None:
    k, slips = 4000, 0.1
    reading = await rollouts(counting(slips), k=k).read(straight_path(PROBLEM, ["1", "2"]))
    chance = (1 - slips) ** 3  # 3, 4 and the answer
    assert reading.value == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / k))
    assert reading.why.endswith(f"of {k} completions end right")


async def test_the_hard_estimate_asks_whether_any_completion_is_right() -> None:
    often_wrong = rollouts(counting(0.6), k=64, estimate="hard")
    assert (await often_wrong.read(straight_path(PROBLEM, ["1"]))).value == 1.0
    assert (await often_wrong.read(straight_path(PROBLEM, ["1", "lost"]))).value == 0.0


async def test_completions_that_agree_so_far_are_one_request() -> None:
    policy = counting(0.0)
    await rollouts(policy, k=8).read(straight_path(PROBLEM, ["1"]))
    assert [n for _, n in policy.asked] == [8, 8, 8, 8]
    assert policy.asked[-1][0] == ("1", "2", "3", "4")


async def test_a_conclusion_is_scored_and_not_completed() -> None:
    policy = counting(0.0)
    right = await rollouts(policy).read(straight_path(PROBLEM, ["1", "answer: 4"], "4"))
    wrong = await rollouts(policy).read(straight_path(PROBLEM, ["1", "answer: 5"], "5"))
    assert (right.value, wrong.value, policy.asked) == (1.0, 0.0, [])


@pytest.mark.parametrize("line", [Step("4", truncated=True), Step(""), "and on"])
async def test_completions_that_come_to_nothing_are_wrong(line: str | Step) -> None:
    reading = await rollouts(Says(lambda _: line), k=4, max_steps=3).read(straight_path(PROBLEM, ["1"]))
    assert (reading.value, reading.why) == (0.0, "0 of 4 completions end right")


async def test_what_cannot_be_scored_is_unscored() -> None:
    unknown = Problem(id="p", question="count", scorer="exact")
    reading = await rollouts(Says(lambda _: "answer: 4")).read(straight_path(unknown, ["1"]))
    assert reading.unscored
    assert (await rollouts(counting(0.0)).read(Path(PROBLEM))).unscored


@pytest.mark.parametrize("error", range(9))
async def test_binary_search_finds_the_first_error_with_fewer_estimates(error: int) -> None:
    steps = [str(i + 1) if i < error else "lost" for i in range(8)]

    def line(before: Sequence[str]) -> str:
        return "answer: 5" if "lost" in before else "answer: 4"

    every, binary = Says(line), Says(line)
    path = straight_path(PROBLEM, steps)
    one_by_one = await rollouts(every, estimate="hard").read_steps(path)
    found = await rollouts(binary, estimate="hard", search="binary").read_steps(path)
    assert [r.value for r in one_by_one] == [float(i < error) for i in range(8)]
    assert [r.value for r in found[: error + 1]] == [r.value for r in one_by_one[: error + 1]]
    assert all(reading.unscored for reading in found[error + 1 :])
    assert len(every.asked) == 8
    assert len(binary.asked) <= 1 + math.ceil(math.log2(8))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"search": "binary"}, "set estimate: hard"),
        ({"k": 0}, "at least 1"),
        ({"estimate": "firm"}, "hard or soft"),
    ],
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        rollouts(counting(0.0), **settings)
    with pytest.raises(UsageError, match="no scorer"):
        RolloutReward(counting(0.0), NoScorer())
