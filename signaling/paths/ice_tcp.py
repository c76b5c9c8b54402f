"""Passive ICE-TCP (RFC 6544) with RFC 4571 framing on one port: the way in where UDP is blocked."""

import asyncio
import logging
import time
from typing import Any, Final, cast

from signaling.paths.guards import SecondGate, network_of
from signaling.paths.ice import IceAgent, Ingress, NoPathError, Path
from signaling.settings import MediaSettings

MAX_FRAME_BYTES: Final = 2048  # as for UDP; nothing larger can be STUN, DTLS or SRTP of ours
_LAST_STUN_BYTE: Final = 3  # RFC 7983
IDLE_S: Final = 35.0  # a browser repeats its checks every few seconds; RFC 7675 gives consent up after 30 s
logger = logging.getLogger(__name__)


class TcpPath(Path):
    """One accepted connection. Overflow policy: `send` refuses (BlockingIOError), so video drops to a key frame."""

    __slots__ = ("_closed", "_limit_bytes", "_transport")

    def __init__(self, address: tuple[Any, ...], transport: asyncio.Transport, limit_bytes: int) -> None:
        super().__init__("tcp", address, self._send)
        self._transport = transport
        self._limit_bytes = limit_bytes
        self._closed = False

    def _send(self, data: Any) -> object:
        if self._closed or self._transport.is_closing():
            raise NoPathError
        if self._transport.get_write_buffer_size() > self._limit_bytes:
            raise BlockingIOError
        self._transport.write(len(data).to_bytes(2, "big") + bytes(data))
        return len(data)

    @property
    def is_closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._transport.abort()


class _Connection(asyncio.Protocol):
    """Cuts the byte stream into frames. Its buffer never holds more than one frame and one read.

    Until a check proved who this is, the first frame that is none ends the connection; afterwards a flood does.
    """

    def __init__(self, port: "TcpPort") -> None:
        self._port = port
        self._buffer = bytearray()
        self._path: TcpPath | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._host = ""
        self._heard_s = 0.0
        self._frames = SecondGate(port.settings.tcp_frames_per_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)  # uvloop's is none of the base classes
        address = transport.get_extra_info("peername") or ("0.0.0.0", 0)
        self._host = network_of(str(address[0]))
        if not self._port.admit(self, self._host):
            transport.abort()
            return
        self._path = TcpPath(address, transport, self._port.settings.tcp_send_buffer_bytes)
        loop = asyncio.get_running_loop()
        self._heard_s = loop.time()
        self._watch = loop.call_later(self._port.settings.tcp_first_frame_s, self._check)

    def data_received(self, data: bytes) -> None:
        path = self._path
        if path is None:
            return
        buffer = self._buffer
        buffer += data
        at, size, now_ns = 0, len(buffer), time.monotonic_ns()
        while size - at >= 2:
            length = buffer[at] << 8 | buffer[at + 1]
            if length > MAX_FRAME_BYTES:
                self._port.ingress.counters.unknown_kind += 1
                self._end()
                return
            if size - at - 2 < length:
                break
            frame = bytes(buffer[at + 2 : at + 2 + length])
            if not self._may_pass(frame, path, now_ns):
                self._end()
                return
            self._port.ingress.datagram(frame, path)
            at += 2 + length
        del buffer[:at]
        if path.agent is not None:
            self._port.proven(self)
            self._heard_s = asyncio.get_running_loop().time()

    def _may_pass(self, frame: bytes, path: TcpPath, now_ns: int) -> bool:
        """False ends the connection. Empty frames count as well: a read of 256 KiB holds 131 072 of them."""
        if not self._frames.allows(now_ns):
            self._port.ingress.counters.stun_limited += 1
            return False
        agent: IceAgent | None = path.agent
        if agent is None and not (frame and frame[0] <= _LAST_STUN_BYTE):
            self._port.ingress.refuse(frame)
            return False
        return not path.is_closed

    def connection_lost(self, error: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._port.release(self, self._host)
        path, self._path = self._path, None
        if path is not None:
            agent: IceAgent | None = path.agent
            if agent is not None:
                agent.drop_path(path)
            else:
                path.close()

    def _check(self) -> None:
        """Slow-loris guard: unproven after the first deadline, or silent for long, means closed."""
        loop = asyncio.get_running_loop()
        if self._path is None or self._path.agent is None or loop.time() - self._heard_s > IDLE_S:
            self._end()
            return
        self._watch = loop.call_later(IDLE_S / 2, self._check)

    def _end(self) -> None:
        if self._path is not None:
            self._path.close()

    def abort(self) -> None:
        self._end()


class TcpPort:
    """The listening socket and its connections, capped in all and per address."""

    def __init__(self, settings: MediaSettings, ingress: Ingress) -> None:
        self.settings = settings
        self.ingress = ingress
        self.number = 0
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self._unproven: dict[_Connection, None] = {}  # oldest first
        self._per_host: dict[str, int] = {}

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), self.settings.host, self.settings.tcp_port, backlog=64
        )
        self.number = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        try:
            async with asyncio.timeout(2.0):
                await self._server.wait_closed()
        except TimeoutError:
            logger.warning("some TCP connections did not close in time")

    def admit(self, connection: _Connection, host: str) -> bool:
        if len(self._connections) >= self.settings.tcp_connections:
            return False
        if self._per_host.get(host, 0) >= self.settings.tcp_connections_per_address:
            return False
        if len(self._unproven) >= self.settings.tcp_unproven:
            oldest = next(iter(self._unproven))  # who said nothing for longest makes room
            del self._unproven[oldest]
            oldest.abort()
        self._connections.add(connection)
        self._unproven[connection] = None
        self._per_host[host] = self._per_host.get(host, 0) + 1
        return True

    def proven(self, connection: _Connection) -> None:
        """A check named an agent and was signed for it."""
        self._unproven.pop(connection, None)

    def release(self, connection: _Connection, host: str) -> None:
        self._unproven.pop(connection, None)
        if connection in self._connections:
            self._connections.discard(connection)
            left = self._per_host.get(host, 1) - 1
            if left > 0:
                self._per_host[host] = left
            else:
                self._per_host.pop(host, None)
