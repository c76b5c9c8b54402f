"""How long a datagram stayed: which ones are timed, from when, and what is not counted."""

import asyncio
import socket
import time
from types import SimpleNamespace
from typing import Any

import pytest

from signaling.paths.ice import Path
from signaling.paths.udp_port import UdpPath, UdpPort
from signaling.residence import ResidenceMeter, ask_for_stamps, receive_stamped
from signaling.rtp.histogram import Histogram
from signaling.settings import MediaSettings


class Step:
    """What forwards; `forwarded` moves when somebody got the packet."""

    forwarded = 0


class Room:
    """An ingress that forwards every datagram it is told to, and writes down all."""

    def __init__(self, *, forwards: bool) -> None:
        self.step = Step()
        self.forwards = forwards
        self.heard: list[bytes] = []

    def datagram(self, data: bytes, path: Path) -> None:
        self.heard.append(data)
        self.step.forwarded += self.forwards

    def refuse(self, data: bytes) -> None:
        raise AssertionError("nobody else sends")


class Meter(ResidenceMeter):
    """Writes down when each timed datagram had arrived."""

    def __init__(self, room: Room) -> None:
        super().__init__(Histogram(), room.step)
        self.arrived_ns: list[int] = []

    def left(self, arrived_ns: int, forwarded_before: int) -> None:
        self.arrived_ns.append(arrived_ns)
        super().left(arrived_ns, forwarded_before)


async def timed(room: Room, *bursts: int, every: int, pause_s: float = 0.0) -> Meter:
    """Send bursts of datagrams, each when the one before was read; the meter of it all."""
    ingress: Any = room
    settings = MediaSettings(
        host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(b"k",), residence_sample=every,
        read_pause_s=pause_s,
    )  # fmt: skip
    port, meter, sent = UdpPort(settings, ingress), Meter(room), 0
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.connect(("127.0.0.1", port.number))
            path = UdpPath(port, peer.getsockname())
            path.agent = SimpleNamespace(meter=meter)  # type: ignore[assignment]
            path.select()
            for burst in bursts:
                for _ in range(burst):
                    peer.send(b"\x80%d" % sent)
                    sent += 1
                async with asyncio.timeout(10):
                    while len(room.heard) < sent:  # noqa: ASYNC110 - the port calls back, it raises no event
                        await asyncio.sleep(0.001)
    finally:
        port.close()
    assert room.heard == [b"\x80%d" % number for number in range(sent)], (
        "timing changes no order and loses nothing"
    )
    return meter


async def test_sampling__over_one_long_burst__times_one_in_so_many() -> None:
    meter = await timed(Room(forwards=True), 100, every=7)
    assert len(meter.arrived_ns) == 14
    assert meter.histogram.spread().total == 14


async def test_sampling__of_single_packets_far_apart__does_not_skip_the_first_of_a_turn() -> None:
    meter = await timed(Room(forwards=True), *[1] * 12, every=3)
    assert len(meter.arrived_ns) == 4


async def test_clock__when_reading_waits__starts_at_the_kernels_arrival() -> None:
    room = Room(forwards=True)
    meter = await timed(room, 1, 2, every=1, pause_s=0.05)
    waited_ms = meter.histogram.spread().quantile_ms(1.0)
    assert waited_ms is not None
    assert waited_ms > 20, "the second burst lay in the socket until the pause was over"


async def test_clock__of_packets_that_nobody_gets__counts_nothing() -> None:
    meter = await timed(Room(forwards=False), 20, every=2)
    assert len(meter.arrived_ns) == 10
    assert meter.histogram.spread().total == 0


@pytest.mark.parametrize("asks", [True, False])
async def test_stamp__with_and_without_asking_the_kernel__is_the_arrival_or_none(asks: bool) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        server.bind(("127.0.0.1", 0))
        if asks:
            ask_for_stamps(server)
        before_ns = time.monotonic_ns()
        peer.sendto(b"x", server.getsockname())
        await asyncio.sleep(0.03)
        data, arrived_ns = receive_stamped(server, 2048)
        assert data == b"x"
        if asks:
            assert arrived_ns is not None
            assert before_ns - 5_000_000 < arrived_ns < time.monotonic_ns() - 20_000_000
        else:
            assert arrived_ns is None, "a time taken after reading would flatter"
