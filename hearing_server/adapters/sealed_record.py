"""What a closed recording holds, from both recorders' folders; reading everything is left to a process of its own."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from hearing_server.errors import Unavailable
from hearing_server.ports.media import Sealed, SealedGap
from recorder.account.line_gaps import line_gaps
from recorder.account.manifest import GapCause, Manifest
from recorder.reading.recording import RecordingError
from recorder.union.union import OpenedUnion, needs_merging, open_union, write_union

_log = logging.getLogger(__name__)
# Both journals of a long day are read at some 10 MB/s of small packets; the hearing is over, nobody sits before it.
MERGE_S = 3600.0


async def sealed_record(folder: Path, second: Path | None) -> Sealed:
    """The sealed record. Errors: Unavailable `recording.unreadable`."""
    try:
        if second is not None and await asyncio.to_thread(needs_merging, folder, second):
            await _merge(folder, second)
        return await asyncio.to_thread(_read, folder, second)
    except (RecordingError, OSError) as error:
        _log.error("a closed recording cannot be read: %s", type(error).__name__)
        raise Unavailable(
            "recording.unreadable", zh="录音录像无法读取", en="The recording cannot be read"
        ) from error


async def _merge(folder: Path, second: Path) -> None:
    """Write `union.json` out of process: rooms of this one must not wait for a Python that counts packets."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "recorder.union.union", str(folder), str(second),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, env=_environment(),
    )  # fmt: skip
    try:
        async with asyncio.timeout(MERGE_S):
            code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code:
        _log.error("the union of two recorders was not written", extra={"exit_code": code})


def _environment() -> dict[str, str]:
    packages = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (packages, os.environ.get("PYTHONPATH", ""))))
    return {**os.environ, "PYTHONPATH": path}


def _read(folder: Path, second: Path | None) -> Sealed:
    if second is None:
        opened = open_union(folder)
        return _sealed(opened, opened.recording.manifest.root_sha256, (folder,))
    union = write_union(folder, second)
    opened = open_union(folder, second)
    return _sealed(opened, union.root_sha256, (folder, second))


def _sealed(opened: OpenedUnion, root_sha256: str, folders: tuple[Path, ...]) -> Sealed:
    manifest = opened.union.account
    over_ns = _over_ns(manifest)
    gaps = tuple(
        SealedGap(
            identity=gap.identity,
            source=gap.source,
            from_utc_ns=manifest.clock.utc_ns(gap.from_ns),
            until_utc_ns=manifest.clock.utc_ns(min(gap.until_ns, over_ns)),
            cause=gap.cause.value,
        )
        for gap in line_gaps(manifest)
        if gap.cause is not GapCause.ABSENT and gap.from_ns < over_ns
    )
    segments = sum(each.segments for each in opened.union.recorders)
    files = (file for folder in folders if folder.is_dir() for file in folder.rglob("*"))
    size_bytes = sum(file.stat().st_size for file in files if file.is_file())
    return Sealed(len(manifest.tracks), segments, size_bytes, root_sha256, gaps)


def _over_ns(manifest: Manifest) -> int:
    """When the hearing was closed for good: the minute to undo it belongs to no hearing."""
    over_ns = manifest.duration_ns
    for mark in manifest.marks:
        if mark.kind == "closed":
            over_ns = mark.at_ns
        elif mark.kind == "reopened":
            over_ns = manifest.duration_ns
    return over_ns
