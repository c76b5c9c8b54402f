"""Watches recordings grow, from outside whatever writes them: only the file system is asked, never the recorder.

Each recorder's folders are looked at by a thread of their own, so that a volume that hangs keeps nobody waiting: its
folders simply aren't seen to grow.
"""

from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hearing_server.domain.recording.recorders import RecorderName

# The writers add a heartbeat every half second. Looked at twice a second, a stop is known within 2.5 s.
GROWTH_S = 2.0
_LOOK_TIMEOUT_S = 0.4
# Who looks was busy elsewhere: an older look tells nothing of now.
_OLD_S = 10.0
# Between two looks a writer begins at most one segment; after a restart of it numbers may be left out.
_MAX_SKIPPED = 3
_JOURNAL = "journal"
_ENDINGS = (".part", ".seg")


@dataclass(slots=True)
class _Folder:
    number: int = 0
    size_bytes: int = -1
    grew_s: float = float("-inf")
    # The look that hasn't come back was begun then, and the last one that has came back then.
    asked_s: float | None = None
    looked_s: float = float("-inf")


class RecordGrowth:
    """Remembers where each journal's end was, and when it last moved."""

    def __init__(self) -> None:
        self._folders: dict[Path, _Folder] = {}
        self._lookers = {
            name: ThreadPoolExecutor(1, thread_name_prefix=f"growth-{name}") for name in RecorderName
        }

    async def look(self, name: RecorderName, folder: Path) -> None:
        """Look at one journal's end. Returns within half a second, whatever the volume does."""
        known = self._folders.setdefault(folder, _Folder())
        if known.asked_s is not None:
            return  # the last look has not come back yet
        known.asked_s = time.monotonic()
        future = asyncio.get_running_loop().run_in_executor(self._lookers[name], _look, folder, known)
        future.add_done_callback(lambda _: _back(known))
        await asyncio.wait({future}, timeout=_LOOK_TIMEOUT_S)

    def is_growing(self, folder: Path) -> bool:
        """It was seen to grow within GROWTH_S before the last look, and that look is not too old to tell."""
        known, now_s = self._folders.get(folder), time.monotonic()
        if known is None or now_s - known.looked_s > _OLD_S:
            return False
        hangs = known.asked_s is not None and now_s - known.asked_s > GROWTH_S
        return known.looked_s - known.grew_s <= GROWTH_S and not hangs

    def forget(self, folder: Path) -> None:
        """Nobody writes there any more."""
        self._folders.pop(folder, None)


def _back(known: _Folder) -> None:
    known.asked_s, known.looked_s = None, time.monotonic()


def _look(folder: Path, known: _Folder) -> None:
    """In the volume's thread: a few stats; a listing only when the end was lost."""
    journal = folder / _JOURNAL
    number, size_bytes = _end(journal, known.number)
    if size_bytes < 0:
        number, size_bytes = _end(journal, _highest(journal))
    if size_bytes < 0:
        return
    if known.size_bytes >= 0 and (number, size_bytes) > (known.number, known.size_bytes):
        known.grew_s = time.monotonic()
    known.number, known.size_bytes = number, size_bytes


def _end(journal: Path, number: int) -> tuple[int, int]:
    """(number, bytes) of the newest segment from `number` on; -1 bytes without one."""
    found, size_bytes, skipped = number, -1, 0
    while skipped <= _MAX_SKIPPED:
        size = next((size for ending in _ENDINGS if (size := _size(journal, number, ending)) >= 0), -1)
        if size >= 0:
            found, size_bytes, skipped = number, size, 0
        else:
            skipped += 1
        number += 1
    return found, size_bytes


def _size(journal: Path, number: int, ending: str) -> int:
    try:
        return os.stat(journal / f"{number:08d}{ending}").st_size
    except OSError:
        return -1


def _highest(journal: Path) -> int:
    try:
        names = os.listdir(journal)
    except OSError:
        return 0
    stems = (name.partition(".") for name in names)
    return max(
        (int(stem) for stem, _, ending in stems if stem.isdecimal() and f".{ending}" in _ENDINGS), default=0
    )
