"""The WebSocket below Socket.IO: Engine.IO 4 without polling, with bounded buffers and a clock that never steps.

Replaces the stock socket's loop because that one measures liveness by the wall clock, buffers without bound for a
stalled reader, waits for ever on a writer that can't write, and decodes hostile frames outside of any guard.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import engineio
from aiohttp import WSMsgType, web
from engineio import packet
from engineio.async_socket import AsyncSocket

_log = logging.getLogger(__name__)
# A peer that is told to go gets this long to take the last words and the close frame.
_GOODBYE_S = 1.0


def peer_network(request: web.Request) -> str:
    """The address of the peer itself."""
    return request.remote or "unknown"


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Limits of the socket kit."""

    ping_interval_s: float = 10.0
    # Phones that sleep come back by themselves; a silent one is away after 18 s.
    ping_timeout_s: float = 8.0
    # The largest message is a session description of a full hearing (100 tracks of about 2 KiB).
    max_message_bytes: int = 256 * 1024
    # Overflow policy: the connection is cut. The client comes back and resumes from its last sequence number.
    max_backlog_packets: int = 256
    max_backlog_bytes: int = 1024 * 1024
    # Whoever doesn't take the answers they asked for gets no further ones: commands wait while more is queued.
    eased_bytes: int = 32 * 1024
    # Commands of one connection that wait their turn; beyond it they are refused as busy.
    max_waiting_commands: int = 64
    max_connections: int = 4000
    # Sockets that have not yet said who they are, per network: a court's whole building may sit behind one address.
    max_strangers_per_network: int = 64
    sign_in_timeout_s: float = 5.0
    command_timeout_s: float = 15.0
    max_faults: int = 3
    # What everybody is told, with `retry_after_ms`, when the server stops in good order.
    leaving_event: str = "server_leaving"
    # Where a client comes from, for the limits above; behind a proxy the application knows better than the peer.
    network_of: Callable[[web.Request], str] = peer_network


class Backlog(asyncio.Queue[Any]):
    """Packets on their way out, with their bytes; `eased` while few enough wait for another answer."""

    def __init__(self, *, eased_bytes: int = 0) -> None:
        super().__init__()
        self.size_bytes = 0
        self.eased = asyncio.Event()
        self.eased.set()
        self._eased_bytes = eased_bytes

    def _put(self, item: Any) -> None:
        self.size_bytes += _weight(item)
        super()._put(item)
        if self.size_bytes > self._eased_bytes:
            self.eased.clear()

    def _get(self) -> Any:
        item = super()._get()
        self.size_bytes -= _weight(item)
        if self.size_bytes <= self._eased_bytes:
            self.eased.set()
        return item


def _weight(item: Any) -> int:
    """What a queued packet costs: Python keeps Chinese text in two bytes a character."""
    data = getattr(item, "data", None)
    return sys.getsizeof(data) if isinstance(data, str) else 64


class EngineSocket(AsyncSocket):  # type: ignore[misc]
    """One WebSocket. Its reader, writer and heartbeat live and end together."""

    def __init__(self, server: EngineServer, sid: str) -> None:
        super().__init__(server, sid)
        self.queue: Backlog = Backlog(eased_bytes=server.limits.eased_bytes)
        self.closing: bool = False
        self.closed: bool = False
        self.faults = 0
        self.is_stranger = True
        self.network = ""
        self._ended = asyncio.Event()
        self._ponged = asyncio.Event()
        self._cut = False

    async def send(self, pkt: Any) -> None:
        """Queue a packet; a peer that doesn't take what it is sent is cut off."""
        if self.closed or self._ended.is_set():
            return
        limits: HubSettings = self.server.limits
        if (
            self.queue.qsize() >= limits.max_backlog_packets
            or self.queue.size_bytes > limits.max_backlog_bytes
        ):
            self.cut("slow_consumer")
            return
        self.queue.put_nowait(pkt)

    def cut(self, why: str) -> None:
        """End at once, without a goodbye."""
        _log.info("socket cut", extra={"reason": why})
        self._cut = True
        self.queue.eased.set()
        self._ended.set()

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        if self.closed or self.closing:
            return
        self.closing = True
        self._cut = self._cut or abort
        await self.server._trigger_event(
            "disconnect", self.sid, reason or self.server.reason.SERVER_DISCONNECT, run_async=False
        )
        self.closed = True
        # Nobody waits for room on a socket that is gone.
        self.queue.eased.set()
        self._ended.set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Speak until one side ends it."""
        limits: HubSettings = self.server.limits
        ws = web.WebSocketResponse(
            max_msg_size=limits.max_message_bytes, compress=False, timeout=_GOODBYE_S, autoping=True
        )
        await ws.prepare(request)
        self.connected = self.upgraded = True
        tasks = [
            asyncio.create_task(work, name=f"socket-{name}")
            for name, work in (
                ("read", self._read(ws)),
                ("write", self._write(ws)),
                ("watch", self._watch()),
            )
        ]
        try:
            await asyncio.wait(tasks[:3], return_when=asyncio.FIRST_COMPLETED)
            await self.close(reason=self.server.reason.TRANSPORT_CLOSE)
            if not self._cut:
                self.queue.put_nowait(packet.Packet(packet.CLOSE))
                self.queue.put_nowait(None)
                await asyncio.wait([tasks[1]], timeout=_GOODBYE_S)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if not self.closed:
                await self.close(abort=True, reason=self.server.reason.TRANSPORT_CLOSE)
            if self._cut and request.transport is not None:
                request.transport.abort()
            else:
                with contextlib.suppress(ConnectionError, RuntimeError):
                    await ws.close()
        return ws

    async def _read(self, ws: web.WebSocketResponse) -> None:
        async for message in ws:
            if message.type is not WSMsgType.TEXT:
                await self.server.on_fault(self.sid, "protocol.binary")
            elif message.data[:1] == "4":
                await self.server.on_text(self.sid, message.data[1:])
            elif message.data == "3":
                self._ponged.set()
            elif message.data == "1":
                return
            else:
                await self.server.on_fault(self.sid, "protocol.malformed")

    async def _write(self, ws: web.WebSocketResponse) -> None:
        while (item := await self.queue.get()) is not None:
            try:
                await ws.send_str(item.encode())
            except ConnectionError:
                return

    async def _watch(self) -> None:
        """Until somebody ends it, it falls silent, or it hasn't said in time who it is."""
        async with asyncio.TaskGroup() as group:
            beat = group.create_task(self._beat())
            stranger = group.create_task(self._first_join())
            await self._ended.wait()
            beat.cancel()
            stranger.cancel()

    async def _first_join(self) -> None:
        # The door's own time limit and one second to knock.
        await asyncio.sleep(self.server.limits.sign_in_timeout_s + 1)
        if self.is_stranger:
            self.cut("joined_nothing")

    async def _beat(self) -> None:
        """Ping; end the socket when no pong comes in time. asyncio's timers run on the monotonic clock."""
        limits: HubSettings = self.server.limits
        while True:
            await asyncio.sleep(limits.ping_interval_s)
            self._ponged.clear()
            await self.send(packet.Packet(packet.PING))
            try:
                async with asyncio.timeout(limits.ping_timeout_s):
                    await self._ponged.wait()
            except TimeoutError:
                self.cut("silent")
                return


OnText = Callable[[str, str], Awaitable[None]]


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """Only WebSockets, only our own socket class, no background monitor (each socket watches itself)."""

    limits: HubSettings
    on_text: OnText
    on_fault: OnText

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:
        request: web.Request = environ["aiohttp.request"]
        network = self.limits.network_of(request)
        strangers = sum(1 for one in self.sockets.values() if one.is_stranger and one.network == network)
        if len(self.sockets) >= self.limits.max_connections:
            return self._bad_request("Too many connections")
        if strangers >= self.limits.max_strangers_per_network:
            return self._bad_request("Too many unknown connections")
        sid = self.generate_id()
        socket = EngineSocket(self, sid)
        socket.network = network
        self.sockets[sid] = socket
        try:
            opening = {
                "sid": sid,
                "upgrades": [],
                "pingTimeout": int(self.limits.ping_timeout_s * 1000),
                "pingInterval": int(self.limits.ping_interval_s * 1000),
                "maxPayload": self.limits.max_message_bytes,
            }
            await socket.send(packet.Packet(packet.OPEN, opening))
            await self._trigger_event("connect", sid, environ, run_async=False)
            return await socket.serve(request)
        finally:
            self.sockets.pop(sid, None)
