"""A finished recording with a film, put into a court that hasn't held its hearing: for tests of what comes after."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hearing_server.domain.recordings import Film, FilmState, Recording, RecordingState
from hearing_server.kernel import CaseId, HearingId, RecordingId, new_id
from tests.court import RunningCourt

FILM = bytes(range(256)) * 40


@dataclass(frozen=True, slots=True)
class Objects:
    """Ids of one case's things."""

    case_id: str
    hearing_id: str
    recording_id: str


async def case_of(court: RunningCourt, name: str = "林书瑶") -> tuple[str, str]:
    """(case, hearing) of a party of the demo court."""
    described: dict[str, Any] = await court.demo.describe()
    case_id = (await court.person(name))["case_id"]
    hearing = next(one for one in described["hearings"] if one["case_id"] == case_id)
    return case_id, hearing["id"]


async def recorded(court: RunningCourt, name: str = "林书瑶") -> Objects:
    """The case with a sealed recording whose film lies ready."""
    case_id, hearing_id = await case_of(court, name)
    now = court.server.clock.utc_now()
    recording = Recording(
        RecordingId(new_id("rec")), HearingId(hearing_id), RecordingState.SEALED,
        started_at=now - timedelta(hours=1), closed_at=now, tracks=3, segments=9, size_bytes=len(FILM),
        root_sha256="0" * 64,
        film=Film(FilmState.READY, 1000, 60.0, len(FILM), "0" * 64, None, 1),
    )  # fmt: skip
    async with court.server.units.write() as unit:
        await unit.recordings.add(recording, CaseId(case_id))
    folder = court.server.settings.recordings_dir / recording.id / "film"
    folder.mkdir(parents=True)
    (folder / "film.mp4").write_bytes(FILM)
    (folder / "poster.jpg").write_bytes(b"poster")
    return Objects(case_id, hearing_id, recording.id)
