"""The same line for TCP: HTTP, sockets and ICE-TCP with delay, blackouts and refusal.

TCP hides loss from its users, so what is left of a bad network here is time: bytes come a delay later, a new
connection costs a round trip before its first byte, and in a blackout everything stands still until it ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

_CHUNK_BYTES: Final = 64 << 10
# Chunks on their way per direction: a megabyte; a full line makes the sender wait, as TCP does.
_CHUNKS: Final = 16


class StreamRelay:
    """Listens on a loopback port and carries each connection to the server `one_way_ms` late."""

    def __init__(self, *, one_way_ms: float = 0.0) -> None:
        self._one_way_s = one_way_ms / 1000
        self._light = asyncio.Event()
        self._light.set()
        self._server: asyncio.Server | None = None
        self._target = ("127.0.0.1", 0)
        self._tasks: set[asyncio.Task[None]] = set()
        self.refuses = False
        self.connections = 0
        self.port = 0

    async def start(self, port: int, *, host: str = "127.0.0.1") -> None:
        self._target = (host, port)
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def darken(self, is_dark: bool) -> None:
        """Nothing moves while it is dark."""
        if is_dark:
            self._light.clear()
        else:
            self._light.set()

    def cut(self) -> None:
        """Break every connection, as a browser does with its own when the network changes."""
        for task in list(self._tasks):
            task.cancel()

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        onward: asyncio.StreamWriter | None = None
        try:
            if self.refuses:
                return
            # The handshake: our side of the loopback accepted at once, the far server would have needed a round trip.
            await asyncio.sleep(2 * self._one_way_s)
            await self._light.wait()
            answers, onward = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as group:
                for source, sink in ((reader, onward), (answers, writer)):
                    underway: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS)
                    group.create_task(self._take(source, underway))
                    group.create_task(self._give(underway, sink))
        except (OSError, ExceptionGroup):
            return
        finally:
            for each in (writer, onward):
                if each is not None:
                    each.close()

    async def _take(self, reader: asyncio.StreamReader, underway: asyncio.Queue[tuple[float, bytes]]) -> None:
        loop = asyncio.get_running_loop()
        data = b"-"
        while data:
            data = await reader.read(_CHUNK_BYTES)
            await underway.put((loop.time() + self._one_way_s, data))

    async def _give(self, underway: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        """In order, each chunk as late as it is long underway; an empty one is the end."""
        loop = asyncio.get_running_loop()
        while True:
            due_s, data = await underway.get()
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            await self._light.wait()
            if not data:
                with contextlib.suppress(OSError):
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
