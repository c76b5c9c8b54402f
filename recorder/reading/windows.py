"""Reads stretches of a journal for the film: segments by time, each decoded once and kept for a while.

Neighbouring sections of a film look at overlapping windows; what was read for one is there for the next.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from recorder.account.manifest import Incident, RecordedTrack, SealedSegment
from recorder.codecs.frame_formats import key_frame_start
from recorder.codecs.rtp_order import parse_rtp
from recorder.film.survey import KeyFrame, Problem
from recorder.journal import Damage, Record, RecordKind, scan
from recorder.reading.recording import Recording

NS_PER_S = 1_000_000_000
# Clocks look 15 s around each moment (track_clock: reach 10 s, smoothing 5 s); a few seconds for the segments' edges.
BEFORE_NS = 18 * NS_PER_S
AFTER_NS = 15 * NS_PER_S
# A window is 49 s, segments are 2-5 s; nine people with three layers write 3 MB/s: 150 MB.
KEPT_SEGMENTS = 28

# Where there are no segments: about as long as one.
_CHUNK_NS = 4 * NS_PER_S

# Segment number and index of the record in it.
JournalPlace: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ReadSegment:
    """One segment, decoded. `records` on the hearing clock; `breaks`: stretches that cannot be read."""

    number: int
    records: tuple[tuple[int, Record], ...]
    breaks: tuple[Incident, ...]
    problems: tuple[Problem, ...]


class SegmentReader:
    """Decoded segments of one recording, the latest used kept."""

    def __init__(self) -> None:
        self._sweep: _Sweep | None = None
        self._keys: dict[tuple[int, str], dict[int, list[tuple[int, int, int | None]]]] = {}
        self._kept: OrderedDict[tuple[int, str, int], ReadSegment] = OrderedDict()

    def read(self, recording: Recording, segment: SealedSegment) -> ReadSegment:
        """The segment as its digest knows it; damage and a missing file are told, never raised."""
        key = (segment.number, segment.sha256, segment.valid_bytes)
        known = self._kept.pop(key, None)
        if known is None:
            known = _read(recording, segment) if segment.name else self._swept(recording, segment)
            while len(self._kept) >= KEPT_SEGMENTS:
                self._kept.popitem(last=False)
        self._kept[key] = known
        return known

    def _swept(self, recording: Recording, segment: SealedSegment) -> ReadSegment:
        if self._sweep is None or not self._sweep.can_give(recording, segment.number):
            self._sweep = _Sweep(recording)
        return ReadSegment(segment.number, self._sweep.chunk(segment.number), (), ())

    def between(self, recording: Recording, from_ns: int, until_ns: int) -> Iterator[ReadSegment]:
        """Every segment that holds anything of a stretch of hearing time, in order."""
        for segment in segments_between(recording, from_ns, until_ns):
            yield self.read(recording, segment)

    def last_key_before(
        self, recording: Recording, track: RecordedTrack, before_ns: int
    ) -> tuple[KeyFrame, JournalPlace] | None:
        """The last key frame of a video track that began to arrive before a moment, searched backwards.

        Its time is that of arrival: good enough to say "before".
        """
        for segment in reversed(segments_between(recording, track.started_ns, before_ns)):
            keys = self._keys_of(recording, segment).get(track.number, ())
            for at_ns, index, height_px in reversed(keys):
                if at_ns < before_ns:
                    return KeyFrame(at_ns, height_px), (segment.number, index)
        return None

    def _keys_of(
        self, recording: Recording, segment: SealedSegment
    ) -> dict[int, list[tuple[int, int, int | None]]]:
        """Key frames (arrival, record, height) by track; kept for all segments, so that each is searched once."""
        known = self._keys.get((segment.number, segment.sha256))
        if known is not None:
            return known
        codecs = {track.number: track.info.codec for track in recording.tracks if track.info.kind == "video"}
        found: dict[int, list[tuple[int, int, int | None]]] = {}
        for index, (at_ns, record) in enumerate(self.read(recording, segment).records):
            if record.kind != RecordKind.PACKET or record.track not in codecs:
                continue
            packet = parse_rtp(record.payload, at_ns)
            if packet is None or not packet.payload:
                continue
            begins, size_px = key_frame_start(codecs[record.track], packet.payload)
            if begins:
                found.setdefault(record.track, []).append((at_ns, index, size_px[1] if size_px else None))
        self._keys[segment.number, segment.sha256] = found
        return found


def segments_of(recording: Recording) -> tuple[SealedSegment, ...]:
    """The segments; of a record read from two journals at once, stretches of time in their place (without a name)."""
    manifest = recording.manifest
    if manifest.segments:
        return manifest.segments
    root = manifest.root_sha256
    return tuple(
        SealedSegment(number, "", 0, 0, 0, root, "", number * _CHUNK_NS, (number + 1) * _CHUNK_NS - 1, 0, 0)
        for number in range(manifest.duration_ns // _CHUNK_NS + 1)
    )


class _Sweep:
    """Goes once through a record that can only be read from its beginning; what was passed long ago is gone."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._records = iter(recording.records())
        self._chunks: OrderedDict[int, list[tuple[int, Record]]] = OrderedDict()
        self._reached = self._gone = -1

    def can_give(self, recording: Recording, number: int) -> bool:
        """Not when it was passed, or when it is of another record."""
        return recording == self._recording and number > self._gone

    def chunk(self, number: int) -> tuple[tuple[int, Record], ...]:
        """The records of one stretch. Late ones within a stretch of it are still found."""
        while self._reached <= number + 1:
            timed = next(self._records, None)
            if timed is None:
                break
            at = max(timed.elapsed_ns // _CHUNK_NS, 0)
            self._reached = max(self._reached, at)
            if at > self._gone:
                self._chunks.setdefault(at, []).append((timed.elapsed_ns, timed.record))
            while len(self._chunks) > KEPT_SEGMENTS:
                oldest = min(self._chunks)
                del self._chunks[oldest]
                self._gone = max(self._gone, oldest)
        return tuple(self._chunks.get(number, ()))


def segments_between(recording: Recording, from_ns: int, until_ns: int) -> list[SealedSegment]:
    """Segments that hold anything of [from, until), in order."""
    return [
        segment
        for segment in segments_of(recording)
        if segment.first_ns < until_ns and segment.last_ns >= from_ns
    ]


def _read(recording: Recording, segment: SealedSegment) -> ReadSegment:
    try:
        data = (recording.folder / segment.name).read_bytes()[: segment.valid_bytes]
    except OSError as error:
        gone = Incident("damage", segment.first_ns, segment.last_ns, segment.name)
        problem = Problem("segment.missing", f"{segment.name}: {error.strerror}")
        return ReadSegment(segment.number, (), (gone,), (problem,))
    clock, run = recording.clock, segment.run
    shift_ns = clock.elapsed_ns(run, 0)
    records: list[tuple[int, Record]] = []
    breaks: list[Incident] = []
    problems: list[Problem] = []
    good_ns, is_broken = segment.first_ns, False
    for item in scan(data):
        if isinstance(item, Damage):
            is_broken = True
            detail = f"{segment.name}: {item.length} bytes at {item.offset} cannot be read"
            problems.append(Problem("segment.damaged", detail))
            continue
        at_ns = item.at_ns + shift_ns
        if not item.repeated and item.kind not in (RecordKind.SEGMENT, RecordKind.SEAL):
            # What opens a segment repeats what was known before, under the times it had then.
            if is_broken:
                breaks.append(Incident("damage", good_ns, max(at_ns, good_ns), segment.name))
                is_broken = False
            good_ns = max(good_ns, at_ns)
        records.append((at_ns, item))
    if is_broken:
        breaks.append(Incident("damage", good_ns, max(segment.last_ns, good_ns), segment.name))
    return ReadSegment(segment.number, tuple(records), tuple(breaks), tuple(problems))
