"""Keeps book of a recording, record by record: tracks, gaps, pauses, marks, incidents.

The writer feeds it while the hearing runs, and a reader feeds it from the files; both give the same manifest.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from recorder.account.cause_spans import CauseSpan
from recorder.account.gaps import TrackLedger
from recorder.account.manifest import (
    Gap,
    GapCause,
    Incident,
    Manifest,
    Mark,
    Pause,
    RecordedTrack,
    SealedSegment,
)
from recorder.clock import ClockRun, ClockStep, HearingClock
from recorder.folder import SegmentFile
from recorder.journal import ANCHOR, Damage, Record, RecordKind
from recorder.writing.segment_book import SegmentBook
from signaling.sink import TrackInfo

CLOCK_STEP_NS = 500_000_000  # smaller differences are the slewing of a time daemon, not a step
PAUSE_CAUSES = {"recess": GapCause.RECESS, "closed_exhibit": GapCause.POLICY, "mediation": GapCause.POLICY}


@dataclass(slots=True)
class _Track:
    ledger: TrackLedger
    ended_ns: int | None = None
    end_cause: str = ""
    given_up: list[CauseSpan] = field(default_factory=list)

    def end(self, at_ns: int, cause: str) -> None:
        """The track is over; of its ledger only the holes stay."""
        self.ended_ns, self.end_cause = at_ns, cause
        self.ledger.end(at_ns)


@dataclass(frozen=True, slots=True)
class SegmentHeader:
    """The first record of a segment. `previous_*` are 0 and empty strings in the first one."""

    recording_id: str
    number: int
    run: ClockRun
    previous_number: int
    previous_sha256: str
    previous_bytes: int
    next_track: int

    def to_json(self) -> dict[str, Any]:
        """Content of the SEGMENT record; numbers beyond 2^53 as strings."""
        return {
            "format": 1,
            "recording_id": self.recording_id,
            "segment": self.number,
            "run": self.run.run,
            "boot_id": self.run.boot_id,
            "monotonic_ns": str(self.run.monotonic_ns),
            "utc_ns": str(self.run.utc_ns),
            "elapsed_ns": self.run.elapsed_ns,
            "previous": self.previous_number,
            "previous_sha256": self.previous_sha256,
            "previous_bytes": self.previous_bytes,
            "next_track": self.next_track,
        }

    @staticmethod
    def from_record(record: Record) -> SegmentHeader:
        """Parse a SEGMENT record. ValueError when it is none or of an unknown format."""
        if record.kind != RecordKind.SEGMENT:
            raise ValueError("not a segment header")
        content = record.json()
        try:
            if content["format"] != 1:
                raise ValueError(f"journal format {content['format']}")
            run = ClockRun(
                content["run"],
                content["boot_id"],
                int(content["monotonic_ns"]),
                int(content["utc_ns"]),
                content["elapsed_ns"],
            )
            return SegmentHeader(
                content["recording_id"],
                content["segment"],
                run,
                content["previous"],
                content["previous_sha256"],
                content["previous_bytes"],
                content["next_track"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"segment header: {error!r}") from error


class Inventory:
    """Book of one recording. Times given to it are on the hearing clock, packets in the order of arrival.

    `first_track`: the first number that no earlier run has used, when the book begins in the middle.
    """

    def __init__(self, first_track: int = 1) -> None:
        self._first_track = first_track
        self.recording_id = ""
        self.last_ns = 0
        self.closed = False
        self._runs: list[ClockRun] = []
        self._steps: list[ClockStep] = []
        self._offset_ns = 0
        self._segments = SegmentBook()
        self._tracks: dict[int, _Track] = {}
        self.ledgers: dict[
            int, TrackLedger
        ] = {}  # by track number; the writer counts packets straight into them
        self._pauses: list[Pause] = []
        self._marks: list[Mark] = []
        self._incidents: list[Incident] = []

    @property
    def segments(self) -> Sequence[SealedSegment]:
        """Segments told so far."""
        return self._segments

    @property
    def last_run(self) -> ClockRun | None:
        """The newest run, None before the first."""
        return self._runs[-1] if self._runs else None

    @property
    def next_track(self) -> int:
        """A track number never used in this recording."""
        return max(self._first_track, max(self._tracks, default=0) + 1)

    @property
    def paused(self) -> str:
        """Code of the pause in force, or an empty string."""
        return self._pauses[-1].code if self._pauses and self._pauses[-1].until_ns is None else ""

    def track_bytes(self) -> dict[int, int]:
        """RTP bytes taken so far by track number."""
        return {number: track.ledger.payload_bytes for number, track in self._tracks.items()}

    def live_tracks(self) -> list[tuple[int, TrackInfo, int]]:
        """(number, info, started_ns) of every track that has not ended."""
        return [
            (number, track.ledger.info, track.ledger.started_ns)
            for number, track in self._tracks.items()
            if track.ended_ns is None
        ]

    def begin_run(self, run: ClockRun) -> None:
        """A process begins to write. What the one before left open ends with a crash, or stays closed."""
        if self._runs:
            kind = "reopened" if self.closed else "crash"
            until_ns = max(run.elapsed_ns, self.last_ns)
            self._incidents.append(Incident(kind, self.last_ns, until_ns, ""))
            self._end_all(kind)
        self.closed = False
        self._offset_ns = 0
        self._runs.append(run)
        self.last_ns = max(self.last_ns, run.elapsed_ns)

    def add_segment(self, segment: SealedSegment) -> None:
        """A segment is complete on disk."""
        self._segments.append(segment)

    def rename_segment(self, old: str, name: str, size_bytes: int) -> None:
        """A segment that could not be renamed or cut at its time was so later."""
        self._segments.rename(old, name, size_bytes)

    def packet(self, track: int, at_ns: int, data: bytes) -> None:
        """One RTP packet. An unknown track number (its TRACK record was damaged) is passed over."""
        known = self._tracks.get(track)
        if known is not None:
            known.ledger.packet(at_ns, data)
        if at_ns > self.last_ns:
            self.last_ns = at_ns

    def take(self, kind: int, track: int, at_ns: int, payload: bytes) -> None:
        """Any record but PACKET, not a repeated one."""
        at_ns = max(at_ns, 0)
        self.last_ns = max(self.last_ns, at_ns)
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, track, at_ns, payload)

    def damage(self, from_ns: int, until_ns: int, detail: str) -> None:
        """A stretch of the journal cannot be read."""
        self._incidents.append(Incident("damage", from_ns, until_ns, detail))

    def manifest(self) -> Manifest:
        """The book as it stands. Changes nothing."""
        gaps: list[Gap] = []
        tracks: list[RecordedTrack] = []
        for number, track in sorted(self._tracks.items()):
            found = self._gaps_of(number, track)
            gaps.extend(found)
            tracks.append(self._recorded(number, track, sum(gap.until_ns - gap.from_ns for gap in found)))
        return Manifest(
            recording_id=self.recording_id,
            duration_ns=self.last_ns,
            closed=self.closed,
            runs=tuple(self._runs),
            clock_steps=tuple(self._steps),
            segments=tuple(self._segments),
            tracks=tuple(tracks),
            gaps=tuple(gaps),
            pauses=tuple(self._pauses),
            marks=tuple(self._marks),
            incidents=tuple(self._incidents),
        )

    def _recorded(self, number: int, track: _Track, gap_ns: int) -> RecordedTrack:
        ledger = track.ledger
        return RecordedTrack(
            number=number,
            info=ledger.info,
            started_ns=ledger.started_ns,
            ended_ns=self._ended_ns(track),
            end_cause=track.end_cause,
            packets=ledger.packets,
            payload_bytes=ledger.payload_bytes,
            lost_packets=ledger.lost_packets,
            recorded_ns=self.last_ns - gap_ns,
            gap_ns=gap_ns,
        )

    def _ended_ns(self, track: _Track) -> int:
        return self.last_ns if track.ended_ns is None else track.ended_ns

    def _gaps_of(self, number: int, track: _Track) -> list[Gap]:
        pauses = [
            CauseSpan(
                pause.from_ns,
                self.last_ns if pause.until_ns is None else pause.until_ns,
                PAUSE_CAUSES.get(pause.code, GapCause.POLICY),
                pause.code,
            )
            for pause in self._pauses
        ]
        away = self._away_after_crash(track)
        layers = [pauses, track.given_up]
        return track.ledger.gaps(number, self._ended_ns(track), track.end_cause, self.last_ns, layers, away)

    def _away_after_crash(self, track: _Track) -> list[CauseSpan]:
        """After a crash the gap lasts until the same person's same source is back."""
        if track.end_cause != "crash" or track.ended_ns is None:
            return []
        info, back_ns = track.ledger.info, self.last_ns
        for other in self._tracks.values():
            twin = other.ledger.info
            same = (twin.identity, twin.source, twin.layer) == (info.identity, info.source, info.layer)
            if same and other.ledger.started_ns >= track.ended_ns and other is not track:
                back_ns = min(back_ns, other.ledger.started_ns)
        return [CauseSpan(track.ended_ns, back_ns, GapCause.CRASH, "crash")]

    def _end_all(self, cause: str) -> None:
        for track in self._tracks.values():
            if track.ended_ns is None:
                track.end(self.last_ns, cause)

    def _take_track(self, track: int, at_ns: int, payload: bytes) -> None:
        if track not in self._tracks:
            ledger = TrackLedger(_info(payload), at_ns)
            self._tracks[track], self.ledgers[track] = _Track(ledger), ledger

    def _take_event(self, track: int, at_ns: int, payload: bytes) -> None:
        if track in self._tracks:
            self._tracks[track].ledger.event(json.loads(payload)["event"], at_ns)

    def _take_track_end(self, track: int, at_ns: int, payload: bytes) -> None:
        known = self._tracks.get(track)
        if known is not None and known.ended_ns is None:
            known.end(at_ns, json.loads(payload)["cause"])

    def _take_anchor(self, track: int, at_ns: int, payload: bytes) -> None:
        utc_ns, _ = ANCHOR.unpack(payload)
        offset_ns = utc_ns - HearingClock(tuple(self._runs[-1:])).utc_ns(at_ns)
        if abs(offset_ns - self._offset_ns) >= CLOCK_STEP_NS:
            self._steps.append(ClockStep(at_ns, offset_ns - self._offset_ns))
            self._offset_ns = offset_ns

    def _take_pause(self, track: int, at_ns: int, payload: bytes) -> None:
        if not self.paused:
            self._pauses.append(Pause(json.loads(payload)["code"], at_ns, None))

    def _take_resume(self, track: int, at_ns: int, payload: bytes) -> None:
        if self.paused:
            last = self._pauses[-1]
            self._pauses[-1] = Pause(last.code, last.from_ns, max(at_ns, last.from_ns))

    def _take_mark(self, track: int, at_ns: int, payload: bytes) -> None:
        content = json.loads(payload)
        self._marks.append(Mark(content["kind"], content["text"], at_ns))

    def _take_gap(self, track: int, at_ns: int, payload: bytes) -> None:
        """What the recorder gave up on one track (disk, overload); with track 0 an incident without loss."""
        content = json.loads(payload)
        cause, from_ns, until_ns = GapCause(content["cause"]), content["from_ns"], content["until_ns"]
        detail = content.get("detail", "")
        if track in self._tracks:
            self._tracks[track].given_up.append(CauseSpan(from_ns, until_ns, cause, detail))
        else:
            self._incidents.append(Incident(cause.value, from_ns, until_ns, detail))

    def _take_close(self, track: int, at_ns: int, payload: bytes) -> None:
        self.closed = True
        self._end_all("closed")


def _info(payload: bytes) -> TrackInfo:
    """A track's description; the words that every track of a person repeats are kept once."""
    content: dict[str, Any] = json.loads(payload)
    words = {key: sys.intern(value) for key, value in content.items() if isinstance(value, str)}
    return TrackInfo(**content | words)


_HANDLERS: dict[int, Callable[[Inventory, int, int, bytes], None]] = {
    RecordKind.TRACK: Inventory._take_track,
    RecordKind.EVENT: Inventory._take_event,
    RecordKind.TRACK_END: Inventory._take_track_end,
    RecordKind.ANCHOR: Inventory._take_anchor,
    RecordKind.PAUSE: Inventory._take_pause,
    RecordKind.RESUME: Inventory._take_resume,
    RecordKind.MARK: Inventory._take_mark,
    RecordKind.GAP: Inventory._take_gap,
    RecordKind.CLOSE: Inventory._take_close,
}


def read_into(inventory: Inventory, file: SegmentFile, data: bytes, items: Sequence[Record | Damage]) -> bool:
    """Feed one segment's scan, already limited to its valid bytes. False when it has no readable header."""
    records = [item for item in items if isinstance(item, Record)]
    try:
        header = SegmentHeader.from_record(records[0])
    except (IndexError, ValueError):
        return False
    if inventory.last_run is None or inventory.last_run.run != header.run.run:
        inventory.begin_run(header.run)
    inventory.recording_id = header.recording_id
    run = header.run.run
    first_ns = last_ns = None
    broken_since_ns: int | None = None
    shift_ns = header.run.elapsed_ns - header.run.monotonic_ns
    for item in items:
        if isinstance(item, Damage):
            broken_since_ns = inventory.last_ns
            continue
        at_ns = item.at_ns + shift_ns
        if broken_since_ns is not None:
            inventory.damage(broken_since_ns, at_ns, file.name)
            broken_since_ns = None
        if not item.repeated and item.kind != RecordKind.SEGMENT:
            first_ns = at_ns if first_ns is None else first_ns
            last_ns = at_ns
        if item.kind == RecordKind.PACKET:
            inventory.packet(item.track, at_ns, item.payload)
        elif not item.repeated or item.kind == RecordKind.TRACK:
            inventory.take(item.kind, item.track, at_ns, item.payload)
    if broken_since_ns is not None:
        inventory.damage(broken_since_ns, inventory.last_ns, file.name)
    packets = sum(record.kind == RecordKind.PACKET for record in records)
    inventory.add_segment(
        SealedSegment(
            number=file.number,
            name=file.name,
            run=run,
            size_bytes=file.path.stat().st_size,
            valid_bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            previous_sha256=header.previous_sha256,
            first_ns=max(first_ns or 0, 0),
            last_ns=max(last_ns or 0, 0),
            records=len(records),
            packets=packets,
        )
    )
    return True
