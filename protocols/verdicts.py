"""Gets a decision out of a critic: one that cannot be read, or cannot be carried out, is asked for again."""

from __future__ import annotations

from collections.abc import Callable

from longthought.agents.errors import UnreadableVerdict
from longthought.agents.seats.contract import Critic, Verdict, check_decision
from longthought.agents.thoughts import Path


async def readable_verdict(
    critic: Critic, path: Path, asks: int, asked_again: Callable[[str, str], None] | None = None
) -> Verdict:
    """The critic's verdict on the last thought of ``path``.

    Args:
        asks: how often it is asked in all.
        asked_again: called with each reply that could not be used and what was wrong with it.

    Raises:
        UnreadableVerdict: none of the replies could be used.
    """
    for asked in range(1, asks + 1):
        try:
            verdict = await critic.judge(path)
            check_decision(verdict.decision, path)
        except UnreadableVerdict as error:
            if asked_again is not None:
                asked_again(error.reply, str(error))
            if asked == asks:
                raise
            path = path.again(error.reply or "(nothing)", str(error))
        else:
            return verdict
    raise ValueError("a critic has to be asked at least once")
