"""Waits for work under a progress bar; cancelled, it comes back only when the work has ended too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress as Bar

_T = TypeVar("_T")


async def under_bar(
    work: Coroutine[Any, Any, _T], what: str, total: int, done: Callable[[], int], console: Console | None
) -> _T:
    """What ``work`` returns or raises; ``done`` says how far it is, of ``total``. The bar is on standard error."""
    with Bar(console=console or Console(stderr=True), transient=True) as bar:
        shown = bar.add_task(what, total=total)
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await asyncio.wait([task], timeout=0.25)
                bar.update(shown, completed=done())
            return await task
        finally:
            # Cancelled ourselves, we would close the journal under it.
            task.cancel()
            await asyncio.wait([task])
