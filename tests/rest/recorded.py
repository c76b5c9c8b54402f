"""A finished recording with a film, put into a court that hasn't held its hearing: for tests of what comes after."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hearing_server.domain.recording.recordings import Film, FilmState, Recording, RecordingState
from hearing_server.kernel import CaseId, HearingId, RecordingId, new_id
from hearing_server.robots.court_client import CourtClient
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


async def recorded(court: RunningCourt, name: str = "林书瑶", *, film: bytes = FILM) -> Objects:
    """The case with a sealed recording whose film lies ready."""
    case_id, hearing_id = await case_of(court, name)
    now = court.server.clock.utc_now()
    recording = Recording(
        RecordingId(new_id("rec")), HearingId(hearing_id), RecordingState.SEALED,
        started_at=now - timedelta(hours=1), closed_at=now, tracks=3, segments=9, size_bytes=len(film),
        root_sha256="0" * 64,
        film=Film(FilmState.READY, 1000, 60.0, len(film), hashlib.sha256(film).hexdigest(), None, 1),
    )  # fmt: skip
    async with court.server.units.write() as unit:
        await unit.recordings.add(recording, CaseId(case_id))
    folder = court.server.settings.recordings_dir / recording.id / "film"
    folder.mkdir(parents=True)
    (folder / "film.mp4").write_bytes(film)
    (folder / "poster.jpg").write_bytes(b"poster")
    return Objects(case_id, hearing_id, recording.id)


async def copied(staff: CourtClient, publication_id: str) -> dict[str, Any]:
    """The publication when its copy is made (or has failed)."""
    async with asyncio.timeout(60):
        while True:
            seen: dict[str, Any] = await staff.get(f"/publications/{publication_id}")
            if seen["copy"]["state"] in ("ready", "failed"):
                return seen
            await asyncio.sleep(0.05)


async def accepted(court: RunningCourt, case_id: str, publication_id: str) -> None:
    """Every party of the case says that it has no objection."""
    async with court.staff("clerk") as clerk:
        parties = (await clerk.get(f"/cases/{case_id}"))["parties"]
    for party in parties:
        async with court.party(party["name"]) as person:
            await person.put(f"/publications/{publication_id}/response", {"objects": False})


async def confirmed(decider: CourtClient, publication_id: str) -> dict[str, Any]:
    """Looked at and confirmed, the copy as it is now."""
    copy = (await copied(decider, publication_id))["copy"]
    async with decider.http.get(f"{decider.url}/api/v1/publications/{publication_id}/film") as answer:
        assert hashlib.sha256(await answer.read()).hexdigest() == copy["sha256"]
    return dict(
        await decider.post(f"/publications/{publication_id}/confirm", {"copy_sha256": copy["sha256"]})
    )


async def published(court: RunningCourt, things: Objects, **draft: Any) -> str:
    """Applied for, accepted by every party, looked at and confirmed by another official: the publication's id."""
    body = {"title": "民间借贷纠纷庭审", "cause": "民间借贷纠纷", **draft}
    async with court.staff("clerk") as clerk, court.staff("president") as president:
        asked = await clerk.post(f"/recordings/{things.recording_id}/publications", body)
        await accepted(court, things.case_id, asked["id"])
        await confirmed(president, asked["id"])
    return str(asked["id"])
