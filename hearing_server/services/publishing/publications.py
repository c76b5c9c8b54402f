"""Publication: a clerk asks, the parties are told and heard, a second official decides, anybody withdraws at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.publishing import publications as domain
from hearing_server.domain.publishing.publications import CopyState, Publication, PublicationState
from hearing_server.domain.publishing.redactions import Redaction, redactions_sha256
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import Conflict, NotFound
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, PersonId, PublicationId, new_id, to_wire
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording, access_case, access_publication, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.docket import enter_docket
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.reminding.reminders import Reminding

_SIDES = (CaseRole.PARTY, CaseRole.REPRESENTATIVE)
_DOCKET = {
    ActKind.PUBLICATION_SUBMITTED: DocketKind.PUBLICATION_SUBMITTED,
    ActKind.PUBLICATION_CONFIRMED: DocketKind.PUBLICATION_CONFIRMED,
    ActKind.PUBLICATION_REJECTED: DocketKind.PUBLICATION_REJECTED,
    ActKind.PUBLICATION_WITHDRAWN: DocketKind.PUBLICATION_WITHDRAWN,
    ActKind.PUBLICATION_OBJECTION_ANSWERED: DocketKind.PUBLICATION_OBJECTION_ANSWERED,
}


@dataclass(frozen=True, slots=True)
class SeenPublication:
    """A publication with its case, for those who are in it; `is_staff`: sees the list and everybody's words."""

    publication: Publication
    case: Case
    is_staff: bool


class Publications:
    """From the reviewed film to the decision and back."""

    def __init__(
        self, units: Units, clock: Clock, profile: CourtProfile, folders: RecordFolders, reminders: Reminding
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._folders = folders
        self._reminders = reminders

    async def submit(
        self, actor: Actor, recording_id: str, *, title: str, cause: str, redactions: Iterable[Redaction] = ()
    ) -> SeenPublication:
        """申报公开 by the clerk of the case; every party is told. Errors as domain.submit_publication."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_recording(unit, actor, recording_id)
            require(seen.capacity(actor), Action.PUBLICATION_SUBMIT)
            opened = seen.hearing.opened_at or seen.hearing.starts_at
            publication = domain.submit_publication(
                seen.recording,
                seen.hearing,
                seen.case,
                id=PublicationId(new_id("pub")),
                title=title,
                cause=cause,
                existing=seen.publication,
                by=actor.person_id,
                at=now,
                held_on=self._profile.local_day(opened),
                objections_until=now + timedelta(hours=self._profile.publication_objection_h),
                redactions=redactions,
            )
            await unit.recordings.add_publication(publication)
            await self._tell_parties(unit, actor, seen.case, publication, now)
            await self._enter(unit, actor, seen.case, publication, ActKind.PUBLICATION_SUBMITTED, now)
            unit.ring(Doorbell("public_copy_queued", publication.id))
        return SeenPublication(publication, seen.case, is_staff=True)

    async def redact(self, actor: Actor, publication_id: str, rows: Iterable[Redaction]) -> SeenPublication:
        """Another list, until it is decided; the copy is made anew. Errors: Invalid `redaction.…`, Conflict."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_SUBMIT)
            people = [member.person_id for member in seen.case.members()]
            after = publication.redacted(rows, people=people)
            await self._save(unit, actor, seen.case, after, ActKind.PUBLICATION_REDACTED)
            unit.ring(Doorbell("public_copy_queued", publication.id))
        return SeenPublication(after, seen.case, is_staff=True)

    async def respond(
        self, actor: Actor, publication_id: str, *, objects: bool, reason: str
    ) -> SeenPublication:
        """A party's word: no objection, or an objection with its reason. Errors as objections.respond."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_RESPOND)
            now = self._clock.utc_now()
            after = publication.responded(actor.person_id, objects=objects, reason=reason, at=now)
            await self._save(unit, actor, seen.case, after, ActKind.PUBLICATION_RESPONDED, reason=reason)
            line = DocketKind.PUBLICATION_OBJECTED if objects else DocketKind.PUBLICATION_ACCEPTED
            await enter_docket(unit, actor, seen.case.id, line, at=now, detail=publication.title)
            unit.ring(Doorbell("case_changed", seen.case.id))
        return SeenPublication(after, seen.case, is_staff=False)

    async def answer(
        self, actor: Actor, publication_id: str, person_id: str, *, upheld: bool, text: str
    ) -> SeenPublication:
        """The decider's answer to one objection. Errors as objections.answer."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_DECIDE)
            after = publication.answered(
                PersonId(person_id), by=actor.person_id, upheld=upheld, text=text, at=self._clock.utc_now()
            )
            kind = ActKind.PUBLICATION_OBJECTION_ANSWERED
            await self._save(unit, actor, seen.case, after, kind, reason=text)
        return SeenPublication(after, seen.case, is_staff=True)

    async def confirm(self, actor: Actor, publication_id: str, *, copy_sha256: str) -> SeenPublication:
        """Public from now on: the very bytes this person has looked at. Errors as Publication.confirmed."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_DECIDE)
            at = self._clock.utc_now()
            after = publication.confirmed(
                actor.person_id, case=seen.case, hearing=seen.hearing, copy_sha256=copy_sha256, at=at
            )
            await self._save(unit, actor, seen.case, after, ActKind.PUBLICATION_CONFIRMED)
        return SeenPublication(after, seen.case, is_staff=True)

    async def reject(self, actor: Actor, publication_id: str, *, reason: str) -> SeenPublication:
        """不予公开 by a second official, with its reason."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_DECIDE)
            after = publication.rejected(actor.person_id, at=self._clock.utc_now(), reason=reason)
            await self._save(unit, actor, seen.case, after, ActKind.PUBLICATION_REJECTED, reason=reason)
        return SeenPublication(after, seen.case, is_staff=True)

    async def withdraw(self, actor: Actor, publication_id: str, *, reason: str) -> SeenPublication:
        """Gone from the next request on; what runs is cut within a second."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_WITHDRAW)
            after = publication.withdrawn(actor.person_id, at=self._clock.utc_now(), reason=reason)
            await self._save(unit, actor, seen.case, after, ActKind.PUBLICATION_WITHDRAWN, reason=reason)
        return SeenPublication(after, seen.case, is_staff=True)

    async def preview(self, actor: Actor, publication_id: str, *, begins: bool) -> Path:
        """The copy as it would be public, for the court's staff. Who looks at its beginning has seen these bytes."""
        async with self._units.write() as unit:
            publication, seen = await self._access(unit, actor, publication_id, Action.PUBLICATION_DECIDE)
            sha256 = publication.copy.sha256
            if publication.copy.state is not CopyState.READY or sha256 is None:
                raise Conflict(
                    "publication.copy_not_ready", zh="公开版尚未生成", en="The public copy isn't ready yet"
                )
            if begins and publication.is_waiting:
                after = publication.previewed(actor.person_id)
                await self._save(unit, actor, seen.case, after, ActKind.PUBLICATION_PREVIEWED, reason=sha256)
        return self._folders.copy(publication)

    async def get(self, actor: Actor, publication_id: str) -> SeenPublication:
        """One publication, for the court's staff and the parties of its case."""
        async with self._units.read() as unit:
            publication, seen = await access_publication(unit, actor, publication_id)
            require(seen.capacity(actor), Action.PUBLICATION_SEE)
        return SeenPublication(publication, seen.case, is_staff=actor.is_staff)

    async def of_court(self, actor: Actor, states: tuple[PublicationState, ...]) -> list[Publication]:
        """The court's publications for its staff."""
        require(capacity_of(actor.role, None), Action.RECORDINGS_LIST)
        async with self._units.read() as unit:
            return await unit.recordings.publications(states)

    async def of_case(self, actor: Actor, case_id: str) -> list[SeenPublication]:
        """A case's publications, for those who may look at the case."""
        async with self._units.read() as unit:
            case, member = await access_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role if member else None), Action.PUBLICATION_SEE)
            found = await unit.recordings.publications_of_case(case.id)
        return [SeenPublication(one, case, is_staff=actor.is_staff) for one in found]

    async def _access(
        self, unit: Unit, actor: Actor, publication_id: str, action: Action
    ) -> tuple[Publication, SeenRecording]:
        """For those who will change it: locked, so that two decisions can't cross."""
        _, seen = await access_publication(unit, actor, publication_id)
        require(seen.capacity(actor), action)
        publication = await unit.recordings.publication(PublicationId(publication_id), lock=True)
        if publication is None:
            raise NotFound
        return publication, seen

    async def _tell_parties(
        self, unit: Unit, actor: Actor, case: Case, publication: Publication, now: datetime
    ) -> None:
        """A forced reminder to everybody on either side, which they acknowledge, and a card that leads to the page."""
        until = publication.objections_until
        assert until is not None
        people = [member.person_id for member in case.members() if member.role in _SIDES]
        there = until.astimezone(self._profile.time_zone)
        if people:
            await self._reminders.issue_within(
                unit, actor, case, person_ids=people, due_at=until, now=now,
                title="拟公开庭审录像，可提出异议",
                text=(
                    f"法院拟将本案庭审录像《{publication.title}》向社会公开。如有异议，"
                    f"请于{there:%Y年%m月%d日 %H:%M}前在本案“公开事项”"
                    "页面提出并说明理由；没有异议的，也请确认。期满未提出的，由法院依法决定。"
                ),
            )  # fmt: skip
        body = {
            "publication_id": publication.id,
            "title": publication.title,
            "objections_until": to_wire(until),
        }
        await post_card(unit, case.id, Card.PUBLICATION_APPLIED, body, now=now)

    async def _save(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        publication: Publication,
        kind: ActKind,
        *,
        reason: str = "",
    ) -> None:
        await unit.recordings.save_publication(publication)
        await self._enter(unit, actor, case, publication, kind, self._clock.utc_now(), reason=reason)

    async def _enter(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        publication: Publication,
        kind: ActKind,
        now: datetime,
        *,
        reason: str = "",
    ) -> None:
        if kind in _DOCKET:
            await enter_docket(unit, actor, case.id, _DOCKET[kind], at=now, detail=publication.title)
        await record_act(
            unit, actor, kind=kind, chain_id=case.id, at=now,
            payload={
                "publication_id": publication.id, "reason": reason,
                "redactions_sha256": redactions_sha256(publication.redactions),
                "approved_sha256": publication.approved_sha256 or "",
            },
        )  # fmt: skip
