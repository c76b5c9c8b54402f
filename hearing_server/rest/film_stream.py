"""A film on its way out, by HTTP Range, that stops in the middle when it may not be shown any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from aiohttp import hdrs, web

_log = logging.getLogger(__name__)
_PIECE_BYTES = 256 * 1024
# How often a running download is asked about: a withdrawal stops it within this and what the sockets hold.
_ASK_EVERY_S = 1.0


async def stream_film(
    request: web.Request, path: Path, *, is_open: Callable[[], Awaitable[bool]]
) -> web.StreamResponse:
    """Send `path` or the asked range of it; the connection is cut when `is_open` says no."""
    file, size_bytes, etag = await asyncio.to_thread(_open, path)
    try:
        part = _range(request, size_bytes, etag)
        if part is None:
            return web.Response(status=416, headers={hdrs.CONTENT_RANGE: f"bytes */{size_bytes}"})
        start, length, is_part = part
        headers = {
            hdrs.CONTENT_TYPE: "video/mp4",
            hdrs.CACHE_CONTROL: "no-store",
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.ETAG: etag,
        }
        if is_part:
            headers[hdrs.CONTENT_RANGE] = f"bytes {start}-{start + length - 1}/{size_bytes}"
        response = web.StreamResponse(status=206 if is_part else 200, headers=headers)
        response.content_length = length
        # Players hang up in the middle of a film at every jump in it: nothing went wrong then.
        with suppress(ConnectionError):
            await response.prepare(request)
            await _send(request, response, file, start, length, is_open)
        return response
    finally:
        file.close()


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    file: BinaryIO,
    start: int,
    length: int,
    is_open: Callable[[], Awaitable[bool]],
) -> None:
    """Both at once: a player that stands still takes no bytes for minutes, and is cut all the same."""
    sending = asyncio.create_task(_write(response, file, start, length))
    watching = asyncio.create_task(_until_closed(is_open))
    try:
        await asyncio.wait((sending, watching), return_when=asyncio.FIRST_COMPLETED)
        if not sending.done() and request.transport is not None:
            request.transport.abort()
    finally:
        watching.cancel()
        sending.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        with suppress(asyncio.CancelledError):
            await sending


async def _until_closed(is_open: Callable[[], Awaitable[bool]]) -> None:
    """Returns when it may not be shown any more; what can't be found out counts as that."""
    while True:
        await asyncio.sleep(_ASK_EVERY_S)
        try:
            if not await is_open():
                return
        except Exception:
            _log.exception("a public film is cut: whether it is public could not be read")
            return


async def _write(response: web.StreamResponse, file: BinaryIO, start: int, length: int) -> None:
    left = length
    await asyncio.to_thread(file.seek, start)
    while left > 0:
        piece = await asyncio.to_thread(file.read, min(_PIECE_BYTES, left))
        if not piece:
            break
        left -= len(piece)
        await response.write(piece)
    await response.write_eof()


def _open(path: Path) -> tuple[BinaryIO, int, str]:
    file = path.open("rb")
    size_bytes = file.seek(0, 2)
    return file, size_bytes, f'"{path.stat().st_mtime_ns:x}-{size_bytes:x}"'


def _range(request: web.Request, size_bytes: int, etag: str) -> tuple[int, int, bool] | None:
    """(start, length, whether it is a part), None for a range that isn't there.

    A range of another version of the film counts as none (RFC 9110 13.1.5).
    """
    if request.headers.get(hdrs.IF_RANGE, etag) != etag:
        return 0, size_bytes, False
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None:
        return 0, size_bytes, False
    start = max(0, size_bytes + asked.start) if asked.start < 0 else asked.start
    stop = size_bytes if asked.stop is None else min(asked.stop, size_bytes)
    if start >= stop:
        return None
    return start, stop - start, True
