"""The one module that makes bytes durable: create, write, sync, truncate, rename, remove, sync the folder.

Everything the record, its films and the object store write goes through a `Disk`, and a `Disk` reaches the system
through `SystemCalls` alone, so that a test can make any single call fail, come back short, or be the last before
the power went. All methods raise OSError as the system gave it. A failed sync is never repeated on the same file:
Linux may have dropped the dirty pages already, and the second call would say that all is well.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_PRIVATE = 0o640
# Copied in one go: large enough for the disk, small enough for a phone-sized server's memory.
_COPY_BYTES = 1 << 20


class SystemCalls:
    """What the kernel is asked to do, one call each. Stateless."""

    def open(self, path: Path, flags: int) -> int:
        return os.open(path, flags | os.O_CLOEXEC, _PRIVATE)

    def write(self, fd: int, data: memoryview) -> int:
        """How many bytes were taken; may be fewer than given."""
        return os.write(fd, data)

    def fdatasync(self, fd: int) -> None:
        os.fdatasync(fd)

    def fsync(self, fd: int) -> None:
        os.fsync(fd)

    def ftruncate(self, fd: int, size_bytes: int) -> None:
        os.ftruncate(fd, size_bytes)

    def close(self, fd: int) -> None:
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        os.rename(source, target)

    def unlink(self, path: Path) -> None:
        os.unlink(path)

    def mkdir(self, path: Path) -> None:
        os.mkdir(path)

    def rmdir(self, path: Path) -> None:
        os.rmdir(path)


class Disk:
    """The real disk. Stateless; one instance may serve many recordings."""

    def __init__(self, calls: SystemCalls | None = None) -> None:
        self._calls = calls or SystemCalls()

    def make_folder(self, path: Path) -> None:
        """Create `path` and its missing parents; every name that was created is durable when this returns."""
        if path.is_dir():
            return
        self.make_folder(path.parent)
        try:
            self._calls.mkdir(path)
        except FileExistsError:
            if not path.is_dir():
                raise
        try:
            self.sync_folder(path.parent)
        except OSError:
            # A name that is not durable must not be found by the next attempt, which would take it for granted.
            with suppress(OSError):
                self._calls.rmdir(path)
            raise

    def create(self, path: Path) -> int:
        """A file descriptor on a new empty file at `path` (an old one is emptied); every write goes to its end."""
        return self._calls.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND)

    def open_to_append(self, path: Path) -> int:
        """A file descriptor on a file that exists; every write goes to its end."""
        return self._calls.open(path, os.O_WRONLY | os.O_APPEND)

    def lock(self, path: Path) -> int | None:
        """A descriptor that holds the lock file at `path` until it is closed or its process dies; None when taken."""
        fd = self._calls.open(path, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._calls.close(fd)
            return None
        except BaseException:
            self._calls.close(fd)
            raise
        return fd

    def write(self, fd: int, data: bytes | memoryview) -> None:
        """Write all of `data`, unbuffered. After an error part of it may stand in the file."""
        view = memoryview(data)
        while view:
            view = view[self._calls.write(fd, view) :]

    def sync_data(self, fd: int) -> None:
        """Contents and size are on the disk when this returns."""
        self._calls.fdatasync(fd)

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut `path` to `size_bytes`, durably."""
        fd = self._calls.open(path, os.O_WRONLY)
        try:
            self._calls.ftruncate(fd, size_bytes)
            self._calls.fsync(fd)
        finally:
            self._calls.close(fd)

    def close(self, fd: int) -> None:
        """Close the descriptor."""
        self._calls.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Atomic; durable after sync_folder."""
        self._calls.rename(source, target)

    def remove(self, path: Path) -> None:
        """Remove `path` when it is there."""
        if path.exists():
            self._calls.unlink(path)

    def sync_folder(self, path: Path) -> None:
        """Names created, renamed or removed in `path` are on the disk when this returns."""
        self._sync(path, os.O_RDONLY | os.O_DIRECTORY)

    def publish(self, part: Path, target: Path) -> None:
        """Sync `part`, which somebody else wrote, and give it the name `target`: whole or not at all."""
        self._sync(part, os.O_RDONLY)
        self.rename(part, target)
        self.sync_folder(target.parent)

    def settle(self, path: Path) -> None:
        """Somebody else wrote `path`: its content and its name are on the disk when this returns."""
        self._sync(path, os.O_RDONLY)
        self.sync_folder(path.parent)

    def write_file(self, path: Path, pieces: Iterable[bytes]) -> None:
        """A new file with these pieces, synced; its name is durable after sync_folder. Removed again on any error."""
        fd = self.create(path)
        try:
            try:
                for piece in pieces:
                    self.write(fd, piece)
                self.sync_data(fd)
            finally:
                self.close(fd)
        except BaseException:
            self.discard(path)
            raise

    def replace_file(self, path: Path, content: bytes) -> None:
        """Put `content` at `path`: readers see the old file or the new one, never a part."""
        fresh = path.with_name(path.name + ".new")
        self.write_file(fresh, (content,))
        self.rename(fresh, path)
        self.sync_folder(path.parent)

    def discard(self, path: Path) -> None:
        """Remove what is of no use any more; a disk that refuses even that keeps it."""
        with suppress(OSError):
            self.remove(path)

    def discard_folder(self, path: Path) -> None:
        """Remove a folder that is no record (abandoned, or derived and outdated), as far as the disk lets it go."""
        shutil.rmtree(path, ignore_errors=True)

    def size_bytes(self, path: Path) -> int:
        """Size as the file system tells it."""
        return path.stat().st_size

    def free_bytes(self, path: Path) -> int:
        """Bytes an ordinary process may still write on the volume of `path`."""
        return shutil.disk_usage(path).free

    def _sync(self, path: Path, flags: int) -> None:
        fd = self._calls.open(path, flags)
        try:
            self._calls.fsync(fd)
        finally:
            self._calls.close(fd)


def pieces_of(path: Path) -> Iterable[bytes]:
    """A file's bytes, about a megabyte at a time."""
    with path.open("rb") as file:
        while piece := file.read(_COPY_BYTES):
            yield piece
