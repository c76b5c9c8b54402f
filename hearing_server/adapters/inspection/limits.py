"""What a process gives up before it opens a stranger's file: memory, time, files, the network, new privileges."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
from dataclasses import dataclass

_NEW_USER_AND_NETWORK = 0x10000000 | 0x40000000  # CLONE_NEWUSER | CLONE_NEWNET (clone(2))
_NEW_NETWORK = 0x40000000
_NO_NEW_PRIVILEGES = 38  # PR_SET_NO_NEW_PRIVS (prctl(2))
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_NOT_DUMPABLE = 4  # PR_SET_DUMPABLE
_NICE_LEVEL = 10  # hearings on the same machine come first


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one process: address space, processor time of its whole life, open files, bytes of one written file."""

    memory_bytes: int
    cpu_s: int = 1800
    files: int = 128
    written_bytes: int = 512 << 20


def lock_up(limits: Limits) -> bool:
    """Give up everything the work doesn't need. True when the network is out of reach too."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_DIE_WITH_PARENT, 9, 0, 0, 0)
    # Where namespaces are forbidden, the rest still holds.
    is_cut_off = libc.unshare(_NEW_NETWORK) == 0 or libc.unshare(_NEW_USER_AND_NETWORK) == 0
    libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    libc.prctl(_NOT_DUMPABLE, 0, 0, 0, 0)
    with contextlib.suppress(OSError):
        os.nice(_NICE_LEVEL)
    for limit, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_NOFILE, limits.files),
        (resource.RLIMIT_FSIZE, limits.written_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (most, most))
    return bool(is_cut_off)
