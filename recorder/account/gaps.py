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

from recorder.account.cause_spans import SLIVER_NS, CauseSpan, disjoint, intersection, joined, paint
from recorder.account.manifest import Gap, GapCause
from signaling.sink import TrackInfo

MS = 1_000_000
AUDIO_QUIET_NS = 120 * MS  # 100 ms hole + one 20 ms Opus packet
CAMERA_QUIET_NS = 500 * MS  # phones go down to 5 pictures/s in the dark and on weak links
SCREEN_QUIET_NS = 2500 * MS  # browsers repeat a still screen about once a second
DTX_NS = 500 * MS  # Opus sends a comfort frame every 400 ms during silence (RFC 6716 2.1.9, libopus)
STALL_WATCH_NS = 1000 * MS  # late packets that drain catch up a little in every second; a stall never does
# The first packet behind a stall may itself be late by so much; that others follow it in time is no catching up.
JITTER_NS = 60 * MS
CATCH_UP_NS = 30_000 * MS  # for so long a stall that was no stall may still turn out to be a queue
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
    """Arrivals fell behind RTP time at `at_ns`; a stall of `shift_ns`, the least lag since, if they never catch up.

    `first_lag_ns`: how far the first one fell behind. `before_*`: the last packet that was on time.
    `steady_since_ns`: when the least lag was last found smaller. `hole`: the stall, once it is taken for one.
    """

    at_ns: int
    before_ns: int
    before_timestamp: int
    shift_ns: int
    steady_since_ns: int
    first_lag_ns: int
    hole: _Hole | None = None

    def start_ns(self) -> int:
        """When a stall of `shift_ns` began that ended with the packet that came at `at_ns`."""
        missing_ns = max(self.shift_ns, 0)
        late_ns = min(self.first_lag_ns - missing_ns, JITTER_NS)
        return max(self.at_ns - missing_ns - late_ns, self.before_ns)


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
        if step < 0 or sent_ns < -RESTART_NS or sent_ns > waited_ns + RESTART_NS:
            self._forget_suspicion()
            if waited_ns > self._quiet_ns:
                self._holes.append(_Hole(self._last_ns, at_ns, GapCause.SENDER_STALL))
        else:
            self._follow(step, sent_ns, waited_ns, at_ns, sequence, timestamp)
        self._close_span(GapCause.NETWORK, at_ns)
        self._alert = self._suspicion is not None
        return True

    def _follow(
        self, step: int, sent_ns: int, waited_ns: int, at_ns: int, sequence: int, timestamp: int
    ) -> None:
        """A packet that goes on in sequence (`step` 0) or behind lost ones."""
        suspicion = self._suspicion
        if suspicion is not None:
            self._watch(suspicion, at_ns, timestamp)
        before_ns = self._last_ns if suspicion is None else self._captured_ns(suspicion)
        is_behind = waited_ns > self._quiet_ns and sent_ns < waited_ns - max(60 * MS, waited_ns // 5)
        if step > 0:
            now_ns = at_ns if suspicion is None and not is_behind else min(before_ns + sent_ns, at_ns)
            self._lost(step, sent_ns, before_ns, now_ns, sequence)
        elif waited_ns > self._quiet_ns and not is_behind and (self.info.kind != "audio" or sent_ns > DTX_NS):
            self._holes.append(_Hole(self._last_ns, at_ns, GapCause.SENDER_STALL))
        if is_behind:
            self._suspect(at_ns, before_ns, waited_ns - sent_ns, sent_ns, step)

    def _captured_ns(self, suspicion: _Suspicion) -> int:
        """When the last packet would have arrived had nothing but the suspected stall delayed it."""
        ticks = _ticks_between(suspicion.before_timestamp, self._timestamp)
        on_time_ns = suspicion.before_ns + round(ticks * self._ns_per_tick) + max(suspicion.shift_ns, 0)
        return min(on_time_ns, self._last_ns)

    def _lost(self, step: int, sent_ns: int, before_ns: int, now_ns: int, sequence: int) -> None:
        """`step` packets between one captured at `before_ns` and one at `now_ns` never came."""
        self.lost_packets += step
        hole: _Hole | None = None
        spacing_ns = sent_ns // (step + 1)
        if spacing_ns > max(DTX_NS, self._quiet_ns):
            # So far apart nothing is silence any more: the sender stopped near the loss, and nothing lies between.
            self._holes.append(_Hole(before_ns, now_ns, GapCause.SENDER_STALL))
        else:
            missing_ns = spacing_ns * step if self.info.kind == "audio" else sent_ns
            if missing_ns >= (SLIVER_NS if self.info.kind == "audio" else self._quiet_ns):
                from_ns = max(now_ns - missing_ns, before_ns)
                hole = _Hole(from_ns, now_ns, GapCause.NETWORK, step, missing_ns // step)
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

    def _suspect(self, at_ns: int, before_ns: int, lag_ns: int, sent_ns: int, step: int) -> None:
        """Arrivals fell behind: late packets, or a sender that captured nothing."""
        self._forget_suspicion()
        if step > 0:  # what was lost was sent on time; the standstill lies behind it
            before_ns += max(sent_ns - self._packet_ns(sent_ns, step), 0)
        ticks = round((sent_ns if step == 0 else self._packet_ns(sent_ns, step)) / self._ns_per_tick)
        start = (self._timestamp + round(sent_ns / self._ns_per_tick) - ticks) & 0xFFFFFFFF
        self._suspicion = _Suspicion(at_ns, before_ns, start, lag_ns, at_ns, lag_ns)

    def _packet_ns(self, sent_ns: int, step: int) -> int:
        return sent_ns // (step + 1)

    def _watch(self, suspicion: _Suspicion, at_ns: int, timestamp: int) -> None:
        ticks = _ticks_between(suspicion.before_timestamp, timestamp)
        lag_ns = at_ns - suspicion.before_ns - round(ticks * self._ns_per_tick)
        if lag_ns < suspicion.shift_ns - 10 * MS:
            suspicion.shift_ns, suspicion.steady_since_ns = lag_ns, at_ns
            if suspicion.hole is not None:  # it catches up after all: less was missing than was thought
                suspicion.hole.from_ns = max(suspicion.start_ns(), suspicion.hole.from_ns)
        if suspicion.shift_ns < SLIVER_NS or at_ns - suspicion.at_ns > CATCH_UP_NS:
            self._forget_suspicion()
        elif suspicion.hole is None and at_ns - suspicion.steady_since_ns > STALL_WATCH_NS:
            self._settle(suspicion)

    def _forget_suspicion(self) -> None:
        if self._suspicion is not None:
            self._settle(self._suspicion)
            self._suspicion = None

    def _settle(self, suspicion: _Suspicion) -> None:
        """Take what is suspected for a stall, as far as it is one by now."""
        if suspicion.hole is None and suspicion.shift_ns >= max(SLIVER_NS, self._quiet_ns - 20 * MS):
            suspicion.hole = _Hole(suspicion.start_ns(), suspicion.at_ns, GapCause.SENDER_STALL)
            self._holes.append(suspicion.hole)

    def _close_span(self, cause: GapCause, at_ns: int) -> None:
        since = self._open_spans.pop(cause, None)
        if since is not None:
            self._explained.append(CauseSpan(since, at_ns, cause))

    def _all_holes(self, ended_ns: int) -> list[_Hole]:
        """Own holes after retransmissions, an undecided stall and the quiet tail, sorted; changes nothing."""
        holes = [*self._holes]
        if self._suspicion is not None and self._suspicion.hole is None:
            kept, self._holes = self._holes, []
            self._settle(self._suspicion)
            holes, self._holes, self._suspicion.hole = holes + self._holes, kept, None
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
