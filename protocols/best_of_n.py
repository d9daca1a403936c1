"""Best-of-n: n solutions without a critic, and the one that a reward likes best is the answer.

The baseline that every search has to beat at equal policy tokens (Let's Verify Step by Step, §2; Snell et al. 2024).
The n solutions are branches of one tree below the problem, so that its transcripts feed the same derivations. The
reward reads the conclusion of each; ties and unscored readings fall back to the earlier branch.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from longthought.agents.decisions import Backtrack, Continue
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.rewards.tools import read_all
from longthought.agents.seats.contract import Policy
from longthought.agents.thoughts import Path, Turn
from longthought.protocols import outcomes
from longthought.protocols.budget import Budget
from longthought.protocols.ending import outcome_of
from longthought.protocols.outcomes import Outcome
from longthought.protocols.scoring import score_answer
from longthought.protocols.tree import Tree


@dataclass(frozen=True)
class BestOfN:
    """Each branch is shown only itself: the branches are independent samples."""

    policy: Policy
    reward: Reward
    scorer: Scorer
    n: int = 4
    budget: Budget = field(default_factory=Budget)

    async def play(self, tree: Tree) -> Outcome:
        outcome = await outcome_of(self._play(tree), tree)
        return tree.close(outcome, len(tree.walk))

    async def _play(self, tree: Tree) -> Outcome:
        best: tuple[float, str] | None = None
        for _ in range(self.n):
            answer = await self._branch(tree)
            if answer is not None:
                tree.tape.seat = "reward"
                readings = await read_all([self.reward], tree.path())
                tree.read(readings)
                value = readings[0].value if readings[0].value is not None else -1.0
                if best is None or value > best[0]:
                    best = (value, answer)
            if tree.depth:
                tree.judge(Backtrack(to=0, why="another sample" if answer else "no answer"))
        if best is None:
            return outcomes.limit("turns")
        return await score_answer(best[1], self.scorer, tree)

    async def _branch(self, tree: Tree) -> str | None:
        """One solution from the problem down; its answer, or None when it ends without one."""
        tree.tape.seat = "policy"
        own: list[Turn] = []
        for _ in range(self.budget.turns):
            path = Path(tree.problem, tree.path().thoughts, tuple(own))
            (step,) = await self.policy.propose(path)
            if not step.text:
                return None
            if own:
                tree.judge(Continue())
            answer = None if step.truncated else self.scorer.extract(step.text)
            tree.grow("step" if answer is None else "conclusion", step.text, answer, step.truncated)
            if answer is not None:
                return answer
            # The policy is shown its step as continued; the tree learns it once another step follows.
            own.append(replace(tree.walk[-1], decision=Continue()))
        return None
