"""First pass over a recording: clocks, key frames, who was there when, what cannot be read.

Reads every segment once, one in memory at a time; keeps two points per second and track.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from recorder.frame_formats import key_frame_start
from recorder.journal import REPORT, Damage, Record, RecordKind, scan
from recorder.manifest import Incident, RecordedTrack, SealedSegment
from recorder.recording import Recording
from recorder.rtp_order import parse_rtp
from recorder.track_clock import ClockSurvey, TrackClock, settle_clocks

NS_PER_S = 1_000_000_000
# A camera that sent nothing for this long is shown as interrupted; a still shared page may rest much longer.
CAMERA_SILENCE_NS = 2 * NS_PER_S
SCREEN_SILENCE_NS = 30 * NS_PER_S
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
    """Result of the first pass. `wait_ns`: how long after its hearing time the slowest packet arrived."""

    stories: dict[int, TrackStory]
    breaks: tuple[Incident, ...]
    problems: tuple[Problem, ...]
    wait_ns: int
    last_ns: int


@dataclass(slots=True)
class _Notes:
    track: RecordedTrack
    clock: ClockSurvey
    spans: list[list[int]] = field(default_factory=list)
    keys: list[tuple[int, int, int | None]] = field(default_factory=list)
    mutes: list[tuple[int, bool]] = field(default_factory=list)


def survey_recording(recording: Recording, *, progress: Callable[[float], None]) -> Survey:
    """Read the whole recording once. Damage becomes problems and breaks, never an error."""
    return _Surveyor(recording).run(progress)


def replay(
    recording: Recording, *, on_problem: Callable[[Problem], None] | None = None
) -> Iterator[tuple[int, Record | Damage | None]]:
    """Every good record with its hearing time, in order of writing; damaged stretches in between, None = segment gone.

    One segment is in memory at a time.
    """
    for segment in recording.manifest.segments:
        try:
            data = (recording.folder / segment.name).read_bytes()[: segment.valid_bytes]
        except OSError as error:
            if on_problem is not None:
                on_problem(Problem("segment.missing", f"{segment.name}: {error.strerror}"))
            yield segment.last_ns, None
            continue
        at_ns = segment.first_ns
        for item in scan(data):
            if isinstance(item, Record):
                at_ns = recording.clock.elapsed_ns(segment.run, item.at_ns)
            elif on_problem is not None:
                on_problem(_damage_problem(segment, item))
            yield at_ns, item


def _damage_problem(segment: SealedSegment, damage: Damage) -> Problem:
    return Problem(
        "segment.damaged", f"{segment.name}: {damage.length} bytes at {damage.offset} cannot be read"
    )


class _Surveyor:
    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._notes = {
            track.number: _Notes(
                track, ClockSurvey(clock_rate_hz=track.info.clock_rate_hz, sender=track.info.identity)
            )
            for track in recording.tracks
        }
        self._breaks: list[Incident] = []
        self._problems: list[Problem] = []

    def run(self, progress: Callable[[float], None]) -> Survey:
        duration_ns = max(self._recording.duration_ns, 1)
        last_good_ns, is_broken = 0, False
        for at_ns, item in replay(self._recording, on_problem=self._problems.append):
            if not isinstance(item, Record):
                is_broken = True
                continue
            if is_broken and not item.repeated and item.kind not in (RecordKind.SEGMENT, RecordKind.SEAL):
                self._breaks.append(Incident("damage", last_good_ns, max(at_ns, last_good_ns), ""))
                is_broken = False
            # What opens a segment repeats what was known before, under the times it had then.
            last_good_ns = max(last_good_ns, at_ns)
            self._take(item, at_ns)
            if item.kind == RecordKind.SEGMENT:
                progress(min(last_good_ns / duration_ns, 1.0))
        if is_broken:
            self._breaks.append(Incident("damage", last_good_ns, max(duration_ns, last_good_ns), ""))
        return self._settle(last_good_ns)

    def _take(self, record: Record, at_ns: int) -> None:
        notes = self._notes.get(record.track)
        if notes is None:
            return
        if record.kind == RecordKind.PACKET:
            self._take_packet(notes, record.payload, at_ns)
        elif record.kind == RecordKind.REPORT:
            ntp, rtp_timestamp = REPORT.unpack(record.payload)
            notes.clock.report(ntp, rtp_timestamp, at_ns)
        elif record.kind == RecordKind.EVENT and not record.repeated:
            event = record.json().get("event")
            if event in ("muted", "unmuted"):
                notes.mutes.append((at_ns, event == "muted"))

    def _take_packet(self, notes: _Notes, raw: bytes, at_ns: int) -> None:
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

    def _settle(self, last_ns: int) -> Survey:
        clocks = settle_clocks([notes.clock for notes in self._notes.values()])
        stories: dict[int, TrackStory] = {}
        wait_ns = 0
        for (number, notes), clock in zip(self._notes.items(), clocks, strict=True):
            wait_ns = max(wait_ns, notes.clock.worst_wait_ns(clock))
            stories[number] = TrackStory(
                track=notes.track,
                clock=clock,
                spans=tuple((first, last) for first, last in notes.spans),
                key_frames=tuple(KeyFrame(clock.hearing_ns(ts, at), height) for ts, at, height in notes.keys),
                mutes=tuple(notes.mutes),
            )
        return Survey(
            stories, tuple(self._breaks), tuple(self._problems), min(wait_ns, LONGEST_WAIT_NS), last_ns
        )
