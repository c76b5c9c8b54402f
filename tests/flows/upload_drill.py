"""An upload over a bad line to a court that is killed again and again: what was acknowledged is never asked for twice.

The line goes through a relay that lets so many bytes a second through and is cut every few seconds; the server is a
process of its own and gets SIGKILL. The client is a bare one: HEAD, then PATCH from there.
Counted is what went over the line towards the court, headers and all.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from hearing_server.robots.court_client import CourtClient
from tests.flows.demo_process import demo_process
from tests.rest.tus_wire import TUS, ask, begin

_PIECE_BYTES = 8 * 1024
# A kernel's buffers on loopback hold more than a phone's line ever has in it.
_SOCKET_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class DrillReport:
    sent_bytes: int
    size_bytes: int
    kills: int
    cuts: int
    sha256: str
    state: str

    @property
    def resent_share(self) -> float:
        return self.sent_bytes / self.size_bytes - 1


class Relay:
    """A line of so many bytes a second that can be cut."""

    def __init__(self, rate_bytes_s: int) -> None:
        self._rate = rate_bytes_s
        self._pipes: set[asyncio.StreamWriter] = set()
        self.target = 0
        self.carried_bytes = 0  # towards the court

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[int]:
        server = await asyncio.start_server(self._join, "127.0.0.1", 0, limit=_SOCKET_BYTES)
        async with server:
            yield server.sockets[0].getsockname()[1]
            self.cut()

    def cut(self) -> None:
        for pipe in self._pipes:
            pipe.transport.abort()
        self._pipes.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(
                "127.0.0.1", self.target, limit=_SOCKET_BYTES
            )
        except OSError:
            writer.transport.abort()
            return
        self._pipes |= {writer, far_writer}
        with contextlib.suppress(OSError):
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(reader, far_writer))
                group.create_task(self._down(far_reader, writer))

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                await asyncio.sleep(len(piece) / self._rate)
                if writer.transport.is_closing():
                    break
                self.carried_bytes += len(piece)
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while piece := await reader.read(_PIECE_BYTES):
                writer.write(piece)
                await writer.drain()
        writer.transport.abort()


async def run_drill(
    folder: Path, content: bytes, *, kills: int, cut_every_s: float, rate_bytes_s: int
) -> DrillReport:
    """Send `content` through `kills` deaths of the server, every second break a cut alone."""
    relay = Relay(rate_bytes_s)
    killed = cuts = 0
    path = ""
    async with relay.open() as relay_port:
        while True:
            is_last = killed >= kills
            async with _started(folder) as (process, url):
                relay.target = int(url.rsplit(":", 1)[1])
                async with _signed_in(folder, url, relay_port) as lin:
                    if not path:
                        case_id = (await lin.get("/cases"))["items"][0]["id"]
                        path = await begin(lin, case_id, len(content), filename="录像.bin")
                    # Between two deaths the line is cut once.
                    for breaks in (1, 2):
                        ends_s = None if is_last and breaks == 2 else cut_every_s
                        if await _send(lin, path, content, relay, ends_s):
                            async with asyncio.timeout(60):
                                while True:
                                    facts = await lin.get(f"/attachments/{path.rsplit('/', 1)[1]}/state")
                                    if facts["state"] in ("ready", "refused"):
                                        break
                                    await asyncio.sleep(0.1)
                            return DrillReport(
                                relay.carried_bytes,
                                len(content),
                                killed,
                                cuts,
                                facts["sha256"],
                                facts["state"],
                            )
                        cuts += breaks == 1
                    process.kill()
                    await process.wait()
                    killed += 1


@contextlib.asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A server on the same folder; a machine that stood still for a minute gets a second try."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            started = await stack.enter_async_context(demo_process(folder, port=0, media_port=0))
        except TimeoutError:
            started = await stack.enter_async_context(demo_process(folder, port=0, media_port=0))
        yield started


async def _send(lin: CourtClient, path: str, content: bytes, relay: Relay, ends_s: float | None) -> bool:
    """From where the court says, until the line is cut; whether all arrived."""
    offset = await _offset(lin, path)
    cutting = None
    if ends_s is not None:
        cutting = asyncio.get_running_loop().call_later(ends_s, relay.cut)
    headers = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
    try:
        async with lin.http.patch(
            f"{lin.url}{path}", data=io.BytesIO(content[offset:]), headers=headers
        ) as answer:
            return answer.status == 204
    except (aiohttp.ClientError, OSError):
        return False
    finally:
        if cutting is not None:
            cutting.cancel()


async def _offset(lin: CourtClient, path: str) -> int:
    until_s = time.monotonic() + 60
    while time.monotonic() < until_s:
        with contextlib.suppress(aiohttp.ClientError, OSError):
            status, headers, _ = await ask(lin, "HEAD", path)
            if status == 200:
                return int(headers["Upload-Offset"])
        await asyncio.sleep(0.1)
    raise AssertionError("the court doesn't say how far the upload is")


@contextlib.asynccontextmanager
async def _signed_in(folder: Path, url: str, relay_port: int) -> AsyncIterator[CourtClient]:
    """Once; the session outlives the server."""
    kept = folder / "drill_session"
    async with CourtClient(f"http://127.0.0.1:{relay_port}") as lin:
        if kept.exists():
            name, _, value = kept.read_text().partition("=")
            lin.http.cookie_jar.update_cookies({name: value})
        else:
            async with CourtClient(url) as direct:
                demo = await direct.get("/demo")
                phone = next(one["sign_in"]["phone"] for one in demo["people"] if one["name"] == "林书瑶")
                await direct.sign_in_phone(phone)
                cookie = next(iter(direct.http.cookie_jar))
                kept.write_text(f"{cookie.key}={cookie.value}")
                lin.http.cookie_jar.update_cookies({cookie.key: cookie.value})
        yield lin


def drill_file(size_bytes: int) -> bytes:
    """Text that nobody can guess or pack: it is taken as what it is."""
    return os.urandom(size_bytes // 2 + 1).hex().encode()[:size_bytes]


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
