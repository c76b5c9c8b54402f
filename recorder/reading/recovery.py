"""After a crash: cut the torn tail, seal what is good, build the manifest. The data files alone suffice.

Nothing good is ever removed: a file is cut only behind its last good record, where its successor says that it was
given up and the rest was written again, or at a hole that a power cut left in its last unsynced bytes, and then what
is behind the hole is kept aside.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from recorder.account.inventory import Inventory, SegmentHeader, read_into
from recorder.account.manifest import Manifest
from recorder.clock import ClockRun
from recorder.durable import Disk
from recorder.folder import (
    JOURNAL_FOLDER,
    MANIFEST_NAME,
    TORN_SUFFIX,
    SegmentFile,
    sealed_segment_path,
    segment_files,
)
from recorder.journal import Damage, Record, RecordKind, scan
from recorder.reading.recording import RecordingError, readable_segments

# Records wait 250 ms for their write and its sync; four times that for a disk that takes its time.
UNSYNCED_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Cut:
    """A torn tail that was cut off `segment` (name in the recording's folder)."""

    segment: str
    offset: int
    length_bytes: int


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What recovery found. `needed`: something had to be cut or sealed, or the manifest was missing."""

    needed: bool
    manifest: Manifest
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class Past:
    """Where a recording stands that is to go on. `previous`: number, SHA-256 and length of its last segment."""

    recording_id: str
    run: ClockRun
    last_ns: int
    paused: str
    next_track: int
    previous: tuple[int, str, int]
    total_bytes: int


def recover(folder: Path, *, disk: Disk | None = None) -> RecoveryReport:
    """Bring a crashed recording into order and write its manifest; a good one stays as it is.

    Not for a folder some process still writes. RecordingError when no segment can be read; OSError.
    """
    disk = disk or Disk()
    inventory = Inventory()
    cuts = seal_leftovers(folder, disk)
    _read_all(folder, inventory)
    if not inventory.segments:
        raise RecordingError(f"no readable segment in {folder.name}")
    manifest = inventory.manifest()
    content = manifest.to_json().encode()
    place = folder / MANIFEST_NAME
    needed = bool(cuts) or not place.is_file() or place.read_bytes() != content
    if needed:
        disk.replace_file(place, content)
    return RecoveryReport(needed, manifest, tuple(cuts))


def find_past(folder: Path, disk: Disk) -> Past | None:
    """Seal what a crash left and tell where to go on; None in a fresh folder. Reads the last segments only, so that a
    hearing goes on at once however long it was. RecordingError when the last segment's header is damaged; OSError.
    """
    seal_leftovers(folder, disk)
    files = segment_files(folder)
    if not files:
        return None
    last = _read_end(files[-1])
    last_ns, place = last.last_ns, len(files) - 2
    while last_ns < 0 and place >= 0:  # a crash right behind the head of a segment: its end is the one before
        last_ns, place = _read_end(files[place]).last_ns, place - 1
    total_bytes = sum(file.path.stat().st_size for file in files)
    return replace(last, last_ns=max(last_ns, 0), total_bytes=total_bytes)


def highest_number(folder: Path) -> int:
    """The highest segment number in use, torn files included; 0 in a fresh folder."""
    used = (path.stem for path in (folder / JOURNAL_FOLDER).glob("*.*"))
    return max((int(stem) for stem in used if stem.isdecimal()), default=0)


def _read_end(file: SegmentFile) -> Past:
    data = file.path.read_bytes()
    records = [item for item in scan(data) if isinstance(item, Record)]
    try:
        header = SegmentHeader.from_record(records[0])
    except (IndexError, ValueError) as error:
        raise RecordingError(f"{file.name} cannot be read: {error}") from error
    shift_ns = header.run.elapsed_ns - header.run.monotonic_ns
    paused, next_track, last_ns = "", header.next_track, -1
    for record in records[1:]:
        next_track = max(next_track, record.track + 1)
        if record.kind == RecordKind.PAUSE:
            paused = paused or record.json()["code"]
        elif record.kind == RecordKind.RESUME:
            paused = ""
        if not record.repeated:
            last_ns = max(last_ns, record.at_ns + shift_ns)
    previous = (file.number, hashlib.sha256(data).hexdigest(), len(data))
    return Past(header.recording_id, header.run, last_ns, paused, next_track, previous, len(data))


def seal_leftovers(folder: Path, disk: Disk) -> list[Cut]:
    """Cut and seal every segment file that a crash left open."""
    cuts = []
    left_open = [file for file in segment_files(folder) if not file.sealed]
    if not left_open:
        return []
    lengths = {file.number: len(data) for file, data in readable_segments(folder)}
    for file in left_open:
        cut = _seal_leftover(folder, file, lengths[file.number], disk)
        if cut is not None:
            cuts.append(cut)
    disk.sync_folder(folder / JOURNAL_FOLDER)
    return cuts


def _seal_leftover(folder: Path, file: SegmentFile, counted_bytes: int, disk: Disk) -> Cut | None:
    data = file.path.read_bytes()
    good_bytes = _good_end(list(scan(data[:counted_bytes])))
    if good_bytes == 0:
        disk.rename(file.path, file.path.with_suffix(TORN_SUFFIX))
        return Cut(file.name, 0, len(data))
    if counted_bytes == len(data) and any(isinstance(item, Record) for item in scan(data[good_bytes:])):
        # Good records behind a hole: never synced, out of the chain, yet nobody's to throw away.
        disk.write_file(file.path.with_suffix(TORN_SUFFIX), (data[good_bytes:],))
        disk.sync_folder(file.path.parent)
    disk.truncate(file.path, good_bytes)
    disk.rename(file.path, sealed_segment_path(folder, file.number))
    return Cut(file.name, good_bytes, len(data) - good_bytes) if good_bytes < len(data) else None


def _good_end(items: list[Record | Damage]) -> int:
    """Where a segment left open ends; 0 when not even its header arrived.

    A power cut leaves pages of the last unsynced write in any order: a hole there, good records behind it. What is
    behind a hole so near to the end was never promised to anybody. A hole further back is damage of another kind: it
    stays where it is, and verify() names it.
    """
    if not items or isinstance(items[0], Damage):
        return 0
    records = [item for item in items if isinstance(item, Record) and not item.repeated]
    end = max((item.end for item in items if isinstance(item, Record)), default=0)
    for item in items:
        if isinstance(item, Damage) and not item.at_tail:
            before_ns = max((one.at_ns for one in records if one.offset < item.offset), default=0)
            if records and max(one.at_ns for one in records) - before_ns <= UNSYNCED_NS:
                return item.offset
    return end


def _read_all(folder: Path, inventory: Inventory) -> None:
    for file, data in readable_segments(folder):
        items: list[Record | Damage] = list(scan(data))
        read_into(inventory, file, data, items)
