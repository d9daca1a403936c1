"""What a run shows while it is under way: a live panel on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from longthought.agents.models.contract import Usage
from longthought.protocols.budget import Price
from longthought.protocols.runner import Progress
from longthought.scenarios.tally import SHARE, Tally

#: Seconds between two pictures on a terminal, and between two lines elsewhere.
REFRESH = 0.5
LINE_EVERY = 10.0
#: Seconds for which debates are still counted when a run is over.
LAST_COUNT = 0.5


@dataclass
class Meter:
    """A run's counts with the clock and the prices: rates, cost and time left."""

    progress: Progress
    prices: Mapping[str, Price] = field(default_factory=dict[str, Price])
    cost: float = 0.0
    started: float = field(default_factory=time.monotonic)
    tally: Tally = field(default_factory=Tally)

    def spend(self, usage: Mapping[str, Usage]) -> None:
        """Add what one debate's seats used."""
        for seat, used in usage.items():
            if (price := self.prices.get(seat)) is not None:
                self.cost += (used.prompt * price.prompt + used.completion * price.completion) / 1e6

    @property
    def played(self) -> int:
        """Debates that ended in this session."""
        return self.progress.done - self.progress.resumed

    @property
    def failed(self) -> int:
        return self.progress.outcomes.get("error", 0)

    @property
    def tokens_per_second(self) -> float:
        """Completion tokens of ended debates."""
        return self.progress.tokens_out / max(1e-9, time.monotonic() - self.started)

    @property
    def seconds_left(self) -> float | None:
        """Extrapolated from the debates that ended in this session; None before the first."""
        if not self.played:
            return None
        return (time.monotonic() - self.started) / self.played * (self.progress.total - self.progress.done)

    def line(self) -> str:
        """Everything on one line."""
        p = self.progress
        parts = [f"{p.done}/{p.total} done", f"{self.failed} failed", f"{p.in_flight} in flight"]
        parts.append(f"{self.tokens_per_second:.0f} tokens/s")
        if self.prices:
            parts.append(f"cost {self.cost:.4f}")
        if (left := self.seconds_left) is not None and p.done < p.total:
            parts.append(f"{duration(left)} left")
        parts += [f"{name} {count}" for name, count in sorted(p.outcomes.items())]
        if p.decisions:
            parts.append(mix(p.decisions))
        parts += self.tally.parts()
        return " · ".join(parts)


class Display:
    """Shows a meter for as long as it is entered."""

    def __init__(self, meter: Meter, console: Console | None = None) -> None:
        self._meter, self._console = meter, console or Console(stderr=True)
        self._live: Live | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(self._picture(), console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._task = asyncio.create_task(self._show())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._live is not None:
            self._live.stop()
        await self._meter.tally.catch_up(LAST_COUNT)
        self._console.print(Text(self._meter.line()), soft_wrap=True)

    async def _show(self) -> None:
        while True:
            if self._live is not None:
                self._live.update(self._picture(), refresh=True)
                await self._count_for(REFRESH)
            else:
                await self._count_for(LINE_EVERY)
                self._console.print(Text(self._meter.line()), soft_wrap=True)

    async def _count_for(self, seconds: float) -> None:
        """Let ``seconds`` pass, and of each half of one a small share in counting."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            pause = min(REFRESH, left)
            await asyncio.sleep(pause)
            await self._meter.tally.catch_up(SHARE * pause)

    def _picture(self) -> Group:
        progress = self._meter.progress
        grid = Table.grid(padding=(0, 2))
        for part in self._meter.line().split(" · "):
            grid.add_row(Text(part))
        return Group(ProgressBar(total=max(1, progress.total), completed=progress.done, width=40), grid)


def mix(decisions: Mapping[str, int]) -> str:
    """Decisions as shares, the most frequent first."""
    total = sum(decisions.values())
    ranked = sorted(decisions.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {count / total:.0%}" for name, count in ranked)


def duration(seconds: float) -> str:
    """Seconds as ``1 h 02 min``, ``3 min 05 s`` or ``12 s``."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 60} min {whole % 60:02d} s" if whole >= 60 else f"{whole} s"
