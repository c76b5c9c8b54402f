"""One person's line to the server: a UDP relay that treats packets as `conditions` say.

The server's descriptions name the relay instead of the server (`through`), so that all connections of one robot or
page share the line, as they share a phone's radio. Towards the server every connection has a socket, and so an
address, of its own; `move` gives all of them new ones, in another loopback network, as a phone that left Wi-Fi.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from hearing_server.robots.network.conditions import Conditions, OneWay
from hearing_server.robots.network.fate import Way
from hearing_server.robots.network.framing import FramedConnection

Direction = Literal["up", "down"]
# What a direction may hold back at once. Two seconds at 40 Mbit/s; beyond it the newest is dropped and counted.
MAX_WAITING: Final = 10_000
# One person has two connections, and makes new ones in trouble; more than these is not a person.
MAX_FLOWS: Final = 512
_UDP_CANDIDATE = re.compile(r"(a=candidate:\S+ 1 udp \d+) (\S+) (\d+) typ host")
_TCP_CANDIDATE = re.compile(r"a=candidate:\S+ 1 tcp \d+ [^\r\n]*\r?\n")


class Line(Protocol):
    """What clients need of a relay, also of one in another process."""

    def through(self, sdp: str) -> str: ...


@dataclass(frozen=True, slots=True)
class DistantLine:
    """A relay of another process, known by its port."""

    port: int

    def through(self, sdp: str) -> str:
        return rewritten(sdp, self.port)


def rewritten(sdp: str, port: int, *, keeps_tcp: bool = False) -> str:
    """The server's description with a loopback port as its UDP candidate, and no TCP unless it is kept."""
    if not keeps_tcp:
        sdp = _TCP_CANDIDATE.sub("", sdp)
    return _UDP_CANDIDATE.sub(rf"\1 127.0.0.1 {port} typ host", sdp)


Observer = Callable[[Direction, int, bytes], None]


class _Hearing(asyncio.DatagramProtocol):
    """Hands what comes to `heard`."""

    def __init__(self, heard: Callable[[bytes, Any], None]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, address: Any) -> None:
        self._heard(data, address)


class _Flow:
    """One connection of the client: its address, its number in order of appearance, its socket to the server."""

    __slots__ = ("address", "early", "is_stranded", "number", "opening", "upstream")

    def __init__(self, address: Any, number: int) -> None:
        self.address = address
        self.number = number
        self.upstream: Any = None
        self.opening: asyncio.Task[None] | None = None
        self.early: list[bytes] = []  # at most a few checks while the socket opens
        self.is_stranded = False


class Relay:
    """Listens on loopback. `seed` decides the fate of packets; `observer` sees each packet that comes out."""

    def __init__(
        self,
        conditions: Conditions | None = None,
        *,
        seed: int = 1,
        name: str = "line",
        tunnels: bool = False,
    ) -> None:
        """`tunnels`: towards the server packets travel as ICE-TCP frames (RFC 4571) instead of datagrams."""
        self.conditions = conditions or Conditions()
        self.seed = seed
        start_ms = time.monotonic() * 1000
        self._ways: dict[Direction, Way] = {
            "up": Way(self.conditions.up, seed=f"{seed}/{name}/up", start_ms=start_ms),
            "down": Way(self.conditions.down, seed=f"{seed}/{name}/down", start_ms=start_ms),
        }
        self.observer: Observer | None = None
        self.moves = 0
        self.port = 0
        self._tunnels = tunnels
        self._target = ("127.0.0.1", 0)
        self._flows: dict[Any, _Flow] = {}
        self._client: Any = None
        self._waiting: dict[Direction, list[tuple[float, int, _Flow, bytes]]] = {"up": [], "down": []}
        self._timers: dict[Direction, asyncio.TimerHandle | None] = {"up": None, "down": None}
        self._order = itertools.count()
        self._tasks: set[asyncio.Task[None]] = set()
        self._script: list[asyncio.TimerHandle] = []

    async def start(self, port: int = 0, *, host: str = "127.0.0.1") -> None:
        """Listen, and relay to the server's media port; with `tunnels` that is its TCP port.

        Without a port the first description that passes names the server.
        """
        loop = asyncio.get_running_loop()
        self._target = (host, port)
        self._client, _ = await loop.create_datagram_endpoint(
            lambda: _Hearing(self._from_client), local_addr=("127.0.0.1", 0)
        )
        self.port = self._client.get_extra_info("sockname")[1]
        for length_s, at_s in self.conditions.blackouts_s:
            self._script.append(loop.call_later(at_s, self.blackout, length_s))
        for at_s in self.conditions.moves_s:
            self._script.append(loop.call_later(at_s, self.move))

    def through(self, sdp: str, *, keeps_tcp: bool = False) -> str:
        """The server's description with the relay as its UDP candidate, and no TCP unless it is kept."""
        found = _UDP_CANDIDATE.search(sdp)
        if self._target[1] == 0 and found is not None:
            self._target = (found[2], int(found[3]))
        return rewritten(sdp, self.port, keeps_tcp=keeps_tcp)

    def change(self, *, up: OneWay | None = None, down: OneWay | None = None) -> None:
        """Other conditions from now on; streams keep their dice and their count."""
        if up is not None:
            self._ways["up"].way = up
        if down is not None:
            self._ways["down"].way = down

    def counts(self, direction: Direction) -> Counter[str]:
        """What was done to packets so far."""
        return self._ways[direction].counts

    @property
    def lost(self) -> int:
        """Packets that did not come through, both directions, whatever the reason."""
        kinds = ("lost", "burst", "dark", "overflow", "too_big")
        return sum(way.counts[kind] for way in self._ways.values() for kind in kinds)

    def darken(self, is_dark: bool) -> None:
        """Let nothing through, both ways, until told otherwise."""
        for way in self._ways.values():
            way.is_dark = is_dark

    def blackout(self, length_s: float) -> None:
        """Darkness of a given length."""
        self.darken(True)
        self._script.append(asyncio.get_running_loop().call_later(length_s, self.darken, False))

    def move(self) -> None:
        """A new address towards the server for every connection; what is on its way to the old ones is lost."""
        self.moves += 1
        for flow in self._flows.values():
            if flow.upstream is not None:
                flow.upstream.close()
                flow.upstream = None

    def strand(self) -> None:
        """The network card of now is gone: what the client opens from here on passes, from another address, and what it
        has open is dead for good. A browser gets out of it with an ICE restart only; `move` it may not even notice.
        """
        self.move()
        for flow in self._flows.values():
            flow.is_stranded = True

    async def stop(self) -> None:
        for timer in (*self._script, *self._timers.values()):
            if timer is not None:
                timer.cancel()
        if self._client is not None:
            self._client.close()
        self.move()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # On the way

    def _from_client(self, data: bytes, address: Any) -> None:
        flow = self._flows.get(address)
        if flow is None:
            if len(self._flows) >= MAX_FLOWS:
                return
            flow = self._flows[address] = _Flow(address, len(self._flows))
        if flow.is_stranded:
            self._ways["up"].counts["dark"] += 1
            return
        self._travel("up", flow, data)

    def _travel(self, direction: Direction, flow: _Flow, data: bytes) -> None:
        now_ms = time.monotonic() * 1000
        waiting = self._waiting[direction]
        for due_ms in self._ways[direction].due(data, flow.number, now_ms):
            if due_ms <= now_ms and not waiting:
                self._arrive(direction, flow, data)
            elif len(waiting) < MAX_WAITING:
                heapq.heappush(waiting, (due_ms, next(self._order), flow, data))
            else:
                self._ways[direction].counts["overflow"] += 1
        if waiting:
            self._set_timer(direction)

    def _set_timer(self, direction: Direction) -> None:
        timer, waiting = self._timers[direction], self._waiting[direction]
        if timer is not None:
            timer.cancel()
            self._timers[direction] = None
        if waiting:
            wait_s = max(0.0, waiting[0][0] / 1000 - time.monotonic())
            self._timers[direction] = asyncio.get_running_loop().call_later(wait_s, self._deliver, direction)

    def _deliver(self, direction: Direction) -> None:
        waiting = self._waiting[direction]
        self._timers[direction] = None
        while waiting and waiting[0][0] <= time.monotonic() * 1000:
            _, _, flow, data = heapq.heappop(waiting)
            self._arrive(direction, flow, data)
        self._set_timer(direction)

    def _arrive(self, direction: Direction, flow: _Flow, data: bytes) -> None:
        if self.observer is not None:
            self.observer(direction, flow.number, data)
        if direction == "down":
            if not self._client.is_closing():
                self._client.sendto(data, flow.address)
        elif flow.upstream is not None:
            flow.upstream.sendto(data)
        else:
            self._open(flow, data)

    # Sockets towards the server

    def _open(self, flow: _Flow, data: bytes) -> None:
        if len(flow.early) < 64:
            flow.early.append(data)
        if flow.opening is None:
            flow.opening = asyncio.create_task(self._connect(flow))
            self._tasks.add(flow.opening)
            flow.opening.add_done_callback(self._tasks.discard)

    async def _connect(self, flow: _Flow) -> None:
        def heard(data: bytes, _address: Any) -> None:
            self._travel("down", flow, data)

        try:
            if self._tunnels:
                flow.upstream = await FramedConnection.open(self._target, lambda data: heard(data, None))
            else:
                loop = asyncio.get_running_loop()
                # Another loopback address per move: what the server sees is another network, not just another port.
                # To a server elsewhere only the port can be another.
                is_loopback = self._target[0].startswith("127.")
                local = (f"127.0.0.{2 + self.moves % 200}", 0) if is_loopback else None
                upstream, _ = await loop.create_datagram_endpoint(
                    lambda: _Hearing(heard), local_addr=local, remote_addr=self._target
                )
                flow.upstream = upstream
        except OSError:
            flow.early.clear()  # the server is away; the client repeats itself
            return
        finally:
            flow.opening = None
        early, flow.early = flow.early, []
        for data in early:
            flow.upstream.sendto(data)
