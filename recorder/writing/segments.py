"""The chain of segment files while it is written: append, sync, seal, and go on after the disk refused.

A segment that failed once is given up: it counts as far as its last good sync, and the records written since then
(kept in memory until they are synced) are written again at the head of the next segment, whose header says where
the one before ends. Until that next segment is synced once, nothing of the memory is let go, so a disk that fails
for a while costs no packet as long as the memory's bound is not reached.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path

from recorder.account.inventory import SegmentHeader
from recorder.account.manifest import SealedSegment
from recorder.clock import ClockRun
from recorder.durable import Disk
from recorder.folder import JOURNAL_FOLDER, open_segment_path, sealed_segment_path
from recorder.journal import RecordKind, encode_json


class Batch:
    """Encoded records with what the segment's line in the manifest needs to know about them."""

    __slots__ = ("content", "first_ns", "last_ns", "packets", "records", "weight_bytes")

    def __init__(
        self, content: bytes, records: int, packets: int, first_ns: int, last_ns: int, weight_bytes: int = 0
    ) -> None:
        self.content = content
        self.records = records
        self.packets = packets
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.weight_bytes = weight_bytes  # what the queue counted for it


class _OpenSegment:
    """The file being written, with its digest and counts at the last good sync."""

    def __init__(self, number: int, path: Path, fd: int, previous_sha256: str) -> None:
        self.number = number
        self.path = path
        self.fd = fd
        self.previous_sha256 = previous_sha256
        self.digest = hashlib.sha256()
        self.unsynced: list[Batch] = []
        self.synced = SegmentCounts(0, 0, 0, -1, -1, self.digest)
        self.counts = self.synced

    def wrote(self, batch: Batch) -> None:
        self.digest.update(batch.content)
        self.unsynced.append(batch)
        self.counts = self.counts.plus(batch, self.digest)


class SegmentCounts:
    """Running totals of one segment; immutable by use."""

    __slots__ = ("digest", "first_ns", "last_ns", "packets", "records", "size_bytes")

    def __init__(
        self, size_bytes: int, records: int, packets: int, first_ns: int, last_ns: int, digest: hashlib._Hash
    ) -> None:
        self.size_bytes = size_bytes
        self.records = records
        self.packets = packets
        self.first_ns = first_ns
        self.last_ns = last_ns
        self.digest = digest

    def plus(self, batch: Batch, digest: hashlib._Hash) -> SegmentCounts:
        """These and one batch; a batch of repeated records only (first_ns < 0) moves no times."""
        timed = batch.first_ns >= 0
        first_ns = batch.first_ns if timed and self.first_ns < 0 else self.first_ns
        last_ns = batch.last_ns if timed else self.last_ns
        return SegmentCounts(
            self.size_bytes + len(batch.content),
            self.records + batch.records,
            self.packets + batch.packets,
            first_ns,
            last_ns,
            digest,
        )


class SegmentChain:
    """Writes one run's segments into a recording's folder. Used by one thread. Methods raise OSError.

    `previous`: number, SHA-256 and length of the last segment there is. `preface` gives the records that stand at the
    head of every segment (live tracks, a pause in force), `next_track` the first track number not used yet.
    """

    def __init__(
        self,
        folder: Path,
        disk: Disk,
        recording_id: str,
        run: ClockRun,
        previous: tuple[int, str, int],
        preface: Callable[[], Batch],
        next_track: Callable[[], int],
    ) -> None:
        self._folder = folder
        self._disk = disk
        self._recording_id = recording_id
        self._run = run
        self._preface = preface
        self._next_track = next_track
        self._previous = previous
        self._next_number = self._previous[0] + 1
        self._open: _OpenSegment | None = None
        self._backlog: list[Batch] = []  # not yet in any segment that was synced once
        self.new_segments: list[SealedSegment] = []  # sealed or given up since the caller last emptied it
        self.settled_weight_bytes = 0  # weight of all batches that are durable
        self.synced_bytes = 0  # bytes of this run that are durable

    @property
    def open_bytes(self) -> int:
        """Bytes written to the open segment."""
        return self._open.counts.size_bytes if self._open is not None else 0

    def skip_to(self, number: int) -> None:
        """Use no number below `number`: files of these numbers lie in the folder."""
        self._next_number = max(self._next_number, number)

    @property
    def open_number(self) -> int:
        """Number of the segment being written, or of the next one."""
        return self._open.number if self._open is not None else self._next_number

    def take(self, batch: Batch) -> None:
        """Keep `batch` in memory until it is durable. Writes nothing yet."""
        self._backlog.append(batch)

    def ensure_open(self) -> None:
        """Begin a segment where none is open. Before new records are taken, so that its preface tells of before."""
        if self._open is None:
            self._begin()

    def flush(self) -> None:
        """Write all that was taken."""
        self.ensure_open()
        segment = self._open
        assert segment is not None
        while self._backlog:
            waiting = self._backlog[0]
            try:
                self._disk.write(segment.fd, waiting.content)
            except OSError:
                self._give_up()
                raise
            segment.wrote(self._backlog.pop(0))

    def sync(self) -> None:
        """Everything written is durable when this returns."""
        segment = self._open
        if segment is None or not segment.unsynced:
            return
        try:
            self._disk.sync_data(segment.fd)
        except OSError:
            self._give_up()
            raise
        self._settle(segment)

    def seal(self) -> None:
        """Sync, rename, and note the segment. The next flush begins a new one."""
        segment = self._open
        if segment is None:
            return
        counts = {"records": segment.counts.records, "packets": segment.counts.packets}
        stamp_ns = self._run.monotonic_ns + max(segment.counts.last_ns - self._run.elapsed_ns, 0)
        content = encode_json(RecordKind.SEAL, 0, stamp_ns, counts)
        self.take(Batch(content, 1, 0, -1, -1))
        self.flush()
        self.sync()
        self._open = None
        with contextlib.suppress(OSError):  # the contents are durable; a close that fails loses nothing
            self._disk.close(segment.fd)
        sealed = sealed_segment_path(self._folder, segment.number)
        try:
            self._disk.rename(segment.path, sealed)
        except OSError:
            self._note(segment, segment.path, segment.synced.size_bytes)
            raise
        self._note(segment, sealed, segment.synced.size_bytes)
        self._disk.sync_folder(sealed.parent)

    def _begin(self) -> None:
        number, (before, sha256, valid_bytes) = self._next_number, self._previous
        path = open_segment_path(self._folder, number)
        next_track = self._next_track()
        header = SegmentHeader(self._recording_id, number, self._run, before, sha256, valid_bytes, next_track)
        content = encode_json(RecordKind.SEGMENT, 0, self._run.monotonic_ns, header.to_json())
        segment = _OpenSegment(number, path, self._disk.create(path), sha256)
        self._open = segment
        preface = self._preface()
        first = Batch(content + preface.content, 1 + preface.records, 0, -1, -1)
        try:
            self._disk.write(segment.fd, first.content)
            segment.wrote(first)
            self._disk.sync_folder(path.parent)
        except OSError:
            self._give_up()
            raise

    def _settle(self, segment: _OpenSegment) -> None:
        before = segment.synced.size_bytes
        self.settled_weight_bytes += sum(batch.weight_bytes for batch in segment.unsynced)
        segment.unsynced.clear()
        segment.synced = segment.counts.plus(Batch(b"", 0, 0, -1, -1), segment.digest.copy())
        self.synced_bytes += segment.synced.size_bytes - before

    def _give_up(self) -> None:
        """Leave the open segment at its last good sync; what came after goes back to the head of the backlog."""
        segment, self._open = self._open, None
        if segment is None:
            return
        self._backlog = [batch for batch in [*segment.unsynced, *self._backlog] if batch.first_ns >= 0]
        with contextlib.suppress(OSError):
            self._disk.close(segment.fd)
        valid_bytes = segment.synced.size_bytes
        if valid_bytes == 0:
            return  # never adopted: the next attempt empties the same file and begins again
        place, size_bytes = segment.path, valid_bytes
        with contextlib.suppress(OSError):
            size_bytes = self._disk.size_bytes(segment.path)
        try:
            self._disk.truncate(segment.path, valid_bytes)
            size_bytes = valid_bytes
            place = sealed_segment_path(self._folder, segment.number)
            self._disk.rename(segment.path, place)
        except OSError:
            place = segment.path if size_bytes != valid_bytes or segment.path.exists() else place
        self._note(segment, place, size_bytes)

    def _note(self, segment: _OpenSegment, path: Path, size_bytes: int) -> None:
        counts = segment.synced
        sha256 = counts.digest.hexdigest()
        self._previous = (segment.number, sha256, counts.size_bytes)
        self._next_number = segment.number + 1
        self.new_segments.append(
            SealedSegment(
                number=segment.number,
                name=f"{JOURNAL_FOLDER}/{path.name}",
                run=self._run.run,
                size_bytes=size_bytes,
                valid_bytes=counts.size_bytes,
                sha256=sha256,
                previous_sha256=segment.previous_sha256,
                first_ns=max(counts.first_ns, 0),
                last_ns=max(counts.last_ns, 0),
                records=counts.records,
                packets=counts.packets,
            )
        )
