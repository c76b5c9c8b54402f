"""After a crash: cut the torn tail, seal what is good, build the manifest. The data files alone suffice.

Nothing good is ever removed: a file is cut only behind its last good record, or where its successor says that it was
given up and the rest was written again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recorder.durable import Disk
from recorder.folder import (
    JOURNAL_FOLDER,
    MANIFEST_NAME,
    TORN_SUFFIX,
    SegmentFile,
    sealed_segment_path,
    segment_files,
)
from recorder.inventory import Inventory, read_into
from recorder.journal import Damage, Record, scan
from recorder.manifest import Manifest
from recorder.recording import RecordingError, readable_segments


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


def recover_into(folder: Path, inventory: Inventory, disk: Disk) -> int:
    """Recover `folder` into an empty inventory; returns the highest segment number in use (0: a fresh folder)."""
    seal_leftovers(folder, disk)
    _read_all(folder, inventory)
    used = [int(path.stem) for path in (folder / JOURNAL_FOLDER).glob("*.*") if path.stem.isdecimal()]
    return max(used, default=0)


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
    good_bytes = 0
    for item in scan(data[:counted_bytes]):
        if isinstance(item, Record):
            good_bytes = item.end
    if good_bytes == 0:
        disk.rename(file.path, file.path.with_suffix(TORN_SUFFIX))
        return Cut(file.name, 0, len(data))
    disk.truncate(file.path, good_bytes)
    disk.rename(file.path, sealed_segment_path(folder, file.number))
    return Cut(file.name, good_bytes, len(data) - good_bytes) if good_bytes < len(data) else None


def _read_all(folder: Path, inventory: Inventory) -> None:
    for file, data in readable_segments(folder):
        items: list[Record | Damage] = list(scan(data))
        read_into(inventory, file, data, items)
