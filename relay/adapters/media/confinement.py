"""Takes rights away from the process it runs in: a decoder that was taken over should find nothing to do.

The guarantees, how they are made, and where they hold:

- `memory`: RLIMIT_AS. Linux; macOS ignores it.
- `cpu`: RLIMIT_CPU, a last resort behind the relay's own time limit. Everywhere.
- `no-files`: RLIMIT_FSIZE 0, and RLIMIT_NOFILE 0 once all is loaded, so that no descriptor can be made: no
  file is opened and no socket either. Everywhere; root could lift it where neither of the next two holds.
- `no-network`: own user and network namespaces. Linux that lets users make them (Docker's default does not).
- `system-calls`: seccomp refuses to make sockets, to open files, to start, trace and signal processes and to
  raise limits. Linux on x86-64 and aarch64.
- `no-processes`: RLIMIT_NPROC 0. Everywhere, but not for root outside of a user namespace.
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
from typing import Final

# linux/prctl.h, linux/sched.h
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2
_OWN_USERS_NETWORK_AND_IPC: Final = 0x10000000 | 0x40000000 | 0x08000000

# Refused system calls. x86-64: asm/unistd_64.h; aarch64: asm-generic/unistd.h.
# open, fork, vfork, creat, clone, execve, kill, ptrace, setrlimit, mount, add_key, request_key, keyctl,
# openat, unshare, perf_event_open, prlimit64, process_vm_readv, process_vm_writev, bpf, execveat,
# userfaultfd, pidfd_send_signal, io_uring_setup, clone3, openat2, socket, connect, socketpair.
# fmt: off
_REFUSED: Final = {
    "x86_64": (
        0xC000003E,
        (
            2, 57, 58, 85, 56, 59, 62, 101, 160, 165, 248, 249, 250, 257, 272, 298, 302, 310, 311,
            321, 322, 323, 424, 425, 435, 437, 41, 42, 53,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            220, 221, 129, 117, 164, 40, 217, 218, 219, 56, 97, 241, 261, 270, 271,
            280, 281, 282, 424, 425, 435, 437, 198, 203, 199,
        ),
    ),
}
# fmt: on


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


def seal() -> set[str]:
    """Take away the rest, once everything that reads files or starts threads has been loaded and used."""
    done = set()
    if sys.platform == "linux" and _libc().unshare(_OWN_USERS_NETWORK_AND_IPC) == 0:
        done.add("no-network")
    if _set_limit(resource.RLIMIT_NOFILE, 0):
        done.add("no-files")
    if _set_limit(resource.RLIMIT_NPROC, 0):
        done.add("no-processes")
    if sys.platform == "linux" and _filter_system_calls():
        done.add("system-calls")
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


def _filter_system_calls() -> bool:
    """Let the refused calls fail with EPERM (seccomp(2)); classic BPF, 8 bytes an instruction."""
    if platform.machine() not in _REFUSED:
        return False
    architecture, refused = _REFUSED[platform.machine()]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    allow, permission_denied, kill = 0x7FFF0000, 0x00050001, 0x80000000
    count = len(refused)
    code = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 1, 0, architecture),
        (answer, 0, 0, kill),
        (load, 0, 0, 0),  # seccomp_data.nr
        (at_least, count + 1, 0, 0x40000000),  # the x32 calls have other numbers
        *((equal, count - index, 0, number) for index, number in enumerate(refused)),
        (answer, 0, 0, allow),
        (answer, 0, 0, permission_denied),
    ]
    packed = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in code))
    program = _Program(len(code), ctypes.cast(packed, ctypes.c_void_p))
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))
