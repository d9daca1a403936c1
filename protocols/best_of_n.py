"""Best-of-n: n solutions without a critic, and the one that a reward likes best is the answer.

The baseline that every search has to beat at equal policy tokens (Let's Verify Step by Step, §2; Snell et al. 2024).
The n solutions are branches of one tree below the problem, so that its transcripts feed the same derivations. The
reward reads the conclusion of each; ties and unscored readings fall back to the earlier branch. The budget's ``turns``
and ``depth`` are those of a branch, the rest is for all of them together: once it is spent, the best so far is chosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from longthought.agents.decisions import Backtrack, Continue
from longthought.agents.rewards.contract import Reward, Scorer
from longthought.agents.rewards.tools import read_all
from longthought.agents.seats.contract import Policy
from longthought.agents.thoughts import Path, Turn
from longthought.protocols import outcomes
from longthought.protocols.budget import Budget, Price
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
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])

    async def play(self, tree: Tree) -> Outcome:
        return tree.close(await outcome_of(self._play(tree), tree))

    async def _play(self, tree: Tree) -> Outcome:
        best: tuple[float, str] | None = None
        for _ in range(self.n):
            if self._exceeded(tree, 0) is not None:
                break
            answer = await self._branch(tree)
            if answer is not None:
                tree.tape.seat = "reward"
                readings = await read_all([self.reward], tree.path())
                tree.read(readings)
                score = readings[0].score if readings[0].score is not None else -1.0
                if best is None or score > best[0]:
                    best = (score, answer)
            if tree.depth:
                tree.judge(Backtrack(to=0, why="another sample" if answer else "no answer"))
        if best is None:
            return outcomes.limit(self._exceeded(tree, 0) or "turns")
        return await score_answer(best[1], self.scorer, tree)

    async def _branch(self, tree: Tree) -> str | None:
        """One solution from the problem down; its answer, or None when it ends without one."""
        tree.tape.seat = "policy"
        own: list[Turn] = []
        while self._exceeded(tree, len(own)) is None:
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

    def _exceeded(self, tree: Tree, turns: int) -> str | None:
        """The limit that is used up, in a branch of so many turns; going from branch to branch is no backtrack."""
        return self.budget.exceeded(replace(tree.spent(self.prices), turns=turns, backtracks=0))
