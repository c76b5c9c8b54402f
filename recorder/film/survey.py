"""First look at a window of a recording: clocks, key frames, stretches with packets, what cannot be read.

A window is a section of the film and enough before and after it that every clock in the section is the same as in a
look at the whole recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from recorder.account.manifest import Gap, GapCause, RecordedTrack
from recorder.account.track_clock import ClockSurvey, TrackClock, settle_clocks
from recorder.codecs.frame_formats import key_frame_start
from recorder.codecs.rtp_order import parse_rtp
from recorder.journal import REPORT, Record, RecordKind

NS_PER_S = 1_000_000_000
# A camera that sent nothing for this long is shown as interrupted; a still shared page may rest much longer.
CAMERA_SILENCE_NS = 2 * NS_PER_S
SCREEN_SILENCE_NS = 30 * NS_PER_S
# A packet that fills a hole comes this much later than its neighbours (see rtp_order).
HOLE_WAIT_NS = 2 * NS_PER_S
# Waiting for late packets is memory: nine people at 2 Mbit/s for this long are 45 MB.
LONGEST_WAIT_NS = 20 * NS_PER_S


@dataclass(frozen=True, slots=True)
class KeyFrame:
    """A key frame began to arrive: its place on the hearing clock and its height, None when it is not told."""

    at_ns: int
    height_px: int | None


@dataclass(frozen=True, slots=True)
class TrackStory:
    """What the first pass learnt about one track. Times on the hearing clock; `spans`: stretches with packets."""

    track: RecordedTrack
    clock: TrackClock
    spans: tuple[tuple[int, int], ...]
    key_frames: tuple[KeyFrame, ...]
    mutes: tuple[tuple[int, bool], ...]

    def is_muted(self, at_ns: int) -> bool:
        """The last word of the room about this track at a moment."""
        muted = False
        for since_ns, value in self.mutes:
            if since_ns > at_ns:
                break
            muted = value
        return muted


@dataclass(frozen=True, slots=True)
class Problem:
    """Something the film could not use, named. `code` is stable: segment.missing, segment.damaged, …"""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a window shows. `wait_ns`: how long after its hearing time the slowest packet arrived."""

    stories: dict[int, TrackStory]
    wait_ns: int


@dataclass(frozen=True, slots=True)
class ArrivedRtp:
    """One RTP packet of a window: arrival on the hearing clock and its place (segment, record) in the journal."""

    at_ns: int
    raw: bytes
    place: tuple[int, int]


@dataclass(slots=True)
class _Notes:
    track: RecordedTrack
    clock: ClockSurvey
    spans: list[list[int]] = field(default_factory=list)
    keys: list[tuple[int, int, int | None]] = field(default_factory=list)
    mutes: list[tuple[int, bool]] = field(default_factory=list)


class WindowSurvey:
    """Takes the records of a window in order of writing; `settle` tells what they say."""

    def __init__(self, tracks: Iterable[RecordedTrack], gaps: Iterable[Gap], from_ns: int) -> None:
        self._notes = {
            track.number: _Notes(
                track, ClockSurvey(clock_rate_hz=track.info.clock_rate_hz, sender=track.info.identity)
            )
            for track in tracks
        }
        self.packets: dict[int, list[ArrivedRtp]] = {number: [] for number in self._notes}
        for gap in gaps:
            # A window does not hear what was said before it; the ledger knows who was muted then.
            if (
                gap.cause is GapCause.MUTE
                and gap.from_ns <= from_ns < gap.until_ns
                and gap.track in self._notes
            ):
                self._notes[gap.track].mutes.append((from_ns, True))

    def take(self, record: Record, at_ns: int, place: tuple[int, int]) -> None:
        """One good record."""
        notes = self._notes.get(record.track)
        if notes is None:
            return
        if record.kind == RecordKind.PACKET:
            self.packets[record.track].append(ArrivedRtp(at_ns, record.payload, place))
            _take_packet(notes, record.payload, at_ns)
        elif record.kind == RecordKind.REPORT:
            ntp, rtp_timestamp = REPORT.unpack(record.payload)
            notes.clock.report(ntp, rtp_timestamp, at_ns)
        elif record.kind == RecordKind.EVENT and not record.repeated:
            event = record.json().get("event")
            if event in ("muted", "unmuted"):
                notes.mutes.append((at_ns, event == "muted"))

    def settle(self, older_keys: Mapping[int, KeyFrame]) -> Survey:
        """Stories by track number. `older_keys`: the last key frame before the window, by track number."""
        clocks = settle_clocks([notes.clock for notes in self._notes.values()])
        stories: dict[int, TrackStory] = {}
        wait_ns = 0
        for (number, notes), clock in zip(self._notes.items(), clocks, strict=True):
            wait_ns = max(wait_ns, notes.clock.worst_wait_ns(clock))
            keys = [KeyFrame(clock.hearing_ns(ts, at), height) for ts, at, height in notes.keys]
            older = older_keys.get(number)
            stories[number] = TrackStory(
                track=notes.track,
                clock=clock,
                spans=tuple((first, last) for first, last in notes.spans),
                key_frames=tuple(keys if older is None else [older, *keys]),
                mutes=tuple(notes.mutes),
            )
        return Survey(stories, min(wait_ns, LONGEST_WAIT_NS))

    def first_keys(self) -> dict[int, int]:
        """Arrival of the first key frame in the window, by track number."""
        return {number: notes.keys[0][1] for number, notes in self._notes.items() if notes.keys}


def _take_packet(notes: _Notes, raw: bytes, at_ns: int) -> None:
    packet = parse_rtp(raw, at_ns)
    if packet is None:
        return
    info = notes.track.info
    notes.clock.packet(packet.timestamp, at_ns)
    silence_ns = SCREEN_SILENCE_NS if info.source == "screen" else CAMERA_SILENCE_NS
    if notes.spans and at_ns - notes.spans[-1][1] < silence_ns:
        notes.spans[-1][1] = at_ns
    else:
        notes.spans.append([at_ns, at_ns])
    if info.kind == "video" and packet.payload:
        begins, size_px = key_frame_start(info.codec, packet.payload)
        if begins:
            notes.keys.append((packet.timestamp, at_ns, size_px[1] if size_px else None))
