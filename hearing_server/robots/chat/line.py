"""One WebSocket to the namespace `/case`, spoken by hand: a thousand of them fit into one process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import orjson

_HEAD = "/case,"
# A door that doesn't answer for so long is given up; the member knocks again.
_DOOR_S = 10.0
Hear = Callable[[str, dict[str, Any]], None]


class LineDown(Exception):
    """The socket is gone, or an answer didn't come in time."""


class DoorClosed(Exception):
    """The server refused the connection; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class CaseLine:
    """A connection that was let in. Events go to `hear` in the order they came."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, hear: Hear) -> None:
        self._ws = ws
        self._hear = hear
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader: asyncio.Task[None] | None = None
        self.received_bytes = 0

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, url: str, ticket: str, hear: Hear) -> CaseLine:
        """Errors: LineDown, DoorClosed."""
        try:
            async with asyncio.timeout(_DOOR_S):
                ws = await http.ws_connect(
                    f"{url}/socket.io/?EIO=4&transport=websocket&for=case", max_msg_size=0, autoping=True
                )
                line = cls(ws, hear)
                await line._come_in(ticket)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise LineDown from error
        line._reader = asyncio.create_task(line._read(), name="case-line")
        return line

    async def ask(
        self, command: str, body: Mapping[str, object], *, timeout_s: float = 5.0
    ) -> dict[str, Any]:
        """One command; its ack, refusals included. Errors: LineDown."""
        if not self.is_up:
            raise LineDown
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(timeout_s):
                await self._ws.send_str(f"42{_HEAD}{number}" + orjson.dumps([command, body]).decode())
                return await answer
        except (TimeoutError, ConnectionError, aiohttp.ClientError) as error:
            raise LineDown from error
        finally:
            self._waiting.pop(number, None)

    async def tell(self, command: str, body: Mapping[str, object]) -> None:
        """A command whose ack nobody waits for."""
        with suppress(ConnectionError, aiohttp.ClientError):
            await self._ws.send_str(f"42{_HEAD}" + orjson.dumps([command, body]).decode())

    @property
    def is_up(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def until_down(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader])

    def cut(self) -> None:
        """Gone in the middle of a word, as a phone in a tunnel."""
        if (transport := self._transport()) is not None:
            transport.abort()

    def stop_reading(self) -> None:
        """Half open: the other side believes that we listen."""
        if (transport := self._transport()) is not None:
            transport.pause_reading()

    def read_again(self) -> None:
        if (transport := self._transport()) is not None:
            with suppress(RuntimeError):
                transport.resume_reading()

    async def close(self) -> None:
        """With a goodbye."""
        with suppress(ConnectionError, aiohttp.ClientError):
            await self._ws.close()
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    def _transport(self) -> asyncio.Transport | None:
        # The library's public face can't be told to be rude.
        connection = self._ws._conn
        return connection.transport if connection is not None else None

    async def _come_in(self, ticket: str) -> None:
        await self._ws.receive_str()
        await self._ws.send_str(f"40{_HEAD}" + orjson.dumps({"ticket": ticket}).decode())
        while True:
            said = await self._ws.receive()
            if said.type is not aiohttp.WSMsgType.TEXT:
                raise LineDown
            if said.data == "2":
                await self._ws.send_str("3")
            elif said.data.startswith("44"):
                why = orjson.loads(said.data.partition(",")[2])
                raise DoorClosed(str((why.get("data") or {}).get("code", "")))
            elif said.data.startswith("40"):
                return

    async def _read(self) -> None:
        try:
            async for said in self._ws:
                if said.type is not aiohttp.WSMsgType.TEXT:
                    break
                if not await self._take(said.data):
                    break
        except (ConnectionError, aiohttp.ClientError):
            pass  # cut; whoever waits is told below
        finally:
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(LineDown())
            with suppress(ConnectionError, aiohttp.ClientError, RuntimeError):
                await self._ws.close()

    async def _take(self, text: str) -> bool:
        """False when the server said goodbye."""
        self.received_bytes += len(text)
        if text.startswith("42"):
            name, body = orjson.loads(text[2 + len(_HEAD) :])
            self._hear(name, body)
        elif text.startswith("43"):
            number, _, rest = text[2 + len(_HEAD) :].partition("[")
            answer = self._waiting.get(int(number))
            if answer is not None and not answer.done():
                answer.set_result(orjson.loads("[" + rest)[0])
        elif text == "2":
            with suppress(ConnectionError, aiohttp.ClientError):
                await self._ws.send_str("3")
        return not text.startswith(("1", "41"))
