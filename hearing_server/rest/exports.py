"""A case space as a file."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import quote

from aiohttp import web

from hearing_server.rest.routing import Call, Route, Who

_PIECE_BYTES = 1 << 20


async def get_export(call: Call) -> object:
    async with call.services.talk.exports.made(call.actor, call.part("case_id")) as export:
        response = web.StreamResponse(
            headers={
                "Content-Type": "application/zip",
                "Content-Disposition": f"attachment; filename*=UTF-8''{quote(export.name)}",
                "Cache-Control": "private, no-store",
                "X-Content-SHA256": export.sha256,
            }
        )
        response.content_length = export.size_bytes
        with export.path.open("rb") as file, suppress(ConnectionError):
            await response.prepare(call.request)
            while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
                await response.write(piece)
            await response.write_eof()
        return response


ROUTES = (
    Route(
        "GET",
        "/cases/{case_id}/space/export",
        get_export,
        Who.SIGNED_IN,
        "The case space as a ZIP, for its member",
    ),
)
