"""Recordings as people look at them: the list, the page, the film."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

from hearing_server.domain.acts import ActKind
from hearing_server.domain.roles import Action, require
from hearing_server.errors import Forbidden
from hearing_server.kernel import Actor, Clock, RecordingId, Role
from hearing_server.ports.units import Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.replays import may_download

# Sessions that watch a film; the oldest is forgotten, its next range is one more act.
_MAX_VIEWINGS = 10_000


class Recordings:
    """Looking at finished records."""

    def __init__(self, units: Units, clock: Clock, folders: RecordFolders) -> None:
        self._units = units
        self._clock = clock
        self._folders = folders
        self._viewings: OrderedDict[tuple[str, RecordingId], None] = OrderedDict()

    async def mine(self, actor: Actor) -> list[SeenRecording]:
        """Recordings of the cases the actor sees; clerks and presidents see the court's."""
        async with self._units.read() as unit:
            if actor.role in (Role.CLERK, Role.PRESIDENT):
                cases = await unit.cases.of_court(actor.court_id)
            else:
                cases = await unit.cases.of_person(actor.person_id)
            by_id = {case.id: case for case in cases}
            found = []
            for recording in await unit.recordings.of_cases(list(by_id)):
                hearing = await unit.hearings.get(recording.hearing_id)
                assert hearing is not None
                case = by_id[hearing.case_id]
                newest = await unit.recordings.newest_publication(recording.id)
                found.append(SeenRecording(recording, hearing, case, case.member(actor.person_id), newest))
        return found

    async def get(self, actor: Actor, recording_id: str) -> SeenRecording:
        async with self._units.read() as unit:
            return await access_recording(unit, actor, recording_id)

    async def film(self, actor: Actor, recording_id: str, *, begins: bool) -> Path:
        """The film's file for somebody who may see it.

        The view is an act where it `begins`, and wherever a session asks for the first time: who starts in the middle
        has seen it as well.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_recording(unit, actor, recording_id)
            require(seen.capacity(actor), Action.FILM_VIEW)
            if not may_download(seen, actor):
                raise Forbidden(
                    "film.not_released",
                    zh="法院未允许下载，请在线观看",
                    en="The court hasn't released the file; please watch it online",
                )
            viewing = (actor.session_id, seen.recording.id)
            if begins or viewing not in self._viewings:
                await record_act(
                    unit, actor, kind=ActKind.FILM_VIEWED, chain_id=seen.case.id, at=now,
                    payload={"recording_id": seen.recording.id},
                )  # fmt: skip
        self._viewings[viewing] = None
        while len(self._viewings) > _MAX_VIEWINGS:
            self._viewings.popitem(last=False)
        return self._folders.film(seen.recording)
