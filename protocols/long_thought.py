"""A long thought: the model is asked once and writes all of it itself, detours included, with the answer behind it.

    r ← policy.propose(problem)        one reply, ``<think> … </think> answer``
    the answer behind the thought is scored

So is a model asked that was trained on journeys, and so are reasoning models. The transcript holds the reply as it was
written, as one conclusion; where the thought in it turns is for ``synth.imports.whole_reply`` to guess. A reply that
its token limit cut has no answer (``limit:tokens``): what it says up to there it might have taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from longthought.agents.decisions import Terminate
from longthought.agents.rewards.contract import Scorer
from longthought.agents.seats.contract import Policy
from longthought.protocols import outcomes
from longthought.protocols.ending import outcome_of
from longthought.protocols.outcomes import Outcome
from longthought.protocols.scoring import score_answer
from longthought.protocols.tree import Tree


@dataclass(frozen=True)
class LongThought:
    """``behind``: the part of a reply that stands behind the thought, where the answer is."""

    policy: Policy
    scorer: Scorer
    behind: Callable[[str], str]

    async def play(self, tree: Tree) -> Outcome:
        return tree.close(await outcome_of(self._play(tree), tree))

    async def _play(self, tree: Tree) -> Outcome:
        tree.tape.seat = "policy"
        (reply,) = await self.policy.propose(tree.path())
        if not reply.text:
            return outcomes.limit("tokens") if reply.truncated else _gave_up("it wrote nothing")
        answer = None if reply.truncated else self.scorer.extract(self.behind(reply.text))
        tree.grow("conclusion", reply.text, answer, reply.truncated)
        if reply.truncated:
            return outcomes.limit("tokens")
        if answer is None:
            return _gave_up("no answer behind the thought")
        tree.judge(Terminate(reason="solved", answer=answer))
        return await score_answer(answer, self.scorer, tree)


def _gave_up(why: str) -> Outcome:
    return Outcome(kind=outcomes.GAVE_UP, why=why)
