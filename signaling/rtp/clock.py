"""Time in RTP: sender reports as bridge from wall clock to timestamps, jitter, drift, round trips (RFC 3550)."""

from __future__ import annotations

from typing import Final

from signaling.rtp.sequence import difference32

_NTP_SECOND: Final = 1 << 32
_MASK32: Final = 0xFFFFFFFF
_MASK64: Final = (1 << 64) - 1
MAX_DRIFT_MS: Final = (
    1000.0  # beyond this a timestamp contradicts its arrival: reconnects and lies, not jitter
)
_REPORTS_REMEMBERED: Final = 16


class SenderClock:
    """The publisher's last sender report for one stream: maps its NTP clock to its RTP timestamps."""

    __slots__ = ("arrival_ms", "clock_rate_hz", "ntp", "rtp_timestamp")

    def __init__(self, clock_rate_hz: int) -> None:
        self.clock_rate_hz = clock_rate_hz
        self.ntp = 0  # 64-bit NTP time, the publisher's clock
        self.rtp_timestamp = 0
        self.arrival_ms = -1.0  # our monotonic clock; -1 before the first report

    @property
    def is_known(self) -> bool:
        """A usable report has come (libwebrtc's first ones may carry NTP 0)."""
        return self.ntp != 0

    def report(self, ntp: int, rtp_timestamp: int, now_ms: float) -> None:
        """Take over a sender report: 64-bit NTP time, 32-bit RTP timestamp, arrival in our monotonic ms."""
        self.ntp = ntp & _MASK64
        self.rtp_timestamp = rtp_timestamp & _MASK32
        self.arrival_ms = now_ms

    def echo(self, now_ms: float) -> tuple[int, int]:
        """LSR and DLSR of a receiver report (RFC 3550 6.4.1); zeros before the first sender report."""
        if not self.ntp:
            return 0, 0
        return self.ntp >> 16 & _MASK32, int((now_ms - self.arrival_ms) * 65.536)

    def rtp_at(self, ntp: int) -> int | None:
        """The RTP timestamp (32 bits) that belongs to an NTP time of the publisher; None before the first report."""
        if not self.ntp:
            return None
        return (self.rtp_timestamp + round((ntp - self.ntp) * self.clock_rate_hz / _NTP_SECOND)) & _MASK32

    def ntp_at(self, rtp_timestamp: int) -> int | None:
        """The publisher's NTP time (64 bits) of an RTP timestamp; None before the first report."""
        if not self.ntp:
            return None
        ticks = difference32(rtp_timestamp, self.rtp_timestamp)
        return (self.ntp + round(ticks * _NTP_SECOND / self.clock_rate_hz)) & _MASK64

    def now(self, now_ms: float) -> tuple[int, int] | None:
        """(NTP, RTP timestamp) of this moment, carried on from the last report; None before the first."""
        if not self.ntp:
            return None
        elapsed_ms = now_ms - self.arrival_ms
        ntp = self.ntp + round(elapsed_ms * _NTP_SECOND / 1000)
        rtp = self.rtp_timestamp + round(elapsed_ms * self.clock_rate_hz / 1000)
        return ntp & _MASK64, rtp & _MASK32


def timestamp_shift(old: SenderClock, new: SenderClock) -> int | None:
    """What to add to a timestamp of `new` to land on the timeline of `old` (two layers of one publisher).

    None until both have sent a report. 32-bit, unsigned.
    """
    if not old.is_known or not new.is_known or old.clock_rate_hz != new.clock_rate_hz:
        return None
    at_old = old.rtp_at(new.ntp)
    return None if at_old is None else (at_old - new.rtp_timestamp) & _MASK32


class JitterMeter:
    """Interarrival jitter in timestamp units (RFC 3550 section 6.4.1 and A.8)."""

    __slots__ = ("_jitter", "_ticks_per_ms", "_transit")

    def __init__(self, clock_rate_hz: int) -> None:
        self._ticks_per_ms = clock_rate_hz / 1000
        self._transit: float | None = None
        self._jitter = 0.0

    def packet(self, timestamp: int, now_ms: float) -> None:
        """A packet that is not late arrived."""
        transit = now_ms * self._ticks_per_ms - timestamp
        last = self._transit
        self._transit = transit
        if last is not None:
            moved = abs(transit - last)
            if moved < 0x7FFFFFFF:  # a timestamp that wrapped or jumped says nothing about jitter
                self._jitter += (moved - self._jitter) / 16

    @property
    def ticks(self) -> int:
        """Jitter for a receiver report."""
        return int(self._jitter)

    @property
    def milliseconds(self) -> float:
        """Jitter in ms."""
        return self._jitter / self._ticks_per_ms


class DriftMeter:
    """Does media time pass as fast as arrival time? A sender whose timestamps lie is seen here.

    `drift_ms` is how far the timestamps ran ahead of (+) or behind (-) the arrivals since the first packet. The
    baseline follows slowly (crystals differ by up to 100 ppm), so only fast drift and jumps remain.
    """

    __slots__ = ("_base", "_last_timestamp", "_ms_per_tick", "_ticks", "drift_ms")

    def __init__(self, clock_rate_hz: int) -> None:
        self._ms_per_tick = 1000 / clock_rate_hz
        self._ticks = 0
        self._last_timestamp = -1
        self._base = 0.0
        self.drift_ms = 0.0

    def packet(self, timestamp: int, now_ms: float) -> None:
        """A packet arrived with this 32-bit timestamp."""
        if self._last_timestamp < 0:
            self._base = -now_ms
        else:
            self._ticks += difference32(timestamp, self._last_timestamp)
        self._last_timestamp = timestamp
        offset = self._ticks * self._ms_per_tick - now_ms
        self.drift_ms = offset - self._base
        self._base += self.drift_ms * 0.0005

    @property
    def is_lying(self) -> bool:
        """The timestamps contradict the arrivals by more than MAX_DRIFT_MS."""
        return abs(self.drift_ms) > MAX_DRIFT_MS


class ReceptionMeter:
    """Counts what a receiver report must say about one incoming stream (RFC 3550 A.3)."""

    __slots__ = ("_expected_before", "_first", "_received_base", "_received_before", "bytes", "received")

    def __init__(self) -> None:
        self._first = -1
        self._received_base = 0  # `received` when the numbers last started anew
        self.received = 0
        self.bytes = 0
        self._expected_before = 0
        self._received_before = 0

    def packet(self, sequence: int, size_bytes: int) -> None:
        """A packet (not a duplicate) with this unwrapped number arrived."""
        if self._first < 0:
            self._first = sequence
        self.received += 1
        self.bytes += size_bytes

    def restart(self) -> None:
        """The sender restarted its numbers: count from the next packet on."""
        self._first = -1
        self._received_base = self.received
        self._expected_before = self._received_before = 0

    def interval(self, highest: int) -> tuple[float, int]:
        """(share of packets lost since the last call 0..1, packets lost in all >= 0); `highest` is unwrapped."""
        expected = highest - self._first + 1 if self._first >= 0 else 0
        expected_now = expected - self._expected_before
        received = self.received - self._received_base
        received_now = received - self._received_before
        self._expected_before, self._received_before = expected, received
        ratio = (expected_now - received_now) / expected_now if expected_now > 0 else 0.0
        return max(0.0, ratio), max(0, expected - received)


class RoundTrip:
    """Round-trip time to one peer from our own sender reports coming back in its receiver reports."""

    __slots__ = ("_sent", "rtt_ms")

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}
        self.rtt_ms: float | None = None  # smoothed; None until measured

    def sent(self, ntp: int, now_ms: float) -> None:
        """We sent a sender report with this 64-bit NTP time."""
        self._sent[ntp >> 16 & _MASK32] = now_ms
        if len(self._sent) > _REPORTS_REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def returned(self, last_report: int, delay_65536ths: int, now_ms: float) -> float | None:
        """LSR and DLSR of a receiver report. The new sample in ms, or None when it does not belong to us."""
        sent_ms = self._sent.get(last_report)
        if sent_ms is None or not last_report:
            return None
        sample = now_ms - sent_ms - delay_65536ths * 1000 / 65536
        if sample < 0:
            return None
        self.rtt_ms = sample if self.rtt_ms is None else self.rtt_ms + (sample - self.rtt_ms) / 8
        return sample
