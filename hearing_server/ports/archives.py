"""Archive packages: their rows, and the hand that packs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from hearing_server.domain.recording.archives import Archive, ArchiveState
from hearing_server.domain.recording.recordings import Recording
from hearing_server.kernel import RecordingId


class Archives(Protocol):
    """Repository of packages, one per recording."""

    async def add(self, archive: Archive) -> None: ...
    async def save(self, archive: Archive) -> None: ...
    async def get(self, recording_id: RecordingId) -> Archive | None: ...
    async def due(self, states: tuple[ArchiveState, ...], now: datetime, limit: int) -> list[Archive]:
        """The longest overdue first."""
        ...

    async def without(self, limit: int) -> list[Recording]:
        """Recordings whose film is ready and that have no package yet, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file of a package; `path` as it is called inside."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Package:
    """A finished ZIP in the spool; the caller removes it."""

    path: Path
    sha256: str
    size_bytes: int
    files: tuple[PackedFile, ...]


class Packer(Protocol):
    """Puts files and texts into one ZIP."""

    async def pack(
        self,
        spool: Path,
        *,
        parts: Sequence[tuple[str, Path]],
        texts: Sequence[tuple[str, bytes]],
        about: bytes,
    ) -> Package:
        """Each file, and everything below each folder, under its name; the texts; last `package.json`.

        That one holds `about` (JSON) and the hashes of all others.

        Blocks nobody. Errors: OSError.
        """
        ...
