"""A bad network in the process: a relay between robots and the engine that loses, moves and tunnels packets."""

import asyncio
import random
import re
from typing import Any


def is_media(data: bytes) -> bool:
    """SRTP or SRTCP, not STUN or DTLS: losing those only makes joining slow."""
    return len(data) > 1 and 127 < data[0] < 192


class _Client(asyncio.DatagramProtocol):
    """Hears the robots."""

    def __init__(self, relay: "Impairment") -> None:
        self._relay = relay

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._relay.from_robot(data, address)


class _Upstream(asyncio.DatagramProtocol):
    """Hears the engine on behalf of one robot socket."""

    def __init__(self, relay: "Impairment", robot: Any) -> None:
        self._relay = relay
        self._robot = robot

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._relay.to_robot(data, self._robot)


class Impairment:
    """Loses a seeded share of media packets in each direction; `move` gives every robot a new address.

    With `tunnel`, datagrams travel to the engine over ICE-TCP framing instead of UDP.
    """

    def __init__(self, *, up: float = 0.0, down: float = 0.0, seed: int = 1, tunnel: bool = False) -> None:
        self.up = up
        self.down = down
        self.lost = 0
        self.passed = 0
        self.moves = 0
        self._random = random.Random(seed)
        self._tunnel = tunnel
        self._target: tuple[str, int] = ("127.0.0.1", 0)
        self._upstreams: dict[Any, Any] = {}
        self._early: dict[Any, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: Any = None
        self.port = 0

    async def start(self, udp_port: int, tcp_port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._target = ("127.0.0.1", tcp_port if self._tunnel else udp_port)
        self._client, _ = await loop.create_datagram_endpoint(
            lambda: _Client(self), local_addr=("127.0.0.1", 0)
        )
        self.port = self._client.get_extra_info("sockname")[1]

    def through(self, sdp: str) -> str:
        """The description with our port as the only candidate."""
        sdp = re.sub(r"a=candidate:\S+ 1 tcp [^\r]*\r\n", "", sdp)
        return re.sub(r"( 1 udp \d+ \S+) \d+ typ host", rf"\1 {self.port} typ host", sdp)

    def move(self) -> None:
        """Every robot gets a new address towards the engine, as after a change of network."""
        self.moves += 1
        for upstream in self._upstreams.values():
            upstream.close()
        self._upstreams.clear()

    def _lose(self, data: bytes, share: float) -> bool:
        if share and is_media(data) and self._random.random() < share:
            self.lost += 1
            return True
        self.passed += 1
        return False

    def from_robot(self, data: bytes, robot: Any) -> None:
        if self._lose(data, self.up):
            return
        upstream = self._upstreams.get(robot)
        if upstream is not None:
            self._write(upstream, data)
            return
        waiting = self._early.setdefault(robot, [])
        waiting.append(data)
        if len(waiting) == 1:
            task = asyncio.create_task(self._open(robot))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _write(self, upstream: Any, data: bytes) -> None:
        if self._tunnel:
            upstream.write(len(data).to_bytes(2, "big") + data)
        else:
            upstream.sendto(data)

    async def _open(self, robot: Any) -> None:
        loop = asyncio.get_running_loop()
        if self._tunnel:
            reader, writer = await asyncio.open_connection(*self._target)
            self._upstreams[robot] = writer
            task = asyncio.create_task(self._read_frames(reader, robot))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            upstream, _ = await loop.create_datagram_endpoint(
                lambda: _Upstream(self, robot), remote_addr=self._target
            )
            self._upstreams[robot] = upstream
        for data in self._early.pop(robot):
            self._write(self._upstreams[robot], data)

    async def _read_frames(self, reader: asyncio.StreamReader, robot: Any) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(2), "big")
                self.to_robot(await reader.readexactly(length), robot)
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def to_robot(self, data: bytes, robot: Any) -> None:
        if not self._lose(data, self.down):
            self._client.sendto(data, robot)

    async def stop(self) -> None:
        self._client.close()
        for upstream in self._upstreams.values():
            upstream.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
