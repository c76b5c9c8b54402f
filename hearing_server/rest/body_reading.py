"""A request's body as it comes, with the many ways a connection ends said in one word."""

from __future__ import annotations

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from hearing_server.services.case_space.upload_intake import ReadSome


def body_reader(request: web.Request) -> ReadSome:
    """Some bytes at a time, b"" at the end. ConnectionError when the connection went before the body's end."""

    async def read() -> bytes:
        try:
            return await request.content.readany()
        except (ClientPayloadError, HttpProcessingError, web.RequestPayloadError) as error:
            raise ConnectionResetError from error

    return read
