"""Several calls at once, none of which is left running when one of them fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar, cast

_T = TypeVar("_T")


async def at_once(calls: Iterable[Awaitable[_T]]) -> list[_T]:
    """Their results in order. All are waited for, so that none still writes to a journal that its debate has left.

    Raises:
        BaseException: what the first of those that failed raised, first in the order of ``calls``.
    """
    done = await asyncio.gather(*calls, return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return cast("list[_T]", done)
