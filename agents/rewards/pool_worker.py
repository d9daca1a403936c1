"""What runs inside a scoring worker: its limits, and one call that always comes back as plain data.

The limits are a second line behind the timeout and behind the rule that no answer is ever evaluated: a worker
that is tricked into running code finds no memory to fill, no file to write, no program to start and no socket
to open.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

#: Bytes of address space; the libraries alone take about 250 MB.
MAX_ADDRESS_SPACE = 2 * 2**30
MAX_OPEN_FILES = 64

_FORBIDDEN_EVENTS = frozenset(
    {
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "pty.spawn",
    }
    | {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.kill"}
    | {"os.chmod", "os.chown", "os.utime", "os.putenv", "subprocess.Popen", "ctypes.dlopen", "ctypes.dlsym"}
    | {"socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "sys.addaudithook"}
)


def start(preload: Sequence[str], cpu_seconds: float) -> None:
    """Pool initializer: imports (the forkserver has them already), signals, limits, audit hook."""
    for module in preload:
        import_module(module)
    # Pebble's own handler needs the interpreter, which a big power holds on to; the default one does not.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _limit(resource.RLIMIT_AS, MAX_ADDRESS_SPACE)
    _limit(resource.RLIMIT_NOFILE, MAX_OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    call(ready, (), cpu_seconds)
    sys.addaudithook(_refuse)


def call(function: Callable[..., Any], arguments: tuple[Any, ...], cpu_seconds: float) -> tuple[str, Any]:
    """``("ok", result)`` or ``("error", message)``: exceptions may not survive the way back."""
    # Ends a worker whose owner was killed in the middle of a bomb; the soft limit moves on with every task.
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + cpu_seconds) + 2)
    try:
        return "ok", function(*arguments)
    except RecursionError:
        return "error", "nested too deeply"
    except MemoryError:
        return "error", "it needs too much memory"
    except Exception as error:
        return "error", f"{type(error).__name__}: {str(error)[:200]}"


def ready() -> None:
    """Does nothing; a worker that answers it is warm."""


def _limit(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _FORBIDDEN_EVENTS or (event == "open" and _opens_for_writing(arguments)):
        raise PermissionError(f"{event} is not allowed in a scoring worker")


def _opens_for_writing(arguments: tuple[Any, ...]) -> bool:
    # (path, mode, flags) from open() and os.open(); the access mode is in the two lowest bits.
    flags = arguments[2] if len(arguments) > 2 else 0
    return isinstance(flags, int) and bool(flags & 0b11)
