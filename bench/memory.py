"""Of what a process's memory consists, so that a growing one can be told from one that fills what is bounded.

Resident pages are the process's own (anonymous: heap, stacks, arenas) or pages of files it maps (libraries, read once
and kept). Of its own, Python's small objects live in arenas of their own, everything else (large buffers, TLS, SRTP,
C) comes from glibc's malloc. Both keep what was given back: resident memory remembers every peak. A leak shows in what
is in use: lent by malloc, mapped singly, or a living small object.
"""

from __future__ import annotations

import ctypes
import gc
import linecache
import os
import re
import sys
import tracemalloc
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path("/proc/self")
_FRAMES: Final = 1  # one line of code tells where; more cost more memory than is looked for
_LISTED: Final = 25
_MB: Final = 1e6
# A size class of `sys._debugmallocstats`: its number, the size of its blocks, pools, blocks in use, free ones.
_SIZE_CLASS: Final = re.compile(rb"^ *\d+ +(\d+) +\d+ +(\d+) +\d+$", re.MULTILINE)


class _Mallinfo(ctypes.Structure):
    """struct mallinfo2 of mallinfo(3), glibc 2.33."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


def resident() -> dict[str, float]:
    """MB of resident pages: `anon_mb` the process's own, `file_mb` mapped files (proc(5), status)."""
    lines = dict(
        line.split(":", 1) for line in (_FOLDER / "status").read_text().splitlines() if line.startswith("Rss")
    )
    kilobytes = {name: int(value.split()[0]) for name, value in lines.items()}
    return {"anon_mb": kilobytes["RssAnon"] * 1024 / _MB, "file_mb": kilobytes["RssFile"] * 1024 / _MB}


def malloc() -> dict[str, float]:
    """MB that glibc's malloc lends out, keeps, and has mapped singly; {} under another C library."""
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        return {}
    ask.restype = _Mallinfo
    told = ask()
    return {
        "malloc_used_mb": told.uordblks / _MB,
        "malloc_free_mb": told.fordblks / _MB,
        "malloc_mapped_mb": told.hblkhd / _MB,
    }


def small_objects_mb() -> float:
    """MB of blocks that Python's own allocator has lent out; some 2 ms. Its report goes to standard error only."""
    sys.stderr.flush()
    kept, page = os.dup(2), os.memfd_create("malloc-stats")
    try:
        os.dup2(page, 2)
        sys._debugmallocstats()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    with os.fdopen(page, "rb") as report:
        report.seek(0)
        classes = _SIZE_CLASS.findall(report.read())
    return sum(int(size) * int(blocks) for size, blocks in classes) / _MB


def take() -> dict[str, float]:
    """Everything, cheap enough to ask every few seconds: no collection is forced."""
    lent = malloc()
    found = resident() | lent | {"python_used_mb": small_objects_mb()}
    found["used_mb"] = found["python_used_mb"] + sum(
        lent.get(name, 0.0) for name in ("malloc_used_mb", "malloc_mapped_mb")
    )
    return {name: round(value, 3) for name, value in found.items()}


class Trace:
    """Which lines of code hold more than before (tracemalloc); costs about double the time while it runs."""

    def __init__(self) -> None:
        self._before: tracemalloc.Snapshot | None = None

    def grown(self) -> list[str]:
        """Starts counting at the first call; later calls list what has grown since the first."""
        if not tracemalloc.is_tracing():
            tracemalloc.start(_FRAMES)
            return []
        gc.collect()
        now = tracemalloc.take_snapshot().filter_traces(
            [tracemalloc.Filter(False, tracemalloc.__file__), tracemalloc.Filter(False, linecache.__file__)]
        )
        if self._before is None:
            self._before = now
            return []
        differences = now.compare_to(self._before, "lineno")
        return [_line(each) for each in differences[:_LISTED]]


def _line(difference: Any) -> str:
    frame = difference.traceback[0]
    path = os.path.relpath(frame.filename) if frame.filename.startswith(os.getcwd()) else frame.filename
    return (
        f"{difference.size_diff / 1e3:+9.1f} kB ({difference.count_diff:+d}) {path.split('site-packages/')[-1]}"
        f":{frame.lineno} {linecache.getline(frame.filename, frame.lineno).strip()[:70]}"
    )
