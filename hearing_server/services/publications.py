"""Publication: a clerk asks, a second official decides, anybody with the right withdraws at once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from hearing_server.domain import recordings as domain
from hearing_server.domain.acts import ActKind
from hearing_server.domain.recordings import (
    Publication,
    PublicationState,
)
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import NotFound
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, PublicationId, new_id
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.docket import enter_docket
from hearing_server.services.record_folders import RecordFolders


class Publications:
    """From the reviewed film to the public page and back."""

    def __init__(self, units: Units, clock: Clock, profile: CourtProfile, folders: RecordFolders) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._folders = folders

    async def submit(self, actor: Actor, recording_id: str, *, title: str, cause: str) -> Publication:
        """申报公开 by the clerk of the case. Errors as domain.recordings.submit_publication."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_recording(unit, actor, recording_id)
            capacity = seen.capacity(actor)
            require(capacity, Action.PUBLICATION_SUBMIT)
            opened = seen.hearing.opened_at or seen.hearing.starts_at
            publication = domain.submit_publication(
                seen.recording,
                id=PublicationId(new_id("pub")),
                title=title,
                cause=cause,
                case_number=str(seen.case.number),
                court_name=seen.case.court.name,
                openness=seen.case.openness,
                existing=seen.publication,
                by=actor.person_id,
                at=now,
                held_on=self._profile.local_day(opened),
            )
            await unit.recordings.add_publication(publication)
            await self._enter(unit, actor, seen.case, publication, ActKind.PUBLICATION_SUBMITTED, now)
        return publication

    async def decide(
        self, actor: Actor, publication_id: str, *, verdict: str, reason: str = ""
    ) -> Publication:
        """`confirm`, `reject` or `withdraw`. Errors: Forbidden `publication.same_person`, Conflict."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            publication = await unit.recordings.publication(PublicationId(publication_id))
            if publication is None:
                raise NotFound
            seen = await access_recording(unit, actor, publication.recording_id)
            capacity = seen.capacity(actor)
            withdraws = verdict == "withdraw"
            require(capacity, Action.PUBLICATION_WITHDRAW if withdraws else Action.PUBLICATION_DECIDE)
            if withdraws:
                kind, decided = (
                    ActKind.PUBLICATION_WITHDRAWN,
                    publication.withdrawn(actor.person_id, at=now, reason=reason),
                )
            elif verdict == "confirm":
                kind, decided = ActKind.PUBLICATION_CONFIRMED, publication.confirmed(actor.person_id, at=now)
            else:
                kind, decided = (
                    ActKind.PUBLICATION_REJECTED,
                    publication.rejected(actor.person_id, at=now, reason=reason),
                )
            await unit.recordings.save_publication(decided)
            await self._enter(unit, actor, seen.case, decided, kind, now)
        return decided

    async def of_court(self, actor: Actor, states: tuple[PublicationState, ...]) -> list[Publication]:
        """The court's publications for its staff."""
        require(capacity_of(actor.role, None), Action.RECORDINGS_LIST)
        async with self._units.read() as unit:
            return await unit.recordings.publications(states)

    async def public(self, *, before: datetime | None, limit: int) -> list[Publication]:
        """What anybody may see, newest first."""
        async with self._units.read() as unit:
            return await unit.recordings.publications((PublicationState.PUBLIC,), before=before, limit=limit)

    async def public_one(self, publication_id: str) -> Publication:
        """NotFound from the moment of withdrawal."""
        async with self._units.read() as unit:
            publication = await unit.recordings.publication(PublicationId(publication_id))
        if publication is None or not publication.is_public:
            raise NotFound
        return publication

    async def public_film(self, publication_id: str) -> Path:
        publication = await self.public_one(publication_id)
        async with self._units.read() as unit:
            recording = await unit.recordings.get(publication.recording_id)
        assert recording is not None
        return self._folders.film(recording)

    async def public_poster(self, publication_id: str) -> Path:
        """The picture of a public film. NotFound when it isn't public or has none."""
        poster = (await self.public_film(publication_id)).with_name("poster.jpg")
        if not poster.is_file():
            raise NotFound
        return poster

    async def _enter(
        self, unit: Unit, actor: Actor, case: Case, publication: Publication, kind: ActKind, now: datetime
    ) -> None:
        line = DocketKind(kind.value.replace(".", "_"))
        await enter_docket(unit, actor, case.id, line, at=now, detail=publication.title)
        await record_act(
            unit, actor, kind=kind, chain_id=case.id, at=now,
            payload={"publication_id": publication.id, "reason": publication.reason or ""},
        )  # fmt: skip
