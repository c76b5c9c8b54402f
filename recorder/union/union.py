"""The record of a hearing that two recorders wrote: what either of them has, once and in order.

`union.json` stands in the first recorder's folder. Its root binds both recorders' roots, so one digest names the whole
record. When one of the two holds all that the other holds, the union is simply that one; else both are merged into a
journal of the same format in `merged/`, so that everything that reads a record reads that.
`python -m recorder.union.union FIRST SECOND` writes it, in a process of its own: after a crash it
reads everything.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from recorder.account.manifest import GapCause, Manifest
from recorder.durable import Disk
from recorder.folder import MANIFEST_NAME, SECOND_NAME, UNION_NAME, segment_files
from recorder.journal import RecordKind, compact_json
from recorder.reading.recording import Recording, RecordingError, open_recording
from recorder.union.union_clock import UnionClock, unite_clocks, without
from recorder.union.union_gaps import GivenUp
from recorder.union.union_journal import UnionJournal
from recorder.union.union_merge import Merge

UNION_FORMAT = 1
# A heartbeat: two recorders never begin and end at one moment, and shorter absences of one of them are that.
_SHORTEST_ABSENCE_NS = 500_000_000
_NICE = 5
MERGED_FOLDER = "merged"
SOURCES_NAME = "sources.json"


class Side(StrEnum):
    """Which recorder."""

    FIRST = "first"
    SECOND = "second"


SIDES = (Side.FIRST, Side.SECOND)


@dataclass(frozen=True, slots=True)
class RecorderSum:
    """What one recorder holds. `root_sha256`: of its own manifest."""

    side: Side
    root_sha256: str
    closed: bool
    segments: int
    packets: int
    payload_bytes: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Only the other recorder wrote from `from_ns` to `until_ns` (hearing clock of the union)."""

    side: Side
    from_ns: int
    until_ns: int


@dataclass(frozen=True, slots=True)
class Union:
    """The record of both. `basis`: the recorder that holds all, None when neither does and both are read as one.

    `account` is the manifest of the whole record: the basis' own, or that of the merged journal.
    """

    recorders: tuple[RecorderSum, ...]
    absences: tuple[Absence, ...]
    basis: Side | None
    account: Manifest

    @property
    def root_sha256(self) -> str:
        """SHA-256 over the canonical JSON of everything else."""
        return hashlib.sha256(compact_json(self._body())).hexdigest()

    def to_json(self) -> str:
        """Indented JSON with the root digest."""
        return json.dumps(self._body() | {"root_sha256": self.root_sha256}, indent=1, sort_keys=True) + "\n"

    def _body(self) -> dict[str, Any]:
        return {
            "format": UNION_FORMAT,
            "recording_id": self.account.recording_id,
            "recorders": [asdict(each) for each in self.recorders],
            "absences": [asdict(each) for each in self.absences],
            "basis": self.basis,
            # The basis' own manifest is bound by its root already.
            "merged_sha256": None if self.basis is not None else self.account.root_sha256,
        }


@dataclass(frozen=True, slots=True)
class OpenedUnion:
    """A record opened for reading, and the digest that names it."""

    recording: Recording
    union: Union


def second_folder(folder: Path) -> Path | None:
    """Where the second recorder of the recording in `folder` wrote, as the pointer there says; None without one."""
    try:
        named = json.loads((folder / SECOND_NAME).read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(os.path.normpath(folder / str(named)))


def point_to_second(folder: Path, second: Path, *, disk: Disk | None = None) -> None:
    """Leave the pointer in `folder`: relative, so that both can be moved together. OSError."""
    named = os.path.relpath(second.absolute(), folder.absolute())
    content = json.dumps({"folder": named}).encode()
    place = folder / SECOND_NAME
    if not place.is_file() or place.read_bytes() != content:
        (disk or Disk()).replace_file(place, content)


def open_union(folder: Path, second: Path | None = None) -> OpenedUnion:
    """The whole record of a recording. `second`: by default where the pointer in `folder` says.

    A recorder whose folder is not there or cannot be read is left out. Where neither holds all, the merged journal is
    written first, unless it is there: that reads everything. RecordingError when there is neither, or no place for it.
    """
    second = second if second is not None else second_folder(folder)
    sides: list[tuple[Side, Path, Manifest]] = []
    refused: RecordingError | None = None
    for side, place in zip(SIDES, (folder, second), strict=True):
        if place is None or not segment_files(place):
            continue
        try:
            sides.append((side, place, open_recording(place).manifest))
        except RecordingError as error:
            refused = error
    if not sides:
        raise refused or RecordingError(f"no journal in {folder.name}")
    if len({manifest.recording_id for _, _, manifest in sides}) > 1:
        raise RecordingError("the two folders hold different recordings")
    manifests = [manifest for _, _, manifest in sides]
    clock = unite_clocks(manifests)
    names = tuple(side for side, _, _ in sides)
    basis = names[0] if len(sides) == 1 else _basis(manifests)
    sums = tuple(_sum(side, manifest) for side, _, manifest in sides)
    absences = _absences(names, clock)
    if basis is not None:
        _, place, manifest = sides[names.index(basis)]
        return OpenedUnion(Recording(place, manifest), Union(sums, absences, basis, manifest))
    folders = tuple(place for _, place, _ in sides)
    merged = _merged(folder, folders, clock, sums)
    return OpenedUnion(merged, Union(sums, absences, None, merged.manifest))


def write_union(folder: Path, second: Path, *, disk: Disk | None = None) -> Union:
    """Write `union.json` into `folder`, or where that cannot be written into `second`. RecordingError, OSError."""
    union = open_union(folder, second).union
    content, disk = union.to_json().encode(), disk or Disk()
    try:
        disk.replace_file(folder / UNION_NAME, content)
    except OSError:
        disk.replace_file(second / UNION_NAME, content)
    return union


def needs_merging(folder: Path, second: Path) -> bool:
    """Neither recorder holds all, or one was not closed: telling what there is means reading every packet."""
    found = [place for place in (folder, second) if segment_files(place)]
    if any(not (place / MANIFEST_NAME).is_file() for place in found):
        return True
    manifests = [open_recording(place).manifest for place in found]
    return len(manifests) == len(SIDES) and _basis(manifests) is None


def _sum(side: Side, manifest: Manifest) -> RecorderSum:
    return RecorderSum(
        side=side,
        root_sha256=manifest.root_sha256,
        closed=manifest.closed,
        segments=len(manifest.segments),
        packets=sum(track.packets for track in manifest.tracks),
        payload_bytes=sum(track.payload_bytes for track in manifest.tracks),
    )


def _absences(names: Sequence[Side], clock: UnionClock) -> tuple[Absence, ...]:
    if len(names) < 2:
        missing = Side.SECOND if names == (Side.FIRST,) else Side.FIRST
        return tuple(Absence(missing, *span) for span in clock.written[0])
    found = [
        Absence(name, *span)
        for name, own, other in zip(names, clock.written, reversed(clock.written), strict=True)
        for span in without(other, own)
        if span[1] - span[0] >= _SHORTEST_ABSENCE_NS
    ]
    return tuple(sorted(found, key=lambda absence: (absence.from_ns, absence.side)))


# -- one of them holds all ------------------------------------------------------------------------------------


def _basis(manifests: Sequence[Manifest]) -> Side | None:
    """The recorder that lost nothing and holds at least what the other holds."""
    held = [_held(manifest) for manifest in manifests]
    for index, manifest in enumerate(manifests):
        if _is_faultless(manifest) and _covers(held[index], held[1 - index]):
            return SIDES[index]
    return None


def _is_faultless(manifest: Manifest) -> bool:
    """It was closed in order, gave nothing up and was never interrupted but by closings."""
    broken = any(incident.kind != "reopened" for incident in manifest.incidents)
    gave_up = any(gap.cause in (GapCause.DISK, GapCause.OVERLOAD, GapCause.CRASH) for gap in manifest.gaps)
    return manifest.closed and not broken and not gave_up


def _held(manifest: Manifest) -> dict[tuple[str, str], tuple[int, int]]:
    """Packets and bytes by track id; how often every mark and pause was said."""
    held: dict[tuple[str, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for track in manifest.tracks:
        packets, size_bytes = held["track", track.info.track_id]
        held["track", track.info.track_id] = (packets + track.packets, size_bytes + track.payload_bytes)
    words = [("mark", f"{mark.kind} {mark.text}") for mark in manifest.marks]
    for word in [*words, *(("pause", pause.code) for pause in manifest.pauses)]:
        held[word] = (held[word][0] + 1, 0)
    return dict(held)


def _covers(
    ours: dict[tuple[str, str], tuple[int, int]], theirs: dict[tuple[str, str], tuple[int, int]]
) -> bool:
    return all(
        ours.get(key, (-1, -1))[0] >= packets and ours[key][1] >= size_bytes
        for key, (packets, size_bytes) in theirs.items()
    )


# -- neither does ---------------------------------------------------------------------------------------------


def _merged(
    folder: Path, folders: tuple[Path, ...], clock: UnionClock, sums: tuple[RecorderSum, ...]
) -> Recording:
    """The journal merged from these very two, from an earlier time or made now, in `folder` or beside the second's."""
    roots = [each.root_sha256 for each in sums]
    for place in dict.fromkeys((folder, *folders)):
        with contextlib.suppress(OSError, ValueError, RecordingError):
            if json.loads((place / MERGED_FOLDER / SOURCES_NAME).read_text("utf-8")) == roots:
                return open_recording(place / MERGED_FOLDER)
    refused: OSError | None = None
    for place in dict.fromkeys((folder, *folders)):
        try:
            return _merge_into(place, folders, clock, roots)
        except OSError as error:
            refused = error
    raise RecordingError("the merged journal cannot be written") from refused


def _merge_into(place: Path, folders: tuple[Path, ...], clock: UnionClock, roots: list[str]) -> Recording:
    disk, target, part = Disk(), place / MERGED_FOLDER, place / f"{MERGED_FOLDER}.new"
    for leftover in (part, target):
        disk.discard_folder(leftover)
    recording_id = open_recording(folders[0]).manifest.recording_id
    journal = UnionJournal(part, recording_id, clock, disk)
    merge, given_up = Merge(folders, clock), GivenUp(clock)
    for told in merge.records():
        if told.record.kind == RecordKind.GAP:
            given_up.take(told)
        else:
            journal.take(told)
    journal.finish(given_up.common(merge), clock.end_ns)
    disk.replace_file(part / SOURCES_NAME, json.dumps(roots).encode())
    disk.rename(part, target)
    disk.sync_folder(place)
    return open_recording(target)


def main(arguments: Sequence[str] | None = None) -> int:
    """FIRST SECOND: write the union and print its root. Exit 3: nothing can be read, 4: it cannot be written."""
    first, second = (Path(argument) for argument in (sys.argv[1:] if arguments is None else arguments))
    os.nice(_NICE)
    try:
        print(write_union(first, second).root_sha256)
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 3
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
