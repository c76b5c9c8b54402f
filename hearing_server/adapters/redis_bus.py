"""The event bus of several processes: doorbells over Redis publish/subscribe, and a way to notice what it loses.

Redis may be away, may be frozen, may cut a subscriber without either side hearing of it. So nobody ever waits for it
(a bell is put in line and sent by a task of its own), each process hears itself through Redis once a second, and each
sender numbers its bells. Whoever may have missed one rings `BELLS_LOST` in its own process: everybody looks again.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

import orjson
import redis.asyncio as redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from hearing_server.adapters.bus import MemoryBus
from hearing_server.ports.bus import BELLS_LOST, Doorbell, Listener
from hearing_server.ports.measures import Measure

_log = logging.getLogger(__name__)
_CHANNEL = "hearing:bells"
# A broken connection is tried again after this long, seconds.
_RETRY_S = 0.5
# Our own voice through Redis, and how long we may miss it before we count as deaf and connect anew.
_OWN_VOICE_S = 1.0
_DEAF_AFTER_S = 3.0
# Redis beside us answers within a millisecond; one that needs longer than this is as good as away.
_ANSWER_S = 2.0
# While deaf everybody looks again this often: a lost right or session is noticed late, but it is noticed.
_LOOK_AGAIN_S = 5.0
# Bells that wait for Redis. Overflow policy: the oldest goes, its listeners look again by the gap in the numbers.
_AT_MOST_WAITING = 4096
_AT_ONCE = 64
# A bell is two ids and a few words; what is larger was not rung by us.
_MAX_BYTES = 8 * 1024
# Senders whose numbers are remembered; every restart of a process is a new one.
_MAX_SENDERS = 256

_BREAKS = (RedisError, OSError, TimeoutError)


@dataclass(slots=True)
class _Sender:
    number: int
    at: float


class RedisBus:
    """`ports.bus.EventBus` over one Redis. Our own listeners are rung directly, so they never wait for it."""

    def __init__(self, url: str) -> None:
        self._redis = redis.from_url(
            url,
            socket_timeout=_ANSWER_S,
            socket_connect_timeout=_ANSWER_S,
            # The library would subscribe again by itself and say nothing of what was rung meanwhile.
            retry=Retry(NoBackoff(), 0),
        )
        self._local = MemoryBus()
        self._node = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._waiting: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._heard = asyncio.Event()
        self._heard_at: float | None = None
        self._senders: OrderedDict[str, _Sender] = OrderedDict()
        self._tasks: list[asyncio.Task[None]] = []
        self.lost_bells = 0
        self.times_deaf = 0

    async def start(self) -> None:
        """Begin to listen; returns when the first subscription stands or Redis was found away."""
        works = (self._listen(), self._send(), self._speak(), self._look_again())
        self._tasks = [asyncio.create_task(work, name="redis-bus") for work in works]
        try:
            async with asyncio.timeout(_DEAF_AFTER_S):
                await self._heard.wait()
        except TimeoutError:
            _log.warning("redis is away; going on with this process alone")

    async def stop(self) -> None:
        # More than once: the library's pipeline swallows a cancellation that comes with its answer.
        while waiting := [task for task in self._tasks if not task.done()]:
            for task in waiting:
                task.cancel()
            await asyncio.wait(waiting, timeout=0.1)
        await self._redis.aclose()

    @property
    def deaf_s(self) -> float:
        """How long Redis has carried nothing to us, seconds; 0 while all is well."""
        if self._heard_at is None:
            return float("inf")
        silent_s = monotonic() - self._heard_at
        return silent_s if silent_s > _DEAF_AFTER_S else 0.0

    def measures(self) -> list[Measure]:
        """For `/metrics`."""
        return [
            Measure("hearing_bus_deaf", "1: Redis carries nothing to this process", float(self.deaf_s > 0)),
            Measure("hearing_bus_lost_bells", "Doorbells not rung elsewhere", self.lost_bells, is_total=True),
            Measure("hearing_bus_times_deaf", "Times Redis fell silent", self.times_deaf, is_total=True),
        ]

    async def publish(self, bell: Doorbell) -> None:
        await self._local.deliver(bell)
        self._put(bell)

    def subscribe(self, kind: str, listener: Listener) -> Callable[[], None]:
        return self._local.subscribe(kind, listener)

    # --- to the others -----------------------------------------------------------------------

    def _put(self, bell: Doorbell | None) -> None:
        """In line for Redis; None is our own voice."""
        words: list[object] = [self._node, next(self._numbers)]
        if bell is not None:
            words += [bell.kind, bell.key, bell.note]
        if len(self._waiting) >= _AT_MOST_WAITING:
            self._waiting.popleft()
            self.lost_bells += 1
        self._waiting.append(orjson.dumps(words))
        self._wake.set()

    async def _send(self) -> None:
        is_away = False
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
                try:
                    async with self._redis.pipeline(transaction=False) as line:
                        for words in batch:
                            line.publish(_CHANNEL, words)
                        await line.execute()
                    is_away = False
                except _BREAKS:
                    # Not kept for later: whoever misses them looks into the database by then.
                    self.lost_bells += len(batch)
                    if not is_away:
                        _log.warning("redis doesn't take our bells")
                    is_away = True
                    await asyncio.sleep(_RETRY_S)

    async def _speak(self) -> None:
        while True:
            self._put(None)
            await asyncio.sleep(_OWN_VOICE_S)

    # --- from the others ---------------------------------------------------------------------

    async def _listen(self) -> None:
        was_cut = False
        while True:
            try:
                async with self._redis.pubsub() as bells:
                    await bells.subscribe(_CHANNEL)
                    if was_cut:
                        await self._local.deliver(BELLS_LOST)
                    await self._hear(bells)
            except _BREAKS:
                if self._heard.is_set() or not was_cut:
                    _log.warning("redis is silent; looking into the database instead")
                    self.times_deaf += 1
                self._heard.clear()
                was_cut = True
                await asyncio.sleep(_RETRY_S)

    async def _hear(self, bells: PubSub) -> None:
        """Until the connection breaks or nothing, not even our own voice, came for too long."""
        subscribed_at = monotonic()
        own_at: float | None = None
        while True:
            message = await bells.get_message(ignore_subscribe_messages=True, timeout=_OWN_VOICE_S)
            now = monotonic()
            if message is not None and await self._take(message["data"]):
                own_at = self._heard_at = now
                self._heard.set()
            if now - (own_at or subscribed_at) > _DEAF_AFTER_S:
                raise TimeoutError

    async def _take(self, data: bytes) -> bool:
        """Ring what another process rang; True when it was our own voice that came back."""
        try:
            if len(data) > _MAX_BYTES:
                raise ValueError
            node, number, *rest = orjson.loads(data)
            bell = None
            if rest:
                kind, key, note = rest
                bell = Doorbell(str(kind), str(key), tuple((str(a), str(b)) for a, b in note))
            if not isinstance(node, str) or not isinstance(number, int):
                raise TypeError
        except (ValueError, TypeError):
            _log.warning("unreadable bell")
            return False
        if node == self._node:
            return True
        if self._misses_one(node, number):
            await self._local.deliver(BELLS_LOST)
        if bell is not None:
            await self._local.deliver(bell)
        return False

    def _misses_one(self, node: str, number: int) -> bool:
        before = self._senders.pop(node, None)
        self._senders[node] = _Sender(number, monotonic())
        while len(self._senders) > _MAX_SENDERS:
            self._senders.popitem(last=False)
        return before is not None and number > before.number + 1

    async def _look_again(self) -> None:
        """While deaf, and once after another process fell silent: it may have died between commit and bell."""
        while True:
            await asyncio.sleep(_LOOK_AGAIN_S)
            late = monotonic() - _DEAF_AFTER_S
            silent = [node for node, sender in self._senders.items() if sender.at < late]
            for node in silent:
                del self._senders[node]
            if silent or self.deaf_s > 0:
                await self._local.deliver(BELLS_LOST)
