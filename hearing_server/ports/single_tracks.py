"""Repository of single tracks."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from hearing_server.domain.recording.single_tracks import SingleTrack, TrackKey
from hearing_server.kernel import RecordingId


class SingleTracks(Protocol):
    """One row per track that was asked for."""

    async def get(self, key: TrackKey) -> SingleTrack | None: ...
    async def save(self, track: SingleTrack) -> None:
        """Insert or replace."""
        ...

    async def of_recording(self, recording_id: RecordingId) -> list[SingleTrack]: ...
    async def waiting(self) -> list[SingleTrack]:
        """Queued or in work, the longest asked for first."""
        ...

    async def unused_since(self, moment: datetime) -> list[SingleTrack]:
        """Neither waiting nor watched since."""
        ...

    async def remove(self, key: TrackKey) -> None: ...
