"""Event bus twins: in memory for one process, Redis publish/subscribe for several."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Callable

import redis.asyncio as redis
from redis.exceptions import RedisError

from hearing_server.ports.bus import Doorbell, Listener

_log = logging.getLogger(__name__)
_CHANNEL = "hearing:bells"
# A broken connection is tried again after this long, seconds; what was rung meanwhile is found by polling heads.
_RETRY_S = 1.0


class MemoryBus:
    """Rings listeners of this process, one after the other, in the order of ringing."""

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = defaultdict(list)

    async def publish(self, bell: Doorbell) -> None:
        await self.deliver(bell)

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        self._listeners[kind].append(listener)
        return lambda: self._listeners[kind].remove(listener)

    async def deliver(self, bell: Doorbell) -> None:
        for listener in tuple(self._listeners[bell.kind]):
            try:
                await listener(bell)
            except Exception:
                # One deaf listener must not silence the others, nor fail the commit that rang.
                _log.exception("bell listener failed", extra={"bell": bell.kind})


class RedisBus:
    """Rings every process on one Redis. Our own listeners are rung directly, so they never wait for Redis."""

    def __init__(self, url: str) -> None:
        self._redis = redis.from_url(url, socket_timeout=5, socket_connect_timeout=5, health_check_interval=5)
        self._local = MemoryBus()
        self._node = f"{id(self):x}-{asyncio.get_running_loop().time():.6f}"
        self._reader: asyncio.Task[None] | None = None
        self.lost_bells = 0

    async def start(self) -> None:
        """Begin to listen; returns when the first subscription stands or Redis was found away."""
        ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read(ready), name="redis-bus")
        try:
            async with asyncio.timeout(5):
                await ready.wait()
        except TimeoutError:
            _log.warning("redis is away; going on with this process alone")

    async def stop(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        await self._redis.aclose()

    async def publish(self, bell: Doorbell) -> None:
        await self._local.deliver(bell)
        words = json.dumps({"from": self._node, "kind": bell.kind, "key": bell.key, "note": bell.note})
        try:
            await self._redis.publish(_CHANNEL, words)
        except (RedisError, OSError, TimeoutError):
            self.lost_bells += 1
            _log.warning("bell not rung elsewhere", extra={"bell": bell.kind})

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        return self._local.subscribe(kind, listener)

    async def _read(self, ready: asyncio.Event) -> None:
        while True:
            try:
                async with self._redis.pubsub() as bells:
                    await bells.subscribe(_CHANNEL)
                    ready.set()
                    while True:
                        message = await bells.get_message(ignore_subscribe_messages=True, timeout=5)
                        if message is not None:
                            await self._take(message["data"])
            except (RedisError, OSError, TimeoutError):
                await asyncio.sleep(_RETRY_S)

    async def _take(self, data: bytes) -> None:
        try:
            words = json.loads(data)
            bell = Doorbell(words["kind"], words["key"], tuple((str(a), str(b)) for a, b in words["note"]))
            if words["from"] == self._node:
                return
        except (ValueError, KeyError, TypeError):
            _log.warning("unreadable bell")
            return
        await self._local.deliver(bell)
