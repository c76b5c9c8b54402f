"""Offering exhibits: drafts of a side or of the clerk's desk, submission with its number, supplements, withdrawal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.lanes import SealedGround
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.exhibits.content import ExhibitContent, ExhibitKind, Form, check_draft, clean
from hearing_server.domain.exhibits.exhibits import (
    COURT_SERIES,
    MAX_DRAFTS,
    MAX_IN_SERIES,
    Exhibit,
    ExhibitState,
)
from hearing_server.domain.exhibits.sealing import Seal, seal
from hearing_server.domain.exhibits.sight import Viewer, handles
from hearing_server.domain.roles import Action
from hearing_server.errors import Conflict, Forbidden, Invalid
from hearing_server.filing.cases import Case, Label
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, ExhibitId, PartyId, new_id
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenExhibit, access_exhibit, access_exhibits
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.docket import enter_docket
from hearing_server.services.exhibits.files import named_files
from hearing_server.services.exhibits.keeping import answer, keep, ring, view


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody writes. `ground` None: for everybody, once it is exchanged; else to the court alone."""

    title: str
    kind: ExhibitKind
    source: str
    purpose: str
    form: Form
    attachment_ids: tuple[str, ...]
    ground: SealedGround | None = None
    seal_reason: str = ""


class Submissions:
    """From the first word to the submission, and back before anybody else has seen it."""

    def __init__(self, units: Units, clock: Clock, profile: CourtProfile) -> None:
        self._units = units
        self._clock = clock
        self._scheme = profile.exhibits

    async def begin(
        self, actor: Actor, case_id: str, draft: Draft, *, party_id: str | None, supersedes: str | None
    ) -> dict[str, object]:
        """A new draft. `party_id`: for whom, when somebody stands for several or the clerk enters paper.

        Errors: NotFound, Forbidden, Invalid `exhibit.…`, Conflict `exhibit.too_many`, `.superseded`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, viewer, capacity = await access_exhibits(
                unit, actor, case_id, Action.EXHIBIT_SUBMIT, lock=True
            )
            await _require_room(unit, case, viewer)
            before = await _predecessor(unit, actor, case, supersedes) if supersedes else None
            if before is not None:
                series, owners = before.series, before.owners
            else:
                series, owners = _for_whom(case, viewer, party_id)
            made = Exhibit(
                id=ExhibitId(new_id("exh")),
                case_id=case.id,
                series=series,
                owners=owners,
                by_court=viewer.is_court,
                content=await _content(unit, actor, case, draft, before),
                created_by=actor.person_id,
                created_at=now,
                supersedes=before.id if before else None,
                sealed=_sealed(draft),
            )
            check_draft(made.content)
            await unit.exhibits.add(made)
            ring(unit, made, None)
            return await view(unit, made, case, viewer, capacity)

    async def edit(self, actor: Actor, exhibit_id: str, draft: Draft) -> dict[str, object]:
        """A draft with other words and files. Errors as `begin`, Conflict `exhibit.state`."""
        async with self._units.write() as unit:
            seen = await self._own(unit, actor, exhibit_id)
            content = await _content(unit, actor, seen.case, draft, seen.exhibit)
            after = seen.exhibit.edited(content, _sealed(draft))
            await unit.exhibits.save(after)
            ring(unit, after, seen.exhibit)
            return await answer(unit, seen, after)

    async def discard(self, actor: Actor, exhibit_id: str) -> None:
        """Throw a draft away. Errors: Conflict `exhibit.state` for what was submitted."""
        async with self._units.write() as unit:
            seen = await self._own(unit, actor, exhibit_id)
            if seen.exhibit.state is not ExhibitState.DRAFT:
                raise Conflict(
                    "exhibit.state", zh="证据已提交，不能删除", en="The exhibit was submitted and stays"
                )
            await unit.exhibits.discard(seen.exhibit.id)

    async def submit(self, actor: Actor, exhibit_id: str, *, revision: int) -> dict[str, object]:
        """提交: from here on nothing of it changes. `revision`: of what the person has looked at.

        Errors: Conflict `exhibit.changed`, `.state`, `.superseded`, `.too_many`; Invalid `exhibit.incomplete`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await self._own(unit, actor, exhibit_id)
            if seen.exhibit.revision != revision:
                raise Conflict(
                    "exhibit.changed",
                    zh="草稿已被修改，请核对后重新提交",
                    en="The draft has changed; look at it again before you submit it",
                )
            after = await self._numbered(unit, actor, seen, now)
            await keep(unit, actor, seen.case, after, ActKind.EXHIBIT_SUBMITTED, at=now, before=None)
            if after.sealed is not None:
                await self._leave_stub(unit, actor, after, now)
            return await answer(unit, seen, after)

    async def withdraw(self, actor: Actor, exhibit_id: str, *, reason: str) -> dict[str, object]:
        """撤回, as long as no other side has seen it. Errors: Conflict `exhibit.exchanged`, `.state`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await self._own(unit, actor, exhibit_id)
            after = seen.exhibit.withdrawn(by=actor.person_id, at=now, reason=reason)
            await keep(unit, actor, seen.case, after, ActKind.EXHIBIT_WITHDRAWN, at=now, before=seen.exhibit)
            before = await unit.exhibits.get(after.supersedes) if after.supersedes else None
            if before is not None and before.superseded_by == after.id:
                await unit.exhibits.save(before.superseded(None))
                ring(unit, before, before)
            return await answer(unit, seen, after)

    async def _own(self, unit: Unit, actor: Actor, exhibit_id: str) -> SeenExhibit:
        seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_SUBMIT, lock=True)
        if not handles(seen.exhibit, seen.viewer):
            raise Forbidden(
                "exhibit.not_yours", zh="只能处理己方提交的证据", en="Only your own side's exhibits"
            )
        return seen

    async def _numbered(self, unit: Unit, actor: Actor, seen: SeenExhibit, now: datetime) -> Exhibit:
        draft, case = seen.exhibit, seen.case
        due_at = (await unit.exhibits.terms(case.id)).submit_until
        by = actor.person_id
        if draft.supersedes is not None:
            before = await unit.exhibits.get(draft.supersedes)
            assert before is not None, "a submitted version stays"
            before.require_supplement()
            version = await _next_version(unit, before)
            assert before.number is not None
            assert before.label is not None
            after = draft.submitted(
                by=by, at=now, number=before.number, version=version, label=before.label, due_at=due_at
            )
            if not before.is_disclosed:
                # Nobody else has seen it: the new version takes its place at once.
                await unit.exhibits.save(before.superseded(after.id))
                ring(unit, before, before)
            return after
        number = await unit.exhibits.next_number(case.id, draft.series)
        if number > MAX_IN_SERIES:
            raise _too_many()
        return draft.submitted(
            by=by, at=now, number=number, version=1, label=self._label(case, draft, number), due_at=due_at
        )

    def _label(self, case: Case, exhibit: Exhibit, number: int) -> Label:
        party = next((one for one in case.parties if one.id == exhibit.series), None)
        if party is None:
            return self._scheme.of_court(number)
        return self._scheme.of_party(case.party_label(party), number)

    async def _leave_stub(self, unit: Unit, actor: Actor, exhibit: Exhibit, now: datetime) -> None:
        """Everybody reads that something was sent to the court alone, and on which ground."""
        assert exhibit.sealed is not None
        assert exhibit.label is not None
        ground = exhibit.sealed.ground.label
        detail, detail_en = f"{exhibit.label.zh}（{ground.zh}）", f"{exhibit.label.en} ({ground.en})"
        await enter_docket(
            unit,
            actor,
            exhibit.case_id,
            DocketKind.EXHIBIT_SEALED,
            at=now,
            detail=detail,
            detail_en=detail_en,
        )
        body = {"exhibit_id": exhibit.id, "title": detail, "title_en": detail_en}
        await post_card(unit, exhibit.case_id, Card.EXHIBIT_SEALED, body, now=now)


async def _require_room(unit: Unit, case: Case, viewer: Viewer) -> None:
    drafts = [
        one
        for one in await unit.exhibits.of_case(case.id)
        if one.state is ExhibitState.DRAFT and handles(one, viewer)
    ]
    if len(drafts) >= MAX_DRAFTS:
        raise _too_many()


async def _predecessor(unit: Unit, actor: Actor, case: Case, exhibit_id: str) -> Exhibit:
    seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_SUBMIT)
    if seen.case.id != case.id or not handles(seen.exhibit, seen.viewer):
        raise Forbidden("exhibit.not_yours", zh="只能处理己方提交的证据", en="Only your own side's exhibits")
    seen.exhibit.require_supplement()
    return seen.exhibit


async def _next_version(unit: Unit, before: Exhibit) -> int:
    """One more than any version of this number ever had. Errors: Conflict `exhibit.superseded`."""
    line = [
        one
        for one in await unit.exhibits.of_case(before.case_id)
        if one.series == before.series and one.number == before.number
    ]
    if any(one.version > before.version and one.state is not ExhibitState.WITHDRAWN for one in line):
        raise Conflict("exhibit.superseded", zh="该证据已有新版本", en="The exhibit has a newer version")
    return max(one.version for one in line) + 1


def _for_whom(case: Case, viewer: Viewer, party_id: str | None) -> tuple[str, tuple[PartyId, ...]]:
    """(series, owners): a party's own, a lawyer's parties', or what the clerk enters for one or for the court."""
    known = [party.id for party in case.parties]
    if viewer.is_court:
        if party_id is None:
            return COURT_SERIES, ()
        if party_id not in known:
            raise _no_party()
        return party_id, (PartyId(party_id),)
    own = [one for one in known if one in viewer.party_ids]
    if party_id is not None:
        if party_id not in own:
            raise _no_party()
        return party_id, (PartyId(party_id),)
    return own[0], tuple(own)


async def _content(
    unit: Unit, actor: Actor, case: Case, draft: Draft, before: Exhibit | None
) -> ExhibitContent:
    known = before.content.files if before else ()
    files = await named_files(unit, case, draft.attachment_ids, uploaders=(actor.person_id,), known=known)
    return ExhibitContent(
        clean(draft.title), draft.kind, clean(draft.source), clean(draft.purpose), draft.form, files
    )


def _sealed(draft: Draft) -> Seal | None:
    return seal(draft.ground, draft.seal_reason) if draft.ground is not None else None


def _no_party() -> Invalid:
    return Invalid(
        "exhibit.party", zh="请选择本案中您代表的当事人", en="Choose a party of this case whom you stand for"
    )


def _too_many() -> Conflict:
    return Conflict(
        "exhibit.too_many", zh="草稿或证据数量已达上限", en="No more drafts or exhibits are taken"
    )
