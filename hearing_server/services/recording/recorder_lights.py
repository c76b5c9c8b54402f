"""Which recorders of a recording write: what they say of themselves, and what is seen of their files from here."""

from __future__ import annotations

import asyncio

from hearing_server.domain.recording.recorders import RecorderLight, RecorderName
from hearing_server.kernel import RecordingId
from hearing_server.ports.media import RecorderWriting, Writing
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.record_growth import RecordGrowth


class RecorderLights:
    """`look` asks the file system, `of` judges by what was last seen."""

    def __init__(self, folders: RecordFolders, reserve_bytes: int) -> None:
        self._folders = folders
        self._reserve_bytes = reserve_bytes
        self._growth = RecordGrowth()

    async def look(self, recording_id: RecordingId) -> None:
        """Look at every recorder's files; none waits for another's volume."""
        folders = self._folders.by_recorder(recording_id)
        await asyncio.gather(*(self._growth.look(name, folder) for name, folder in folders.items()))

    def of(self, recording_id: RecordingId, writing: Writing) -> tuple[RecorderLight, ...]:
        """One light per recorder; a recorder that says it writes and isn't seen to does not."""
        folders = self._folders.by_recorder(recording_id)
        return tuple(
            self._light(part, is_growing=self._growth.is_growing(folders[name]))
            for part in writing.recorders
            if (name := RecorderName(part.name)) in folders
        )

    def forget(self, recording_id: RecordingId) -> None:
        """The recording is over."""
        for folder in self._folders.by_recorder(recording_id).values():
            self._growth.forget(folder)

    def _light(self, part: RecorderWriting, *, is_growing: bool) -> RecorderLight:
        return RecorderLight(
            RecorderName(part.name),
            is_writing=part.is_advancing and is_growing,
            has_room=part.free_bytes >= self._reserve_bytes,
            failure=part.failure,
        )
