"""Has a reward or a critic asked about solutions, in a directory of their own, with a progress bar; resumable."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.contract import Critic
from longthought.protocols.journal import Journal
from longthought.scenarios.take_dir import take
from longthought.scenarios.waiting import under_bar
from longthought.synth.labelled.record import LabelledSolution
from longthought.train.judging.ask import Progress, ask_about
from longthought.train.judging.said import Said


async def ask_in(
    out: Path,
    identity: str,
    what: str,
    subject: Reward | Critic,
    solutions: Sequence[LabelledSolution],
    *,
    injected: Sequence[Reward] = (),
    max_at_once: int = 64,
    console: Console | None = None,
) -> tuple[list[Said], Progress]:
    """What ``subject`` says of every solution, in order, and what that cost. Progress is on standard error.

    Args:
        out: the directory of the journal; ``identity`` and ``what`` say whose it is (see ``take_dir.take``).

    Raises:
        UsageError: ``out`` holds other work.
        RunError, ModelError: it cannot go on; the same again resumes it.
    """
    take(out, identity, what)
    progress = Progress()
    with closing(Journal(out)) as journal:
        said = await under_bar(
            ask_about(
                subject, solutions, journal, injected=injected, max_at_once=max_at_once, progress=progress
            ),
            "solutions",
            len(solutions),
            lambda: progress.done,
            console,
        )
    return said, progress
