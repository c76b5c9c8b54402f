"""One server per data folder: a second one would write into the first one's recordings."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from hearing_server.errors import Unavailable


class FolderLock:
    """Held from `take` to `release`, or until the process dies."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "server.lock"
        self._descriptor: int | None = None

    def take(self) -> None:
        """Errors: Unavailable `data_dir.in_use`, `data_dir.unwritable`."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Unavailable(
                "data_dir.unwritable",
                zh=f"数据目录 {self._path.parent} 无法写入（{error.strerror}），请用 --data 换一个",
                en=f"The data folder {self._path.parent} can't be written ({error.strerror}); "
                "choose another with --data",
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise Unavailable(
                "data_dir.in_use",
                zh="数据目录已被另一个服务进程使用",
                en="Another server is using this data folder",
            ) from None
        self._descriptor = descriptor

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
