"""The object store over obstore: a local folder or an S3-compatible bucket, in the clear or encrypted per case."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from hearing_server.adapters.case_keys import CaseKeys, key_place
from hearing_server.adapters.object_folder import ObjectFolder
from hearing_server.adapters.sealed_bytes import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_CHUNK_BYTES,
    DamagedBytes,
    Opener,
    opened_size,
    seal,
)
from hearing_server.errors import Unavailable

_PIECE_BYTES: Final = 16 * CHUNK_BYTES  # read and sealed in a thread at a time


class StoredObjects:
    """`ports.objects.Objects` on any store of the library.

    With `keys` everything is sealed with its case's key; with `folder` (a local store) it is synced to disk.
    """

    def __init__(
        self, store: ObjectStore, folder: Path | None = None, *, keys: CaseKeys | None = None
    ) -> None:
        self._store = store
        self._folder = folder
        self._keys = keys
        self._settled: set[str] = set()  # cases whose key is durable; a name each

    async def put_file(self, path: Path, *, sha256: str, case_id: str) -> None:
        if await self.size_bytes(sha256, case_id=case_id) is not None:
            return
        place = _place(case_id, sha256)
        if self._keys is None:
            await self._keep(place, _pieces(path))
        else:
            key = await self._sealing_key(self._keys, case_id)
            await self._keep(place, seal(_pieces(path), key, context=place.encode()))

    async def put(self, data: bytes, *, case_id: str) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        if await self.size_bytes(sha256, case_id=case_id) is None:
            place = _place(case_id, sha256)
            if self._keys is not None:
                key = await self._sealing_key(self._keys, case_id)
                data = b"".join(seal([data], key, context=place.encode()))
            await self._keep(place, iter((data,)))
        return sha256

    async def size_bytes(self, sha256: str, *, case_id: str) -> int | None:
        at_rest = await self._bytes_at_rest(_place(case_id, sha256))
        if at_rest is None or self._keys is None:
            return at_rest
        try:
            return opened_size(at_rest)
        except DamagedBytes as error:
            raise _damaged(error) from error

    async def read(
        self, sha256: str, *, case_id: str, start: int = 0, until: int | None = None
    ) -> AsyncIterator[bytes]:
        place = _place(case_id, sha256)
        at_rest = await self._bytes_at_rest(place)
        if at_rest is None:
            raise Unavailable(
                "object.missing",
                zh="文件暂时无法读取，请联系法院",
                en="The file can't be read now; please contact the court",
            )
        if self._keys is None:
            pieces = self._range(place, start, at_rest if until is None else min(until, at_rest))
        else:
            pieces = self._opened(place, await self._keys.key_of(case_id), at_rest, start, until)
        async for piece in pieces:
            yield piece

    async def _opened(
        self, place: str, key: bytes, at_rest: int, start: int, until: int | None
    ) -> AsyncIterator[bytes]:
        try:
            with _answering():
                header = await obstore.get_range_async(
                    self._store, place, start=0, end=min(HEADER_BYTES, at_rest)
                )
            opener = Opener(bytes(header), key, context=place.encode(), sealed_bytes=at_rest)
            end = opener.size_bytes if until is None else min(until, opener.size_bytes)
            if start >= end and start > 0:
                return
            chunk, from_byte, until_byte = opener.place(start, end)
            waiting, at = bytearray(), chunk * CHUNK_BYTES
            async for piece in self._range(place, from_byte, until_byte):
                waiting += piece
                while len(waiting) >= SEALED_CHUNK_BYTES:
                    opened = opener.open(chunk, bytes(waiting[:SEALED_CHUNK_BYTES]))
                    del waiting[:SEALED_CHUNK_BYTES]
                    yield opened[max(0, start - at) : end - at]
                    chunk, at = chunk + 1, at + len(opened)
            if waiting:
                yield opener.open(chunk, bytes(waiting))[max(0, start - at) : end - at]
        except DamagedBytes as error:
            raise _damaged(error) from error

    async def _range(self, place: str, start: int, until: int) -> AsyncIterator[bytes]:
        if start >= until:
            return
        with _answering():
            found = await obstore.get_async(self._store, place, options={"range": (start, until)})
            async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
                yield bytes(piece)

    async def _bytes_at_rest(self, place: str) -> int | None:
        try:
            with _answering():
                return int((await obstore.head_async(self._store, place))["size"])
        except FileNotFoundError:
            return None

    async def sealing_key(self, case_id: str) -> bytes | None:
        """The case's key for bytes that are on their way here, durable; None where nothing is encrypted."""
        return None if self._keys is None else await self._sealing_key(self._keys, case_id)

    async def _sealing_key(self, keys: CaseKeys, case_id: str) -> bytes:
        """The case's key, durable before anything is sealed with it: a power cut must not part them."""
        key = await keys.key_of(case_id)
        if self._folder is not None and case_id not in self._settled:
            with _answering():
                await asyncio.to_thread(ObjectFolder(self._folder).settle, key_place(case_id))
            self._settled.add(case_id)
        return key

    async def _keep(self, place: str, pieces: Iterator[bytes]) -> None:
        """A local object is written by us: the library renames a file into place without syncing it."""
        with _answering():
            if self._folder is not None:
                await asyncio.to_thread(ObjectFolder(self._folder).keep, place, pieces)
            else:
                await obstore.put_async(self._store, place, _in_thread(pieces))


def local_objects(folder: Path, *, keys: CaseKeys | None = None) -> StoredObjects:
    """Objects in a local folder, made when missing."""
    return StoredObjects(local_store(folder), folder, keys=keys)


def local_store(folder: Path) -> LocalStore:
    ObjectFolder(folder).prepare()
    return LocalStore(folder)


def _place(case_id: str, sha256: str) -> str:
    """Two levels of folders keep each of them small."""
    return f"cases/{case_id}/{sha256[:2]}/{sha256}"


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


async def _in_thread(sealed: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Reading and encrypting beside the event loop; pieces large enough to be worth the way."""

    def some() -> bytes:
        joined = bytearray()
        while len(joined) < _PIECE_BYTES:
            piece = next(sealed, None)
            if piece is None:
                break
            joined += piece
        return bytes(joined)

    while piece := await asyncio.to_thread(some):
        yield piece


@contextmanager
def _answering() -> Iterator[None]:
    """The library's many errors in one word; that nothing is there stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise Unavailable(
            "object.store",
            zh="文件存储暂时不可用，请稍后再试",
            en="The file store doesn't answer; please try again later",
        ) from error


def _damaged(error: DamagedBytes) -> Unavailable:
    return Unavailable(
        "object.damaged",
        zh="存储的文件已损坏或密钥不符，请联系法院从备份恢复",
        en=f"The stored file is damaged or sealed with another key ({error}); restore it from a backup",
    )
