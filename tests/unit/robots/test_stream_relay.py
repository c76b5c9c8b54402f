"""TCP over the line: late, in order, standing still in the dark, cut."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from hearing_server.robots.network.stream_relay import StreamRelay


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)
    writer.close()


@pytest.fixture
async def relay() -> AsyncIterator[StreamRelay]:
    """A line of 20 ms each way in front of a server that repeats what it hears."""
    server = await asyncio.start_server(_echo, "127.0.0.1", 0)
    relay = StreamRelay(one_way_ms=20)
    await relay.start(server.sockets[0].getsockname()[1])
    yield relay
    await relay.stop()
    server.close()


async def test_bytes__come_back_in_order_and_a_round_trip_late(relay: StreamRelay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    began_s = time.monotonic()
    for number in range(100):
        writer.write(bytes([number]) * 100)
    got = await asyncio.wait_for(reader.readexactly(10_000), 5)
    assert got == b"".join(bytes([number]) * 100 for number in range(100))
    assert time.monotonic() - began_s >= 0.08  # a handshake and a question
    writer.close()


async def test_darkness__then_nothing_moves_until_light(relay: StreamRelay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    relay.darken(True)
    writer.write(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(5), 0.3)
    relay.darken(False)
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
    writer.close()


async def test_cut__then_the_connection_ends_and_another_may_begin(relay: StreamRelay) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"hello")
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
    relay.cut()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"again")
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"again"
    writer.close()
