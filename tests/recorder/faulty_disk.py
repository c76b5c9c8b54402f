"""A disk on which any single system call can be made to fail; everything else is the real disk."""

from __future__ import annotations

import os
from pathlib import Path

from recorder.durable import Disk, SystemCalls


class FaultyCalls(SystemCalls):
    """Counts the calls that can fail and raises `error_number` on the chosen ones.

    `fails`: the numbers (from 1) of the calls that fail; `broken` makes every call fail until it is cleared. A failing
    write writes half of its bytes first, as a full disk does. `error_number` 0: nothing is raised, but writes come
    back short. Closing works always: what it could lose was synced before. Syncs that succeed wait for no platter.
    """

    def __init__(self, error_number: int, fails: frozenset[int] = frozenset()) -> None:
        self.error_number = error_number
        self.fails = fails
        self.broken = False
        self.calls = 0
        self.names: list[str] = []

    def _step(self, name: str) -> bool:
        self.calls += 1
        self.names.append(name)
        return self.broken or self.calls in self.fails

    def _fail(self, name: str) -> None:
        if self._step(name) and self.error_number:
            raise OSError(self.error_number, os.strerror(self.error_number))

    def open(self, path: Path, flags: int) -> int:
        self._fail("open")
        return super().open(path, flags)

    def write(self, fd: int, data: memoryview) -> int:
        if not self._step("write"):
            return super().write(fd, data)
        taken = super().write(fd, data[: len(data) // 2] if len(data) > 1 else data)
        if self.error_number:
            raise OSError(self.error_number, os.strerror(self.error_number))
        return taken

    def fdatasync(self, fd: int) -> None:
        self._fail("fdatasync")

    def fsync(self, fd: int) -> None:
        self._fail("fsync")

    def ftruncate(self, fd: int, size_bytes: int) -> None:
        self._fail("ftruncate")
        super().ftruncate(fd, size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        self._fail("rename")
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._fail("unlink")
        super().unlink(path)

    def mkdir(self, path: Path) -> None:
        self._fail("mkdir")
        super().mkdir(path)

    def rmdir(self, path: Path) -> None:
        self._fail("rmdir")
        super().rmdir(path)


class FaultyDisk(Disk):
    """A `Disk` over FaultyCalls, which are `faults`."""

    def __init__(self, error_number: int, fails: frozenset[int] = frozenset()) -> None:
        self.faults = FaultyCalls(error_number, fails)
        super().__init__(self.faults)

    @property
    def broken(self) -> bool:
        """Every call fails."""
        return self.faults.broken

    @broken.setter
    def broken(self, value: bool) -> None:
        self.faults.broken = value

    @property
    def calls(self) -> int:
        """Calls so far."""
        return self.faults.calls
