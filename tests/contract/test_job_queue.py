"""What the job queue promises in one process and over Redis: each hint is worked on once, or put says no."""

from __future__ import annotations

import asyncio

import pytest

from hearing_server.adapters.job_queue import TaskiqJobs


@pytest.fixture(params=["memory", "redis"])
def address(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "memory" else request.getfixturevalue("valkey_url")


async def worked(seen: list[str], count: int) -> None:
    async with asyncio.timeout(20):
        while len(seen) < count:  # noqa: ASYNC110 - the work is done by another task of the queue's own
            await asyncio.sleep(0.02)


async def test_queue__jobs_put__are_done_once_and_one_that_fails_harms_no_other(address: str) -> None:
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)
        if key == "bad":
            raise RuntimeError("on purpose")

    queue = TaskiqJobs.open(address)
    queue.serve("work", work)
    await queue.start(takes_jobs=True)
    keys = ["bad", *(f"k{n}" for n in range(30))]
    async with asyncio.timeout(20):
        # The group is declared by the receiver's own task.
        while address and not await _is_declared(address):  # noqa: ASYNC110 - asked of Redis
            await asyncio.sleep(0.05)
    for key in keys:
        await queue.put("work", key)
    await worked(seen, len(keys))
    await queue.stop()
    assert sorted(seen) == sorted(keys)


async def _is_declared(address: str) -> bool:
    from redis.asyncio import Redis

    async with Redis.from_url(address) as redis:
        return bool(await redis.exists("hearing:jobs"))


async def test_queue__stopping__waits_for_the_job_in_hand() -> None:
    began, ended = asyncio.Event(), []

    async def work(key: str) -> None:
        began.set()
        await asyncio.sleep(0.2)
        ended.append(key)

    queue = TaskiqJobs.open("")
    queue.serve("work", work)
    await queue.start(takes_jobs=True)
    await queue.put("work", "k")
    await began.wait()
    await queue.stop()
    assert ended == ["k"]
    assert queue.is_stopping


async def test_queue__redis_away__put_says_so_soon() -> None:
    queue = TaskiqJobs.open("redis://127.0.0.1:1/0")
    queue.serve("work", asyncio.sleep)  # type: ignore[arg-type]
    async with asyncio.timeout(10):
        with pytest.raises(OSError, match="job queue"):
            await queue.put("work", "k")
    await queue.stop()
