"""A synthetic line in simulated time: capacity, queue, propagation, loss, jitter; and a sender that obeys an estimate.

Everything is deterministic: time is a number, chance is seeded.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from signaling.rtp.arrivals import FeedbackWriter
from signaling.rtp.path_estimate import PathEstimate
from signaling.rtp.rtcp import split_compound
from signaling.rtp.send_history import SendHistory
from signaling.rtp.transport_cc import parse_feedback

PACKET_BYTES = 1100
TICK_MS = 5.0
FRAME_MS = 33.0
FEEDBACK_MS = 100.0
PROBE_TICK_MS = 20.0
PROBE_MS = 150.0


@dataclass
class Link:
    """One direction. `capacity_bps` and `cross_bps` (somebody else's traffic through the same queue) follow time."""

    capacity_bps: Callable[[float], float]
    delay_ms: float = 30.0
    queue_ms: float = 400.0
    loss: float = 0.0
    jitter_ms: float = 0.0
    cross_bps: Callable[[float], float] = lambda now_ms: 0.0
    seed: int = 1
    free_ms: float = 0.0  # when the last packet in the queue will have left
    _cross_ms: float = 0.0
    _newest_ms: float = 0.0
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def send(self, size_bytes: int, now_ms: float) -> float | None:
        """When the packet arrives; None when it is lost."""
        capacity = self.capacity_bps(now_ms)
        cross = self.cross_bps(now_ms) * (now_ms - self._cross_ms) / 1000
        self._cross_ms = now_ms
        self.free_ms = min(max(self.free_ms, now_ms) + cross * 1000 / capacity, now_ms + self.queue_ms)
        if self.free_ms - now_ms >= self.queue_ms:
            return None
        self.free_ms += size_bytes * 8000 / capacity
        if self._chance.random() < self.loss:
            return None
        arrival_ms = self.free_ms + self.delay_ms + self._chance.random() * self.jitter_ms
        self._newest_ms = max(self._newest_ms, arrival_ms)  # radio layers deliver in order
        return self._newest_ms


class Scene:
    """A sender behind an estimate, with feedback on the way back. `demand_bps(limit)` is what it sends."""

    def __init__(
        self,
        link: Link,
        *,
        start_bps: float = 8e6,
        demand_bps: Callable[[float], float] = lambda limit: limit,
    ) -> None:
        self.link = link
        self.estimate = PathEstimate(start_bps=start_bps, floor_bps=64_000)
        self.history = SendHistory()
        self.needed_bps: float | None = None  # what a better picture would take: probed for
        self.now_ms = 0.0
        self.limits: list[tuple[float, float]] = []
        self.queues_ms: list[tuple[float, float]] = []
        self._demand_bps = demand_bps
        self._writer = FeedbackWriter()
        self._flying: list[tuple[float, int, int]] = []  # (arrival, order, number)
        self._order = itertools.count()
        self._feedback: list[tuple[float, bytes]] = []
        self._owed_bits = self._probe_bits = 0.0
        self._probe: tuple[float, float] | None = None  # (ends, extra rate)
        self._arrived: list[tuple[int, int]] = []

    def run(self, seconds: float) -> Scene:
        end_ms = self.now_ms + seconds * 1000
        while self.now_ms < end_ms:
            self._tick()
            self.now_ms += TICK_MS
        return self

    def mean_limit_bps(self, last_s: float) -> float:
        found = [limit for at, limit in self.limits if at > self.now_ms - last_s * 1000]
        return sum(found) / len(found)

    def worst_queue_ms(self, last_s: float) -> float:
        return max(queue for at, queue in self.queues_ms if at > self.now_ms - last_s * 1000)

    def _tick(self) -> None:
        now_ms = self.now_ms
        self._owed_bits += self._demand_bps(self.estimate.limit_bps) * TICK_MS / 1000
        if now_ms % FRAME_MS < TICK_MS:
            while self._owed_bits >= PACKET_BYTES * 8:
                self._owed_bits -= PACKET_BYTES * 8
                self._send()
        if now_ms % PROBE_TICK_MS == 0:
            self._tick_probe()
        while self._flying and self._flying[0][0] <= now_ms:
            arrival_ms, _, number = heapq.heappop(self._flying)
            self._arrived.append((number, round(arrival_ms * 1e6)))
        if now_ms % FEEDBACK_MS == 0:
            messages = self._writer.write(self._arrived, 1, 2)
            self._feedback += [(now_ms + self.link.delay_ms, message) for message in messages]
            self._arrived = []
            self.limits.append((now_ms, self.estimate.limit_bps))
            self.queues_ms.append((now_ms, max(0.0, self.link.free_ms - now_ms)))
        while self._feedback and self._feedback[0][0] <= now_ms:
            [(_, _, body)] = split_compound(self._feedback.pop(0)[1])
            message = parse_feedback(body)
            assert message is not None
            self.estimate.feedback(message, self.history, now_ms, rtt_ms=2 * self.link.delay_ms)

    def _send(self) -> None:
        number = self.history.next(PACKET_BYTES, self.now_ms)
        arrival_ms = self.link.send(PACKET_BYTES, self.now_ms)
        if arrival_ms is not None:
            heapq.heappush(self._flying, (arrival_ms, next(self._order), number))

    def _tick_probe(self) -> None:
        if self._probe is None and self.needed_bps is not None:
            target = self.estimate.wants_probe(self.needed_bps, self.history, self.now_ms)
            if target is not None:
                media = self._demand_bps(self.estimate.limit_bps)
                self._probe = self.now_ms + PROBE_MS, max(0.0, target - media)
                self._probe_bits = 0.0
        if self._probe is None:
            return
        ends_ms, extra_bps = self._probe
        self._probe_bits += extra_bps * PROBE_TICK_MS / 1000
        while self._probe_bits >= PACKET_BYTES * 8:
            self._probe_bits -= PACKET_BYTES * 8
            self._send()
        if self.now_ms >= ends_ms:
            self._probe = None
            self.estimate.probe_sent(self.history, self.now_ms)
