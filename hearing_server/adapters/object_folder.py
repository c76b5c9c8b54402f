"""Objects in a local folder, written through the one durable `Disk`: whole and durable under their key, or absent."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from pathlib import Path

from recorder.durable import Disk

# Half-written objects wait here, on the same volume; the name begins with the writing process.
INCOMING = "incoming"


class ObjectFolder:
    """Writes objects below `folder`. Its methods block and may run in any thread; keys are relative paths."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()

    def prepare(self) -> None:
        """Make the folder and remove what writers left that are gone. OSError."""
        incoming = self._folder / INCOMING
        self._disk.make_folder(incoming)
        for left in incoming.iterdir():
            if not Path("/proc", left.name.partition("-")[0]).exists():
                self._disk.discard(left)

    def keep(self, key: str, pieces: Iterable[bytes]) -> None:
        """Put `pieces` under `key`. OSError as the system gave it: then the object is whole under its key or absent."""
        part = self._folder / INCOMING / f"{os.getpid()}-{uuid.uuid4().hex}"
        target = self._folder / key
        self._disk.write_file(part, pieces)
        try:
            self._disk.make_folder(target.parent)
            self._disk.rename(part, target)
        except BaseException:
            self._disk.discard(part)
            raise
        self._disk.sync_folder(target.parent)

    def settle(self, key: str) -> None:
        """Make durable what the store's library wrote under `key`, with the name of its folder. OSError."""
        place = self._folder / key
        self._disk.settle(place)
        self._disk.sync_folder(place.parent.parent)
