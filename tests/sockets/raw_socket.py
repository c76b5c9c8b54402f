"""A bare WebSocket that says what no client library would: for the hub's tests against hostile packets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from signaling.socket_kit.connection import Command, Connection, Knock, Namespace, Refusal, SocketBody
from signaling.socket_kit.engine_io import HubSettings
from signaling.socket_kit.hub import Hub

PATIENCE_S = 15.0


async def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until a condition of the stage holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - conditions over several of the hub's parts have no one event
            await asyncio.sleep(0.02)


class Auth(SocketBody):
    ticket: str


class Words(SocketBody):
    text: str


class Refused(Exception):
    """An error the hub's owner expects."""


@dataclass(slots=True)
class Stage:
    """A hub with one namespace `/case` and everything that happened there."""

    hub: Hub
    url: str = ""
    opened: list[str] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)
    handled: list[str] = field(default_factory=list)
    admit_gate: asyncio.Event = field(default_factory=asyncio.Event)
    on_say: Callable[[Connection[str], Words], Awaitable[None]] | None = None

    def namespace(self) -> Namespace[str]:
        return Namespace(
            "/case", auth=Auth, admit=self.admit, opened=self._opened, closed=self._closed,
            is_paced=True,
            commands={"say": Command(Words, self.say), "fail": Command(Words, self.fail)},
        )  # fmt: skip

    async def admit(self, knock: Knock, auth: Auth) -> str:
        await self.admit_gate.wait()
        if auth.ticket == "bad":
            raise Refused("ticket")
        return auth.ticket

    async def _opened(self, connection: Connection[str]) -> None:
        self.opened.append(connection.state)
        connection.enter("all")

    async def _closed(self, connection: Connection[str], reason: str) -> None:
        self.closed.append((connection.state, reason))

    async def say(self, connection: Connection[str], body: Words) -> Mapping[str, object]:
        if self.on_say is not None:
            await self.on_say(connection, body)
        self.handled.append(body.text)
        return {"text": body.text}

    async def fail(self, connection: Connection[str], body: Words) -> None:
        raise RuntimeError(body.text)


def _explain(error: BaseException, language: str) -> Refusal | None:
    return Refusal("ticket.bad", "No", retryable=False) if isinstance(error, Refused) else None


@asynccontextmanager
async def stage(settings: HubSettings | None = None) -> AsyncIterator[Stage]:
    """A hub that listens; its door is open unless `admit_gate` is cleared."""
    hub = Hub(settings or HubSettings(), explain=_explain)
    found = Stage(hub)
    found.admit_gate.set()
    hub.add(found.namespace())
    app = web.Application()
    hub.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


class RawSocket:
    """Text in, text out; answers pings by itself unless told to be deaf."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws
        self.answers_pings = True

    async def say(self, text: str) -> None:
        await self._ws.send_str(text)

    async def say_bytes(self, data: bytes) -> None:
        await self._ws.send_bytes(data)

    async def hear(self) -> str | None:
        """The next frame that isn't a ping; None when the other side has gone."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await self._ws.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return None
                if message.data != "2":
                    return str(message.data)
                if self.answers_pings:
                    await self.say("3")

    async def ack(self, number: int) -> Any:
        """The ack of this number; everything before it is passed over."""
        while (frame := await self.hear()) is not None:
            if frame.startswith(f"43/case,{number}["):
                return json.loads(frame.removeprefix(f"43/case,{number}"))[0]
        raise AssertionError("gone before the ack")

    async def join(self, ticket: str = "ok") -> None:
        await self.say(f'40/case,{{"ticket":"{ticket}"}}')
        frame = await self.hear()
        assert frame is not None
        assert frame.startswith("40/case,"), frame

    async def rest(self) -> list[str]:
        """All that comes until the other side goes."""
        heard = []
        while (frame := await self.hear()) is not None:
            heard.append(frame)
        return heard

    def stop_reading(self) -> None:
        """A phone in a tunnel: nothing is taken any more."""
        self._transport().pause_reading()

    def drop(self) -> None:
        """Gone without a word."""
        self._transport().abort()

    def _transport(self) -> asyncio.Transport:
        # A socket can't be told through the library's public face to stop reading.
        connection = self._ws._conn
        assert connection is not None
        assert isinstance(connection.transport, asyncio.Transport)
        return connection.transport


@asynccontextmanager
async def raw_socket(on: Stage, **headers: str) -> AsyncIterator[RawSocket]:
    """A WebSocket that has heard the opening packet."""
    async with aiohttp.ClientSession() as http:
        address = f"{on.url}/socket.io/?EIO=4&transport=websocket"
        async with http.ws_connect(address, headers=headers, max_msg_size=0) as ws:
            socket = RawSocket(ws)
            opening = await socket.hear()
            assert opening is not None
            assert opening.startswith("0{")
            yield socket
