"""Bytes from one connection into one upload: gathered to records, written beside the reading, never more than fits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from hearing_server.errors import Malformed, TooLarge
from hearing_server.ports.attachments import Upload

if TYPE_CHECKING:
    from hashlib import _Hash

# The next bytes of a body, b"" at its end; a wait for them may be given up and begun again.
ReadSome = Callable[[], Awaitable[bytes]]
# A phone on a bad link sends at least one piece in this time.
_PIECE_TIMEOUT_S = 30.0
# Gathered before it is written, and the most one upload holds in memory twice over (one part being written).
GATHER_BYTES = 256 * 1024
# On a slow line what came is written after this all the same: a killed server loses no more of it.
_GATHER_S = 0.1


class Intake:
    """Takes one request's body. `size_bytes` counts what came, also after an error."""

    def __init__(self, upload: Upload, *, room_bytes: int, digest: _Hash | None) -> None:
        self._upload = upload
        self._room_bytes = room_bytes
        self._digest = digest
        self._gathered = bytearray()
        self._writing: asyncio.Task[None] | None = None
        self._is_broken = False
        self.size_bytes = 0

    async def take(self, read: ReadSome) -> None:
        """Read to the end of the body or of the connection; what came is written either way.

        Errors: TooLarge `upload.beyond_length`, Malformed `body.cut_off` and `body.too_slow`, and the disk's.
        """
        loop = asyncio.get_running_loop()
        written_s = loop.time()
        try:
            while True:
                # What is gathered waits for the next piece only a moment.
                piece = await _next(read, _GATHER_S if self._gathered else _PIECE_TIMEOUT_S)
                if piece == b"":
                    break
                if piece is None and not self._gathered:
                    raise Malformed(
                        "body.too_slow", zh="请求传输太慢，已中断", en="The request came in too slowly"
                    )
                self._add(piece or b"")
                is_late = piece is None or loop.time() - written_s >= _GATHER_S
                if is_late or len(self._gathered) >= GATHER_BYTES:
                    await self._flush()
                    written_s = loop.time()
        except ConnectionError as error:
            raise Malformed("body.cut_off", zh="请求没有传完", en="The request was cut off") from error
        finally:
            await self._flush()
            await self._written()

    def _add(self, piece: bytes) -> None:
        if self.size_bytes + len(piece) > self._room_bytes:
            raise TooLarge(
                "upload.beyond_length",
                zh="收到的内容超过所声明的文件大小",
                en="More bytes came than the file was said to have",
            )
        self.size_bytes += len(piece)
        self._gathered += piece

    async def _flush(self) -> None:
        """Begin to write what was gathered, once the part before it is written; after a failure nothing more."""
        await self._written()
        part, self._gathered = bytes(self._gathered), bytearray()
        if part and not self._is_broken:
            self._writing = asyncio.create_task(self._write(part))

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await _to_the_end(writing)

    async def _write(self, part: bytes) -> None:
        try:
            if self._digest is not None:
                self._digest.update(part)
            await self._upload.write(part, tentative=self._digest is not None)
        except BaseException:
            # A part is missing: one behind it would stand in its place.
            self._is_broken = True
            raise


async def _to_the_end(writing: asyncio.Task[None]) -> None:
    """A cancelled request doesn't leave a write behind."""
    try:
        await asyncio.shield(writing)
    except asyncio.CancelledError:
        await writing
        raise


async def _next(read: ReadSome, wait_s: float) -> bytes | None:
    """The next piece, b"" at the end, None when none came in time."""
    try:
        async with asyncio.timeout(wait_s):
            return await read()
    except TimeoutError:
        return None
