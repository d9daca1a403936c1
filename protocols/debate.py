"""The debate: policy proposes, critic decides, until an outcome.

    loop
        s ← policy.propose(path)                     one thought below the cursor, different from the children there
        d ← critic.judge(path + s)                   after reading the rewards that are injected
        continue        the cursor stays on s
        backtrack k     the cursor moves to the k-th thought of the path, 0 is the problem
        reflect         the policy writes a reflection below s, which is judged in turn
        terminate       the answer on the path is scored; the debate ends, or, told that it is wrong, goes on

The actions are those of O1-Journey's second attempt (continue, backtracking, reflection, terminate) and the loop that
of its third, the propose–critique debate. Departures: the problem's scorer scores an answer, and not the critic;
telling the seats that an answer is wrong is an option (``on_wrong_answer: tell``) and marks what follows as informed;
every debate is kept, whatever its outcome, since filtering belongs to the corpora.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from longthought.agents.decisions import Decision, Reflect, Terminate
from longthought.agents.errors import ModelError
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.rewards.tools import read_all
from longthought.agents.seats.contract import Critic, Policy, Step
from longthought.agents.thoughts import Ask, Thought, ThoughtKind
from longthought.protocols import outcomes
from longthought.protocols.budget import Budget, Price
from longthought.protocols.ending import outcome_of
from longthought.protocols.outcomes import Outcome
from longthought.protocols.scoring import score_answer, score_ill_posed
from longthought.protocols.tree import Tree
from longthought.protocols.verdicts import readable_verdict


@dataclass(frozen=True)
class Debate:
    """The rules of a debate and who sits where. Holds no state: one value plays any number of debates at once."""

    policy: Policy
    critic: Critic
    scorer: Scorer
    budget: Budget = field(default_factory=Budget)
    #: Read before each judgement and shown to the critic (``reward: inject``).
    injected: Sequence[Reward] = ()
    on_wrong_answer: Literal["stop", "tell"] = "stop"
    #: How often a seat is asked in all before its nonsense becomes an outcome.
    asks: int = 3
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    #: Readings of these rewards, or the policy's knowledge, rest on the gold answer.
    informed: bool = False
    #: Called after every event that changes the tree; for consoles.
    on_turn: Callable[[Tree], None] | None = None

    async def play(self, tree: Tree) -> Outcome:
        """Play the tree's problem to its outcome. Only what ends the whole run is raised.

        Raises:
            FatalModelError, OutageError, RunError, UsageError: the run cannot go on.
        """
        tree.informed = self.informed
        return tree.close(await outcome_of(_Play(self, tree).run(), tree))


class _Play:
    """One debate under way."""

    def __init__(self, rules: Debate, tree: Tree) -> None:
        self.rules, self.tree = rules, tree

    async def run(self) -> Outcome:
        ask: Ask = "step"
        while True:
            spent = self.tree.spent(self.rules.prices)
            if (which := self.rules.budget.exceeded(spent)) is not None:
                return outcomes.limit(which, self.tree.path().answer)
            if ask == "step" and self.rules.budget.nearly(spent):
                ask = "conclusion"
            if await self._propose(ask) is None:
                continue
            decision = await self._judge()
            self._show()
            match decision:
                case Terminate():
                    outcome = await self._terminate(decision)
                    if outcome is not None:
                        return outcome
                    ask = "reflection"
                case Reflect():
                    ask = "reflection"
                case _:
                    ask = "step"

    # --- the policy's half ------------------------------------------------------------------------------------

    async def _propose(self, ask: Ask) -> Thought | None:
        """One new thought below the cursor, or None when the policy only repeats itself."""
        tree, path = self.tree, self.tree.path(ask)
        tried = {_normal(thought.text) for thought in path.tried}
        repeat: str | None = None
        tree.tape.seat = "policy"
        for asked in range(self.rules.asks):
            # Asked again, it may offer several at once: the prompt is computed once for all of them.
            steps = await self.rules.policy.propose(path, 1 if asked == 0 else 4)
            fresh = next((step for step in steps if step.text and _normal(step.text) not in tried), None)
            if fresh is not None:
                return self._grow(ask, fresh)
            repeat = next((step.text for step in steps if step.text), None)
            complaint = (
                "That step is empty. Write one step."
                if repeat is None
                else "That step was tried here before and given up. Write a different one."
            )
            tree.asked_again("policy", repeat or "", complaint)
            # An empty assistant message breaks some templates; then the complaint stands alone.
            path = path.again(repeat or "(nothing)", complaint)
        if repeat is None:
            raise ModelError(f"the policy wrote nothing, {self.rules.asks} times over")
        tree.repeated(repeat)
        return None

    def _grow(self, ask: Ask, step: Step) -> Thought:
        if ask == "reflection":
            return self.tree.grow("reflection", step.text, None, step.truncated)
        answer = None if step.truncated else self.rules.scorer.extract(step.text)
        kind: ThoughtKind = "step" if answer is None and ask == "step" else "conclusion"
        return self.tree.grow(kind, step.text, answer, step.truncated, concluding=ask == "conclusion")

    # --- the critic's half ------------------------------------------------------------------------------------

    async def _judge(self) -> Decision:
        tree = self.tree
        if self.rules.injected:
            tree.tape.seat = "reward"
            tree.read(await read_all(self.rules.injected, tree.path()))
        path = tree.path()
        tree.tape.seat = "critic"
        verdict = await readable_verdict(
            self.rules.critic,
            path,
            self.rules.asks,
            lambda reply, why: tree.asked_again("critic", reply, why),
        )
        tree.read(verdict.readings)
        tree.judge(verdict.decision)
        return verdict.decision

    async def _terminate(self, decision: Terminate) -> Outcome | None:
        """The outcome, or None when the debate goes on after a wrong answer."""
        tree = self.tree
        path_answer = tree.path().answer
        if decision.reason == "give_up":
            return Outcome(kind=outcomes.GAVE_UP, answer=path_answer, why=decision.answer or "")
        if decision.reason == "ill_posed":
            return await score_ill_posed(decision.answer or "", self.rules.scorer, tree)
        answer = path_answer or decision.answer or ""
        outcome = await score_answer(answer, self.rules.scorer, tree)
        if outcome.kind == outcomes.WRONG and self.rules.on_wrong_answer == "tell":
            tree.tell_wrong(answer)
            return None
        return outcome

    # --- bookkeeping ------------------------------------------------------------------------------------------

    def _show(self) -> None:
        if self.rules.on_turn is not None:
            self.rules.on_turn(self.tree)


def _normal(text: str) -> str:
    return " ".join(text.split()).casefold()
