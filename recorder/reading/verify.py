"""Checks a recording offline and names what is wrong: segment and byte range. Changes nothing."""

from __future__ import annotations

import contextlib
import hashlib
import mmap
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from recorder.account.inventory import SegmentHeader
from recorder.account.manifest import Manifest, ManifestError, SealedSegment
from recorder.folder import MANIFEST_NAME, SegmentFile, segment_files
from recorder.journal import Damage, decode_record, scan
from recorder.reading.recording import SEGMENT_HEADER_BYTES, RecordingError, take_inventory, valid_lengths

# More readers than this wait for the disk, not for a core.
_MOST_THREADS = 8


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


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """`problems`: empty when every byte is as it was sealed. `digests`: SHA-256 of whole files by their names."""

    problems: list[Problem]
    digests: Mapping[str, str] = field(default_factory=dict)


def verify(folder: Path, *, root_sha256: str = "") -> list[Problem]:
    """The problems that `check_folder` finds. OSError."""
    return check_folder(folder, root_sha256=root_sha256).problems


def check_folder(folder: Path, *, root_sha256: str = "", is_believed: bool = True) -> FolderCheck:
    """Check a finished recording; every file is read once. OSError.

    `root_sha256`: the manifest's root as an act, a receipt or a time stamp says it. Where that is believed, the files
    are hashed (500 MB/s and more) and read record by record only where a digest is wrong; else the whole account of
    the manifest is drawn up from the journal once more (some 200 MB/s), because the manifest itself may be a lie.
    """
    files = {file.name: file for file in segment_files(folder)}
    if not files:
        return FolderCheck([Problem("journal.missing", "", 0, 0, "there is no journal in this folder")])
    manifest, problems = _load_manifest(folder)
    if manifest is not None and root_sha256 and manifest.root_sha256 != root_sha256:
        size_bytes = (folder / MANIFEST_NAME).stat().st_size
        title = "this is another manifest than the one vouched for"
        problems.append(Problem("manifest.differs", MANIFEST_NAME, 0, size_bytes, title))
    is_vouched = bool(root_sha256) and is_believed and not problems
    lines = {segment.name: segment for segment in manifest.segments} if manifest is not None else {}
    looks = _look_at_all(list(files.values()), lines)
    problems += [problem for look in looks for problem in look.problems]
    problems += _chain(looks)
    if manifest is not None:
        problems += _against_manifest(manifest, {look.file.name: look for look in looks})
        if not problems and not is_vouched:
            problems += _same_account(folder, manifest)
    whole = {look.file.name: look.sha256 for look in looks if look.valid_bytes == look.size_bytes}
    return FolderCheck(problems, whole)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one segment file holds: `valid_bytes` of it count, `sha256` is theirs."""

    file: SegmentFile
    size_bytes: int
    valid_bytes: int
    sha256: str
    header: SegmentHeader | None
    header_bytes: int
    header_error: str
    problems: tuple[Problem, ...]


def _look_at_all(files: list[SegmentFile], lines: Mapping[str, SealedSegment]) -> list[_Look]:
    """Every file read once, several at a time: hashing lets other threads run."""
    limits = valid_lengths(files)
    with ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS)) as pool:
        return list(pool.map(lambda file: _look(file, limits.get(file.number), lines.get(file.name)), files))


def _look(file: SegmentFile, limit: int | None, line: SealedSegment | None) -> _Look:
    with file.path.open("rb") as opened, _mapped(opened.fileno()) as whole:
        size_bytes = len(whole)
        with memoryview(whole) as view, view[:limit] as data:
            sha256 = hashlib.sha256(data).hexdigest()
            valid_bytes = len(data)
            first = decode_record(bytes(data[:SEGMENT_HEADER_BYTES]), 0)
            # Bytes that have their digest are those that were sealed: no record in them needs its own checksum.
            is_as_sealed = line is not None and line.sha256 == sha256 and line.valid_bytes == valid_bytes
            problems = [] if is_as_sealed and file.sealed else _records(file, bytes(data))
    header, error = None, "damaged"
    if first is not None:
        try:
            header = SegmentHeader.from_record(first)
        except ValueError as refused:
            error = str(refused)
    end = first.end if first is not None else 0
    return _Look(file, size_bytes, valid_bytes, sha256, header, end, error, tuple(problems))


@contextlib.contextmanager
def _mapped(fd: int) -> Iterator[mmap.mmap | bytes]:
    """The file's bytes without copying them; an empty file cannot be mapped."""
    if os.fstat(fd).st_size == 0:
        yield b""
        return
    with mmap.mmap(fd, 0, access=mmap.ACCESS_READ) as whole:
        whole.madvise(mmap.MADV_SEQUENTIAL)
        yield whole


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


def _chain(looks: list[_Look]) -> list[Problem]:
    """Each header must name its predecessor's number, digest and length."""
    problems = []
    expected = (0, "", 0)
    for look in looks:
        name = look.file.name
        if look.header is None:
            title = f"segment header: {look.header_error}"
            problems.append(Problem("segment.header", name, 0, look.valid_bytes, title))
        else:
            header = look.header
            named = (header.previous_number, header.previous_sha256, header.previous_bytes)
            if header.number != look.file.number or named != expected:
                title = (
                    f"the header names segment {named[0]} as its predecessor, with another digest or length"
                )
                problems.append(Problem("chain.broken", name, 0, look.header_bytes, title))
        expected = (look.file.number, look.sha256, look.valid_bytes)
    return problems


def _against_manifest(manifest: Manifest, looks: Mapping[str, _Look]) -> list[Problem]:
    problems = []
    for segment in manifest.segments:
        if segment.name not in looks:
            problems.append(
                Problem("segment.missing", segment.name, 0, segment.size_bytes, "the file is gone")
            )
        else:
            problems += _against_line(segment, looks[segment.name])
    for name in sorted(looks.keys() - {segment.name for segment in manifest.segments}):
        title = "the manifest does not know this file"
        problems.append(Problem("segment.unknown", name, 0, looks[name].valid_bytes, title))
    return problems


def _against_line(segment: SealedSegment, look: _Look) -> list[Problem]:
    if look.size_bytes != segment.size_bytes or look.valid_bytes != segment.valid_bytes:
        title = f"{segment.size_bytes} bytes were sealed, {look.size_bytes} are there"
        start = min(look.size_bytes, segment.size_bytes)
        length = abs(look.size_bytes - segment.size_bytes)
        return [Problem("segment.size", segment.name, start, length, title)]
    if look.sha256 != segment.sha256:
        title = "the content is not what was sealed"
        return [Problem("segment.digest", segment.name, 0, look.valid_bytes, title)]
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
