"""Where on the hearing clock a track's RTP timestamp lies.

Arrival times jitter, device clocks run fast or slow, after a phone call the timestamps themselves lie. So a
first pass over the journal collects, per track, the least delayed packet of every half second and the sender
reports; then `settle_clocks` lays one curve through each stretch in which the timestamps can be believed:

- without sender reports, the lower envelope of (arrival - RTP time): the packets the network delayed least;
- with them, the tracks of one person are brought onto the sender's own clock first and share one envelope, so
  that lips and voice stay together (RFC 3550 6.4.1).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from recorder.codecs.rtp_order import Unwrapper

NS_PER_S = 1_000_000_000
# One point per half second: dense enough for 200 ppm (0.1 ms), small enough for a day (173,000 points).
BIN_NS = NS_PER_S // 2
# Within ten seconds some packet meets an empty queue, and 200 ppm drift by only 2 ms.
ENVELOPE_REACH_NS = 10 * NS_PER_S
SMOOTHING_REACH_NS = 5 * NS_PER_S
# No crystal is worse than half a percent; what looks steeper is a queue.
STEEPEST_PPB = 5_000_000
# Delays that grow beyond this and stay are no queue: the device stopped counting (phone call, suspended page).
LIE_NS = NS_PER_S // 4
LIE_LASTS_NS = 4 * NS_PER_S
# Timestamps this far ahead of the wall clock were set anew by the sender; a queue that drains is shorter.
AHEAD_NS = 2 * NS_PER_S
# …unless nothing came for a while before: then no queue was seen that could drain.
AWAY_NS = NS_PER_S
# A picture's packets share a timestamp and arrive within this; one that stands still for longer tells no time.
STUCK_NS = NS_PER_S // 5
# A sender's report curve that disagrees with arrival by more than this describes another clock: not used.
REPORT_TRUST_NS = 400_000_000
# Two report offsets closer than this say "the timestamps went on truthfully".
REPORT_SAME_NS = 100_000_000
_NTP_TO_UNIX_S = 2_208_988_800


@dataclass(slots=True)
class _Point:
    """The least (or most) delayed packet of one bin. `rtp_ns`: its timestamp as time; `delay_ns` = at_ns - rtp_ns."""

    from_ns: int
    first_rtp_ns: int
    at_ns: int
    rtp_ns: int
    delay_ns: int


@dataclass(frozen=True, slots=True)
class _Report:
    """A sender report: at RTP time `rtp_ns` the sender's wall clock said `sender_ns`."""

    at_ns: int
    rtp_ns: int
    sender_ns: int


@dataclass(slots=True)
class _Stretch:
    """A run of points whose timestamps go on truthfully."""

    points: list[_Point]
    reports: list[_Report] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through (x, y) points, flat beyond its ends. All in ns."""

    xs: tuple[int, ...]
    ys: tuple[int, ...]

    def at(self, x: int) -> int:
        """Value at `x`, straight between the neighbours."""
        index = bisect_right(self.xs, x)
        if index == 0:
            return self.ys[0]
        if index == len(self.xs):
            return self.ys[-1]
        x0, x1, y0, y1 = self.xs[index - 1], self.xs[index], self.ys[index - 1], self.ys[index]
        return y0 + (y1 - y0) * (x - x0) // (x1 - x0)


def lower_envelope(points: Sequence[tuple[int, int]]) -> Curve:
    """The smoothed lower edge of (x, delay) points: sliding minimum, then moving average, along their slope."""
    ordered = sorted(points)
    first, slope_ppb = ordered[0][0], _slope_ppb(ordered)
    xs = [x for x, _ in ordered]
    tilts = [(x - first) * slope_ppb // NS_PER_S for x in xs]
    lows = _sliding(
        xs, [y - tilt for (_, y), tilt in zip(ordered, tilts, strict=True)], ENVELOPE_REACH_NS, min
    )
    smooth = _sliding(xs, lows, SMOOTHING_REACH_NS, lambda window: sum(window) // len(window))
    unique = {x: y + tilt for x, y, tilt in zip(xs, smooth, tilts, strict=True)}
    return Curve(tuple(unique), tuple(unique.values()))


def _slope_ppb(ordered: Sequence[tuple[int, int]]) -> int:
    """How fast the device clock runs wrong (ns per s), from the least delayed points of the first and last third."""
    third = len(ordered) // 3
    if third < 3:
        return 0
    (x0, y0), (x1, y1) = (
        min(part, key=lambda point: point[1]) for part in (ordered[:third], ordered[-third:])
    )
    return max(-STEEPEST_PPB, min(STEEPEST_PPB, (y1 - y0) * NS_PER_S // max(x1 - x0, 1)))


def _sliding(xs: list[int], ys: list[int], reach_ns: int, reduce: Callable[[list[int]], int]) -> list[int]:
    out: list[int] = []
    low = high = 0
    for x in xs:
        while xs[low] < x - reach_ns:
            low += 1
        while high < len(xs) and xs[high] <= x + reach_ns:
            high += 1
        out.append(reduce(ys[low:high]))
    return out


class ClockSurvey:
    """Collects what the journal says about one track's time. Feed it in order of arrival."""

    def __init__(self, *, clock_rate_hz: int, sender: str) -> None:
        self.sender = sender
        self._rate_hz = clock_rate_hz
        self._unwrap = Unwrapper(32)
        self._points: list[_Point] = []
        self._reports: list[_Report] = []
        self._latest: list[_Point] = []
        self._last_delay_ns = 0
        self._stamp_ns = self._stamped_at_ns = -1

    def packet(self, rtp_timestamp: int, at_ns: int) -> None:
        """One packet: its 32-bit timestamp and its arrival on the hearing clock."""
        rtp_ns = self._unwrap.unwrap(rtp_timestamp) * NS_PER_S // self._rate_hz
        if rtp_ns != self._stamp_ns:
            self._stamp_ns, self._stamped_at_ns = rtp_ns, at_ns
        elif at_ns - self._stamped_at_ns > STUCK_NS:
            return
        delay_ns = at_ns - rtp_ns
        self._note_latest(at_ns, rtp_ns, delay_ns)
        jumped = abs(delay_ns - self._last_delay_ns) > LIE_NS // 2
        self._last_delay_ns = delay_ns
        if not self._points or at_ns - self._points[-1].from_ns > (BIN_NS // 20 if jumped else BIN_NS):
            self._points.append(_Point(at_ns, rtp_ns, at_ns, rtp_ns, delay_ns))
            return
        point = self._points[-1]
        if delay_ns < point.delay_ns:
            point.at_ns, point.rtp_ns, point.delay_ns = at_ns, rtp_ns, delay_ns

    def _note_latest(self, at_ns: int, rtp_ns: int, delay_ns: int) -> None:
        """Keep the most delayed packet of every five seconds: how long a player must wait."""
        if not self._latest or at_ns - self._latest[-1].from_ns > SMOOTHING_REACH_NS:
            self._latest.append(_Point(at_ns, rtp_ns, at_ns, rtp_ns, delay_ns))
        elif delay_ns > self._latest[-1].delay_ns:
            latest = self._latest[-1]
            latest.at_ns, latest.rtp_ns, latest.delay_ns = at_ns, rtp_ns, delay_ns

    def report(self, ntp: int, rtp_timestamp: int, at_ns: int) -> None:
        """One sender report: 64-bit NTP time and the 32-bit RTP timestamp of the same moment."""
        if ntp == 0 or not self._points:
            return  # a sender without a clock says 0 (RFC 3550 6.4.1); before any packet nothing hangs on it
        rtp_ns = self._unwrap.unwrap(rtp_timestamp) * NS_PER_S // self._rate_hz
        sender_ns = ((ntp >> 32) - _NTP_TO_UNIX_S) * NS_PER_S + ((ntp & 0xFFFFFFFF) * NS_PER_S >> 32)
        self._reports.append(_Report(at_ns, rtp_ns, sender_ns))

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last arrival, None when nothing came."""
        return (self._points[0].from_ns, self._points[-1].at_ns) if self._points else None

    def stretches(self) -> list[_Stretch]:
        """The points cut where the timestamps stop being believable."""
        out: list[_Stretch] = []
        for index, point in enumerate(self._points):
            if not out or self._is_new_start(out[-1].points, index):
                out.append(_Stretch([point]))
            else:
                out[-1].points.append(point)
        for report in self._reports:
            at = bisect_right(out, report.at_ns, key=lambda stretch: stretch.points[0].from_ns) - 1
            if at >= 0:
                out[at].reports.append(report)
        return out

    def _is_new_start(self, before: list[_Point], index: int) -> bool:
        point = self._points[index]
        base_ns = min(known.delay_ns for known in before[-20:])
        if point.delay_ns < base_ns - AHEAD_NS:
            return True
        is_ahead = point.delay_ns < base_ns - LIE_NS
        if not is_ahead and point.delay_ns < base_ns + LIE_NS:
            return False
        told = self._told_by_reports(before[-1].at_ns, point.from_ns)
        if told is not None:
            return told
        if is_ahead:
            return point.from_ns - self._points[index - 1].from_ns > BIN_NS + AWAY_NS
        ahead = index
        while ahead < len(self._points) and self._points[ahead].from_ns < point.from_ns + LIE_LASTS_NS:
            if self._points[ahead].delay_ns < base_ns + LIE_NS:
                return False
            ahead += 1
        return self._points[ahead - 1].at_ns - point.from_ns > NS_PER_S

    def _told_by_reports(self, before_ns: int, after_ns: int) -> bool | None:
        """Did RTP time and the sender's clock part between two moments? None when no reports frame them."""
        index = bisect_right(self._reports, before_ns, key=lambda report: report.at_ns)
        later = next((report for report in self._reports[index:] if report.at_ns > after_ns), None)
        if index == 0 or later is None:
            return None
        earlier = self._reports[index - 1]
        parted_ns = (later.sender_ns - later.rtp_ns) - (earlier.sender_ns - earlier.rtp_ns)
        return abs(parted_ns) > REPORT_SAME_NS

    @property
    def clock_rate_hz(self) -> int:
        """RTP ticks per second."""
        return self._rate_hz

    def worst_wait_ns(self, clock: TrackClock) -> int:
        """How long after its settled hearing time the most delayed packet arrived."""
        ticks = ((late.rtp_ns * self._rate_hz // NS_PER_S, late.at_ns) for late in self._latest)
        return max((at_ns - clock.hearing_ns(tick, at_ns) for tick, at_ns in ticks), default=0)


@dataclass(frozen=True, slots=True)
class _Piece:
    """One stretch, settled. `reports`: RTP to sender time, or None; `delays`: on to the hearing clock."""

    from_ns: int
    first_rtp_ns: int
    near_delay_ns: int
    reports: Curve | None
    delays: Curve

    def hearing_ns(self, rtp_ns: int) -> int:
        base_ns = rtp_ns if self.reports is None else rtp_ns + self.reports.at(rtp_ns)
        return base_ns + self.delays.at(base_ns)


@dataclass(frozen=True, slots=True)
class TrackClock:
    """Maps one track's RTP timestamps to the hearing clock."""

    clock_rate_hz: int
    pieces: tuple[_Piece, ...]

    def hearing_ns(self, rtp_timestamp: int, at_ns: int) -> int:
        """Hearing time of a timestamp (raw or unwrapped) carried by a packet that arrived at `at_ns`."""
        if not self.pieces:
            return at_ns
        index = max(bisect_right(self.pieces, at_ns, key=lambda piece: piece.from_ns) - 1, 0)
        rtp_ns = self._near(self.pieces[index], rtp_timestamp, at_ns)
        if index and rtp_ns < self.pieces[index].first_rtp_ns:
            earlier_ns = self._near(self.pieces[index - 1], rtp_timestamp, at_ns)
            return self.pieces[index - 1].hearing_ns(earlier_ns)
        return self.pieces[index].hearing_ns(rtp_ns)

    def _near(self, piece: _Piece, rtp_timestamp: int, at_ns: int) -> int:
        """The timestamp as time, unwrapped to where this piece expects it."""
        expected = (at_ns - piece.near_delay_ns) * self.clock_rate_hz // NS_PER_S
        wraps = round((expected - rtp_timestamp) / 2**32)
        return (rtp_timestamp + (wraps << 32)) * NS_PER_S // self.clock_rate_hz


def settle_clocks(surveys: Sequence[ClockSurvey]) -> list[TrackClock]:
    """One clock per survey, in the same order. Tracks of one sender that overlap in time share an envelope."""
    stretches = [survey.stretches() for survey in surveys]
    shared: dict[int, Curve] = {}
    for group in _senders_at_a_time(surveys):
        together = [
            (sender_ns, point.at_ns - sender_ns)
            for index in group
            for stretch in stretches[index]
            if (reports := _report_curve(stretch)) is not None
            for point in stretch.points
            for sender_ns in (point.rtp_ns + reports.at(point.rtp_ns),)
        ]
        if together:
            curve = lower_envelope(together)
            shared |= dict.fromkeys(group, curve)
    return [
        TrackClock(
            clock_rate_hz=survey.clock_rate_hz,
            pieces=tuple(_settle(stretch, shared.get(index)) for stretch in stretches[index]),
        )
        for index, survey in enumerate(surveys)
    ]


def _settle(stretch: _Stretch, shared: Curve | None) -> _Piece:
    points = stretch.points
    own = lower_envelope([(point.rtp_ns, point.delay_ns) for point in points])
    piece = _Piece(points[0].from_ns, points[0].first_rtp_ns, points[0].delay_ns, None, own)
    reports = _report_curve(stretch)
    if shared is None or reports is None:
        return piece
    by_sender = _Piece(piece.from_ns, piece.first_rtp_ns, piece.near_delay_ns, reports, shared)
    worst_ns = max(abs(by_sender.hearing_ns(p.rtp_ns) - piece.hearing_ns(p.rtp_ns)) for p in points)
    return by_sender if worst_ns < REPORT_TRUST_NS else piece


def _report_curve(stretch: _Stretch) -> Curve | None:
    """RTP time to (sender time - RTP time), each value the median of three neighbours.

    None without reports, and when they jump against timestamps that arrival says go on: no clock to build on.
    """
    ordered = sorted(stretch.reports, key=lambda report: report.rtp_ns)
    if not ordered:
        return None
    offsets = [report.sender_ns - report.rtp_ns for report in ordered]
    last = len(offsets) - 1
    calm = [sorted(offsets[max(i - 1, 0) : i + 2])[min(i, 1, last)] for i in range(last + 1)]
    if any(abs(later - earlier) > REPORT_SAME_NS for earlier, later in pairwise(calm)):
        return None
    unique = dict(zip((report.rtp_ns for report in ordered), calm, strict=True))
    return Curve(tuple(unique), tuple(unique.values()))


def _senders_at_a_time(surveys: Sequence[ClockSurvey]) -> list[list[int]]:
    """Indices of surveys of one sender, joined while their spans touch: a new device is a new clock."""
    spans = sorted(
        (survey.sender, *span, index) for index, survey in enumerate(surveys) if (span := survey.span_ns)
    )
    groups: list[list[int]] = []
    sender, until_ns = "", 0
    for name, first_ns, last_ns, index in spans:
        if groups and name == sender and first_ns <= until_ns:
            groups[-1].append(index)
            until_ns = max(until_ns, last_ns)
        else:
            groups.append([index])
            sender, until_ns = name, last_ns
    return groups
