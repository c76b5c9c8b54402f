"""What a process holds right now: tasks, threads, descriptors by kind, epoll entries, objects, memory."""

from __future__ import annotations

import asyncio
import gc
import os
from collections import Counter
from pathlib import Path

from bench.measure import resident_mb

# One of these left over is a connection, a layer or a seat that somebody still holds.
_COUNTED = frozenset(
    {
        "Fanout",
        "IceAgent",
        "IncomingStream",
        "Layer",
        "Leg",
        "Line",
        "NativeFanout",
        "NativeLeg",
        "Participant",
        "Path",
        "Peer",
        "Publication",
        "Publisher",
        "RTCDtlsTransport",
        "SecureChannel",
        "Slot",
        "TcpPath",
        "Transport",
        "UdpPath",
        "Viewer",
    }
)
_FOLDER = Path("/proc/self")


def descriptors() -> dict[str, int]:
    """Open descriptors by kind: "socket", "anon_inode:[eventpoll]", "pipe", "file"."""
    kinds: Counter[str] = Counter()
    for entry in os.listdir(_FOLDER / "fd"):
        try:
            target = os.readlink(_FOLDER / "fd" / entry)
        except OSError:
            continue  # the one that lists the folder
        kinds["file" if target.startswith("/") else target.partition(":[")[0]] += 1
    return dict(sorted(kinds.items()))


def epoll_entries() -> int:
    """Descriptors watched by all epoll sets of this process (proc(5), fdinfo)."""
    found = 0
    for entry in os.listdir(_FOLDER / "fdinfo"):
        try:
            found += (_FOLDER / "fdinfo" / entry).read_text().count("tfd:")
        except OSError:
            continue
    return found


def objects() -> dict[str, int]:
    """Living objects of the media floor by class, after a full collection."""
    gc.collect()
    counted = Counter(type(each).__name__ for each in gc.get_objects())
    return {name: counted[name] for name in sorted(_COUNTED) if counted[name]}


def take() -> dict[str, object]:
    """The whole list, ready for JSON. Must run on the event loop's thread."""
    return {
        "objects": objects(),  # first: the collection closes what only garbage held open
        "tasks": len(asyncio.all_tasks()),
        "threads": len(os.listdir(_FOLDER / "task")),
        "descriptors": descriptors(),
        "epoll_entries": epoll_entries(),
        "resident_mb": round(resident_mb(os.getpid()), 2),
    }
