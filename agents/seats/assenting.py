"""The critic of a monologue: lets every step stand and ends at the first answer. It is no model and costs nothing."""

from __future__ import annotations

from longthought.agents.decisions import Continue, Terminate
from longthought.agents.seats.contract import Verdict
from longthought.agents.thoughts import Path


class AssentingCritic:
    """With it a debate is the policy alone, shown the same words of assent that a debate shows it."""

    async def judge(self, path: Path) -> Verdict:
        last = path.thoughts[-1]
        return Verdict(Continue() if last.answer is None else Terminate(reason="solved", answer=last.answer))
