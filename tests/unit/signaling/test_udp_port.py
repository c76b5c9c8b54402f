"""Paced reading: at once after silence, together under load, nothing lost, nothing read after closing."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from signaling.paths.ice import Path
from signaling.paths.udp_port import BURST, UdpPath, UdpPort
from signaling.settings import MediaSettings

MEDIA, CHECK = b"\x80media", b"\x00check"


class Listener:
    """An ingress that writes down when which datagram came."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, bytes]] = []
        self.refused = 0

    def datagram(self, data: bytes, path: Path) -> None:
        self.heard.append((time.monotonic(), data))

    def refuse(self, data: bytes) -> None:
        self.refused += 1

    async def count(self, wanted: int) -> None:
        async with asyncio.timeout(10):
            while len(self.heard) < wanted:  # noqa: ASYNC110 - the port calls back, it raises no event
                await asyncio.sleep(0.001)


@asynccontextmanager
async def port(pause_s: float) -> AsyncIterator[tuple[UdpPort, Listener, socket.socket]]:
    """A port and one peer whose address is proven and connected."""
    listener: Any = Listener()
    settings = MediaSettings(
        host="127.0.0.1", announced_addresses=("127.0.0.1",), grant_keys=(b"k",), read_pause_s=pause_s
    )
    opened = UdpPort(settings, listener)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.connect(("127.0.0.1", opened.number))
        path = UdpPath(opened, peer.getsockname())
        path.select()
        try:
            yield opened, listener, peer
        finally:
            opened.close()


async def test_read__when_packets_trickle_within_the_pause__then_they_come_together_after_it() -> None:
    async with port(1.0) as (_, listener, peer):
        began = time.monotonic()
        peer.send(MEDIA)
        await listener.count(1)
        assert time.monotonic() - began < 0.95, "the first packet after silence does not wait"
        for _ in range(5):
            peer.send(MEDIA)
            await asyncio.sleep(0.005)
        await listener.count(6)
        times = [at for at, _ in listener.heard]
        assert times[1] - times[0] > 0.8
        assert times[5] - times[1] < 0.95, "what waited is read in one go, not after a pause each"


async def test_read__when_somebody_connects__then_the_next_packet_does_not_wait_the_whole_pause() -> None:
    async with port(5.0) as (_, listener, peer):
        peer.send(CHECK)
        await listener.count(1)
        peer.send(MEDIA)
        await listener.count(2)
        assert listener.heard[1][0] - listener.heard[0][0] < 2.0


async def test_read__when_more_waits_than_one_turn_takes__then_the_rest_follows_without_a_pause() -> None:
    async with port(5.0) as (_, listener, peer):
        for _ in range(3 * BURST + 1):
            peer.send(MEDIA)
        await listener.count(3 * BURST + 1)
        assert listener.heard[-1][0] - listener.heard[0][0] < 4.0


async def test_read__when_the_pause_is_nought__then_everything_is_read_at_once() -> None:
    async with port(0.0) as (_, listener, peer):
        for number in range(5):
            peer.send(MEDIA)
            await listener.count(number + 1)


async def test_read__when_a_path_is_left_in_the_middle__then_what_had_arrived_is_still_read() -> None:
    async with port(0.5) as (opened, listener, peer):
        peer.send(MEDIA)
        await listener.count(1)
        peer.send(MEDIA + b"2")
        (connected, path), *_ = opened._connected.values()
        assert isinstance(path, UdpPath)
        path.unselect()
        assert listener.heard[-1][1] == MEDIA + b"2"
        assert connected.fileno() == -1


async def test_close__when_the_port_pauses__then_nothing_is_read_any_more_and_closing_twice_is_fine() -> None:
    async with port(0.05) as (opened, listener, peer):
        peer.send(MEDIA)
        await listener.count(1)
        opened.close()
        opened.close()
        await asyncio.sleep(0.1)
        assert len(listener.heard) == 1
