"""The job queue on taskiq: in this process, or over a Redis stream that several processes share.

Jobs are hints (their truth is a row), so nothing here is durable by intent: a Redis that forgets costs seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from taskiq import AsyncBroker, AsyncTaskiqDecoratedTask, InMemoryBroker
from taskiq.api import run_receiver_task
from taskiq_redis import RedisStreamBroker

_log = logging.getLogger(__name__)
# How many jobs one process does at once; each waits for a provider, none computes.
_AT_ONCE = 16
# Older hints are dropped from the stream: the rows they spoke of are found again by the clock.
_STREAM_ITEMS = 10_000
_AGAIN_AFTER_S = 1.0
_PUT_TIMEOUT_S = 2.0
_STOP_TIMEOUT_S = 20.0


class TaskiqJobs:
    """`ports.jobs.JobQueue`."""

    def __init__(self, broker: AsyncBroker) -> None:
        self._broker = broker
        self._tasks: dict[str, AsyncTaskiqDecoratedTask[[str], Any]] = {}
        self._receiver: asyncio.Task[None] | None = None
        self._in_hand: set[asyncio.Task[Any]] = set()
        self.is_stopping = False

    @classmethod
    def open(cls, redis_url: str) -> TaskiqJobs:
        """Over Redis when there is an address, else in this process."""
        if not redis_url:
            return cls(InMemoryBroker(max_async_tasks=_AT_ONCE, max_stored_results=1))
        return cls(
            RedisStreamBroker(
                redis_url,
                queue_name="hearing:jobs",
                consumer_group_name="hearing",
                maxlen=_STREAM_ITEMS,
                xread_block=1000,
                xread_count=_AT_ONCE,
                unacknowledged_lock_timeout=30.0,
            )
        )

    def serve(self, name: str, work: Callable[[str], Awaitable[None]]) -> None:
        async def run(key: str) -> Any:
            if self.is_stopping:
                return
            task = asyncio.current_task()
            assert task is not None
            self._in_hand.add(task)
            try:
                await work(key)
            except Exception:
                _log.exception("job failed; its row is found again", extra={"job": name})
            finally:
                self._in_hand.discard(task)

        self._tasks[name] = self._broker.register_task(run, task_name=name)

    async def start(self, *, takes_jobs: bool) -> None:
        if isinstance(self._broker, InMemoryBroker):
            await self._broker.startup()
            return
        self._receiver = asyncio.create_task(self._receive(takes_jobs), name="job-queue")

    async def put(self, name: str, key: str) -> None:
        try:
            async with asyncio.timeout(_PUT_TIMEOUT_S):
                await self._tasks[name].kiq(key)
        except KeyError:
            raise
        except Exception as error:
            raise OSError(f"the job queue can't be reached: {type(error).__name__}") from error

    async def stop(self) -> None:
        self.is_stopping = True
        if self._receiver is not None:
            # More than once: what it waits for in Redis may swallow a cancellation that comes with an answer.
            while not self._receiver.done():
                self._receiver.cancel()
                await asyncio.wait([self._receiver], timeout=0.2)
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=_STOP_TIMEOUT_S)
        try:
            if isinstance(self._broker, InMemoryBroker):
                # Hints not begun yet: they look at the word above and end.
                await self._broker.wait_all()
            await self._broker.shutdown()
        except Exception as error:
            _log.warning("job queue not closed", extra={"error": type(error).__name__})

    async def _receive(self, takes_jobs: bool) -> None:
        """Until cancelled: a Redis that is away comes back some time, and the group is declared anew."""
        self._broker.is_worker_process = takes_jobs
        while True:
            try:
                await self._broker.startup()
                if not takes_jobs:
                    return
                await run_receiver_task(self._broker, max_async_tasks=_AT_ONCE, validate_params=False)
            except Exception as error:
                _log.warning("job queue is away", extra={"error": type(error).__name__})
            await asyncio.sleep(_AGAIN_AFTER_S)
