"""Writes what two recorders hold together as a journal of its own: derived, in the same format, for every reader.

Made only where neither recorder holds all. It can be thrown away and made again; the two journals are the record.
"""

from __future__ import annotations

from pathlib import Path

from recorder.account.inventory import Inventory
from recorder.account.manifest import Manifest
from recorder.clock import ClockRun
from recorder.durable import Disk
from recorder.folder import JOURNAL_FOLDER, MANIFEST_NAME
from recorder.journal import Record, RecordKind, compact_json, encode_record
from recorder.reading.recording import take_inventory
from recorder.union.union_clock import UnionClock
from recorder.union.union_gaps import CommonGap
from recorder.union.union_merge import Told
from recorder.writing.segments import Batch, SegmentChain
from recorder.writing.writer import preface

SEGMENT_NS = 3_000_000_000  # as long as the recorders' own


class UnionJournal:
    """One writing of the merged journal into a new folder. Methods raise OSError."""

    def __init__(self, folder: Path, recording_id: str, clock: UnionClock, disk: Disk) -> None:
        disk.make_folder(folder / JOURNAL_FOLDER)
        self._folder = folder
        self._recording_id = recording_id
        self._clock = clock
        self._disk = disk
        self._inventory = Inventory()
        self._inventory.recording_id = recording_id
        self._chain: SegmentChain | None = None
        self._run: ClockRun | None = None
        self._previous = (0, "", 0)
        self._records: list[bytes] = []
        self._notes: list[tuple[Record, int]] = []
        self._packets = 0
        self._times: list[int] = []
        self._begun_ns = 0

    def take(self, told: Told) -> None:
        """One record in order."""
        while self._run is None or self._run.run <= told.run:
            self._begin(0 if self._run is None else self._run.run)
        assert self._run is not None
        if self._records and told.at_ns - self._begun_ns > SEGMENT_NS:
            self._seal()
        if not self._records:
            self._begun_ns = told.at_ns
        self._put(told.record, told.at_ns)

    def finish(self, gaps: list[CommonGap], end_ns: int) -> Manifest:
        """The common gaps, the last moment, and the manifest."""
        assert self._run is not None
        for gap in gaps:
            content = compact_json({**gap.content, "from_ns": gap.from_ns, "until_ns": gap.until_ns})
            self._put(
                Record(RecordKind.GAP, gap.track, 0, content, 0, False),
                max(gap.until_ns, self._run.elapsed_ns),
            )
        self._put(Record(RecordKind.HEARTBEAT, 0, 0, b"", 0, False), end_ns)
        self._seal()
        manifest = take_inventory(self._folder)
        self._disk.replace_file(self._folder / MANIFEST_NAME, manifest.to_json().encode())
        return manifest

    def _begin(self, place: int) -> None:
        if self._run is not None:
            self._put(Record(RecordKind.HEARTBEAT, 0, 0, b"", 0, False), self._clock.ends_ns[place - 1])
            self._seal()
        run = self._clock.runs[place]
        self._inventory.begin_run(run)
        inventory = self._inventory
        self._run = run
        self._chain = SegmentChain(
            self._folder,
            self._disk,
            self._recording_id,
            run,
            self._previous,
            lambda: preface(inventory, run),
            lambda: inventory.next_track,
        )

    def _put(self, record: Record, at_ns: int) -> None:
        run = self._run
        assert run is not None
        stamp_ns = max(at_ns - run.elapsed_ns + run.monotonic_ns, 0)
        self._records.append(encode_record(record.kind, record.track, stamp_ns, record.payload))
        self._times.append(at_ns)
        if record.kind == RecordKind.PACKET:
            self._packets += 1
        else:
            self._notes.append((record, at_ns))

    def _seal(self) -> None:
        chain = self._chain
        assert chain is not None
        if not self._records:
            return
        chain.ensure_open()  # its head tells of before what it holds
        for record, at_ns in self._notes:
            self._inventory.take(record.kind, record.track, at_ns, record.payload)
        count = len(self._records)
        chain.take(Batch(b"".join(self._records), count, self._packets, self._times[0], self._times[-1]))
        chain.seal()
        last = chain.new_segments[-1]
        self._previous = (last.number, last.sha256, last.valid_bytes)
        self._records, self._times, self._packets = [], [], 0
        self._notes.clear()
