"""Checks a recording offline and names what is wrong: segment and byte range. Changes nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from recorder.folder import MANIFEST_NAME, SegmentFile, segment_files
from recorder.inventory import SegmentHeader
from recorder.journal import Damage, Record, scan
from recorder.manifest import Manifest, ManifestError, SealedSegment
from recorder.recording import RecordingError, readable_segments, take_inventory


@dataclass(frozen=True, slots=True)
class Problem:
    """Bytes `offset` to `offset + length_bytes` of `file` (name in the recording's folder) are not as they should be.

    `code` is stable: manifest.missing, manifest.damaged, manifest.differs, segment.missing, segment.unknown,
    segment.unsealed, segment.size, segment.digest, segment.header, record.damaged, chain.broken, journal.missing.
    """

    code: str
    file: str
    offset: int
    length_bytes: int
    title: str


def verify(folder: Path) -> list[Problem]:
    """All problems of a finished recording; an empty list when every byte is as it was sealed. OSError."""
    files = {file.name: file for file in segment_files(folder)}
    if not files:
        return [Problem("journal.missing", "", 0, 0, "there is no journal in this folder")]
    manifest, problems = _load_manifest(folder)
    counted = dict(readable_segments(folder))
    contents = {file.name: data for file, data in counted.items()}
    for file in files.values():
        problems += _records(file, contents[file.name])
    problems += _chain(list(counted.items()))
    if manifest is not None:
        problems += _against_manifest(manifest, files, contents)
        if not problems:
            problems += _same_account(folder, manifest)
    return problems


def _load_manifest(folder: Path) -> tuple[Manifest | None, list[Problem]]:
    try:
        text = (folder / MANIFEST_NAME).read_bytes()
    except FileNotFoundError:
        title = "there is no manifest: the recording runs still, or was not closed; recover it first"
        return None, [Problem("manifest.missing", MANIFEST_NAME, 0, 0, title)]
    try:
        manifest = Manifest.from_json(text.decode())
    except (ManifestError, UnicodeDecodeError) as error:
        return None, [Problem("manifest.damaged", MANIFEST_NAME, 0, len(text), str(error))]
    if manifest.to_json().encode() != text:
        title = "the manifest was rewritten by another hand: same content, other bytes"
        return manifest, [Problem("manifest.damaged", MANIFEST_NAME, 0, len(text), title)]
    return manifest, []


def _records(file: SegmentFile, data: bytes) -> list[Problem]:
    problems = []
    if not file.sealed:
        problems.append(Problem("segment.unsealed", file.name, 0, len(data), "the segment was never sealed"))
    for item in scan(data):
        if isinstance(item, Damage):
            title = "no record with a good checksum"
            problems.append(Problem("record.damaged", file.name, item.offset, item.length, title))
    return problems


def _chain(counted: list[tuple[SegmentFile, bytes]]) -> list[Problem]:
    """Each header must name its predecessor's number, digest and length."""
    problems = []
    expected = (0, "", 0)
    for file, data in counted:
        first = next(iter(scan(data)), None)
        try:
            if not isinstance(first, Record):
                raise ValueError("damaged")
            header = SegmentHeader.from_record(first)
        except ValueError as error:
            title = f"segment header: {error}"
            problems.append(Problem("segment.header", file.name, 0, len(data), title))
        else:
            named = (header.previous_number, header.previous_sha256, header.previous_bytes)
            if header.number != file.number or named != expected:
                title = (
                    f"the header names segment {named[0]} as its predecessor, with another digest or length"
                )
                problems.append(Problem("chain.broken", file.name, 0, first.end, title))
        expected = (file.number, hashlib.sha256(data).hexdigest(), len(data))
    return problems


def _against_manifest(
    manifest: Manifest, files: dict[str, SegmentFile], contents: dict[str, bytes]
) -> list[Problem]:
    problems = []
    for segment in manifest.segments:
        if segment.name not in files:
            problems.append(
                Problem("segment.missing", segment.name, 0, segment.size_bytes, "the file is gone")
            )
        else:
            problems += _against_line(segment, files[segment.name], contents[segment.name])
    for name in sorted(files.keys() - {segment.name for segment in manifest.segments}):
        title = "the manifest does not know this file"
        problems.append(Problem("segment.unknown", name, 0, len(contents[name]), title))
    return problems


def _against_line(segment: SealedSegment, file: SegmentFile, data: bytes) -> list[Problem]:
    size_bytes = file.path.stat().st_size
    if size_bytes != segment.size_bytes or len(data) != segment.valid_bytes:
        title = f"{segment.size_bytes} bytes were sealed, {size_bytes} are there"
        start = min(size_bytes, segment.size_bytes)
        return [Problem("segment.size", file.name, start, abs(size_bytes - segment.size_bytes), title)]
    if hashlib.sha256(data).hexdigest() != segment.sha256:
        title = "the content is not what was sealed"
        return [Problem("segment.digest", file.name, 0, len(data), title)]
    return []


def _same_account(folder: Path, manifest: Manifest) -> list[Problem]:
    """Tracks, gaps, pauses and marks must be what the journal gives when read anew."""
    try:
        rebuilt = take_inventory(folder)
    except RecordingError as error:
        return [Problem("manifest.differs", MANIFEST_NAME, 0, 0, str(error))]
    if rebuilt == manifest:
        return []
    names = [
        name for name in Manifest.__dataclass_fields__ if getattr(rebuilt, name) != getattr(manifest, name)
    ]
    title = f"the journal gives another account of: {', '.join(names)}"
    return [Problem("manifest.differs", MANIFEST_NAME, 0, 0, title)]
