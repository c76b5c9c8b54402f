"""The one module that makes bytes durable: create, write, sync, truncate, rename, sync the folder.

Everything the record writes goes through a `Disk`, so that a test can make any single step fail. All methods raise
OSError as the system gave it. A failed sync is never repeated on the same file: Linux may have dropped the dirty
pages already, and the second call would say that all is well.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class Disk:
    """The real disk. Stateless; one instance may serve many recordings."""

    def make_folder(self, path: Path) -> None:
        """Create `path` and its parents, durable as far as the parent of `path`."""
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            self.sync_folder(path.parent)

    def create(self, path: Path) -> int:
        """A file descriptor on a new empty file at `path` (an old one is emptied); every write goes to its end."""
        flags = os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
        return os.open(path, flags, 0o640)

    def write(self, fd: int, data: bytes) -> None:
        """Write all of `data`, unbuffered. After an error part of it may stand in the file."""
        view = memoryview(data)
        while view:
            view = view[os.write(fd, view) :]

    def sync_data(self, fd: int) -> None:
        """Contents and size are on the disk when this returns."""
        os.fdatasync(fd)

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cut `path` to `size_bytes`, durably."""
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, size_bytes)
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Close the descriptor."""
        os.close(fd)

    def rename(self, source: Path, target: Path) -> None:
        """Atomic; durable after sync_folder."""
        os.rename(source, target)

    def remove(self, path: Path) -> None:
        """Remove `path` when it is there."""
        path.unlink(missing_ok=True)

    def sync_folder(self, path: Path) -> None:
        """Names created, renamed or removed in `path` are on the disk when this returns."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def replace_file(self, path: Path, content: bytes) -> None:
        """Put `content` at `path`: readers see the old file or the new one, never a part."""
        fresh = path.with_name(path.name + ".new")
        fd = self.create(fresh)
        try:
            self.write(fd, content)
            self.sync_data(fd)
        finally:
            self.close(fd)
        self.rename(fresh, path)
        self.sync_folder(path.parent)

    def size_bytes(self, path: Path) -> int:
        """Size as the file system tells it."""
        return path.stat().st_size

    def free_bytes(self, path: Path) -> int:
        """Bytes an ordinary process may still write on the volume of `path`."""
        return shutil.disk_usage(path).free
