"""A reward in the critic's seat: goes back from a step that it reads as wrong, ends at an answer it reads as right.

What O1-Journey's tree search does with its reward models (report §3.3: branches that a model scores low are pruned),
played as a debate. The baseline that a critic made of a language model has to beat.
"""

from __future__ import annotations

from longthought.agents.decisions import Backtrack, Continue, Terminate
from longthought.agents.rewards.contract import Reward
from longthought.agents.rewards.tools import read_once
from longthought.agents.seats.contract import Verdict
from longthought.agents.thoughts import Path


class RewardCritic:
    """Backtracks to the parent of a step that scores below ``threshold``; what cannot be read is let stand.

    A reading that the thought already has is not made again.
    """

    def __init__(self, reward: Reward, threshold: float = 0.5) -> None:
        self._reward, self._threshold = reward, threshold

    async def judge(self, path: Path) -> Verdict:
        reading, made = await read_once(self._reward, path)
        last = path.thoughts[-1]
        if reading.score is not None and reading.score < self._threshold:
            why = reading.why or f"{self._reward.name} reads {reading.score:.2f}"
            return Verdict(Backtrack(to=path.depth - 1, why=why), made)
        if last.answer is not None:
            return Verdict(Terminate(reason="solved", answer=last.answer), made)
        return Verdict(Continue(), made)
