"""Before a viewer gets a better layer, repeats are sent at the new rate for a moment: does the line carry it?

A line is known only up to what was sent over it, and layers grow in steps of three. A failed trial with real pictures
costs every picture a queue; a failed probe costs some repeats that are thrown away.
"""

from __future__ import annotations

from typing import Final

LEAST_PACKETS: Final = 8
BURST_MS: Final = 5.0  # what leaves together starts the clock and is not counted
PASS_SHARE: Final = 0.85  # of the sent rate must arrive as fast; coarse clocks on both sides cost the rest
PASS_LOSS: Final = 0.1  # beyond the line's own
PASS_QUEUE_MS: Final = 50.0  # that a probe may leave behind
TIMEOUT_MS: Final = 1500.0  # feedback about it is overdue by then
GROWTH: Final = 2.0  # at most that much above what is known to pass: a thin line must not be flooded
AIR: Final = 1.05
LEAST_BPS: Final = 300_000.0  # below, a probe is a handful of packets and proves nothing
CALM_MS: Final = 3000.0  # after trouble: the pictures have just become smaller
AGAIN_MS: Final = 1000.0  # after one that passed
FIRST_HOLD_MS: Final = 5000.0  # after one that failed
HOLD_GROWTH: Final = 1.5  # with every further one
LONGEST_HOLD_MS: Final = 40_000.0
ECHO_MS: Final = (
    700.0  # the queue that a probe made is gone by then; it says nothing about what is sent otherwise
)
KEYFRAME_MS: Final = 1000.0  # 30 kB over 400 kbit/s take 600 ms, and the frame has to come first
TRIAL_MS: Final = 5000.0  # trouble this soon after a raise: the probe was too kind


class Probe:
    """The numbers from `first` on that were sent at about `target_bps`, and what arrived of them."""

    __slots__ = ("_arrived_ms", "_left_ms", "_size_bytes", "first", "last", "target_bps")

    def __init__(self, target_bps: float, first: int) -> None:
        self.target_bps = target_bps
        self.first = first  # unwrapped transport-wide number
        self.last = -1  # -1 while it is being sent
        self._left_ms: list[float] = []
        self._arrived_ms: list[float] = []
        self._size_bytes: list[int] = []

    def packet(self, number: int, left_ms: float, arrived_ms: float, size_bytes: int) -> None:
        """An acknowledged packet; those outside of the probe are not counted."""
        if number >= self.first and (self.last < 0 or number <= self.last):
            self._left_ms.append(left_ms)
            self._arrived_ms.append(arrived_ms)
            self._size_bytes.append(size_bytes)

    @property
    def loss_ratio(self) -> float:
        return 1 - len(self._size_bytes) / max(1, self.last - self.first + 1)

    def rates(self) -> tuple[float, float]:
        """(sent, received) in bits per second; 0 where too little came."""
        return self._rate(self._left_ms), self._rate(self._arrived_ms)

    def _rate(self, times_ms: list[float]) -> float:
        if len(times_ms) < LEAST_PACKETS:
            return 0.0
        began_ms = min(times_ms)
        span_ms = max(times_ms) - began_ms
        if span_ms <= BURST_MS:
            return 0.0
        counted = zip(times_ms, self._size_bytes, strict=True)
        return sum(size for at_ms, size in counted if at_ms > began_ms + BURST_MS) * 8000 / span_ms


class ProbeSchedule:
    """When to probe, how much, and what it proved. `passed` and `failed` count."""

    __slots__ = (
        "_climb_from_ms",
        "_echo_until_ms",
        "_from_ms",
        "_hold_ms",
        "_raised_ms",
        "_until_ms",
        "failed",
        "passed",
        "probe",
    )

    def __init__(self) -> None:
        self.probe: Probe | None = None
        self.passed = self.failed = 0
        self._from_ms = 0.0  # no probe before
        self._hold_ms = FIRST_HOLD_MS
        self._raised_ms = float("-inf")
        self._until_ms = 0.0
        self._echo_until_ms = 0.0
        self._climb_from_ms = 0.0

    def is_echoing(self, now_ms: float) -> bool:
        """A queue seen now may be of our own making."""
        return self.probe is not None or now_ms < self._echo_until_ms

    def may_climb(self, now_ms: float) -> bool:
        """Nothing was wrong lately: pictures may get better where there is room."""
        return now_ms >= self._climb_from_ms

    def climbed(self, now_ms: float) -> None:
        """More is sent from now on: trouble within TRIAL_MS will be held against it.

        The key frame that a climb begins with makes a queue of its own, which is gone soon: not yet trouble.
        """
        self._raised_ms = now_ms
        self._echo_until_ms = max(self._echo_until_ms, now_ms + KEYFRAME_MS)

    def target_bps(self, needed_bps: float, known_bps: float, now_ms: float) -> float | None:
        """The rate to probe so that the line may one day carry `needed_bps`; None: not now."""
        if self.probe is not None or now_ms < self._from_ms:
            return None
        return min(AIR * needed_bps, max(GROWTH * known_bps, LEAST_BPS))

    def begin(self, target_bps: float, first: int) -> None:
        self.probe = Probe(target_bps, first)

    def end(self, last: int, now_ms: float) -> None:
        """All was sent; `last` is the newest number. Nothing sent at all: as if it had not been."""
        if self.probe is None:
            return
        if last < self.probe.first:
            self.probe = None
            self._from_ms = now_ms + AGAIN_MS
            return
        self.probe.last = last
        self._until_ms = now_ms + TIMEOUT_MS

    def judge(self, highest: int, own_loss: float, queue_ms: float, now_ms: float) -> float | None:
        """Feedback came, up to number `highest`: the rate that was proved; None while open and when it proved nothing.

        One that came slower than it was sent has failed, and yet shows how fast the line is.
        """
        probe = self.probe
        if probe is None or probe.last < 0 or (highest < probe.last and now_ms < self._until_ms):
            return None
        self.probe = None
        self._echo_until_ms = now_ms + ECHO_MS
        sent_bps, received_bps = probe.rates()
        is_whole = received_bps > 0 and probe.loss_ratio <= own_loss + PASS_LOSS
        if not is_whole or received_bps < PASS_SHARE * sent_bps or queue_ms > PASS_QUEUE_MS:
            self._fail(now_ms)
            return PASS_SHARE * min(received_bps, sent_bps) if is_whole else None
        self.passed += 1
        self._from_ms = now_ms + AGAIN_MS
        self._raised_ms = now_ms
        return min(sent_bps, probe.target_bps)

    def troubled(self, now_ms: float) -> None:
        """A queue grew or packets were lost beyond the line's own."""
        if self.probe is not None:
            self.probe = None
            self._echo_until_ms = now_ms + ECHO_MS
            self._fail(now_ms)
        elif now_ms >= self._echo_until_ms:
            calm_ms = CALM_MS
            if now_ms - self._raised_ms < TRIAL_MS:
                self._raised_ms = float("-inf")
                calm_ms = self._hold_ms
                self._fail(now_ms)
            self._climb_from_ms = max(self._climb_from_ms, now_ms + calm_ms)
        self._from_ms = max(self._from_ms, now_ms + CALM_MS)

    def _fail(self, now_ms: float) -> None:
        self.failed += 1
        if now_ms - self._from_ms > LONGEST_HOLD_MS:
            self._hold_ms = FIRST_HOLD_MS  # a minute without trouble
        self._from_ms = now_ms + self._hold_ms
        self._hold_ms = min(HOLD_GROWTH * self._hold_ms, LONGEST_HOLD_MS)
