"""Is a queue growing on the way to one viewer? The delay gradient of packet groups (draft-ietf-rmcat-gcc-02).

Packets that left within one burst are one group. When groups arrive further and further apart than they left, a queue
grows: a least-squares line through the summed differences tells how fast, and a threshold that adapts itself decides,
so that neither a jittery line nor a competing TCP stream starves us. Decided once per feedback, not per packet.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

BURST_MS: Final = 5.0  # packets sent this close together travel as one group (draft 5.2)
BURST_LIMIT_MS: Final = 100.0  # a group held up by one radio pause may arrive together, but not for ever
WINDOW_GROUPS: Final = 20
SMOOTHING: Final = 0.9
GAIN: Final = 4.0
GAIN_GROUPS: Final = 60  # the first groups prove little: the slope counts fully only from here on
FIRST_THRESHOLD_MS: Final = 12.5
THRESHOLD_MS: Final = (6.0, 600.0)
THRESHOLD_UP: Final = 0.0087  # per ms; slow up and fast down as in the draft
THRESHOLD_DOWN: Final = 0.039
OUTLIER_MS: Final = 15.0  # further outside than this is a route change, not something to get used to
LONGEST_STEP_MS: Final = 100.0
# Another way through the network is longer or shorter from one group to the next, and then as even as before. A queue
# cannot make such a step: what arrived meanwhile would have to be what the line carries.
STEP_MS: Final = 60.0  # beyond the pauses of a radio layer and of our clock
STEP_SHARE: Final = 0.5  # of the pace at which we send: less than this came while the delay stepped up
STEP_GROUPS: Final = 8  # so long it must stay even to count as a new way
EVEN_MS: Final = 25.0  # jitter; a queue that grows passes it within a few groups
PACE_SMOOTHING: Final = 0.9
PAUSE_MS: Final = 3000.0  # after such a pause the old line through old groups says nothing
BASE_MS: Final = 15_000.0  # the least delay of the last 15-30 s is the empty line; clocks drift 100 ppm: 3 ms


class Usage(StrEnum):
    """What the line does with what we send."""

    NORMAL = "normal"
    OVERUSE = "overuse"
    UNDERUSE = "underuse"


class DelayTrend:
    """Feed it (left, arrived) of every acknowledged packet in the order of sending, then ask `decide`."""

    __slots__ = (
        "_base_before_ms",
        "_base_began_ms",
        "_base_ms",
        "_decided_ms",
        "_first",
        "_group",
        "_groups",
        "_last",
        "_line",
        "_over",
        "_pace",
        "_size_bytes",
        "_slope",
        "_smoothed_ms",
        "_step_groups",
        "_step_moved_ms",
        "_step_ms",
        "_summed_ms",
        "_threshold_ms",
        "queue_ms",
        "usage",
    )

    def __init__(self) -> None:
        self.usage = Usage.NORMAL
        self.queue_ms = 0.0  # how much longer than on the empty line the last packets took
        self._threshold_ms = FIRST_THRESHOLD_MS
        self._base_ms = self._base_before_ms = float("inf")
        self._base_began_ms = 0.0
        self._decided_ms = -1.0
        self._pace = 0.0  # bytes per ms of sending
        self._restart()

    def _restart(self) -> None:
        self._group: tuple[float, float, float, float] | None = None  # first/last left, first/last arrived
        self._last: tuple[float, float] | None = None  # last left and arrived of the group before
        self._line: deque[tuple[float, float]] = deque(maxlen=WINDOW_GROUPS)
        self._groups = self._over = self._size_bytes = self._step_groups = 0
        self._step_ms = self._step_moved_ms = (
            0.0  # a step that may be a new way, and what the groups since added
        )
        self._summed_ms = self._smoothed_ms = self._slope = 0.0
        self._first = -1.0

    def feed(self, packets: Iterable[tuple[float, float, int]]) -> None:
        """(left ms, arrived ms, bytes) by each side's own clock. A packet that overtook others is harmless."""
        group = self._group
        for left_ms, arrived_ms, size_bytes in packets:
            if group is None:
                group = left_ms, left_ms, arrived_ms, arrived_ms
                self._size_bytes = size_bytes
                continue
            first_left, last_left, first_arrived, last_arrived = group
            if left_ms < first_left:
                continue
            is_burst = left_ms - first_left <= BURST_MS
            if not is_burst and arrived_ms - last_arrived <= BURST_MS:
                held_up = arrived_ms - last_arrived < left_ms - last_left
                is_burst = held_up and arrived_ms - first_arrived < BURST_LIMIT_MS
            if is_burst:
                self._size_bytes += size_bytes
                later = arrived_ms if arrived_ms > last_arrived else last_arrived
                group = first_left, left_ms if left_ms > last_left else last_left, first_arrived, later
                continue
            if left_ms - last_left > PAUSE_MS or abs(arrived_ms - last_arrived) > PAUSE_MS:
                self._restart()
            else:
                self._close(last_left, last_arrived)
            group = left_ms, left_ms, arrived_ms, arrived_ms
            self._size_bytes = size_bytes
        self._group = group

    def _close(self, left_ms: float, arrived_ms: float) -> None:
        """One group is complete: a point more for the line."""
        before, self._last = self._last, (left_ms, arrived_ms)
        if before is None:
            self._first = arrived_ms
            self._watch_queue(left_ms, arrived_ms)
            return
        apart_ms = arrived_ms - before[1]
        gained_ms = self._without_steps(apart_ms, left_ms - before[0])
        self._watch_queue(left_ms, arrived_ms - self._step_ms)
        self._groups += 1
        self._summed_ms += gained_ms
        self._smoothed_ms = SMOOTHING * self._smoothed_ms + (1 - SMOOTHING) * self._summed_ms
        self._line.append((arrived_ms - self._first, self._smoothed_ms))

    def _without_steps(self, apart_ms: float, left_apart_ms: float) -> float:
        """How much later this group came than the one before it, a step to a longer way left out until it is known."""
        gained_ms, pace = apart_ms - left_apart_ms, self._pace
        if left_apart_ms > 0:
            self._pace += (1 - PACE_SMOOTHING) * (self._size_bytes / left_apart_ms - pace)
        if self._step_groups:
            self._step_groups -= 1
            self._step_moved_ms += gained_ms
            if self._step_moved_ms > EVEN_MS:  # it goes on: a queue
                gained_ms, self._step_ms, self._step_groups = gained_ms + self._step_ms, 0.0, 0
            elif self._step_moved_ms < -EVEN_MS:  # it was a pause, and is over
                gained_ms, self._step_ms, self._step_groups = 0.0, 0.0, 0
            elif not self._step_groups:
                self._base_ms += self._step_ms
                self._base_before_ms += self._step_ms
                self._step_ms = 0.0
        elif gained_ms > STEP_MS and self._size_bytes < STEP_SHARE * pace * apart_ms:
            self._step_ms, self._step_moved_ms, self._step_groups = gained_ms, 0.0, STEP_GROUPS
            gained_ms = 0.0
        return gained_ms

    def _watch_queue(self, left_ms: float, arrived_ms: float) -> None:
        delay_ms = arrived_ms - left_ms
        if arrived_ms - self._base_began_ms > BASE_MS:
            self._base_before_ms, self._base_ms = self._base_ms, delay_ms
            self._base_began_ms = arrived_ms
        elif delay_ms < self._base_ms:
            self._base_ms = delay_ms
        self.queue_ms = delay_ms - min(self._base_ms, self._base_before_ms)

    def decide(self, now_ms: float) -> Usage:
        """Once per feedback: what the groups seen so far say."""
        since_ms = now_ms - self._decided_ms if self._decided_ms >= 0 else 0.0
        self._decided_ms = now_ms
        before = self._slope
        if len(self._line) < WINDOW_GROUPS:
            self.usage = Usage.NORMAL
            return self.usage
        self._slope = _slope(self._line)
        trend_ms = self._slope * min(self._groups, GAIN_GROUPS) * GAIN
        if trend_ms > self._threshold_ms:
            self._over += 1
            # Twice in a row and not yet turning: one late radio frame is no queue.
            if self._over > 1 and self._slope >= before:
                self.usage = Usage.OVERUSE
        else:
            self._over = 0
            self.usage = Usage.UNDERUSE if trend_ms < -self._threshold_ms else Usage.NORMAL
        self._adapt(abs(trend_ms), min(since_ms, LONGEST_STEP_MS))
        return self.usage

    def _adapt(self, trend_ms: float, since_ms: float) -> None:
        if trend_ms > self._threshold_ms + OUTLIER_MS:
            return
        rate = THRESHOLD_DOWN if trend_ms < self._threshold_ms else THRESHOLD_UP
        moved = self._threshold_ms + rate * (trend_ms - self._threshold_ms) * since_ms
        self._threshold_ms = min(max(moved, THRESHOLD_MS[0]), THRESHOLD_MS[1])


def _slope(line: Iterable[tuple[float, float]]) -> float:
    """Least squares: ms of delay gained per ms."""
    points = list(line)
    count = len(points)
    mean_x = sum(point[0] for point in points) / count
    mean_y = sum(point[1] for point in points) / count
    above = below = 0.0
    for x, y in points:
        away = x - mean_x
        above += away * (y - mean_y)
        below += away * away
    return above / below if below > 0 else 0.0
