"""tus 1.0.0 over HTTP: core, creation, creation-with-upload, checksum, expiration, termination (tus.io/protocols)."""

from __future__ import annotations

import base64
import binascii
import functools
from collections.abc import Awaitable, Callable
from datetime import UTC
from email.utils import format_datetime

from aiohttp import hdrs, web

from hearing_server.domain.case_space.attachments import AttachmentState, Purpose
from hearing_server.errors import HearingError, Invalid, Malformed, NotFound, UnsupportedBody
from hearing_server.rest.answers import problem
from hearing_server.rest.body_reading import body_reader
from hearing_server.rest.middlewares import REQUEST_ID
from hearing_server.rest.mount import PREFIX
from hearing_server.rest.routing import Call, Route, Who
from hearing_server.services.case_space.upload_intake import ReadSome
from hearing_server.services.case_space.uploads import UploadDraft, UploadPlace

VERSION = "1.0.0"
_EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
# Algorithm names of the protocol → those of hashlib.
_CHECKSUMS = {"sha256": "sha256", "sha1": "sha1"}
_CONTENT_TYPE = "application/offset+octet-stream"
_MAX_METADATA_CHARS = 4096
_MAX_BYTES = 2**53
Handler = Callable[[Call], Awaitable[web.Response]]


def _speaks_tus(handler: Handler) -> Handler:
    """The protocol's version in and out, on refusals too."""

    @functools.wraps(handler)
    async def answer(call: Call) -> web.Response:
        try:
            if call.request.headers.get("Tus-Resumable") != VERSION:
                response = web.Response(status=412, headers={"Tus-Version": VERSION})
            else:
                response = await handler(call)
        except HearingError as error:
            response = problem(error, language=call.language, request_id=call.request[REQUEST_ID])
        response.headers["Tus-Resumable"] = VERSION
        response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
        return response

    return answer


async def describe(call: Call) -> web.Response:
    return web.Response(
        status=204,
        headers={
            "Tus-Resumable": VERSION,
            "Tus-Version": VERSION,
            "Tus-Extension": _EXTENSIONS,
            "Tus-Max-Size": str(call.services.uploads.max_bytes),
            "Tus-Checksum-Algorithm": ",".join(_CHECKSUMS),
        },
    )


@_speaks_tus
async def begin(call: Call) -> web.Response:
    request = call.request
    size_bytes = _number(request.headers.get("Upload-Length"), "Upload-Length")
    words = metadata(request.headers.get("Upload-Metadata", ""))
    draft = UploadDraft(
        case_id=words.get("case_id", ""),
        size_bytes=size_bytes,
        name=words.get("filename", words.get("name", "")),
        purpose=_purpose(words.get("purpose", "message")),
        sha256=words.get("sha256", ""),
    )
    has_body = request.body_exists and request.content_length != 0
    if has_body:
        _require_content_type(request)
    place = await call.services.uploads.begin(call.actor, draft)
    headers = {"Location": f"{PREFIX}/uploads/{place.attachment.id}"}
    if has_body:
        try:
            place = await _append(call, place.attachment.id, 0)
        except HearingError:
            # It was made, and its place is told: what came of it is asked for there.
            place = await call.services.uploads.place(call.actor, place.attachment.id)
    return web.Response(status=201, headers={**headers, **_place_headers(place)})


@_speaks_tus
async def ask(call: Call) -> web.Response:
    place = await call.services.uploads.place(call.actor, call.part("upload_id"))
    headers = {"Upload-Length": str(place.attachment.size_bytes), **_place_headers(place)}
    return web.Response(status=200, headers=headers)


@_speaks_tus
async def append(call: Call) -> web.Response:
    _require_content_type(call.request)
    offset = _number(call.request.headers.get("Upload-Offset"), "Upload-Offset")
    place = await _append(call, call.part("upload_id"), offset)
    return web.Response(status=204, headers=_place_headers(place))


@_speaks_tus
async def give_up(call: Call) -> web.Response:
    await call.services.uploads.give_up(call.actor, call.part("upload_id"))
    return web.Response(status=204)


async def override(call: Call) -> web.Response:
    """For networks that let nothing but GET and POST through."""
    ways = {"PATCH": append, "DELETE": give_up, "HEAD": ask}
    way = ways.get(call.request.headers.get("X-HTTP-Method-Override", "").upper())
    if way is None:
        raise NotFound
    return await way(call)


async def _append(call: Call, upload_id: str, offset: int) -> UploadPlace:
    request = call.request
    return await call.services.uploads.append(
        call.actor,
        upload_id,
        offset=offset,
        read=_reader(request),
        length=request.content_length,
        checksum=checksum(request.headers.get("Upload-Checksum")),
    )


def _reader(request: web.Request) -> ReadSome:
    return body_reader(request)


def _place_headers(place: UploadPlace) -> dict[str, str]:
    """`Upload-State` is ours: what became of the file behind its last byte."""
    headers = {"Upload-Offset": str(place.offset), "Upload-State": place.attachment.state.value}
    if place.attachment.state is AttachmentState.UPLOADING and place.attachment.expires_at:
        moment = place.attachment.expires_at.astimezone(UTC)
        headers["Upload-Expires"] = format_datetime(moment, usegmt=True)
    return headers


def metadata(text: str) -> dict[str, str]:
    """`key base64,key base64,…` as the protocol writes it; later keys can't replace earlier ones.

    Errors: Malformed `upload.metadata`.
    """
    found: dict[str, str] = {}
    if len(text) > _MAX_METADATA_CHARS:
        raise _bad_metadata()
    for pair in text.split(",") if text.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or not key.isascii() or key in found:
            raise _bad_metadata()
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise _bad_metadata() from None
    return found


def checksum(text: str | None) -> tuple[str, bytes] | None:
    """`algorithm base64` → (hashlib's name, digest). Errors: Malformed `upload.checksum_malformed`."""
    if text is None:
        return None
    name, _, value = text.strip().partition(" ")
    try:
        digest = base64.b64decode(value.strip(), validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if name not in _CHECKSUMS or not digest:
        raise Malformed(
            "upload.checksum_malformed",
            zh="校验值格式不正确，支持 sha256 和 sha1",
            en="The checksum is malformed; sha256 and sha1 are taken",
        )
    return _CHECKSUMS[name], digest


def _number(text: str | None, name: str) -> int:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 16 or int(text) > _MAX_BYTES:
        raise Malformed(
            "upload.header", zh=f"请求头 {name} 缺失或无效", en=f"The header {name} is missing or malformed"
        )
    return int(text)


def _purpose(text: str) -> Purpose:
    try:
        return Purpose(text)
    except ValueError:
        raise Invalid(
            "upload.purpose", zh="上传用途无效", en="This purpose of an upload is unknown"
        ) from None


def _require_content_type(request: web.Request) -> None:
    if request.content_type != _CONTENT_TYPE:
        raise UnsupportedBody(
            "upload.content_type", zh=f"请求格式应为 {_CONTENT_TYPE}", en=f"The body must be {_CONTENT_TYPE}"
        )


def _bad_metadata() -> Malformed:
    return Malformed("upload.metadata", zh="上传信息格式不正确", en="Upload-Metadata is malformed")


ROUTES = (
    Route("OPTIONS", "/uploads", describe, Who.ALL, "What the upload protocol (tus 1.0.0) can do here"),
    Route("POST", "/uploads", begin, Who.SIGNED_IN, "Begin an upload (tus creation)", status=201),
    Route("HEAD", "/uploads/{upload_id}", ask, Who.SIGNED_IN, "How far an upload is (tus)"),
    Route("PATCH", "/uploads/{upload_id}", append, Who.SIGNED_IN, "Go on with an upload (tus)", status=204),
    Route("DELETE", "/uploads/{upload_id}", give_up, Who.SIGNED_IN, "Give an upload up (tus)", status=204),
    Route(
        "POST",
        "/uploads/{upload_id}",
        override,
        Who.SIGNED_IN,
        "The same by X-HTTP-Method-Override (tus)",
        status=204,
    ),
)
