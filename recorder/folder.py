"""Where things lie in a recording's folder.

journal/00000001.part   the segment being written
journal/00000001.seg    a sealed segment
journal/00000001.torn   a file of a crash without one good record, kept for inspection
manifest.json           written when the recording is closed or recovered
second.json             where the second recorder writes
union.json              what both recorders hold together, written when the recording is closed
writer.lock             held by the writing process
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

JOURNAL_FOLDER = "journal"
MANIFEST_NAME = "manifest.json"
SECOND_NAME = "second.json"
UNION_NAME = "union.json"
LOCK_NAME = "writer.lock"
OPEN_SUFFIX = ".part"
SEALED_SUFFIX = ".seg"
TORN_SUFFIX = ".torn"


@dataclass(frozen=True, slots=True)
class SegmentFile:
    """One segment file on disk, found by its name alone."""

    number: int
    path: Path
    sealed: bool

    @property
    def name(self) -> str:
        """Name relative to the recording's folder, with forward slashes."""
        return f"{JOURNAL_FOLDER}/{self.path.name}"


def open_segment_path(folder: Path, number: int) -> Path:
    """Path of segment `number` (from 1) while it is written."""
    return folder / JOURNAL_FOLDER / f"{number:08d}{OPEN_SUFFIX}"


def sealed_segment_path(folder: Path, number: int) -> Path:
    """Path of segment `number` (from 1) once it is sealed."""
    return folder / JOURNAL_FOLDER / f"{number:08d}{SEALED_SUFFIX}"


def segment_files(folder: Path) -> list[SegmentFile]:
    """All segment files by number; empty when there is no journal. Foreign names are passed over."""
    journal = folder / JOURNAL_FOLDER
    if not journal.is_dir():
        return []
    found = []
    for path in journal.iterdir():
        if path.suffix in (OPEN_SUFFIX, SEALED_SUFFIX) and path.stem.isdecimal() and len(path.stem) == 8:
            found.append(SegmentFile(int(path.stem), path, path.suffix == SEALED_SUFFIX))
    return sorted(found, key=lambda segment: (segment.number, segment.sealed))
