"""Several rewards as one: every way to combine them, quorum, disagreement, and members that are down."""

from __future__ import annotations

import asyncio
from typing import Literal

import pytest

from longthought.agents.calls import recorder
from longthought.agents.errors import RewardError
from longthought.agents.problems import Problem
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.ensemble import Ensemble
from longthought.agents.rewards.tools import read_all, read_steps
from longthought.agents.thoughts import Path, straight_path
from longthought.protocols.tape import Tape

PATH = straight_path(Problem(id="p", question="2+2?"), ["2+2", "4"])
How = Literal["mean", "min", "median", "vote"]


class Says(Reward):
    """A value, a label, nothing (None), or that it is down."""

    def __init__(self, name: str, said: float | str | Exception | None) -> None:
        self.name, self.said = name, said
        self.closed = 0

    async def read(self, path: Path) -> Reading:
        match self.said:
            case Exception() as error:
                raise error
            case str() as label:
                return Reading(reward=self.name, label=label)
            case value:
                return Reading(reward=self.name, value=value)

    async def close(self) -> None:
        self.closed += 1


def ensemble(
    *said: float | str | Exception | None, combine: How = "mean", quorum: int | None = None
) -> Ensemble:
    return Ensemble([Says("abcde"[i], one) for i, one in enumerate(said)], combine, quorum)


@pytest.mark.parametrize(("combine", "value"), [("mean", 0.5), ("min", 0.1), ("median", 0.4)])
async def test_values(combine: How, value: float) -> None:
    reading = await ensemble(0.1, "correct", 0.4, combine=combine).read(PATH)
    assert reading.value == pytest.approx(value)
    assert reading.why == "a: 0.10; b: correct; c: 0.40; apart 0.90"


async def test_a_vote_is_a_label_and_its_dissent() -> None:
    reading = await ensemble(0.9, "incorrect", 0.5, combine="vote").read(PATH)
    assert (reading.label, reading.score) == ("correct", 1.0)
    assert reading.why.endswith("dissent 0.33")
    assert (await ensemble(0.9, "incorrect", combine="vote").read(PATH)).unscored


async def test_fewer_than_the_quorum_is_unscored_or_missing() -> None:
    (unread,) = await read_all([ensemble(0.5, None, None)], PATH)
    assert unread.unscored
    assert not unread.missing
    (down,) = await read_all([ensemble(0.5, RewardError("gone"), None)], PATH)
    assert down.missing
    assert "1 of 3 could be read, fewer than 2" in down.why
    (enough,) = await read_all([ensemble(0.5, RewardError("gone"), None, quorum=1)], PATH)
    assert enough.value == 0.5
    assert "b: unscored (missing)" in enough.why


async def test_a_member_that_hangs_is_missing_and_the_others_stand() -> None:
    class Hangs(Says):
        async def read(self, path: Path) -> Reading:
            await asyncio.Event().wait()
            raise AssertionError

    slow = Hangs("slow", None)
    slow.timeout = 0.05
    joined = Ensemble([slow, Says("a", 0.25), Says("b", 0.75)])
    (reading,) = await read_all([joined], PATH)
    assert reading.value == 0.5


async def test_every_step_and_what_is_journalled() -> None:
    joined = Ensemble([Says("a", 0.25), Says("b", 0.75)])
    tape = Tape(None, 0, 0)
    token = recorder.set(tape)
    try:
        assert [reading.value for reading in await read_steps(joined, PATH)] == [0.5, 0.5]
        (before,) = await read_all([joined], PATH)
        events = list(tape.events or ())
        # Played back, nobody is asked: the members are down, and the reading is the same.
        recorder.set(Tape(None, 0, 0, events))
        down = Ensemble([Says("a", RewardError("gone")), Says("b", RewardError("gone"))])
        assert [reading.value for reading in await read_steps(down, PATH)] == [0.5, 0.5]
        assert await read_all([down], PATH) == (before,)
    finally:
        recorder.reset(token)
    assert len(events) == 2 * 2 + 2  # the members' and its own


async def test_what_it_is_follows_from_its_members() -> None:
    one, other = Says("a", 0.5), Says("b", 0.5)
    assert not Ensemble([one, other]).uses_gold
    other.uses_gold = True
    joined = Ensemble([one, other])
    assert joined.uses_gold
    assert joined.identity()["members"] == [{"reward": "a"}, {"reward": "b"}]
    assert joined.timeout > one.timeout
    await joined.close()
    assert (one.closed, other.closed) == (1, 1)
    with pytest.raises(ValueError, match="quorum"):
        Ensemble([one, other], quorum=3)
