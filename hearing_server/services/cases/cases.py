"""Cases: counter filing by a clerk, parties, who sees which case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.progress.nodes import NodeKind
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import FieldError, Invalid
from hearing_server.filing.case_number import CaseNumber, check, parse
from hearing_server.filing.cases import (
    Case,
    CaseMember,
    CaseState,
    Party,
    PartyKind,
    PersonRef,
    Representation,
)
from hearing_server.filing.closed_doors import ClosedDoors, close_doors
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketEntry, DocketKind
from hearing_server.filing.identity import mask_id_number, mask_phone
from hearing_server.filing.intake import CaseTerms, PartyIntake, RepresentativeIntake
from hearing_server.kernel import Actor, CaseId, Clock, PartyId, PersonId, Role, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.people import Person
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import access_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import open_lanes
from hearing_server.services.docket import enter_docket
from hearing_server.services.hearing.hearings import Hearings
from hearing_server.services.progress.node_pushes import post_node


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case as it is filed, checked by `filing.intake`; `number` only for a case that has one from another system."""

    terms: CaseTerms
    judge_id: PersonId
    parties: tuple[PartyIntake, ...]
    number: str | CaseNumber | None = None
    type_code: str = "民初"
    clerk_id: PersonId | None = None


class CaseFiling:
    """Use-cases of the filing core."""

    def __init__(
        self, units: Units, vault: Vault, clock: Clock, profile: CourtProfile, hearings: Hearings
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._profile = profile
        self._scheme = profile.scheme
        self._hearings = hearings

    async def file(self, actor: Actor, new: NewCase) -> Case:
        """立案 at the counter. Errors: Invalid with fields, Conflict `case.number_taken`, Forbidden."""
        require(capacity_of(actor.role, None), Action.CASE_FILE)
        async with self._units.write() as unit:
            return await self.file_in(unit, actor, new, docket=DocketKind.CASE_FILED, act=ActKind.CASE_FILED)

    async def file_in(
        self, unit: Unit, actor: Actor, new: NewCase, *, docket: DocketKind, act: ActKind
    ) -> Case:
        """As `file`, in the caller's unit: an import files all its cases in one."""
        now = self._clock.utc_now()
        court = await unit.people.court(actor.court_id)
        assert court is not None
        number = await self._number(unit, actor, new, year=self._profile.local_day(now).year)
        case = Case(
            id=CaseId(new_id("cas")),
            court=court,
            number=number,
            cause=new.terms.cause,
            procedure=new.terms.procedure,
            openness=new.terms.openness,
            closed_doors=_doors_of(new.terms, actor, now),
            state=CaseState.FILED,
            filed_at=now,
            judge=await self._staff(unit, new.judge_id, Role.JUDGE, "judge_id"),
            clerk=await self._staff(unit, new.clerk_id or actor.person_id, Role.CLERK, "clerk_id"),
        )
        for index, party in enumerate(new.parties):
            case = case.with_party(await self._party(unit, actor, party, f"parties[{index}]."))
        await unit.cases.add(case)
        await open_lanes(unit, case, now=now)
        await self._enter(unit, actor, case, docket, detail=f"{case.number} {case.cause}")
        if docket is DocketKind.CASE_FILED:
            # An imported case was filed elsewhere, some other day: nobody is told of it as of news.
            await post_node(
                unit, actor, case.id, NodeKind.CASE_FILED, {"title": case.cause}, key=case.id, now=now
            )
        await record_act(
            unit,
            actor,
            kind=act,
            chain_id=case.id,
            at=now,
            payload={
                "number": str(case.number),
                "cause": case.cause,
                "parties": len(case.parties),
                **_ground(case),
            },
        )
        return case

    async def add_party(self, actor: Actor, case_id: str, new: PartyIntake) -> Case:
        """One more party. Errors: Conflict `case.person_already_on_case`, Invalid with fields."""
        async with self._units.write() as unit:
            case, member = await access_case(unit, actor, case_id, lock=True)
            require(capacity_of(actor.role, member.role if member else None), Action.PARTY_ADD)
            changed = case.with_party(await self._party(unit, actor, new, ""))
            party = changed.parties[-1]
            await unit.cases.add_party(case.id, party)
            label = changed.party_label(party)
            await self._enter(
                unit, actor, changed, DocketKind.PARTY_ADDED, detail=f"{label.zh} {party.person.name}"
            )
            await record_act(
                unit,
                actor,
                kind=ActKind.PARTY_ADDED,
                chain_id=case.id,
                at=self._clock.utc_now(),
                payload={"party_id": party.id, "standing": party.standing.value},
            )
            await self._hearings.take_in(unit, actor, changed)
            unit.ring(Doorbell("case_changed", case.id))
            return changed

    async def mine(self, actor: Actor) -> list[Case]:
        """A clerk or president sees the court's cases, everybody else those they are on."""
        async with self._units.read() as unit:
            if actor.role in (Role.CLERK, Role.PRESIDENT):
                return await unit.cases.of_court(actor.court_id)
            return await unit.cases.of_person(actor.person_id)

    async def get(self, actor: Actor, case_id: str) -> tuple[Case, CaseMember | None, list[DocketEntry]]:
        async with self._units.read() as unit:
            case, member = await access_case(unit, actor, case_id)
            return case, member, await unit.cases.docket(case.id)

    async def _number(self, unit: Unit, actor: Actor, new: NewCase, *, year: int) -> CaseNumber:
        if new.number is None:
            serial = await unit.cases.next_serial(actor.court_id, year, new.type_code)
            return self._scheme.compose(year=year, type_code=new.type_code, serial=serial)
        number = new.number if isinstance(new.number, CaseNumber) else parse(new.number)
        check(number, self._scheme, latest_year=year)
        await unit.cases.raise_serial(actor.court_id, number.year, number.series[2], number.serial)
        return number

    async def _staff(self, unit: Unit, person_id: PersonId, role: Role, field: str) -> PersonRef:
        account = await unit.people.staff_account(person_id)
        person = await unit.people.get(person_id)
        if account is None or person is None or account.role is not role:
            raise _field(
                field, "case.no_such_staff", "没有这位法官或书记员", "There is no such judge or clerk"
            )
        return PersonRef(person.id, person.name)

    async def _party(self, unit: Unit, actor: Actor, new: PartyIntake, path: str) -> Party:
        person = await self.take_person(unit, actor, new.kind, new, path)
        agents = []
        for index, agent in enumerate(new.representatives):
            where = f"{path}representatives[{index}]."
            ref = await self.take_person(unit, actor, PartyKind.NATURAL, agent, where)
            agents.append(Representation(PartyId(new_id("rep")), ref, agent.authority))
        return Party(PartyId(new_id("pty")), person, new.kind, new.standing, 0, tuple(agents))

    async def take_person(
        self, unit: Unit, actor: Actor, kind: PartyKind, new: PartyIntake | RepresentativeIntake, path: str
    ) -> PersonRef:
        """The person with this ID number, known or new; a newer phone replaces the older one."""
        vault = self._vault
        id_index = vault.index(new.id_number, purpose="id_number")
        phone_index = vault.index(new.phone, purpose="phone")
        known = await unit.people.by_id_number(actor.court_id, id_index)
        await refuse_mistaken_person(unit, actor, known, new.name, phone_index, path)
        person_id = known.id if known is not None else PersonId(new_id("per"))
        sealed_phone = vault.seal(new.phone, context=f"persons.phone:{person_id}")
        if known is None:
            known = Person(
                id=person_id,
                court_id=actor.court_id,
                kind=kind.value,
                name=new.name,
                phone_sealed=sealed_phone,
                phone_index=phone_index,
                phone_masked=mask_phone(new.phone),
                id_number_sealed=vault.seal(new.id_number, context=f"persons.id_number:{person_id}"),
                id_number_index=id_index,
                id_masked=mask_id_number(new.id_number),
                created_at=self._clock.utc_now(),
            )
            await unit.people.add(known)
        elif known.phone_index != phone_index:
            masked = mask_phone(new.phone)
            await unit.people.set_phone(person_id, sealed=sealed_phone, index=phone_index, masked=masked)
            known = replace(known, phone_masked=masked)
        return PersonRef(known.id, known.name, known.phone_masked, known.id_masked)

    async def _enter(self, unit: Unit, actor: Actor, case: Case, kind: DocketKind, *, detail: str) -> None:
        await enter_docket(unit, actor, case.id, kind, at=self._clock.utc_now(), detail=detail)


async def refuse_mistaken_person(
    unit: Unit, actor: Actor, known: Person | None, name: str, phone_index: str, path: str
) -> None:
    """An ID number is one name's and a phone one person's, or signing in by phone would open another's cases.

    Errors: Invalid `identity.name_mismatch`, `phone.of_another_person` with the field.
    """
    if known is not None and known.name != name:
        raise _field(
            f"{path}name",
            "identity.name_mismatch",
            "该证件号码已登记在其他姓名下，请核对",
            "This ID number is registered under another name; please check",
        )
    owners = await unit.people.by_phone(actor.court_id, phone_index)
    if any(known is None or owner.id != known.id for owner in owners):
        raise _field(
            f"{path}phone",
            "phone.of_another_person",
            "该手机号已登记在他人名下，请核对",
            "This phone is registered for somebody else; please check",
        )


def _field(field: str, code: str, zh: str, en: str) -> Invalid:
    return Invalid(code, zh=zh, en=en, errors=(FieldError(code, zh, en, field=field),))


def _doors_of(terms: CaseTerms, actor: Actor, now: datetime) -> ClosedDoors | None:
    """The order as the clerk enters it with the case."""
    if terms.doors is None:
        return None
    doors = terms.doors
    return close_doors(doors.ground, reason=doors.reason, request=doors.request, by=actor.person_id, at=now)


def _ground(case: Case) -> dict[str, str]:
    """What the act of filing says of a case that is not open."""
    doors = case.closed_doors
    return {"ground": doors.ground.value, "law": doors.rule.law, "reason": doors.reason} if doors else {}
