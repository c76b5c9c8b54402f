"""A disk on which any single step can be made to fail; everything else is the real disk."""

from __future__ import annotations

import os
from pathlib import Path

from recorder.durable import Disk


class FaultyDisk(Disk):
    """Counts the calls that can fail and raises `error_number` on the chosen ones.

    `fails`: the numbers (from 1) of the calls that fail; `broken` makes every call fail until it is cleared. A failing
    write writes half of its bytes first, as a full disk does.
    """

    def __init__(self, error_number: int, fails: frozenset[int] = frozenset()) -> None:
        self.error_number = error_number
        self.fails = fails
        self.broken = False
        self.calls = 0

    def _step(self) -> bool:
        self.calls += 1
        return self.broken or self.calls in self.fails

    def _error(self) -> OSError:
        return OSError(self.error_number, os.strerror(self.error_number))

    def create(self, path: Path) -> int:
        if self._step():
            raise self._error()
        return super().create(path)

    def write(self, fd: int, data: bytes) -> None:
        if self._step():
            super().write(fd, data[: len(data) // 2])
            raise self._error()
        super().write(fd, data)

    def sync_data(self, fd: int) -> None:
        if self._step():
            raise self._error()
        super().sync_data(fd)

    def truncate(self, path: Path, size_bytes: int) -> None:
        if self._step():
            raise self._error()
        super().truncate(path, size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        if self._step():
            raise self._error()
        super().rename(source, target)

    def sync_folder(self, path: Path) -> None:
        if self._step():
            raise self._error()
        super().sync_folder(path)
