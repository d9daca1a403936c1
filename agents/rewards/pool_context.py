"""A multiprocessing context for scoring workers: a forkserver of its own, and no re-import of ``__main__``.

The standard forkserver is one per process and shared with whoever else uses it (data loaders, vLLM), and its
children import the main program again: slow under pytest and the command line, wrong for a script without a
main guard, and impossible for a program read from standard input. Workers that score text need none of that.
"""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Sequence
from multiprocessing import forkserver, popen_forkserver, reduction, resource_tracker, spawn, util
from multiprocessing.context import ForkServerContext, ForkServerProcess, set_spawning_popen
from multiprocessing.process import BaseProcess
from typing import Any, cast


class _Process(ForkServerProcess):
    server: forkserver.ForkServer

    def __getstate__(self) -> dict[str, Any]:
        # The process object travels to the worker, which has no use for the server and could not hold it.
        return {name: value for name, value in vars(self).items() if name != "server"}

    @staticmethod
    def _Popen(process_obj: BaseProcess) -> popen_forkserver.Popen:
        return _Popen(process_obj, cast("_Process", process_obj).server)


class ScoringContext(ForkServerContext):
    """Hand it to a pool. ``preload`` names the modules that the server imports before it forks workers."""

    def __init__(self, preload: Sequence[str]) -> None:
        super().__init__()
        self._server = forkserver.ForkServer()
        self._server.set_forkserver_preload(list(preload))

    def Process(self, **options: Any) -> _Process:  # type: ignore[override]  # pyright: ignore
        process = _Process(**options)
        process.server = self._server
        return process

    def start_server(self) -> None:
        """Start the server now. The first worker then waits for its imports (about 2 s).

        Interrupts are held back in it and in all workers, from their first instant: Ctrl-C is for their parent.
        """
        _open_standard_streams()
        # Started from within the server's start, it would let interrupts through again.
        resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._server.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def stop_server(self) -> None:
        """End the server and wait for it. All workers must have ended."""
        cast("Any", self._server)._stop()


class _Popen(popen_forkserver.Popen):
    def __init__(self, process_obj: BaseProcess, server: forkserver.ForkServer) -> None:
        self._server = server
        self._fds: list[int] = []
        super().__init__(process_obj)

    def _launch(self, process_obj: BaseProcess) -> None:
        # As the standard library does it, but with our own server and without the main module.
        preparation = spawn.get_preparation_data(process_obj.name)
        for key in ("init_main_from_name", "init_main_from_path", "sys_argv"):
            preparation.pop(key, None)
        pickled = io.BytesIO()
        set_spawning_popen(self)
        try:
            reduction.dump(preparation, pickled)
            reduction.dump(process_obj, pickled)
        finally:
            set_spawning_popen(None)
        self.sentinel, write = self._server.connect_to_new_process(self._fds)
        # The child takes the closing of this copy for the death of its parent.
        keep_alive = os.dup(write)
        self.finalizer = util.Finalize(self, cast("Any", util).close_fds, (keep_alive, self.sentinel))
        with open(write, "wb", closefd=True) as pipe:
            pipe.write(pickled.getbuffer())
        self.pid = forkserver.read_signed(self.sentinel)


def _open_standard_streams() -> None:
    # With descriptor 0 closed, the server's socket would land there and be closed as its standard input.
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
