"""RecorderControl over the recorder of this process: it subscribes to the room like anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from hearing_server.adapters.rooms import EngineRooms
from hearing_server.errors import HearingError, Unavailable
from hearing_server.kernel import HearingId, RecordingId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import RecordingStanding, Sealed, SealedGap, Writing
from recorder.line_gaps import line_gaps
from recorder.manifest import GapCause, Manifest
from recorder.session import RecordingFailure, RecordingSession
from signaling.errors import SignalingError

_log = logging.getLogger(__name__)
_TITLES = {
    "disk.full": "存储空间已满，无法录制",
    "disk.read_only": "存储目录只读，无法录制",
    "disk.io": "存储设备读写出错",
    "recording.busy": "该录像正由另一进程写入",
}


@dataclass(slots=True)
class _Running:
    session: RecordingSession
    room: HearingId | None = None


class FolderRecorders:
    """`ports.media.RecorderControl`: one session per recording, each in its own folder."""

    def __init__(self, rooms: EngineRooms) -> None:
        self._rooms = rooms
        self._running: dict[RecordingId, _Running] = {}

    async def standing(self) -> tuple[RecordingStanding, ...]:
        return tuple(
            RecordingStanding(recording_id, running.room, _writing(running.session))
            for recording_id, running in self._running.items()
        )

    async def start(self, recording_id: RecordingId, folder: Path, *, room: HearingId) -> None:
        if recording_id in self._running:
            return
        loop = asyncio.get_running_loop()
        try:
            session = await loop.run_in_executor(
                None, lambda: RecordingSession.create(folder, recording_id=recording_id)
            )
        except RecordingFailure as error:
            raise _unavailable(error) from error
        self._running[recording_id] = _Running(session)

    async def listen(self, recording_id: RecordingId, room: HearingId) -> None:
        running = self._here(recording_id)
        if running.room is None:
            await self._rooms.attach(room, running.session)
            running.room = room

    def writing(self, recording_id: RecordingId) -> Writing | None:
        running = self._running.get(recording_id)
        return _writing(running.session) if running is not None else None

    def proofs(self) -> dict[RecordingId, Writing]:
        """The proof of every running recording."""
        return {recording_id: _writing(running.session) for recording_id, running in self._running.items()}

    async def pause(self, recording_id: RecordingId, *, code: str) -> None:
        session = self._session(recording_id)
        if not session.paused:
            session.pause(code=code, at_ns=time.monotonic_ns())

    async def resume(self, recording_id: RecordingId) -> None:
        session = self._session(recording_id)
        if session.paused:
            session.resume(at_ns=time.monotonic_ns())

    async def mark(self, recording_id: RecordingId, *, kind: str, text: str) -> None:
        self._session(recording_id).mark(kind=kind, text=text, at_ns=time.monotonic_ns())

    async def seal(self, recording_id: RecordingId) -> Sealed:
        running = self._here(recording_id)
        await self._detach(running)
        try:
            manifest = await running.session.close()
        except RecordingFailure as error:
            raise _unavailable(error) from error
        finally:
            self._running.pop(recording_id, None)
        return await asyncio.to_thread(_sealed, manifest, running.session.folder)

    async def let_go(self, recording_id: RecordingId) -> None:
        running = self._running.pop(recording_id, None)
        if running is not None:
            await self._detach(running)
            await running.session.close()

    async def abandon(self, recording_id: RecordingId) -> None:
        running = self._running.pop(recording_id, None)
        if running is not None:
            await self._detach(running)
            await running.session.close()
            await asyncio.to_thread(shutil.rmtree, running.session.folder, ignore_errors=True)

    async def stop(self) -> None:
        """The process ends: what is written stays and is continued by the next one."""
        for recording_id in tuple(self._running):
            try:
                await self.let_go(recording_id)
            except RecordingFailure as error:
                # One disk that hangs must not keep the others' last bytes from being synced.
                _log.warning("recording not closed", extra={"code": error.code})

    async def _detach(self, running: _Running) -> None:
        room, running.room = running.room, None
        if room is not None:
            # A room that was closed before has let its listeners go already.
            with contextlib.suppress(SignalingError):
                await self._rooms.engine.detach_sink(room, running.session)

    def measures(self) -> list[Measure]:
        """Running recordings and how many of them are not proven to write."""
        proofs = self.proofs().values()
        stalled = sum(not proof.is_advancing for proof in proofs)
        return [
            Measure("hearing_recordings", "Recordings running on this node", len(proofs)),
            Measure("hearing_recordings_stalled", "Recordings whose bytes do not advance", stalled),
        ]

    def _session(self, recording_id: RecordingId) -> RecordingSession:
        return self._here(recording_id).session

    def _here(self, recording_id: RecordingId) -> _Running:
        running = self._running.get(recording_id)
        if running is None:
            raise Unavailable(
                "recording.not_here", zh="本节点没有这一录像", en="This node isn't recording it"
            )
        return running


def _writing(session: RecordingSession) -> Writing:
    proof = session.proof()
    return Writing(
        is_advancing=proof.advancing and proof.failure is None,
        size_bytes=proof.synced_bytes,
        tracks=len(proof.tracks),
        failure=proof.failure,
        free_bytes=proof.free_bytes,
        is_paused=bool(session.paused),
    )


def _unavailable(error: RecordingFailure) -> HearingError:
    return Unavailable(error.code, zh=_TITLES.get(error.code, "录音录像无法写入"), en=error.title)


def _sealed(manifest: Manifest, folder: Path) -> Sealed:
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
    size_bytes = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return Sealed(len(manifest.tracks), len(manifest.segments), size_bytes, manifest.root_sha256, gaps)


def _over_ns(manifest: Manifest) -> int:
    """When the hearing was closed for good: the minute to undo it belongs to no hearing."""
    over_ns = manifest.duration_ns
    for mark in manifest.marks:
        if mark.kind == "closed":
            over_ns = mark.at_ns
        elif mark.kind == "reopened":
            over_ns = manifest.duration_ns
    return over_ns
