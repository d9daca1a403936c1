"""Debates whose seats read their lines off lists; the protocol tests share them."""

from __future__ import annotations

from longthought.agents.decisions import Decision
from longthought.agents.models.scripted import ScriptedModel
from longthought.agents.problems import Problem
from longthought.agents.prompts import Prompts
from longthought.agents.readings import Reading
from longthought.agents.rewards.contract import Scorer
from longthought.agents.seats.context import Context
from longthought.agents.seats.critic import CriticAgent
from longthought.agents.seats.policy import PolicyAgent
from longthought.protocols.debate import Debate
from longthought.protocols.outcomes import Outcome
from longthought.protocols.tape import Tape
from longthought.protocols.tree import Tree


class LastWord(Scorer):
    """``answer: x`` is an answer, and right if it equals the gold answer; no gold, no score."""

    name = "last-word"

    def extract(self, text: str) -> str | None:
        return text.removeprefix("answer:").strip() if text.startswith("answer:") else None

    async def score(self, answer: str, problem: Problem) -> Reading:
        if problem.gold is None:
            return Reading(reward=self.name, why="no gold answer")
        return Reading(reward=self.name, value=float(answer == problem.gold))


def problem(question: str = "2+2?", gold: str | None = "4") -> Problem:
    return Problem(id="p", question=question, gold=gold, scorer="last-word")


def debate(
    steps: list[str], verdicts: list[str], **rules: object
) -> tuple[Debate, ScriptedModel, ScriptedModel]:
    """A debate whose policy and critic read their lines off two lists."""
    policy, critic = ScriptedModel(steps, "p"), ScriptedModel(verdicts, "c")
    context = Context(Prompts("default"))
    built = Debate(
        PolicyAgent(policy, context),
        CriticAgent(critic, context),
        LastWord(),
        **rules,  # type: ignore[arg-type]
    )
    return built, policy, critic


async def play(rules: Debate, about: Problem | None = None) -> tuple[Outcome, Tree]:
    tree = Tree(about or problem(), Tape(None, 0, 0))
    return await rules.play(tree), tree


def decisions(tree: Tree) -> list[Decision | None]:
    return [turn.decision for turn in tree.walk]
