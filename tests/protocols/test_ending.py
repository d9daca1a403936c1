"""Errors end a problem in the same way under every protocol."""

from __future__ import annotations

import asyncio

import pytest

from longthought.agents.errors import (
    ContextLengthError,
    FatalModelError,
    OutageError,
    RefusedError,
    UsageError,
)
from longthought.agents.models.contract import Sampling
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.agents.seats.solver import PARTS, Solver
from longthought.agents.thoughts import Path
from longthought.protocols.best_of_n import BestOfN
from longthought.protocols.budget import Budget
from longthought.protocols.debate import Debate
from longthought.protocols.long_thought import LongThought
from longthought.protocols.tape import Tape
from longthought.protocols.tree import Tree
from tests.protocols.scripted_debates import LastWord, problem


class Unmoved(Reward):
    name = "unmoved"

    async def read(self, path: Path) -> Reading:
        return Reading(reward=self.name, value=0.5)


def protocol(name: str, failure: Exception) -> Debate | BestOfN | LongThought:
    # Behind a refusal comes a plain greeting, which tells whether everything is refused.
    model = ScriptedModel([failure, "hello"])
    policy = PolicyAgent(model, Context(Prompts("default")))
    match name:
        case "debate":
            return Debate(policy, CriticAgent(ScriptedModel([]), Context(Prompts("default"))), LastWord())
        case "best-of-n":
            return BestOfN(policy, Unmoved(), LastWord(), n=2)
        case _:
            solver = Solver(model, Prompts("default", None, PARTS), Sampling())
            return LongThought(solver, LastWord(), lambda text: text)


@pytest.mark.parametrize("name", ["debate", "best-of-n", "long-thought"])
@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (ContextLengthError("too long"), "limit:context_length"),
        (RefusedError("not that"), "error:refused"),
        (ValueError("a bug in a seat"), "error:seat"),
    ],
)
async def test_what_failed_is_a_record(name: str, failure: Exception, kind: str) -> None:
    tree = Tree(problem(), Tape(None, 0, 0))
    outcome = await protocol(name, failure).play(tree)
    assert outcome.kind == kind
    assert (tree.tape.events or [])[-1]["kind"] == "closed"


async def test_a_seat_that_lets_a_cancellation_out_is_a_record_too() -> None:
    class Cancels(LastWord):
        def extract(self, text: str) -> str | None:
            raise asyncio.CancelledError

    policy = PolicyAgent(ScriptedModel(["so"]), Context(Prompts("default")))
    tree = Tree(problem(), Tape(None, 0, 0))
    assert (await BestOfN(policy, Unmoved(), Cancels()).play(tree)).kind == "error:seat"


async def test_a_debate_that_is_cancelled_has_no_outcome() -> None:
    class Waits(Unmoved):
        timeout = 60.0

        async def read(self, path: Path) -> Reading:
            playing.cancel()
            await asyncio.Event().wait()
            raise AssertionError

    policy = PolicyAgent(ScriptedModel(["answer: 4"]), Context(Prompts("default")))
    tree = Tree(problem(), Tape(None, 0, 0))
    playing = asyncio.ensure_future(BestOfN(policy, Waits(), LastWord()).play(tree))
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert not any(event["kind"] == "closed" for event in tree.tape.events or [])


async def test_best_of_n_hears_labels_and_keeps_to_its_budget() -> None:
    class Labels(Reward):
        name = "labels"

        async def read(self, path: Path) -> Reading:
            right = path.thoughts[-1].text == "answer: 4"
            return Reading(reward=self.name, label="correct" if right else "incorrect")

    def best(n: int, **budget: int) -> tuple[BestOfN, ScriptedModel]:
        model = ScriptedModel(["answer: 3", "answer: 4", "answer: 5"])
        policy = PolicyAgent(model, Context(Prompts("default")))
        return BestOfN(policy, Labels(), LastWord(), n=n, budget=Budget.model_validate(budget)), model

    rules, _ = best(3)
    assert (await rules.play(Tree(problem(), Tape(None, 0, 0)))).kind == "solved"
    # Two tokens a reply: the third sample is not paid for any more.
    rules, model = best(3, tokens_out=4)
    assert (await rules.play(Tree(problem(), Tape(None, 0, 0)))).kind == "solved"
    assert len(model.requests) == 2
    # Each branch goes back to the problem, which is no backtrack of a debate.
    rules, model = best(3, backtracks=0)
    await rules.play(Tree(problem(), Tape(None, 0, 0)))
    assert len(model.requests) == 3


@pytest.mark.parametrize("name", ["debate", "best-of-n", "long-thought"])
@pytest.mark.parametrize(
    "failure", [FatalModelError("no such model"), OutageError("down"), UsageError("no such key")]
)
async def test_what_no_debate_can_go_on_with_ends_the_run(name: str, failure: Exception) -> None:
    tree = Tree(problem(), Tape(None, 0, 0))
    with pytest.raises(type(failure)):
        await protocol(name, failure).play(tree)
    assert not any(event["kind"] == "closed" for event in tree.tape.events or [])
