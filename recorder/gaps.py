"""The gap ledger of one track: recorded time + gaps = duration of the recording, and every gap has a cause.

Pure arithmetic on what the packets' fixed headers and arrival times say; nothing is decoded. Three witnesses:
- sequence numbers: a jump says that packets were sent and did not come (network);
- RTP time against arrival time: when arrivals fall behind RTP time *for good*, the sender captured nothing
  (sender stall); when they catch up, the packets were only late and nothing is missing;
- events and the recorder's own notes explain a hole: mute, hold, lost transport, pause, crash, disk,
  overload.
A contiguous jump of RTP time up to DTX_NS in audio is Opus discontinuous transmission: silence, not a gap.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from recorder.cause_spans import SLIVER_NS, CauseSpan, disjoint, intersection, joined, paint
from recorder.manifest import Gap, GapCause
from signaling.sink import TrackInfo

MS = 1_000_000
AUDIO_QUIET_NS = 120 * MS  # 100 ms hole + one 20 ms Opus packet
CAMERA_QUIET_NS = 500 * MS  # phones go down to 5 pictures/s in the dark and on weak links
SCREEN_QUIET_NS = 2500 * MS  # browsers repeat a still screen about once a second
DTX_NS = 500 * MS  # Opus sends a comfort frame every 400 ms during silence (RFC 6716 2.1.9, libopus)
STALL_WATCH_NS = 1000 * MS  # a burst of late packets is over within this time
RESTART_SEQUENCES = 3000  # a larger step back is a restarted stream (RFC 3550 A.1, MAX_DROPOUT)
RESTART_NS = 10_000 * MS  # RTP time this far ahead of the clock is a restarted stream
MISSING_KEPT = 2048  # sequence numbers watched for a late arrival; two seconds of the largest layer

_FIXED = struct.Struct(">HHI")  # flags and payload type, sequence, timestamp (RFC 3550 5.1)


@dataclass(slots=True)
class _Hole:
    from_ns: int
    until_ns: int
    cause: GapCause
    missing: int = 0
    spacing_ns: int = 0
    recovered: int = 0


@dataclass(slots=True)
class _Suspicion:
    """Arrivals fell behind RTP time at `at_ns`; a stall if they never catch up. `shift_ns`: least lag."""

    at_ns: int
    before_ns: int
    before_timestamp: int
    shift_ns: int


class TrackLedger:
    """Watches one track. Times are on the hearing clock; packets come in the order of arrival."""

    __slots__ = (
        "_alert",
        "_expected",
        "_explained",
        "_holes",
        "_last_ns",
        "_missing",
        "_ns_per_tick",
        "_open_spans",
        "_quiet_ns",
        "_suspicion",
        "_timestamp",
        "first_ns",
        "info",
        "lost_packets",
        "packets",
        "payload_bytes",
        "started_ns",
    )

    def __init__(self, info: TrackInfo, started_ns: int) -> None:
        self.info = info
        self.started_ns = started_ns
        self.packets = 0
        self.payload_bytes = 0
        self.lost_packets = 0
        self.first_ns: int | None = None
        self._quiet_ns = _quiet_ns(info)
        self._ns_per_tick = 1_000_000_000 / info.clock_rate_hz
        self._expected = -1
        self._timestamp = 0
        self._last_ns = started_ns
        self._alert = False  # a suspicion or an open loss of transport wants to see every packet
        self._suspicion: _Suspicion | None = None
        self._missing: dict[int, _Hole | None] = {}
        self._holes: list[_Hole] = []
        self._open_spans: dict[GapCause, int] = {}
        self._explained: list[CauseSpan] = []

    def packet(self, at_ns: int, data: bytes) -> None:
        """Count one RTP packet. Shorter than a fixed header: counted, not judged."""
        self.packets += 1
        size = len(data)
        self.payload_bytes += size
        if size < 12:
            return
        _, sequence, timestamp = _FIXED.unpack_from(data)
        regular = sequence == self._expected and at_ns - self._last_ns <= self._quiet_ns and not self._alert
        if not regular and not self._irregular(at_ns, sequence, timestamp):
            return
        self._expected = (sequence + 1) & 0xFFFF
        self._timestamp = timestamp
        self._last_ns = at_ns

    def event(self, event: str, at_ns: int) -> None:
        """A track event; those that explain nothing (silent, resumed, unknown ones) pass."""
        if event in _SPAN_STARTS:
            self._open_spans.setdefault(_SPAN_STARTS[event], at_ns)
            self._alert = self._alert or event == "transport_lost"
        elif event in _SPAN_ENDS:
            self._close_span(_SPAN_ENDS[event], at_ns)

    def end(self, ended_ns: int) -> None:
        """The track is over at `ended_ns`: no packet comes any more, and what waited for late ones is let go."""
        self._holes = self._all_holes(ended_ns)
        self._last_ns = max(self._last_ns, ended_ns)
        self._suspicion = None
        self._missing = {}

    def gaps(
        self,
        number: int,
        ended_ns: int,
        end_cause: str,
        duration_ns: int,
        layers: Sequence[Sequence[CauseSpan]],
        away: Sequence[CauseSpan] = (),
    ) -> list[Gap]:
        """All gaps of the track in order, disjoint, within [0, duration_ns].

        `layers`: spans in which nothing was recorded whatever the packets say (crash, pauses, given up), the
        stronger explanation first. `away` explains time outside the track's life, which is ABSENT otherwise.
        """
        holes = self._all_holes(ended_ns)
        explained = [*self._explained]
        for cause, since in self._open_spans.items():
            explained.append(CauseSpan(since, ended_ns, cause))
        explaining = [disjoint([span for span in explained if span.cause == cause]) for cause in _EXPLAINING]
        own = [CauseSpan(hole.from_ns, hole.until_ns, hole.cause) for hole in holes]
        inside = [intersection(layer, own) for layer in explaining]
        tail = _END_CAUSES.get(end_cause)
        if tail is not None and own and own[-1].until_ns == ended_ns:
            own[-1] = CauseSpan(own[-1].from_ns, ended_ns, tail, end_cause)
        absent = [
            CauseSpan(0, max(self.started_ns, 0), GapCause.ABSENT, "not yet"),
            CauseSpan(ended_ns, duration_ns, GapCause.ABSENT, end_cause),
        ]
        painted = joined(paint([away, absent, *layers], [*inside, own], duration_ns))
        return [Gap(number, span.cause, span.from_ns, span.until_ns, span.detail) for span in painted]

    def _irregular(self, at_ns: int, sequence: int, timestamp: int) -> bool:
        """Judge a packet that is not simply the next one; False for a late one: it moves nothing."""
        if self._expected < 0:
            self.first_ns = at_ns
            if at_ns - self.started_ns > self._quiet_ns:
                self._holes.append(_Hole(self.started_ns, at_ns, GapCause.SENDER_STALL))
            self._close_span(GapCause.NETWORK, at_ns)
            return True
        step = ((sequence - self._expected + 0x8000) & 0xFFFF) - 0x8000
        if -RESTART_SEQUENCES < step < 0:
            self._late(sequence)
            return False
        waited_ns = at_ns - self._last_ns
        sent_ns = round(_ticks_between(self._timestamp, timestamp) * self._ns_per_tick)
        if self._suspicion is not None:
            self._watch(self._suspicion, at_ns, timestamp)
        if step < 0 or sent_ns < -RESTART_NS or sent_ns > waited_ns + RESTART_NS:
            if waited_ns > self._quiet_ns:
                self._holes.append(_Hole(self._last_ns, at_ns, GapCause.SENDER_STALL))
        elif step > 0:
            self._lost(step, sent_ns, at_ns, sequence)
        elif waited_ns > self._quiet_ns:
            self._quiet(waited_ns, sent_ns, at_ns)
        self._close_span(GapCause.NETWORK, at_ns)
        self._alert = self._suspicion is not None
        return True

    def _lost(self, step: int, sent_ns: int, at_ns: int, sequence: int) -> None:
        self.lost_packets += step
        hole: _Hole | None = None
        missing_ns = sent_ns * step // (step + 1) if self.info.kind == "audio" else sent_ns
        least_ns = SLIVER_NS if self.info.kind == "audio" else self._quiet_ns
        if missing_ns >= least_ns:
            spacing_ns = missing_ns // step
            hole = _Hole(max(at_ns - missing_ns, self._last_ns), at_ns, GapCause.NETWORK, step, spacing_ns)
            self._holes.append(hole)
        for back in range(min(step, MISSING_KEPT), 0, -1):
            self._missing[(sequence - back) & 0xFFFF] = hole
        while len(self._missing) > MISSING_KEPT:
            del self._missing[next(iter(self._missing))]

    def _late(self, sequence: int) -> None:
        """A retransmission fills the newest end of its hole: publishers keep only the last second or two."""
        if sequence not in self._missing:
            return  # a duplicate
        self.lost_packets -= 1
        hole = self._missing.pop(sequence)
        if hole is not None:
            hole.recovered += 1

    def _quiet(self, waited_ns: int, sent_ns: int, at_ns: int) -> None:
        """No packet is missing, yet none came for long: silence, a pausing sender, or late packets."""
        if sent_ns >= waited_ns - max(60 * MS, waited_ns // 5):
            if self.info.kind != "audio" or sent_ns > DTX_NS:
                self._holes.append(_Hole(self._last_ns, at_ns, GapCause.SENDER_STALL))
            return
        if self._suspicion is not None:
            self._settle(self._suspicion)
        self._suspicion = _Suspicion(at_ns, self._last_ns, self._timestamp, waited_ns - sent_ns)

    def _watch(self, suspicion: _Suspicion, at_ns: int, timestamp: int) -> None:
        ticks = _ticks_between(suspicion.before_timestamp, timestamp)
        lag_ns = at_ns - suspicion.before_ns - round(ticks * self._ns_per_tick)
        suspicion.shift_ns = min(suspicion.shift_ns, lag_ns)
        if at_ns - suspicion.at_ns > STALL_WATCH_NS or suspicion.shift_ns < SLIVER_NS:
            self._settle(suspicion)
            self._suspicion = None

    def _settle(self, suspicion: _Suspicion) -> None:
        if suspicion.shift_ns >= max(SLIVER_NS, self._quiet_ns - 20 * MS):
            start_ns = max(suspicion.at_ns - suspicion.shift_ns, suspicion.before_ns)
            self._holes.append(_Hole(start_ns, suspicion.at_ns, GapCause.SENDER_STALL))

    def _close_span(self, cause: GapCause, at_ns: int) -> None:
        since = self._open_spans.pop(cause, None)
        if since is not None:
            self._explained.append(CauseSpan(since, at_ns, cause))

    def _all_holes(self, ended_ns: int) -> list[_Hole]:
        """Own holes after retransmissions, an undecided stall and the quiet tail, sorted; changes nothing."""
        holes = [*self._holes]
        if self._suspicion is not None:
            kept, self._holes = self._holes, []
            self._settle(self._suspicion)
            holes, self._holes = holes + self._holes, kept
        if ended_ns - self._last_ns > self._quiet_ns:
            holes.append(_Hole(self._last_ns, ended_ns, GapCause.SENDER_STALL))
        shortened = []
        for hole in sorted(holes, key=lambda each: each.from_ns):
            until_ns = hole.until_ns - hole.recovered * hole.spacing_ns
            if until_ns - hole.from_ns >= SLIVER_NS and hole.recovered < max(hole.missing, 1):
                shortened.append(_Hole(hole.from_ns, until_ns, hole.cause))
        return shortened


_SPAN_STARTS = {
    "muted": GapCause.MUTE,
    "held": GapCause.HOLD,
    "transport_lost": GapCause.NETWORK,
    "device_lost": GapCause.DEVICE,
    "not_wanted": GapCause.NOT_WANTED,
    "overloaded": GapCause.OVERLOAD,  # the media process itself was too busy to pass packets on to us
}
_SPAN_ENDS = {
    "unmuted": GapCause.MUTE,
    "released": GapCause.HOLD,
    "device_back": GapCause.DEVICE,
    "wanted": GapCause.NOT_WANTED,
    "relieved": GapCause.OVERLOAD,
}
# The stronger explanation first.
_EXPLAINING = (
    GapCause.HOLD,
    GapCause.MUTE,
    GapCause.DEVICE,
    GapCause.OVERLOAD,
    GapCause.NETWORK,
    GapCause.NOT_WANTED,
)
_END_CAUSES = {
    "device": GapCause.DEVICE,
    "device_lost": GapCause.DEVICE,
    "transport_lost": GapCause.NETWORK,
    "lost": GapCause.NETWORK,
    "crash": GapCause.CRASH,
}


def _ticks_between(earlier: int, later: int) -> int:
    """Signed distance of two 32-bit RTP timestamps."""
    return ((later - earlier + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def _quiet_ns(info: TrackInfo) -> int:
    if info.kind == "audio":
        return AUDIO_QUIET_NS
    return SCREEN_QUIET_NS if info.source == "screen" else CAMERA_QUIET_NS
