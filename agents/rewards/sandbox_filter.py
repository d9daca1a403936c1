"""The sandbox's system call filter: one process, no new ones, and none of the calls that widen what it can reach.

Limits on the number of processes do not bind those of root, so a fork bomb is stopped here. It is a classic BPF program
of ``struct sock_filter``, as seccomp(2) takes it.
"""

from __future__ import annotations

import platform
import struct
from errno import ENOSYS, EPERM
from typing import NamedTuple

from longthought.agents.errors import UsageError


class _Machine(NamedTuple):
    audit_arch: int
    clone: int
    #: fork, vfork, ptrace, process_vm_readv, process_vm_writev, unshare, setns, mount, umount2, pivot_root, chroot,
    #: shmget, semget, msgget, add_key, request_key, keyctl, bpf, perf_event_open, userfaultfd, io_uring_setup,
    #: socket (a virtual machine's sockets to its host know no namespaces)
    refused: tuple[int, ...]


_MACHINES = {
    "x86_64": _Machine(
        0xC000003E,
        56,
        (
            57,
            58,
            101,
            310,
            311,
            272,
            308,
            165,
            166,
            155,
            161,
            29,
            64,
            68,
            248,
            249,
            250,
            321,
            298,
            323,
            425,
            41,
        ),
    ),
    "aarch64": _Machine(  # which has no fork and no vfork
        0xC00000B7,
        220,
        (117, 270, 271, 97, 268, 40, 39, 41, 51, 194, 190, 186, 217, 218, 219, 280, 241, 282, 425, 198),
    ),
}
#: On every machine. Its arguments cannot be looked at; without it, libraries fall back to clone.
_CLONE3 = 435
_CLONE_THREAD = 0x10000
#: Numbers from here on are x86_64's second table.
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000


def one_process_only() -> bytes:
    """The program for this machine.

    Raises:
        UsageError: it is neither x86_64 nor aarch64.
    """
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        raise UsageError(
            f"the sandbox knows the system calls of {' and '.join(_MACHINES)}, not {platform.machine()}"
        )
    refuse = (_RETURN, 0, 0, _ERROR | EPERM)
    program = [
        (_LOAD, 0, 0, _ARCH),
        (_EQUAL, 1, 0, machine.audit_arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
    ]
    for call in machine.refused:
        program += [(_EQUAL, 0, 1, call), refuse]
    program += [(_EQUAL, 0, 1, _CLONE3), (_RETURN, 0, 0, _ERROR | ENOSYS)]
    program += [
        (_EQUAL, 0, 3, machine.clone),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_ANY_BIT, 1, 0, _CLONE_THREAD),
        refuse,
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
