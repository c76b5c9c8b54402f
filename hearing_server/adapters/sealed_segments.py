"""Sealed pieces of a recording as they lie on the disk: number, digest, size."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from hearing_server.ports.media import SealedPiece
from recorder.folder import segment_files


class FolderSegments:
    """`ports.media.SealedSegments`. The names alone say what is sealed, whoever wrote it and however it ended."""

    async def after(self, folder: Path, number: int, limit: int) -> list[SealedPiece]:
        return await asyncio.to_thread(_after, folder, number, limit)


def _after(folder: Path, number: int, limit: int) -> list[SealedPiece]:
    files = [file for file in segment_files(folder) if file.sealed and file.number > number]
    return [_digest(file.number, file.path) for file in files[:limit]]


def _digest(number: int, path: Path) -> SealedPiece:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return SealedPiece(number, digest, file.tell())
