"""Reading a recording back from its data files: tracks, packets, sender reports, pauses, gaps, the clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from recorder.account.inventory import Inventory, SegmentHeader, read_into
from recorder.account.manifest import Gap, Manifest, Mark, Pause, RecordedTrack
from recorder.clock import HearingClock
from recorder.folder import SegmentFile, segment_files
from recorder.journal import REPORT, Record, RecordKind, decode_record, read_segment, scan

SEGMENT_HEADER_BYTES = 4096  # a header record is a few hundred bytes


class RecordingError(ValueError):
    """The folder holds no recording that can be read."""


@dataclass(frozen=True, slots=True)
class ArrivedPacket:
    """One RTP packet. `elapsed_ns`: arrival on the hearing clock. `sequence`: extended, never wraps."""

    elapsed_ns: int
    sequence: int
    data: bytes


@dataclass(frozen=True, slots=True)
class SenderReport:
    """An RTCP sender report: at NTP time `ntp` (64-bit) the track's RTP clock said `rtp_timestamp`."""

    elapsed_ns: int
    ntp: int
    rtp_timestamp: int


@dataclass(frozen=True, slots=True)
class TimedRecord:
    """A record on the hearing clock, with the segment it stands in."""

    elapsed_ns: int
    segment: int
    record: Record


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording opened for reading. Iterating reads the files anew, one segment in memory at a time."""

    folder: Path
    manifest: Manifest

    @property
    def clock(self) -> HearingClock:
        """Hearing clock (ns since the recording began) to UTC."""
        return self.manifest.clock

    @property
    def tracks(self) -> tuple[RecordedTrack, ...]:
        """All tracks in order of their numbers."""
        return self.manifest.tracks

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """Stretches in which the record was paused by order."""
        return self.manifest.pauses

    @property
    def marks(self) -> tuple[Mark, ...]:
        """Log notes."""
        return self.manifest.marks

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """The gap ledger: per track, recorded time + gaps = duration."""
        return self.manifest.gaps

    @property
    def duration_ns(self) -> int:
        """From the first to the last record."""
        return self.manifest.duration_ns

    def records(self, *, first_segment: int = 1) -> Iterator[TimedRecord]:
        """Every good record from `first_segment` on, in the order of writing."""
        for segment in self.manifest.segments:
            if segment.number < first_segment:
                continue
            for record in read_segment(self.folder / segment.name, valid_bytes=segment.valid_bytes):
                yield TimedRecord(self.clock.elapsed_ns(segment.run, record.at_ns), segment.number, record)

    def packets(self, track: int, *, first_segment: int = 1) -> Iterator[ArrivedPacket]:
        """Packets of track number `track` in the order of arrival, duplicates and late ones included."""
        highest = -1
        for timed in self.records(first_segment=first_segment):
            if timed.record.kind == RecordKind.PACKET and timed.record.track == track:
                data = timed.record.payload
                sequence = extend_sequence(highest, data[2] << 8 | data[3])
                highest = max(highest, sequence)
                yield ArrivedPacket(timed.elapsed_ns, sequence, data)

    def sender_reports(self, track: int) -> list[SenderReport]:
        """All sender reports of track number `track`."""
        found = []
        for timed in self.records():
            if timed.record.kind == RecordKind.REPORT and timed.record.track == track:
                found.append(SenderReport(timed.elapsed_ns, *REPORT.unpack(timed.record.payload)))
        return found


def extend_sequence(highest: int, sequence: int) -> int:
    """The extended number of a 16-bit RTP sequence number nearest to `highest` (-1: none yet; RFC 3550 A.1).

    The first packet counts from one cycle up, so that a late one before it does not become negative.
    """
    if highest < 0:
        return 0x10000 + sequence
    return highest + ((sequence - highest + 0x8000) & 0xFFFF) - 0x8000


def open_recording(folder: Path) -> Recording:
    """Open a finished, crashed or still growing recording. What lies on disk at this moment counts.

    Uses `manifest.json` when there is one that fits the files, else reads all segments. RecordingError when
    no segment can be read.
    """
    files = segment_files(folder)
    if not files:
        raise RecordingError(f"no journal in {folder.name}")
    manifest = _fitting_manifest(folder, files)
    return Recording(folder, manifest if manifest is not None else take_inventory(folder))


def _fitting_manifest(folder: Path, files: list[SegmentFile]) -> Manifest | None:
    try:
        manifest = Manifest.load(folder)
    except (OSError, ValueError):
        return None
    found = [(file.name, file.path.stat().st_size) for file in files]
    stated = [(segment.name, segment.size_bytes) for segment in manifest.segments]
    return manifest if found == stated else None


def take_inventory(folder: Path) -> Manifest:
    """Read every segment and build the manifest anew. RecordingError when there is nothing to read."""
    inventory = Inventory()
    for file, data in readable_segments(folder):
        read_into(inventory, file, data, list(scan(data)))
    if not inventory.segments:
        raise RecordingError(f"no readable segment in {folder.name}")
    return inventory.manifest()


def readable_segments(folder: Path, *, last: int = 0) -> Iterator[tuple[SegmentFile, bytes]]:
    """Each segment (or the `last` so many) with its bytes as far as they count; its successor's header may end them
    earlier.
    """
    files = segment_files(folder)[-last:]
    limits = valid_lengths(files)
    for file in files:
        yield file, file.path.read_bytes()[: limits.get(file.number)]


def valid_lengths(files: Sequence[SegmentFile]) -> dict[int, int]:
    """By segment number, how many of its bytes count, as its successor's header says; the last one has none."""
    return {header.previous_number: header.previous_bytes for header in _headers(files)}


def _headers(files: Sequence[SegmentFile]) -> Iterator[SegmentHeader]:
    for file in files:
        with file.path.open("rb") as opened:
            record = decode_record(opened.read(SEGMENT_HEADER_BYTES), 0)
        if record is not None:
            with suppress(ValueError):
                yield SegmentHeader.from_record(record)
