"""Attachments over HTTP: their state, the original by ranges, preview, pages, rendition, text; small files at once."""

from __future__ import annotations

from urllib.parse import quote, unquote

from aiohttp import hdrs, web

from hearing_server.domain.case_space.attachments import AttachmentKind, attachment_view
from hearing_server.errors import Malformed, NotFound
from hearing_server.rest.body_reading import body_reader
from hearing_server.rest.routing import Call, Route, Who
from hearing_server.services.case_space.attachments import SeenFile

_MAX_PAGE = 100_000


async def upload(call: Call) -> object:
    """The body is the file itself; it is read in pieces and never held whole."""
    request = call.request
    if (
        request.content_type.startswith(("multipart/", "text/html"))
        or hdrs.CONTENT_TYPE not in request.headers
    ):
        raise Malformed(
            "attachment.content_type", zh="请求内容应为文件本身", en="The body must be the file itself"
        )
    if request.content_length is None:
        raise Malformed("attachment.length", zh="请求缺少 Content-Length", en="Content-Length is missing")
    made = await call.services.attachments.upload(
        call.actor,
        call.part("case_id"),
        name=unquote(request.headers.get("X-File-Name", ""), errors="replace"),
        size_bytes=request.content_length,
        read=body_reader(request),
    )
    return attachment_view(made)


async def get_mine(call: Call) -> object:
    return {"items": await call.services.attachments.views_of_case(call.actor, call.part("case_id"))}


async def get_state(call: Call) -> object:
    return await call.services.attachments.view(call.actor, call.part("attachment_id"))


async def get_attachment(call: Call) -> object:
    seen = await call.services.attachments.original(call.actor, call.part("attachment_id"))
    # Sound and film are played from here; everything else is handed out to be saved, never shown in our origin.
    is_played = seen.attachment.kind in (AttachmentKind.AUDIO, AttachmentKind.VIDEO)
    way = "inline" if is_played else "attachment"
    disposition = f"{way}; filename*=UTF-8''{quote(seen.attachment.name, safe='')}"
    return await _send(call.request, seen, {hdrs.CONTENT_DISPOSITION: disposition})


async def get_preview(call: Call) -> object:
    seen = await call.services.attachments.preview(call.actor, call.part("attachment_id"))
    return await _send(call.request, seen, _KEPT_A_DAY)


async def get_page(call: Call) -> object:
    number = call.part("page")
    if not number.isascii() or not number.isdigit() or len(number) > 6 or int(number) > _MAX_PAGE:
        raise NotFound
    seen = await call.services.attachments.page(call.actor, call.part("attachment_id"), int(number))
    return await _send(call.request, seen, _KEPT_A_DAY)


async def get_rendition(call: Call) -> object:
    seen = await call.services.attachments.rendition(call.actor, call.part("attachment_id"))
    return await _send(call.request, seen, {"Content-Disposition": "inline", **_KEPT_A_DAY})


async def get_text(call: Call) -> object:
    return await call.services.attachments.text(call.actor, call.part("attachment_id"))


# Content never changes under its address; the browser asks again after a day, and nobody shares its copy.
_KEPT_A_DAY: dict[str, str] = {hdrs.CACHE_CONTROL: "private, max-age=86400, immutable"}


async def _send(request: web.Request, seen: SeenFile, headers: dict[str, str]) -> web.StreamResponse:
    etag = f'"{seen.sha256}"'
    whole = {
        hdrs.CONTENT_TYPE: seen.media_type,
        hdrs.CACHE_CONTROL: "private, no-store",
        hdrs.ETAG: etag,
        hdrs.ACCEPT_RANGES: "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        **headers,
    }
    if etag in (tag.strip() for tag in request.headers.get(hdrs.IF_NONE_MATCH, "").split(",")):
        return web.Response(
            status=304, headers={hdrs.ETAG: etag, hdrs.CACHE_CONTROL: whole[hdrs.CACHE_CONTROL]}
        )
    part = asked_range(request, seen.size_bytes, etag)
    if part is None:
        return web.Response(status=416, headers={hdrs.CONTENT_RANGE: f"bytes */{seen.size_bytes}"})
    start, until, is_part = part
    if is_part:
        whole[hdrs.CONTENT_RANGE] = f"bytes {start}-{until - 1}/{seen.size_bytes}"
    response = web.StreamResponse(status=206 if is_part else 200, headers=whole)
    response.content_length = until - start
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async for piece in seen.read(start, until):
            await response.write(piece)
    await response.write_eof()
    return response


def asked_range(request: web.Request, size_bytes: int, etag: str) -> tuple[int, int, bool] | None:
    """(start, until, whether it is a part), None for a range that isn't there.

    A range of another version counts as none (RFC 9110 13.1.5); so do several ranges in one request.
    """
    asked = request.headers.get(hdrs.RANGE)
    if asked is None or request.headers.get(hdrs.IF_RANGE, etag) != etag or "," in asked:
        return 0, size_bytes, False
    try:
        wanted = request.http_range
    except ValueError:
        return None
    if wanted.start is None:
        return 0, size_bytes, False
    start = max(0, size_bytes + wanted.start) if wanted.start < 0 else wanted.start
    until = size_bytes if wanted.stop is None else min(wanted.stop, size_bytes)
    return (start, until, True) if start < until else None


ROUTES = (
    Route("POST", "/cases/{case_id}/attachments", upload, Who.SIGNED_IN, "A small file at once", status=201),
    Route("GET", "/cases/{case_id}/attachments", get_mine, Who.SIGNED_IN, "One's own files of a case"),
    Route("GET", "/attachments/{attachment_id}", get_attachment, Who.SIGNED_IN, "The original, bit by bit"),
    Route("GET", "/attachments/{attachment_id}/state", get_state, Who.SIGNED_IN, "What became of a file"),
    Route("GET", "/attachments/{attachment_id}/preview", get_preview, Who.SIGNED_IN, "A re-encoded preview"),
    Route("GET", "/attachments/{attachment_id}/pages/{page}", get_page, Who.SIGNED_IN, "A page as a picture"),
    Route(
        "GET",
        "/attachments/{attachment_id}/rendition",
        get_rendition,
        Who.SIGNED_IN,
        "As PDF, or sound as AAC",
    ),
    Route("GET", "/attachments/{attachment_id}/text", get_text, Who.SIGNED_IN, "A document's text by page"),
)
