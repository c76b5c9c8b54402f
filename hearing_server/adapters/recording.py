"""RecorderControl over the recorders of this process: they subscribe to rooms like anybody else."""

from __future__ import annotations

import contextlib
import logging
from pathlib import Path

from hearing_server.adapters.recorder_pair import RecorderPair
from hearing_server.adapters.rooms import EngineRooms
from hearing_server.adapters.sealed_record import sealed_record
from hearing_server.errors import HearingError, Unavailable
from hearing_server.kernel import HearingId, RecordingId
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import RecordingStanding, Sealed, Writing
from recorder.second.second_recorder import SecondRecorder
from recorder.writing.session import RecordingFailure
from signaling.errors import SignalingError

_log = logging.getLogger(__name__)
_TITLES = {
    "disk.full": "存储空间已满，无法录制",
    "disk.read_only": "存储目录只读，无法录制",
    "disk.io": "存储设备读写出错",
    "recording.busy": "该录像正由另一进程写入",
}


class FolderRecorders:
    """`ports.media.RecorderControl`: two recorders per recording, each in its own folder and process."""

    def __init__(self, rooms: EngineRooms) -> None:
        self._rooms = rooms
        self._keeper = SecondRecorder()
        self._running: dict[RecordingId, RecorderPair] = {}

    async def standing(self) -> tuple[RecordingStanding, ...]:
        return tuple(
            RecordingStanding(recording_id, pair.room, pair.writing())
            for recording_id, pair in self._running.items()
        )

    async def start(
        self, recording_id: RecordingId, folder: Path, *, second: Path | None, room: HearingId
    ) -> None:
        if recording_id in self._running:
            return
        other = self._keeper.record(second, recording_id=recording_id) if second is not None else None
        pair = RecorderPair(self._rooms, recording_id, folder, other, self._keeper)
        self._running[recording_id] = pair
        try:
            await pair.begin()
        except RecordingFailure as error:
            self._running.pop(recording_id, None)
            raise _unavailable(error) from error

    async def listen(self, recording_id: RecordingId, room: HearingId) -> None:
        await self._here(recording_id).listen(room)

    def writing(self, recording_id: RecordingId) -> Writing | None:
        pair = self._running.get(recording_id)
        return pair.writing() if pair is not None else None

    def proofs(self) -> dict[RecordingId, Writing]:
        """The proof of every running recording."""
        return {recording_id: pair.writing() for recording_id, pair in self._running.items()}

    async def pause(self, recording_id: RecordingId, *, code: str) -> None:
        self._here(recording_id).pause(code=code)

    async def resume(self, recording_id: RecordingId) -> None:
        pair = self._here(recording_id)
        was_paused = bool(pair.paused)
        pair.resume()
        if was_paused and pair.room is not None:
            # A room that was held asks by itself; after an exhibit or a mediation the senders know of nothing.
            with contextlib.suppress(SignalingError):
                await self._rooms.engine.renew_pictures(pair.room)

    async def mark(self, recording_id: RecordingId, *, kind: str, text: str) -> None:
        self._here(recording_id).mark(kind=kind, text=text)

    async def seal(self, recording_id: RecordingId) -> Sealed:
        pair = self._here(recording_id)
        await pair.detach()
        try:
            await pair.close()
        except RecordingFailure as error:
            raise _unavailable(error) from error
        finally:
            self._running.pop(recording_id, None)
        return await sealed_record(pair.folder, pair.second.folder if pair.second is not None else None)

    async def let_go(self, recording_id: RecordingId) -> None:
        pair = self._running.pop(recording_id, None)
        if pair is not None:
            await pair.detach()
            await pair.close()

    async def abandon(self, recording_id: RecordingId) -> None:
        pair = self._running.pop(recording_id, None)
        if pair is not None:
            await pair.detach()
            await pair.abandon()

    async def stop(self) -> None:
        """The process ends: what is written stays and is continued by the next one."""
        for recording_id in tuple(self._running):
            try:
                await self.let_go(recording_id)
            except RecordingFailure as error:
                # One disk that hangs must not keep the others' last bytes from being synced.
                _log.warning("recording not closed", extra={"code": error.code})
        await self._keeper.stop()

    def measures(self) -> list[Measure]:
        """Running recordings, how many of them are not proven to write, and how many by one recorder only."""
        proofs = self.proofs().values()
        stalled = sum(not proof.is_advancing for proof in proofs)
        single = sum(
            proof.is_advancing and not all(part.is_advancing for part in proof.recorders) for proof in proofs
        )
        return [
            Measure("hearing_recordings", "Recordings running on this node", len(proofs)),
            Measure("hearing_recordings_stalled", "Recordings whose bytes do not advance", stalled),
            Measure("hearing_recordings_single", "Recordings that only one of two recorders writes", single),
            Measure(
                "hearing_second_recorder_starts", "Starts of the second recorder's process",
                self._keeper.starts, is_total=True,
            ),
        ]  # fmt: skip

    def _here(self, recording_id: RecordingId) -> RecorderPair:
        pair = self._running.get(recording_id)
        if pair is None:
            raise Unavailable(
                "recording.not_here", zh="本节点没有这一录像", en="This node isn't recording it"
            )
        return pair


def _unavailable(error: RecordingFailure) -> HearingError:
    return Unavailable(error.code, zh=_TITLES.get(error.code, "录音录像无法写入"), en=error.title)
