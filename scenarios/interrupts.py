"""SIGINT and SIGTERM: the first cancels what is running, the second ends the process at once."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import TracebackType
from typing import Any, Self

#: Seconds after which a cancelled run that does not end is ended. Its journal is whole at any time.
GRACE = 9.0
EXIT_CODE = 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While it is entered, a first signal cancels ``task``; ``seen`` says whether one came.

    Does nothing outside the main thread, where signals do not arrive.
    """

    def __init__(self, task: asyncio.Future[Any]) -> None:
        self._task = task
        self.seen = False
        self._watchdog: threading.Timer | None = None
        self._before = {each: signal.getsignal(each) for each in _SIGNALS}
        self._here = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> Self:
        if self._here:
            loop = asyncio.get_running_loop()
            for each in _SIGNALS:
                loop.add_signal_handler(each, self._first)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._here:
            loop = asyncio.get_running_loop()
            for each in _SIGNALS:
                loop.remove_signal_handler(each)
                signal.signal(each, self._before[each])

    def _first(self) -> None:
        self.seen = True
        for each in _SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(each)
            # The system's own action needs no event loop that still turns.
            signal.signal(each, signal.SIG_DFL)
        self._watchdog = threading.Timer(GRACE, os._exit, (EXIT_CODE,))
        self._watchdog.daemon = True
        self._watchdog.start()
        self._task.cancel()
