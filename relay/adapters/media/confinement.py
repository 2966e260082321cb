"""Takes rights away from the process it runs in: a decoder that was taken over should find nothing to do.

The guarantees, how they are made, and where they hold:

- `memory`: RLIMIT_AS. Linux; macOS ignores it.
- `cpu`: RLIMIT_CPU, a last resort behind the relay's own time limit. Everywhere.
- `no-files`: RLIMIT_FSIZE 0, and RLIMIT_NOFILE 0 once all is loaded, so that no descriptor can be made: no
  file is opened and no socket either. Everywhere; root could lift it where neither of the next two holds.
- `no-network`: own user and network namespaces. Linux that lets users make them (Docker's default does not).
- `system-calls`: seccomp refuses to make sockets, to open, make, change and remove files, to start, trace and signal
  processes and to raise limits. Linux on x86-64 and aarch64; elsewhere files could still be renamed and removed.
- `no-processes`: RLIMIT_NPROC 0. Everywhere, but not for root outside of a user namespace. A worker whose decoders
  need threads gets them where `system-calls` can tell a thread from a process, and nowhere else: they share its
  memory, its processor time and its end.
- `no-new-privileges`, `dies-with-parent`: prctl. Linux.

What the system refuses is left out of the report and does not stop the worker: the limits overlap.
"""

from __future__ import annotations

import ctypes
import platform
import resource
import signal
import struct
import sys
from contextlib import suppress
from itertools import chain
from typing import Final

# linux/prctl.h, linux/sched.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_OWN_USERS_NETWORK_AND_IPC: Final = 0x10000000 | 0x40000000 | 0x08000000

# Refused system calls by what they do; x86-64: asm/unistd_64.h; aarch64: asm-generic/unistd.h.
# fmt: off
_X86_64: Final = {
    "open files": (2, 85, 257, 304, 437),
    "make, change and remove files": (
        76, 82, 83, 84, 86, 87, 88, 90, 92, 94, 132, 133, 188, 189, 197, 198, 235, 258, 259, 260, 261, 263, 264, 265,
        266, 268, 280, 316, 452,
    ),
    "mount": (155, 161, 163, 165, 166, 167, 428, 429, 430, 432, 442),
    "start processes": (57, 58, 59, 272, 322),
    "signal, trace and slow down processes": (
        62, 101, 129, 141, 142, 144, 200, 203, 234, 251, 256, 279, 297, 310, 311, 314, 424,
    ),
    "make sockets, queues and shared memory": (29, 31, 41, 42, 53, 64, 68, 71, 241),
    "raise limits and reach into the kernel": (160, 248, 249, 250, 298, 302, 321, 323, 425),
}
_AARCH64: Final = {
    "open files": (56, 265, 437),
    "make, change and remove files": (5, 6, 14, 15, 33, 34, 35, 36, 37, 38, 45, 53, 54, 88, 276, 452),
    "mount": (39, 40, 41, 51, 89, 224, 428, 429, 430, 432, 442),
    "start processes": (97, 221, 281),
    "signal, trace and slow down processes": (
        30, 117, 118, 119, 122, 129, 130, 131, 138, 140, 238, 239, 240, 270, 271, 274, 424,
    ),
    "make sockets, queues and shared memory": (181, 186, 187, 190, 194, 195, 198, 199, 203),
    "raise limits and reach into the kernel": (164, 217, 218, 219, 241, 261, 280, 282, 425),
}
# fmt: on
_REFUSED: Final = {
    "x86_64": (0xC000003E, 56, tuple(chain.from_iterable(_X86_64.values()))),
    "aarch64": (0xC00000B7, 220, tuple(chain.from_iterable(_AARCH64.values()))),
}
"""By machine: the architecture as seccomp names it, clone, which makes threads and processes, and what is refused."""


def limit(*, memory: int, cpu: int) -> set[str]:
    """Set what holds from the start: address space in bytes, processor seconds, no writing, no core dump."""
    wanted = {
        "memory": (resource.RLIMIT_AS, memory),
        "cpu": (resource.RLIMIT_CPU, cpu),
        "": (resource.RLIMIT_CORE, 0),
        "no-large-files": (resource.RLIMIT_FSIZE, 0),
    }
    done = {name for name, (what, most) in wanted.items() if _set_limit(what, most)}
    if sys.platform == "linux":
        done |= {"dies-with-parent"} if _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) else set()
        done |= {"no-new-privileges"} if _prctl(_PR_SET_NO_NEW_PRIVS, 1) else set()
    return done - {"", "no-large-files"}


def seal(*, threads: bool = False) -> set[str]:
    """Take away the rest, once everything that reads files has been loaded and used; `threads` may stay."""
    done = set()
    if sys.platform == "linux" and _libc().unshare(_OWN_USERS_NETWORK_AND_IPC) == 0:
        done.add("no-network")
    if _set_limit(resource.RLIMIT_NOFILE, 0):
        done.add("no-files")
    # The limit counts threads, too, and cannot be set once system calls are filtered.
    can_filter = sys.platform == "linux" and platform.machine() in _REFUSED
    if not (threads and can_filter) and _set_limit(resource.RLIMIT_NPROC, 0):
        done.add("no-processes")
    if can_filter and _filter_system_calls(threads=threads):
        done |= {"system-calls", "no-processes"}
    return done


def _set_limit(what: int, most: int) -> bool:
    with suppress(OSError, ValueError):
        hard = resource.getrlimit(what)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(what, (most, most))
        return True
    return False


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int, pointer: object = 0) -> bool:
    return bool(_libc().prctl(option, ctypes.c_ulong(value), pointer, 0, 0) == 0)


class _Program(ctypes.Structure):
    """`struct sock_fprog`: the number of instructions and where they stand."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


_CLONE3: Final = 435
_CLONE_THREAD: Final = 0x00010000


def _filter_system_calls(*, threads: bool) -> bool:
    """Let the refused calls fail with EPERM (seccomp(2)); classic BPF, 8 bytes an instruction.

    The flags of clone3 stand where a filter cannot look, so it is told to be missing: libraries then use clone.
    """
    architecture, clone, refused = _REFUSED[platform.machine()]
    load, equal, at_least, has_bits, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, permission_denied, no_such_call, kill = 0x7FFF0000, 0x00050001, 0x00050026, 0x80000000
    count = len(refused)
    code = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 1, 0, architecture),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # seccomp_data.nr
        (at_least, count + 3, 0, 0x40000000),  # the x32 calls have other numbers
        (equal, count + 3, 0, _CLONE3),
        (equal, count + 3, 0, clone),
        *((equal, count - index, 0, number) for index, number in enumerate(refused)),
        (answer, 0, 0, allow),
        (answer, 0, 0, permission_denied),
        (answer, 0, 0, no_such_call),
        (load, 0, 0, 16),  # seccomp_data.args[0]: the flags of clone
        (has_bits, 0, 1, _CLONE_THREAD if threads else 0),
        (answer, 0, 0, allow),
        (answer, 0, 0, permission_denied),
    ]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in code))
    program = _Program(len(code), ctypes.cast(packed, ctypes.c_void_p))
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
