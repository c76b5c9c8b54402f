"""The case space over HTTP: the snapshot, the history, and pictures."""

from __future__ import annotations

from urllib.parse import quote, unquote

from aiohttp import hdrs, web

from hearing_server.errors import Malformed
from hearing_server.rest.routing import Call, Route, Who
from hearing_server.services.case_space.attachments import SeenPicture
from hearing_server.services.case_space.case_space import PAGE_EVENTS

_MAX_SEQ = 2**53
_CHUNK_BYTES = 256 * 1024


async def get_space(call: Call) -> object:
    return await call.services.space.space(call.actor, call.part("case_id"))


async def get_events(call: Call) -> object:
    before = call.request.query.get("before")
    page = await call.services.space.history(
        call.actor,
        call.part("lane"),
        after=call.whole_number("after", 0, at_most=_MAX_SEQ),
        before=call.whole_number("before", 0, at_most=_MAX_SEQ) if before is not None else None,
        limit=max(1, call.whole_number("limit", 50, at_most=PAGE_EVENTS)),
    )
    return {
        "items": list(page.events),
        "head_seq": page.lane.head_seq,
        "epoch": page.lane.epoch,
        "first_seq": page.first_seq,
    }


async def upload(call: Call) -> object:
    """The body is the picture itself; it is read in pieces and never held whole."""
    request = call.request
    if not request.content_type.startswith("image/"):
        raise Malformed(
            "attachment.content_type", zh="请求格式应为图片", en="The body must be a picture, image/…"
        )
    name = unquote(request.headers.get("X-File-Name", ""), errors="replace")
    made = await call.services.attachments.upload(
        call.actor,
        call.part("case_id"),
        name=name,
        size_bytes=request.content_length,
        pieces=request.content.iter_chunked(_CHUNK_BYTES),
    )
    return {
        "id": made.id,
        "sha256": made.sha256,
        "media_type": made.media_type,
        "size_bytes": made.size_bytes,
        "width": made.width,
        "height": made.height,
        "name": made.name,
    }


async def get_attachment(call: Call) -> object:
    picture = await call.services.attachments.original(call.actor, call.part("attachment_id"))
    # Never shown in our origin: what a stranger uploaded is handed out to be saved.
    disposition = f"attachment; filename*=UTF-8''{quote(picture.attachment.name, safe='')}"
    return await _stream(call.request, picture, {hdrs.CONTENT_DISPOSITION: disposition})


async def get_preview(call: Call) -> object:
    picture = await call.services.attachments.preview(call.actor, call.part("attachment_id"))
    # Content never changes under its id; the browser asks us again only after a day, and nobody shares its copy.
    return await _stream(call.request, picture, {hdrs.CACHE_CONTROL: "private, max-age=86400, immutable"})


async def _stream(request: web.Request, picture: SeenPicture, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: picture.media_type,
            hdrs.CACHE_CONTROL: "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            **headers,
        }
    )
    response.content_length = picture.size_bytes
    await response.prepare(request)
    async for piece in picture.pieces:
        await response.write(piece)
    await response.write_eof()
    return response


ROUTES = (
    Route("GET", "/cases/{case_id}/space", get_space, Who.SIGNED_IN, "Lanes, members, receipts of a case"),
    Route("GET", "/lanes/{lane}/events", get_events, Who.SIGNED_IN, "A page of a lane"),
    Route("POST", "/cases/{case_id}/attachments", upload, Who.SIGNED_IN, "Upload a picture", status=201),
    Route(
        "GET", "/attachments/{attachment_id}", get_attachment, Who.SIGNED_IN, "The original, as a download"
    ),
    Route("GET", "/attachments/{attachment_id}/preview", get_preview, Who.SIGNED_IN, "A re-encoded preview"),
)
