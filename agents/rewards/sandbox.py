"""A bubblewrap sandbox for Python that nobody has read: no network, no files but Python's own, nothing to write to.

The process is alone in all its namespaces, without capabilities, environment, home, ``/proc`` or a writable file
system; ``sandbox_filter`` keeps it from starting others. The script sets limits on time and memory itself, before it
does anything else (``limit`` in ``unit_tests_inside``), for they can be lowered by whoever runs, and not raised again.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from longthought.agents.errors import UsageError
from longthought.agents.rewards.sandbox_filter import one_process_only

#: Seconds in which a sandbox that does nothing must have ended.
_START_TIMEOUT = 20.0

_ALONE = (
    *("--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"),
    *("--uid", "65534", "--gid", "65534", "--hostname", "sandbox", "--chdir", "/"),
)


class Sandbox:
    """Starts Python scripts in sandboxes.

    Raises:
        UsageError: bubblewrap is not there, or cannot make a sandbox here.
    """

    def __init__(self, bwrap: str = "bwrap") -> None:
        found = shutil.which(bwrap)
        if found is None:
            raise UsageError(
                "code from models only runs in a bubblewrap sandbox, and there is no command bwrap here; install it "
                "(apt install bubblewrap, dnf install bubblewrap)"
            )
        self._bwrap, self._filter = found, one_process_only()
        with ExitStack() as files:
            command, fds = self._command([], {"/empty.py": b""}, "/empty.py", files)
            self._try(command, fds)

    async def start(
        self,
        script: str,
        arguments: Sequence[str],
        files: Mapping[str, bytes],
        stdin: int,
        stdout: int,
        pass_fds: Sequence[int] = (),
    ) -> asyncio.subprocess.Process:
        """Start ``script``, one of the ``files``, which are all that it can read beside Python.

        It inherits ``pass_fds``. Whoever kills the process kills all that is in the sandbox.
        """
        with ExitStack() as opened:
            command, fds = self._command(arguments, files, script, opened)
            return await asyncio.create_subprocess_exec(
                *command,
                stdin=stdin,
                stdout=stdout,
                stderr=asyncio.subprocess.DEVNULL,
                pass_fds=[*fds, *pass_fds],
            )

    def _command(
        self, arguments: Sequence[str], files: Mapping[str, bytes], script: str, opened: ExitStack
    ) -> tuple[list[str], list[int]]:
        """What to run, and the descriptors that it reads."""
        fds = {path: _readable(content, opened) for path, content in files.items()}
        filter_fd = _readable(self._filter, opened)
        shown = [option for path, fd in fds.items() for option in ("--ro-bind-data", str(fd), path)]
        command = [
            *(self._bwrap, *_ALONE, *_system(), *shown, "--remount-ro", "/", "--seccomp", str(filter_fd)),
            *("--", _python(), "-I", "-S", "-B", "-X", "utf8", script, *arguments),
        ]
        return command, [*fds.values(), filter_fd]

    def _try(self, command: Sequence[str], fds: Sequence[int]) -> None:
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, pass_fds=fds, timeout=_START_TIMEOUT
            )
            failed = done.returncode != 0
            said = (
                " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
                or f"exit code {done.returncode}"
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            failed, said = True, str(error)
        if failed:
            raise UsageError(
                f"code from models only runs in a bubblewrap sandbox, and bwrap cannot make one here: {said}; it needs "
                "unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1), or root"
            )


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill the process and all that is in its sandbox, and wait for its end."""
    # Not with `Process.kill`: it may take the exit status away from the loop, which waits for it.
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    await process.wait()


def _system() -> list[str]:
    """The read-only mounts that Python needs."""
    options = ["--ro-bind", "/usr", "/usr"]
    for name in ("lib", "lib64", "lib32"):
        place = Path("/", name)
        if place.is_symlink():
            options += ["--symlink", os.readlink(place), str(place)]
        elif place.is_dir():
            options += ["--ro-bind", str(place), str(place)]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        options += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    # The rest of /dev offers terminals and memory to fill.
    return [*options, "--dir", "/dev", "--dev-bind", "/dev/null", "/dev/null"]


def _python() -> str:
    """The interpreter outside of any virtual environment, which lies in somebody's files."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return str(Path(sys.base_prefix, "bin", name))


def _readable(content: bytes, opened: ExitStack) -> int:
    fd = os.memfd_create("sandboxed")
    opened.callback(os.close, fd)
    with open(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd
