"""Panels: how they decide, who abstains, what is kept of each member, and a miss rate with a closed form."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from longthought.agents.calls import recorder
from longthought.agents.decisions import Backtrack, Continue, Decision, Reflect, Terminate
from longthought.agents.errors import ModelError, UnreadableVerdict
from longthought.agents.models.contract import Message, Sampling
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.seats.context import Context
from longthought.agents.seats.contract import Verdict
from longthought.agents.seats.countdown_scripted import CountdownOracle
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.panel import Panel, Rule
from longthought.agents.seats.vote import vote
from longthought.agents.thoughts import Path, straight_path
from longthought.protocols.budget import Budget
from longthought.protocols.tape import Tape
from tests.protocols.scripted_debates import debate, play

PATH = straight_path(Problem(id="p", question="2+2?"), ["2+2", "is 5"])
GO, SOLVED = Continue(), Terminate(reason="solved", answer="4")
ONE, ZERO = Backtrack(to=1, why="one"), Backtrack(to=0, why="zero")
WHY = Reflect(why="why")


class Always:
    """Says one thing, and counts how often."""

    def __init__(self, said: Decision | Exception) -> None:
        self.said, self.times = said, 0
        self.shown: list[Path] = []

    async def judge(self, path: Path) -> Verdict:
        self.times += 1
        self.shown.append(path)
        if isinstance(self.said, Exception):
            raise self.said
        return Verdict(self.said, (Reading(reward="tool", value=0.5),) if self.said == WHY else ())


def panel(*said: Decision | Exception, rule: Rule = "vote") -> tuple[Panel, list[Always]]:
    members = [Always(each) for each in said]
    return Panel({"abcde"[i]: member for i, member in enumerate(members)}, rule), members


@pytest.mark.parametrize(
    ("decisions", "wins"),
    [
        ([GO, GO, ONE], GO),
        ([GO, ONE, WHY], ONE),
        ([GO, WHY, SOLVED], WHY),
        ([GO, SOLVED], SOLVED),
        ([ZERO, ONE, Backtrack(to=1, why="me too")], ONE),
        ([ZERO, ONE], ZERO),
        ([Terminate(reason="give_up"), SOLVED, SOLVED], SOLVED),
    ],
)
def test_the_vote(decisions: list[Decision], wins: Decision) -> None:
    assert vote(decisions) == wins


async def test_who_said_what_is_kept() -> None:
    verdict = await panel(GO, WHY, ONE, SOLVED, UnreadableVerdict("no line is one", "hm"))[0].judge(PATH)
    assert verdict.decision == ONE
    assert [str(reading) for reading in verdict.readings] == [
        "panel/a: continue",
        "tool: 0.50",
        "panel/b: reflect (why)",
        "panel/c: backtrack (1: one)",
        "panel/d: terminate (solved: 4)",
        "panel/e: unscored (abstained: no line is one)",
    ]
    assert not any(reading.missing for reading in verdict.readings)


async def test_first_to_object() -> None:
    asked, members = panel(GO, SOLVED, WHY, ONE, rule="first-to-object")
    verdict = await asked.judge(PATH)
    assert verdict.decision == WHY
    assert [member.times for member in members] == [1, 1, 1, 0]
    assert (await panel(GO, GO, SOLVED, rule="first-to-object")[0].judge(PATH)).decision == GO


async def test_what_cannot_be_carried_out_is_an_abstention() -> None:
    asked, _ = panel(Terminate(reason="solved"), Backtrack(to=2, why="here"), GO)
    assert (await asked.judge(PATH)).decision == GO
    with pytest.raises(UnreadableVerdict, match="no answer stands"):
        await panel(Terminate(reason="solved"), Backtrack(to=2, why="here"))[0].judge(PATH)


async def test_a_model_that_fails_ends_the_debate_and_is_no_abstention() -> None:
    with pytest.raises(ModelError, match="gone"):
        await panel(GO, ModelError("gone"), GO)[0].judge(PATH)


async def test_members_hear_nothing_of_each_other() -> None:
    asked, members = panel(GO, GO)
    rules, _, _ = debate(["a", "b"], [])
    await play(replace(rules, critic=asked, budget=Budget(turns=2)))
    shown = members[0].shown[1]
    assert len(shown.walk) == 2
    assert shown.walk[0].decision == GO
    assert shown.walk[0].readings == ()


async def test_members_on_one_model_have_dice_of_their_own() -> None:
    seeds: list[int | None] = []

    def script(messages: object, sampling: Sampling) -> str:
        seeds.append(sampling.seed)
        return "continue"

    model = ScriptedModel(script)
    critic = CriticAgent(model, Context(Prompts()), Sampling(temperature=1.0))
    token = recorder.set(Tape(None, 0, 0))
    try:
        await Panel({"a": critic, "b": critic}).judge(PATH)
    finally:
        recorder.reset(token)
    assert len(set(seeds)) == 2
    assert all(isinstance(message, Message) for messages, _, _ in model.requests for message in messages)


@pytest.mark.parametrize("miss", [0.2, 0.5])
async def test_three_independent_oracles_miss_as_the_binomial_says(miss: float) -> None:
    """Under ``vote`` a fault passes if two or three of three miss it: p³ + 3p²(1 − p)."""
    problem = Problem(id="p", question="q", metadata={"numbers": [29, 13, 2], "target": 32})
    path = straight_path(problem, ["29-13=15 [15 2]"])
    asked = Panel({name: CountdownOracle(miss=miss) for name in ("a", "b", "c")})
    tries, passed, alone = 800, 0, 0
    for debate_ in range(tries):
        token = recorder.set(Tape(None, debate_, seed=debate_))
        try:
            verdict = await asked.judge(path)
        finally:
            recorder.reset(token)
        passed += verdict.decision == GO
        alone += verdict.readings[0].label == "continue"
    expected = miss**3 + 3 * miss**2 * (1 - miss)
    assert passed / tries == pytest.approx(expected, abs=3 * math.sqrt(expected * (1 - expected) / tries))
    assert alone / tries == pytest.approx(miss, abs=3 * math.sqrt(miss * (1 - miss) / tries))
