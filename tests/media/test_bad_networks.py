"""Loss, a changed address and a blocked UDP: the hearing goes on."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop

from hearing_server.robots.network.conditions import TRANSPARENT, Conditions, OneWay
from hearing_server.robots.network.relay import Relay
from signaling.events import ConnectionChanged, ConnectionState
from tests.media.robots import House, Robot, both_paths, house, until


@asynccontextmanager
async def impaired(
    *, seed: int = 1, tunnels: bool = False
) -> AsyncIterator[tuple[House, Relay, Robot, Robot]]:
    """A judge and a party who reach the engine through one line."""
    async with house() as place:
        relay = Relay(Conditions(), seed=seed, tunnels=tunnels)
        await relay.start(place.engine.tcp_port if tunnels else place.engine.udp_port)
        try:
            judge, party = await place.join("judge"), await place.join("party")
            judge.alter_answer = party.alter_answer = relay.through
            await party.publish()
            await judge.sees("party", "microphone", "camera")
            yield place, relay, judge, party
        finally:
            await relay.stop()


@both_paths
async def test_media__when_packets_are_lost_both_ways__then_retransmission_keeps_the_picture_whole() -> None:
    async with impaired(seed=7) as (place, relay, judge, _party):
        lossy = OneWay(loss_share=0.08, is_media_only=True)
        relay.change(up=lossy, down=lossy)
        # Robots ask once for what is missing; when that is lost as well their picture stands for seconds.
        await judge.sees("party", "microphone", "camera", more=60, timeout_s=80)
        assert relay.lost > 10
        room = place.engine._rooms["hearing"]
        camera = room.participants["party"].publications["camera"]
        stream = next(iter(camera.layers.values())).stream
        assert camera.legs[0].rewriter.retransmitted > 0, "the viewer's NACKs were not answered"
        # Nearly everything lost on the way up came back: what is missing in the end is far less than the loss.
        # The last repeats may still be on their way.
        relay.change(up=TRANSPARENT, down=TRANSPARENT)

        def is_nearly_whole() -> bool:
            missing = stream.report_block(time.monotonic_ns() / 1e6).packets_lost
            return missing < 0.02 * stream.reception.received

        await until(is_nearly_whole)


@both_paths
async def test_media__when_the_peer_changes_its_address__then_it_is_followed_without_signalling() -> None:
    async with impaired() as (place, relay, judge, _party):
        paths = {path.address for path in _publisher_paths(place)}
        relay.move()
        await judge.sees("party", "microphone", "camera", more=20, timeout_s=40)
        assert {path.address for path in _publisher_paths(place)} - paths, "no new address was accepted"


def _publisher_paths(place: House) -> list[Any]:
    publisher = place.engine._rooms["hearing"].participants["party"].publisher
    assert publisher is not None
    return publisher.transport.agent.paths


@both_paths
async def test_media__when_udp_is_blocked__then_everything_passes_over_tcp() -> None:
    async with impaired(tunnels=True) as (place, _relay, judge, _party):
        await judge.sees("party", "microphone", "camera", more=20)
        snapshot = await place.engine.snapshot("hearing")
        assert {person.facts.transport for person in snapshot.participants} == {"tcp"}


async def test_seat__when_media_stops_though_connected__then_silent_is_told_and_later_taken_back() -> None:
    async with impaired() as (place, relay, judge, _party):
        relay.change(up=OneWay(loss_share=1.0, is_media_only=True))
        await until(lambda: _states(place, "party")[-1:] == [ConnectionState.SILENT])
        relay.change(up=TRANSPARENT)
        await judge.sees("party", "microphone", "camera")
        await until(lambda: _states(place, "party")[-1] in (ConnectionState.CONNECTED, ConnectionState.WEAK))


def _states(place: House, identity: str) -> list[ConnectionState]:
    return [event.state for event in place.of(ConnectionChanged) if event.identity == identity]


async def test_tcp__when_a_connection_proves_nothing__then_it_is_closed() -> None:
    async with house(tcp_first_frame_s=0.2) as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.engine.tcp_port)
        writer.write(b"\x00\x10half")
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()


async def test_tcp__when_a_frame_is_too_large__then_the_connection_is_closed_and_counted() -> None:
    async with house() as place:
        reader, writer = await asyncio.open_connection("127.0.0.1", place.engine.tcp_port)
        writer.write(b"\xff\xff" + b"x" * 64)
        async with asyncio.timeout(5):
            assert await reader.read() == b""
        writer.close()
        assert place.engine.stats().dropped["unknown_kind"] == 1


@pytest.mark.parametrize("tunnel", [False, True])
def test_engine__when_the_loop_is_uvloop__then_udp_and_tcp_carry_media_as_well(tunnel: bool) -> None:
    async def hearing() -> None:
        async with impaired(tunnels=tunnel) as (_place, _relay, judge, _party):
            await judge.sees("party", "microphone", "camera")

    uvloop.run(hearing())  # the server runs on it; its transports are none of asyncio's classes
