"""The critic's mistakes, told while a run is under way and afterwards."""

from __future__ import annotations

import asyncio
from pathlib import Path

from longthought.agents.decisions import Backtrack, Terminate
from longthought.agents.readings import Reading
from longthought.agents.thoughts import Thought, Turn
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tape import Tape
from longthought.protocols.tree import Tree
from longthought.scenarios.tally import LONGEST, Tally
from longthought.synth.accounts import Account
from tests.protocols.scripted_debates import problem
from tests.scenarios.command_line import Call

WRONG = Outcome(kind="wrong", answer="5")


def ended() -> Tree:
    """A debate whose critic let a wrong answer stand, and could not have a reward twice."""
    tree = Tree(problem(), Tape(None, 0, 0))
    gone = Reading(reward="r", why="down", missing=True)
    first = Thought(id=1, parent=0, kind="step", text="2+2 is 3")
    last = Thought(id=2, parent=0, kind="conclusion", text="answer: 5", answer="5")
    tree.walk = [
        Turn(first, 1, Backtrack(to=0, why="no"), (gone,)),
        Turn(last, 1, Terminate(reason="solved"), (gone,)),
    ]
    return tree


def test_what_is_counted_while_a_run_goes_on() -> None:
    tally = Tally()
    assert tally.parts() == []
    for _ in range(3):
        tally.add(ended(), WRONG)
    asyncio.run(tally.catch_up(60))
    assert tally.account == Account(wrong=3, missed_errors=3)
    assert tally.parts() == [
        "critic in 3 debates: false backtracks 0 of 0 right thoughts, missed errors 3 of 3 wrong ones",
        "6 verdicts without a reward",
    ]


def test_it_takes_no_more_than_its_time_and_place() -> None:
    tally = Tally()
    for _ in range(2 * LONGEST):
        tally.add(ended(), WRONG)
    asyncio.run(tally.catch_up(0))
    assert tally.debates == 0
    asyncio.run(tally.catch_up(60))
    assert tally.debates == LONGEST
    assert tally.missing == 4 * LONGEST


def test_without_a_critic_there_are_no_mistakes() -> None:
    tally = Tally(judged=False)
    tally.add(ended(), WRONG)
    asyncio.run(tally.catch_up(60))
    assert tally.debates == 0


def test_a_run_and_show_tell_of_the_critic(tmp_path: Path, call: Call) -> None:
    code, _, err = call("run", "countdown-teacher", "--limit", "4", "--set", "seats.critic.options.miss=0.9")
    assert code == 0
    assert "critic in 20 debates: false backtracks 0 of " in err
    code, out, _ = call("show", "countdown-teacher")
    assert code == 0
    assert "against countdown-oracle" in out
    marks = [call("show", "countdown-teacher", "--debate", str(number))[1] for number in range(20)]
    assert any("✗ missed error" in shown for shown in marks)
    assert not any("✗ false backtrack" in shown for shown in marks)
    code, _, err = call(
        "run", "countdown-teacher", "--limit", "1", "--set", "protocol=monologue", "--set", "name=alone"
    )
    assert "critic in" not in err
    assert "against" not in call("show", "alone")[1]
