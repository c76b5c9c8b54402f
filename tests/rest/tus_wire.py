"""A bare tus client for tests: every header as the test wants it, bodies cut where the test wants it."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import urlsplit

from hearing_server.robots.court_client import CourtClient

TUS = {"Tus-Resumable": "1.0.0"}
STREAM = {"Content-Type": "application/offset+octet-stream"}
PATIENCE_S = 30.0


def metadata(**words: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in words.items())


async def ask(
    person: CourtClient, method: str, path: str, *, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], dict[str, Any]]:
    """(status, headers, JSON or {}); names of headers with `_` for `-`."""
    sent = {**TUS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    address = path if path.startswith("http") else f"{person.url}{path}"
    async with person.http.request(method, address, data=body, headers=sent) as answer:
        content = await answer.json(content_type=None) if "json" in answer.content_type else {}
        return answer.status, dict(answer.headers), content or {}


async def begin(
    person: CourtClient, case_id: str, size_bytes: int, *, body: bytes | None = None, **words: str
) -> str:
    """The new upload's path."""
    said = metadata(case_id=case_id, **({"filename": "file.bin"} | words))
    more = {"Content_Type": STREAM["Content-Type"]} if body is not None else {}
    status, headers, content = await ask(
        person,
        "POST",
        "/api/v1/uploads",
        body=body,
        Upload_Length=str(size_bytes),
        Upload_Metadata=said,
        **more,
    )
    assert status == 201, (status, content)
    return headers["Location"]


async def send(
    person: CourtClient, path: str, offset: int, body: bytes, **headers: str
) -> tuple[int, dict[str, str], dict[str, Any]]:
    return await ask(
        person,
        "PATCH",
        path,
        body=body,
        Upload_Offset=str(offset),
        Content_Type=STREAM["Content-Type"],
        **headers,
    )


async def offset_of(person: CourtClient, path: str) -> int:
    status, headers, _ = await ask(person, "HEAD", path)
    assert status == 200, status
    return int(headers["Upload-Offset"])


async def settled(person: CourtClient, path: str) -> dict[str, Any]:
    """The attachment once the court has decided."""
    attachment_id = path.rsplit("/", 1)[1]
    async with asyncio.timeout(PATIENCE_S):
        while True:
            facts: dict[str, Any] = await person.get(f"/attachments/{attachment_id}/state")
            if facts["state"] in ("ready", "refused"):
                return facts
            await asyncio.sleep(0.05)


class RawLine:
    """One connection with a PATCH on it that the test feeds by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def patch(cls, person: CourtClient, path: str, offset: int, length: int) -> RawLine:
        place = urlsplit(person.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        cookie = "; ".join(f"{one.key}={one.value}" for one in person.http.cookie_jar)
        head = (
            f"PATCH {path} HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {cookie}\r\nTus-Resumable: 1.0.0\r\n"
            f"Upload-Offset: {offset}\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Content-Length: {length}\r\n\r\n"
        )
        writer.write(head.encode())
        await writer.drain()
        return cls(reader, writer)

    async def feed(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def status(self) -> int:
        """Of the answer; 0 when the connection went without one."""
        async with asyncio.timeout(PATIENCE_S):
            line = await self._reader.readline()
        return int(line.split()[1]) if line else 0

    async def cut(self) -> None:
        """Gone in the middle, without a word."""
        self._writer.transport.abort()
        await asyncio.sleep(0)
