"""The judge's word: who may see what was submitted in private, what was shown, what the court makes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hearing_server.domain.acts import ActKind
from hearing_server.domain.exhibits.content import checked_reason, clean
from hearing_server.domain.exhibits.exhibits import Exhibit, Result
from hearing_server.domain.exhibits.sealing import Disclosure, Redacted, SealDecision
from hearing_server.domain.hearing.hearings import RUNNING
from hearing_server.domain.roles import Action
from hearing_server.errors import Conflict, Invalid
from hearing_server.filing.cases import CaseRole
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, HearingId, PartyId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenExhibit, access_exhibit
from hearing_server.services.docket import enter_docket
from hearing_server.services.exhibits.files import named_files
from hearing_server.services.exhibits.keeping import answer, keep


@dataclass(frozen=True, slots=True)
class NewDecision:
    """As the judge gives it; `attachment_id` and `title` belong to a redacted version."""

    kind: Disclosure
    party_ids: Sequence[str] | None
    reason: str
    title: str = ""
    attachment_id: str = ""


class ExhibitBench:
    """Use-cases of the judge."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def decide(self, actor: Actor, exhibit_id: str, decision: NewDecision) -> dict[str, object]:
        """Disclose, disclose another version, or keep sealed. Before the exchange nobody else sees more by it.

        Errors: Conflict `exhibit.not_sealed`, `disclosure.taken_back`; Invalid `disclosure.malformed`, `exhibit.…`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_DISCLOSE, lock=True)
            made = SealDecision(
                kind=decision.kind,
                to=_parties(seen, decision.party_ids),
                reason=checked_reason(decision.reason),
                by=actor.person_id,
                at=now,
                redacted=await _redacted(unit, seen, decision),
            )
            after = seen.exhibit.decided(made)
            await keep(
                unit, actor, seen.case, after, ActKind.EXHIBIT_DISCLOSURE_DECIDED, at=now, before=None,
                details={"decision": decision.kind.value},
            )  # fmt: skip
            await self._enter(unit, actor, after, DocketKind.EXHIBIT_DISCLOSURE_DECIDED)
            return await answer(unit, seen, after)

    async def show(
        self, actor: Actor, exhibit_id: str, *, hearing_id: str, page: int | None, to_all: bool
    ) -> dict[str, object]:
        """It is shown in a hearing that runs. Errors: Conflict `exhibit.no_hearing` and those of Exhibit.shown."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_SHOW, lock=True)
            after = seen.exhibit.shown(
                hearing_id=HearingId(hearing_id), by=actor.person_id, at=now, page=page, to_all=to_all
            )
            hearing = await unit.hearings.get(HearingId(hearing_id))
            if hearing is None or hearing.case_id != seen.case.id or hearing.state not in RUNNING:
                raise Conflict(
                    "exhibit.no_hearing",
                    zh="本案没有正在进行的这次庭审",
                    en="The case has no such hearing in session",
                )
            await keep(
                unit, actor, seen.case, after, ActKind.EXHIBIT_SHOWN, at=now, before=seen.exhibit,
                details={"hearing_id": hearing.id, "page": page or 0, "to_all": to_all},
            )  # fmt: skip
            return await answer(unit, seen, after)

    async def rule(self, actor: Actor, exhibit_id: str, *, result: Result, reason: str) -> dict[str, object]:
        """认定 with its reason; a later one stands beside it. Errors: Conflict `exhibit.not_exchanged`, `.sealed`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_exhibit(unit, actor, exhibit_id, Action.EXHIBIT_RULE, lock=True)
            last = seen.exhibit.rulings[-1] if seen.exhibit.rulings else None
            if last and (last.by, last.result, last.reason) == (actor.person_id, result, clean(reason)):
                return await answer(unit, seen, seen.exhibit)
            after = seen.exhibit.ruled(result=result, reason=reason, by=actor.person_id, at=now)
            await keep(
                unit, actor, seen.case, after, ActKind.EXHIBIT_RULED, at=now, before=seen.exhibit,
                details={"result": result.value},
            )  # fmt: skip
            await self._enter(unit, actor, after, DocketKind.EXHIBIT_RULED)
            return await answer(unit, seen, after)

    async def _enter(self, unit: Unit, actor: Actor, exhibit: Exhibit, kind: DocketKind) -> None:
        label = exhibit.label
        assert label is not None, "only what was submitted is decided on"
        now = self._clock.utc_now()
        await enter_docket(unit, actor, exhibit.case_id, kind, at=now, detail=label.zh, detail_en=label.en)
        unit.ring(Doorbell("case_changed", exhibit.case_id))


def _parties(seen: SeenExhibit, party_ids: Sequence[str] | None) -> tuple[PartyId, ...] | None:
    if party_ids is None:
        return None
    known = {party.id for party in seen.case.parties} - set(seen.exhibit.owners)
    if not known.issuperset(PartyId(one) for one in party_ids):
        raise Invalid("exhibit.party", zh="请选择本案的他方当事人", en="Choose other parties of this case")
    return tuple(sorted({PartyId(one) for one in party_ids}))


async def _redacted(unit: Unit, seen: SeenExhibit, decision: NewDecision) -> Redacted | None:
    """The court's version: a file that somebody of the court has uploaded to this case."""
    if decision.kind is not Disclosure.REDACTED:
        return None
    court = [
        member.person_id for member in seen.case.members() if member.role in (CaseRole.JUDGE, CaseRole.CLERK)
    ]
    files = await named_files(unit, seen.case, (decision.attachment_id,), uploaders=court)
    return Redacted(clean(decision.title), files[0])
