"""`ports.media.RecorderControl` over media processes: a recording is written where its room lives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hearing_server.adapters.media_process.calls import media_restarting
from hearing_server.adapters.media_process.directory import Directory
from hearing_server.kernel import HearingId, RecordingId
from hearing_server.ports.media import RecordingStanding, Sealed, Writing


class ProcessRecorders:
    """Orders go over the wire; the proof is the newest one told, with its age."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def standing(self) -> tuple[RecordingStanding, ...]:
        return tuple(each for state in await self._directory.states() for each in state.recordings)

    async def start(
        self, recording_id: RecordingId, folder: Path, *, second: Path | None, room: HearingId
    ) -> None:
        place = self._directory.recordings.get(recording_id) or await self._directory.settle(room)
        if place.link is None:
            raise media_restarting()
        where, other = _absolute(folder), _absolute(second) if second is not None else None
        await place.link.order(
            "recorder.start", recording_id=recording_id, folder=where, second=other, room=room
        )
        self._directory.recordings[recording_id] = place
        await self._look(recording_id)

    async def listen(self, recording_id: RecordingId, room: HearingId) -> None:
        await self._order(recording_id, "listen", room=room)

    def writing(self, recording_id: RecordingId) -> Writing | None:
        place = self._directory.recordings.get(recording_id)
        return place.link.proof(recording_id) if place is not None and place.link is not None else None

    async def pause(self, recording_id: RecordingId, *, code: str) -> None:
        await self._order(recording_id, "pause", code=code)
        await self._look(recording_id)

    async def resume(self, recording_id: RecordingId) -> None:
        await self._order(recording_id, "resume")
        await self._look(recording_id)

    async def mark(self, recording_id: RecordingId, *, kind: str, text: str) -> None:
        await self._order(recording_id, "mark", kind=kind, text=text)

    async def seal(self, recording_id: RecordingId) -> Sealed:
        sealed: Sealed = await self._order(recording_id, "seal")
        self._forget(recording_id)
        return sealed

    async def let_go(self, recording_id: RecordingId) -> None:
        await self._order(recording_id, "let_go")
        self._forget(recording_id)

    async def abandon(self, recording_id: RecordingId) -> None:
        if recording_id in self._directory.recordings:
            await self._order(recording_id, "abandon")
            self._forget(recording_id)

    async def _order(self, recording_id: RecordingId, name: str, **arguments: Any) -> Any:
        link = self._directory.of_recording(recording_id)
        return await link.order(f"recorder.{name}", recording_id=recording_id, **arguments)

    async def _look(self, recording_id: RecordingId) -> None:
        """The proof right after an order, so that nobody sees the light of before."""
        link = self._directory.of_recording(recording_id)
        link.note_proof(recording_id, await link.order("node.proof", recording_id=recording_id))

    def _forget(self, recording_id: RecordingId) -> None:
        place = self._directory.recordings.pop(recording_id, None)
        if place is not None and place.link is not None:
            place.link.note_proof(recording_id, None)


def _absolute(folder: Path) -> Path:
    """A relative folder is relative to us, not to a process that was started by another of us."""
    return folder.absolute()
