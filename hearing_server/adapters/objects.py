"""The object store over obstore: a local folder by default."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import obstore
from obstore.store import LocalStore, ObjectStore

from hearing_server.errors import Unavailable

_CHUNK_BYTES = 256 * 1024


class StoredObjects:
    """`ports.objects.Objects` on any store of the library; with `folder`, a local one that is synced to disk."""

    def __init__(self, store: ObjectStore, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    async def put_file(self, path: Path, *, sha256: str) -> None:
        if await self.size_bytes(sha256) is not None:
            return
        await obstore.put_async(self._store, _key(sha256), path)
        await self._sync(sha256)

    async def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if await self.size_bytes(sha256) is None:
            await obstore.put_async(self._store, _key(sha256), data)
            await self._sync(sha256)
        return sha256

    async def size_bytes(self, sha256: str) -> int | None:
        try:
            return int((await obstore.head_async(self._store, _key(sha256)))["size"])
        except FileNotFoundError:
            return None

    async def read(self, sha256: str) -> AsyncIterator[bytes]:
        try:
            found = await obstore.get_async(self._store, _key(sha256))
        except FileNotFoundError as error:
            raise Unavailable(
                "object.missing",
                zh="文件暂时无法读取，请联系法院",
                en="The file can't be read now; please contact the court",
            ) from error
        async for piece in found.stream(min_chunk_size=_CHUNK_BYTES):
            yield bytes(piece)

    async def _sync(self, sha256: str) -> None:
        """The library renames a finished file into place but doesn't sync it: a power cut would lose it."""
        if self._folder is not None:
            await asyncio.to_thread(_sync_file, self._folder / _key(sha256))


def local_objects(folder: Path) -> StoredObjects:
    """Objects in a local folder, made when missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return StoredObjects(LocalStore(folder, mkdir=True), folder)


def _key(sha256: str) -> str:
    """Two levels of folders keep each of them small."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def _sync_file(path: Path) -> None:
    for target in (path, path.parent, path.parent.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
