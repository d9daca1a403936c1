"""Has a reward or a critic asked about solutions, in a directory of their own, with a progress bar; resumable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import Progress as Bar

from longthought.agents.rewards.contract import Reward
from longthought.agents.seats.contract import Critic
from longthought.protocols.journal import Journal
from longthought.scenarios.take_dir import take
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
    with (
        closing(Journal(out)) as journal,
        Bar(console=console or Console(stderr=True), transient=True) as bar,
    ):
        shown = bar.add_task("solutions", total=len(solutions))
        asking = asyncio.ensure_future(
            ask_about(
                subject, solutions, journal, injected=injected, max_at_once=max_at_once, progress=progress
            )
        )
        try:
            while not asking.done():
                await asyncio.wait([asking], timeout=0.25)
                bar.update(shown, completed=progress.done)
            return await asking, progress
        finally:
            # Cancelled ourselves, we would close the journal under it.
            asking.cancel()
            await asyncio.wait([asking])
