"""What one viewer's line carries, from its transport-wide feedback: delay, losses, and probes before stepping up."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from signaling.rtp.delay_rate import DelayRate
from signaling.rtp.delay_trend import DelayTrend, Usage
from signaling.rtp.loss_bound import LossBound
from signaling.rtp.probing import ProbeSchedule
from signaling.rtp.rates import CEILING_BPS, FLOOR_BPS, START_BPS
from signaling.rtp.send_history import Sent, WideHistory
from signaling.rtp.sequence import nearest_extended
from signaling.rtp.transport_cc import LOST, REFERENCE_TURN, TICK_MS, TICKS_PER_REFERENCE, TransportFeedback

ACKED_WINDOW_MS: Final = 500.0
LEAST_ACKED_MS: Final = 100.0  # a rate over less than this is a guess
# A key frame fills a thin line for a moment: what got through then is what the line carries, and half a second's mean
# would hide it.
PEAK_WINDOW_MS: Final = 200.0
OVERDUE_MS: Final = 1000.0  # browsers report every 50-250 ms
STALE_MS: Final = 3000.0  # what was learned this long before the last packet may not hold for the next
MISSING: Final = 1024  # lost packets whose late arrival is still believed
DEFAULT_RTT_MS: Final = 100.0
LEAST_QUEUE_MS: Final = 40.0  # two frames: a gradient below that is jitter, whatever the threshold says
ECHO_QUEUE_MS: Final = 600.0  # longer than any probe or key frame of ours makes
FULL_QUEUE_MS: Final = 300.0  # a queue this long that stands: its gradient is flat, yet everything comes late


class Acked(NamedTuple):
    """What one message said that was not known before."""

    packets: list[tuple[float, float, int]]  # (left, arrived, bytes) in the order of sending
    lost: int  # packets; negative when more were found again
    lost_bytes: int
    total: int  # packets spoken of for the first time


class AckedMeter:
    """How fast what we sent arrived lately, by the viewer's clock."""

    __slots__ = ("_window", "acked_bps", "peak_bps", "sent_bps")

    def __init__(self) -> None:
        self._window: deque[tuple[float, int, int]] = deque()  # (newest arrival, bytes arrived, bytes sent)
        self.acked_bps: float | None = None  # None: too little to tell
        self.peak_bps: float | None = None  # the same over the shorter window, when that is more
        self.sent_bps = 0.0

    def feed(self, acked: Acked) -> None:
        if not acked.packets:
            return
        newest_ms = max(arrived_ms for _, arrived_ms, _ in acked.packets)
        size_bytes = sum(size for _, _, size in acked.packets)
        window = self._window
        if window and not 0 <= newest_ms - window[-1][0] <= ACKED_WINDOW_MS:
            window.clear()  # nothing was sent meanwhile: that says nothing about the line
        window.append((newest_ms, size_bytes, size_bytes + acked.lost_bytes))
        while len(window) > 2 and window[1][0] <= newest_ms - ACKED_WINDOW_MS:
            window.popleft()
        span_ms = newest_ms - window[0][0]
        if span_ms < LEAST_ACKED_MS:
            self.acked_bps = self.peak_bps = None
            return
        arrived = sum(each[1] for each in window) - window[0][1]
        sent = sum(each[2] for each in window) - window[0][2]
        self.acked_bps = arrived * 8000 / span_ms
        self.sent_bps = sent * 8000 / span_ms
        self.peak_bps = max(self.acked_bps, self._short_bps(newest_ms))

    def _short_bps(self, newest_ms: float) -> float:
        arrived = 0
        for index in range(len(self._window) - 1, 0, -1):
            arrived += self._window[index][1]
            span_ms = newest_ms - self._window[index - 1][0]
            if span_ms >= PEAK_WINDOW_MS:
                return arrived * 8000 / span_ms
        return 0.0


class PathEstimate:
    """`limit_bps` and `usage`. Without feedback (`is_known`, `is_unheard`) use another estimate."""

    def __init__(
        self, *, start_bps: float = START_BPS, floor_bps: float = FLOOR_BPS, ceiling_bps: float = CEILING_BPS
    ) -> None:
        self._floor_bps = floor_bps
        self._trend = DelayTrend()
        self._delay = DelayRate(start_bps=start_bps, floor_bps=floor_bps, ceiling_bps=ceiling_bps)
        self._loss = LossBound(floor_bps=floor_bps)
        self._meter = AckedMeter()
        self.probes = ProbeSchedule()
        self.usage = Usage.NORMAL
        self._highest = -1  # newest unwrapped number that feedback spoke of
        self._missing: dict[int, int] = {}  # lost so far: number -> bytes
        self._reference = 0  # unwrapped
        self._heard_ms = float("-inf")

    @property
    def limit_bps(self) -> float:
        """What may be sent, never below the floor."""
        return max(self._floor_bps, min(self._delay.limit_bps, self._loss.limit_bps))

    @property
    def queue_ms(self) -> float:
        """How long packets wait on the line now."""
        return self._trend.queue_ms

    @property
    def acked_bps(self) -> float | None:
        return self._meter.acked_bps

    @property
    def own_loss(self) -> float:
        """The share that the line loses whatever is sent, 0..1."""
        return self._loss.own_loss

    @property
    def usual_loss(self) -> float:
        """The share lost lately, bursts left out, 0..1: what a repeat and a probe must reckon with."""
        return max(self._loss.own_loss, self._loss.usual_loss)

    @property
    def is_known(self) -> bool:
        """Feedback came at least once."""
        return self._highest >= 0

    def is_unheard(self, history: WideHistory, now_ms: float) -> bool:
        """We send, and nothing comes back about it."""
        overdue_ms = self._heard_ms + OVERDUE_MS
        return now_ms > overdue_ms and _last_sent_ms(history) > overdue_ms

    def rested(self, history: WideHistory, now_ms: float) -> None:
        """Once a second: what was known of a line that nothing was sent over goes stale. Without that a viewer whose
        every picture was left out would never see one again: there is nothing to probe with."""
        if self.is_known and now_ms - _last_sent_ms(history) > STALE_MS:
            self.usage = Usage.NORMAL
            self._delay.rested()
            self._loss.rested()

    def feedback(
        self, message: TransportFeedback, history: WideHistory, now_ms: float, rtt_ms: float | None = None
    ) -> bool:
        """One message from the viewer. True when the limit fell: layers should be chosen at once."""
        if history.newest < 0:
            return False
        self._heard_ms = now_ms
        before_bps = self.limit_bps
        acked = self._read(message, history)
        self._trend.feed(acked.packets)
        self._meter.feed(acked)
        usage, queue_ms = self._trend.decide(now_ms), self._trend.queue_ms
        if usage is Usage.OVERUSE and queue_ms < LEAST_QUEUE_MS:
            usage = Usage.NORMAL
        elif usage is Usage.NORMAL and queue_ms > FULL_QUEUE_MS:
            usage = Usage.OVERUSE
        self.usage = usage
        rate, sent_bps = self._meter.acked_bps, self._meter.sent_bps
        passed_bps = self._meter.peak_bps if usage is Usage.OVERUSE else rate
        # What a probe does to the line is judged by `judge` alone, what a key frame does is over soon.
        if not self.probes.is_echoing(now_ms) or queue_ms > ECHO_QUEUE_MS:
            self._delay.update(usage, passed_bps, DEFAULT_RTT_MS if rtt_ms is None else rtt_ms, now_ms)
        is_cut = self._loss.feedback(acked.lost, acked.total, sent_bps, rate, now_ms)
        if usage is Usage.OVERUSE or is_cut:
            self.probes.troubled(now_ms)
        # Measured against what is lost without a probe: a radio that loses a tenth fails no probe by that.
        proved_bps = self.probes.judge(self._highest, self.usual_loss, self._trend.queue_ms, now_ms)
        if proved_bps is not None:
            self._delay.proved(proved_bps)
            self._loss.proved(proved_bps)
        return self.limit_bps < before_bps

    def _read(self, message: TransportFeedback, history: WideHistory) -> Acked:
        turned = (message.reference - self._reference + REFERENCE_TURN // 2) % REFERENCE_TURN
        self._reference += turned - REFERENCE_TURN // 2
        origin_ms = self._reference * TICKS_PER_REFERENCE * TICK_MS
        first = 0x10000 + message.base if self._highest < 0 else nearest_extended(message.base, self._highest)
        known = history.sent(message.base, len(message.arrivals))
        if first > self._highest and LOST not in message.arrivals and all(known.size_bytes):
            self._highest = first + len(message.arrivals) - 1
            arrived = [origin_ms + arrival * TICK_MS for arrival in message.arrivals]
            acked = Acked(list(zip(known.at_ms, arrived, known.size_bytes, strict=True)), 0, 0, len(arrived))
            if self.probes.probe is not None:
                for number, packet in enumerate(acked.packets, first):
                    self.probes.probe.packet(number, *packet)
            return acked
        return self._read_holes(message.arrivals, first, origin_ms, known)

    def _read_holes(self, arrivals: tuple[int, ...], first: int, origin_ms: float, known: Sent) -> Acked:
        """The same where packets are missing, told again, or were never sent."""
        missing, probe, highest = self._missing, self.probes.probe, self._highest
        packets: list[tuple[float, float, int]] = []
        lost = lost_bytes = total = 0
        for number, (arrival, left_ms, size) in enumerate(
            zip(arrivals, known.at_ms, known.size_bytes, strict=True), first
        ):
            if number > highest:
                if not size:
                    continue  # never sent: the peer invents numbers
                highest = number
                total += 1
                if arrival == LOST:
                    lost += 1
                    lost_bytes += size
                    missing[number] = size
                    continue
            elif arrival == LOST or number not in missing:
                continue
            else:
                lost -= 1
                lost_bytes -= missing.pop(number)
            arrived_ms = origin_ms + arrival * TICK_MS
            packets.append((left_ms, arrived_ms, size))
            if probe is not None:
                probe.packet(number, left_ms, arrived_ms, size)
        self._highest = highest
        while len(missing) > MISSING:
            del missing[next(iter(missing))]
        return Acked(packets, lost, lost_bytes, total)

    # Probes

    def wants_probe(self, needed_bps: float, history: WideHistory, now_ms: float) -> float | None:
        """The rate at which to send repeats now, because `needed_bps` would bring a better picture; else None."""
        is_fresh = now_ms - self._heard_ms < OVERDUE_MS
        if not is_fresh or self.usage is not Usage.NORMAL or needed_bps <= self.limit_bps:
            return None
        acked_bps = self._meter.acked_bps
        if acked_bps is None or self._highest < 0:
            return None
        target_bps = self.probes.target_bps(needed_bps, max(acked_bps, self.limit_bps), now_ms)
        if target_bps is not None:
            self.probes.begin(target_bps, nearest_extended(history.newest, self._highest) + 1)
        return target_bps

    def probe_sent(self, history: WideHistory, now_ms: float) -> None:
        """The last repeat of the probe has left."""
        self.probes.end(nearest_extended(history.newest, self._highest), now_ms)


def _last_sent_ms(history: WideHistory) -> float:
    return history.sent(history.newest, 1).at_ms[0] if history.newest >= 0 else float("-inf")
