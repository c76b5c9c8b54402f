"""Import of cases from a court's other system: a whole file or nothing, every bad line by its number."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from hearing_server.domain.acts import ActKind
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import Conflict, FieldError, HearingError, Invalid
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.filing.imports import ImportedCase, faulty, parse_csv, parse_json
from hearing_server.filing.intake import Faults, PartyIntake, RepresentativeIntake
from hearing_server.kernel import Actor, Clock, PersonId, Role
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.acts import record_act
from hearing_server.services.cases.cases import CaseFiling, NewCase, refuse_mistaken_person


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in; `is_dry_run`: what would have come in, with the numbers and no ids that last."""

    cases: tuple[Case, ...]
    is_dry_run: bool


class _Rehearsed(Exception):
    """Ends the unit of a dry run, so that nothing of it stays."""


class CaseImports:
    """The use-case of a clerk who brings a court's running cases along."""

    def __init__(
        self, units: Units, vault: Vault, clock: Clock, profile: CourtProfile, filing: CaseFiling
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._profile = profile
        self._filing = filing

    async def run(self, actor: Actor, content: bytes, *, is_csv: bool, is_dry_run: bool) -> Imported:
        """Import the file in one unit; a dry run does the same work and takes it back.

        Errors: those of `filing.imports`; Invalid `import.faulty` with every line that speaks against the database.
        """
        require(capacity_of(actor.role, None), Action.CASE_IMPORT)
        latest_year = self._profile.local_day(self._clock.utc_now()).year
        # A year's cases take a second to read and check: not on the event loop, and before the unit begins.
        found = await asyncio.to_thread(
            parse_csv if is_csv else parse_json, content, scheme=self._profile.scheme, latest_year=latest_year
        )
        filed: list[Case] = []
        try:
            async with self._units.write() as unit:
                judges = await self._check(unit, actor, found)
                for one in found:
                    filed.append(await self._file(unit, actor, one, judges))
                await self._record(unit, actor, content, filed)
                if is_dry_run:
                    raise _Rehearsed
        except _Rehearsed:
            pass
        return Imported(tuple(filed), is_dry_run)

    async def _check(self, unit: Unit, actor: Actor, found: tuple[ImportedCase, ...]) -> dict[str, PersonId]:
        """Hold the whole file against the database before anything is written; the judges by sign-in name."""
        judges = {
            account.username: person.id
            for person, account in await unit.people.staff(actor.court_id)
            if account.role is Role.JUDGE
        }
        faults = Faults()
        names: dict[str, str] = {}
        for one in found:
            faults.line = one.line
            if await unit.cases.by_number(actor.court_id, str(one.number)) is not None:
                faults.add(
                    "number", "case.number_taken", "案号已被使用", "This case number has been used already"
                )
            if one.judge.lower() not in judges:
                faults.add(
                    "judge", "case.no_such_staff", "没有这个登录名的法官", "No judge signs in by this name"
                )
            for party, (line, path) in zip(one.parties, one.places, strict=True):
                faults.line = line
                await self._check_party(unit, actor, party, path, faults, names)
        if faults.found:
            raise faulty(faults.found)
        return judges

    async def _check_party(
        self, unit: Unit, actor: Actor, party: PartyIntake, path: str, faults: Faults, names: dict[str, str]
    ) -> None:
        for somebody, where in _people(party, path):
            # The same ID and the same phone may stand on many lines of the file, under one name and for one ID.
            if names.setdefault(f"id:{somebody.id_number}", somebody.name) != somebody.name:
                faults.add(
                    f"{where}name", "identity.name_mismatch",
                    "文件中同一证件号码对应不同姓名", "The file has this ID number under another name too",
                )  # fmt: skip
                continue
            if names.setdefault(f"phone:{somebody.phone}", somebody.id_number) != somebody.id_number:
                faults.add(
                    f"{where}phone", "phone.of_another_person",
                    "文件中同一手机号对应不同的人", "The file has this phone for somebody else too",
                )  # fmt: skip
                continue
            id_index = self._vault.index(somebody.id_number, purpose="id_number")
            phone_index = self._vault.index(somebody.phone, purpose="phone")
            known = await unit.people.by_id_number(actor.court_id, id_index)
            try:
                await refuse_mistaken_person(unit, actor, known, somebody.name, phone_index, where)
            except Invalid as fault:
                faults.add(fault.errors[0].field or where, fault.code, fault.zh, fault.en)

    async def _file(self, unit: Unit, actor: Actor, one: ImportedCase, judges: dict[str, PersonId]) -> Case:
        new = NewCase(one.terms, judge_id=judges[one.judge.lower()], parties=one.parties, number=one.number)
        try:
            return await self._filing.file_in(
                unit, actor, new, docket=DocketKind.CASE_IMPORTED, act=ActKind.CASE_IMPORTED
            )
        except (Conflict, Invalid) as error:
            # What only filing itself notices still names its line.
            raise _at_line(error, one.line) from error

    async def _record(self, unit: Unit, actor: Actor, content: bytes, filed: list[Case]) -> None:
        await record_act(
            unit,
            actor,
            kind=ActKind.CASE_IMPORTED,
            chain_id=actor.court_id,
            at=self._clock.utc_now(),
            payload={"cases": len(filed), "file_sha256": hashlib.sha256(content).hexdigest()},
        )
        for case in filed:
            unit.ring(Doorbell("case_changed", case.id))


def _people(party: PartyIntake, path: str) -> Iterator[tuple[PartyIntake | RepresentativeIntake, str]]:
    yield party, path
    for index, agent in enumerate(party.representatives):
        yield agent, f"{path}representatives[{index}]."


def _at_line(error: HearingError, line: int) -> Invalid:
    field = error.errors[0].field if error.errors else ""
    return faulty([FieldError(error.code, error.zh, error.en, field, line)])
