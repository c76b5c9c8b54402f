"""What a power cut leaves: a disk's calls are written down while they run, and the state behind any of them is rebuilt.

The model is that of a journalling file system at its worst. A file keeps what was synced; of the rest any pages may
have arrived, in any order, the others read as zeros. Names created, renamed or removed are safe once their folder was
synced; of the others, in the order they were made, any first few may have arrived.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from recorder.durable import SystemCalls

PAGE_BYTES = 4096


@dataclass(frozen=True)
class Call:
    """One call that changed something, at a moment of the simulated clock."""

    name: str
    at_ns: int
    path: Path | None = None
    target: Path | None = None
    fd: int = -1
    data: bytes = b""
    number: int = 0


class WrittenDownCalls(SystemCalls):
    """The real calls, each of them noted; a sync is noted alone, for nobody pulls the plug here."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.calls: list[Call] = []
        self._now_ns = now_ns

    def _note(self, name: str, **more: object) -> None:
        self.calls.append(Call(name, self._now_ns(), **more))  # type: ignore[arg-type]

    def open(self, path: Path, flags: int) -> int:
        fd = super().open(path, flags)
        self._note("create" if flags & os.O_CREAT else "open", path=path, fd=fd, number=flags)
        return fd

    def write(self, fd: int, data: memoryview) -> int:
        taken = super().write(fd, data)
        self._note("write", fd=fd, data=bytes(data[:taken]))
        return taken

    def fdatasync(self, fd: int) -> None:
        self._note("sync", fd=fd)

    def fsync(self, fd: int) -> None:
        self._note("sync", fd=fd)

    def ftruncate(self, fd: int, size_bytes: int) -> None:
        super().ftruncate(fd, size_bytes)
        self._note("truncate", fd=fd, number=size_bytes)

    def rename(self, source: Path, target: Path) -> None:
        super().rename(source, target)
        self._note("rename", path=source, target=target)

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self._note("unlink", path=path)

    def mkdir(self, path: Path) -> None:
        super().mkdir(path)
        self._note("mkdir", path=path)


class _Change(NamedTuple):
    path: Path
    number: int | None
    there: bool
    half: bool  # first half of a renaming, which is atomic


@dataclass
class _File:
    now: bytes = b""
    safe: bytes = b""


@dataclass
class PowerCut:
    """The disk behind the first calls of a run. Paths are those of the run, below `root`, which is safe itself."""

    root: Path
    _files: dict[int, _File] = field(default_factory=dict)
    _open: dict[int, int | Path] = field(default_factory=dict)  # descriptor: file's number, or a folder
    _now: dict[Path, int | None] = field(default_factory=dict)  # name: file's number; None: a folder
    _safe: dict[Path, int | None] = field(default_factory=dict)
    _waiting: list[_Change] = field(default_factory=list)  # names not synced yet

    def adopt(self) -> None:
        """What lies below the root now is safe."""
        for path in sorted(self.root.rglob("*")):
            number = None
            if path.is_file():
                number, content = len(self._files), path.read_bytes()
                self._files[number] = _File(content, content)
            self._now[path] = self._safe[path] = number

    def take(self, call: Call) -> None:
        """The next call of the run."""
        handler = getattr(self, f"_{call.name}_", None)
        if handler is not None:
            handler(call)

    def _named(self, path: Path, number: int | None, *, there: bool, half: bool = False) -> None:
        if there:
            self._now[path] = number
        else:
            self._now.pop(path, None)
        self._waiting.append(_Change(path, number, there, half))

    def _create_(self, call: Call) -> None:
        assert call.path is not None
        known = self._now.get(call.path)
        if known is None:
            known = len(self._files)
            self._files[known] = _File()
            self._named(call.path, known, there=True)
        elif call.number & os.O_TRUNC:
            self._files[known].now = b""
        self._open[call.fd] = known

    def _open_(self, call: Call) -> None:
        assert call.path is not None
        known = self._now.get(call.path)
        self._open[call.fd] = call.path if known is None else known

    def _write_(self, call: Call) -> None:
        number = self._open[call.fd]
        assert isinstance(number, int)
        self._files[number].now += call.data

    def _truncate_(self, call: Call) -> None:
        number = self._open[call.fd]
        assert isinstance(number, int)
        self._files[number].now = self._files[number].now[: call.number]

    def _sync_(self, call: Call) -> None:
        target = self._open[call.fd]
        if isinstance(target, int):
            self._files[target].safe = self._files[target].now
            return
        for path, number, there, _ in self._waiting:
            if path.parent == target and there:
                self._safe[path] = number
            elif path.parent == target:
                self._safe.pop(path, None)
        self._waiting = [change for change in self._waiting if change.path.parent != target]

    def _rename_(self, call: Call) -> None:
        assert call.path is not None
        assert call.target is not None
        number = self._now[call.path]
        self._named(call.path, number, there=False, half=True)
        self._named(call.target, number, there=True)

    def _unlink_(self, call: Call) -> None:
        assert call.path is not None
        self._named(call.path, self._now[call.path], there=False)

    def _mkdir_(self, call: Call) -> None:
        assert call.path is not None
        self._named(call.path, None, there=True)

    def leave(self, folder: Path, *, dice: random.Random | None, everything: bool = False) -> None:
        """Write what is left into `folder`. No dice: nothing unsynced arrived; `everything`: only the process died."""
        names = dict(self._now if everything else self._safe)
        if dice is not None and not everything:
            arrived = dice.randint(0, len(self._waiting))
            if arrived and self._waiting[arrived - 1].half:
                arrived += 1
            for path, number, there, _ in self._waiting[:arrived]:
                if there:
                    names[path] = number
                else:
                    names.pop(path, None)
        folder.mkdir(parents=True, exist_ok=True)
        folders = {self.root} | {path for path, number in names.items() if number is None}
        for path, number in sorted(names.items()):
            if any(parent not in folders for parent in path.parents if parent.is_relative_to(self.root)):
                continue  # its folder's own name is gone
            place = folder / path.relative_to(self.root)
            if number is None:
                place.mkdir(exist_ok=True)
            else:
                file = self._files[number]
                place.write_bytes(file.now if everything else _arrived(file, dice))


def _arrived(file: _File, dice: random.Random | None) -> bytes:
    """The synced front, and of what came after the pages that the dice let through; the size may be the new one."""
    if dice is None or file.now == file.safe:
        return file.safe
    if not file.now.startswith(file.safe):
        return dice.choice((file.safe, file.now))  # a truncation that arrived, or not
    size_bytes = dice.randint(len(file.safe), len(file.now))
    content = bytearray(file.safe) + bytes(size_bytes - len(file.safe))
    for page in range(len(file.safe) // PAGE_BYTES * PAGE_BYTES, size_bytes, PAGE_BYTES):
        if dice.random() < 0.5:
            at, end = max(page, len(file.safe)), min(page + PAGE_BYTES, size_bytes)
            content[at:end] = file.now[at:end]
    return bytes(content)
