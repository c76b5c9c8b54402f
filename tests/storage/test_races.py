"""Many at once: what must happen once happens once, numbers have no gaps, a failed unit leaves no trace."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from hearing_server.adapters.bus import MemoryBus
from hearing_server.adapters.vault import FolderVault
from hearing_server.domain.acts import ActKind
from hearing_server.domain.codes import OneTimeCode
from hearing_server.errors import Conflict, Forbidden, HearingError, RateLimited
from hearing_server.filing.cases import Case, Openness, PartyKind, Procedure, Standing
from hearing_server.filing.intake import CaseTerms, PartyIntake
from hearing_server.kernel import Actor, PersonId, Role, SystemClock, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.notices import Notice
from hearing_server.ports.people import Person, Session, StaffAccount
from hearing_server.services.acts import ActLog, record_act
from hearing_server.services.cases.cases import CaseFiling, NewCase
from hearing_server.services.hearing.hearings import Hearings
from hearing_server.services.identity.codes import Codes
from hearing_server.services.reminding.reminders import Reminding
from hearing_server.services.reminding.rules import rules_of
from hearing_server.storage.unit_of_work import SqlUnits
from tests.court import invented_id
from tests.unit.court_pieces import CLERK, JUDGE, profile

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COURT = profile().court


def person(person_id: str, name: str) -> Person:
    return Person(
        PersonId(person_id), COURT.id, "staff", name, None, None, None, None, None, None, created_at=NOW
    )  # fmt: skip


@pytest.fixture
async def staffed(units: SqlUnits) -> SqlUnits:
    """A court with a judge and a clerk."""
    async with units.write() as unit:
        for person_id, role in ((JUDGE, Role.JUDGE), (CLERK, Role.CLERK)):
            await unit.people.add(person(person_id, role.value))
            await unit.people.add_staff(StaffAccount(person_id, role.value, "x", role))
    return units


@pytest.fixture
def clerk() -> Actor:
    return Actor(CLERK, Role.CLERK, COURT.id, "书记员")


@pytest.fixture
def vault(tmp_path_factory: pytest.TempPathFactory) -> FolderVault:
    return FolderVault(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def filing(staffed: SqlUnits, vault: FolderVault) -> CaseFiling:
    reminders = Reminding(staffed, vault, SystemClock(), profile(), rules_of(profile(), {}))
    coming = Hearings(
        staffed, vault, SystemClock(), profile(), lambda token: f"http://court/j/{token}", reminders
    )
    return CaseFiling(staffed, vault, SystemClock(), profile(), coming)


def new_case(sequence: int) -> NewCase:
    party = PartyIntake(
        Standing.PLAINTIFF, PartyKind.NATURAL, "甲某", f"137{sequence:08d}", invented_id(sequence)
    )
    return NewCase(CaseTerms("买卖合同纠纷", Procedure.SUMMARY, Openness.OPEN), JUDGE, (party,))


async def test_numbers__fifty_filings_at_once__are_gapless_and_unique(
    filing: CaseFiling, clerk: Actor
) -> None:
    cases = await asyncio.gather(*(filing.file(clerk, new_case(n)) for n in range(1, 51)))
    assert sorted(case.number.serial for case in cases) == list(range(1, 51))


async def test_numbers__filings_that_fail_in_between__leave_no_gap(filing: CaseFiling, clerk: Actor) -> None:
    """Odd filings name a clerk as judge and are refused after their number was taken."""

    async def one(sequence: int) -> Case | HearingError:
        new = new_case(sequence)
        if sequence % 2:
            new = NewCase(new.terms, CLERK, new.parties)
        try:
            return await filing.file(clerk, new)
        except HearingError as error:
            return error

    done = await asyncio.gather(*(one(n) for n in range(1, 21)))
    serials = sorted(case.number.serial for case in done if isinstance(case, Case))
    assert serials == list(range(1, 11))


async def test_parties__added_at_once__take_ordinals_without_gap(
    filing: CaseFiling, clerk: Actor, staffed: SqlUnits
) -> None:
    case = await filing.file(clerk, new_case(1))
    parties = [new_case(n).parties[0] for n in range(2, 10)]
    await asyncio.gather(*(filing.add_party(clerk, case.id, party) for party in parties))
    whole, _, docket = await filing.get(clerk, case.id)
    assert sorted(party.ordinal for party in whole.parties) == list(range(1, 10))
    assert [entry.seq for entry in docket] == list(range(1, 10))
    page = await ActLog(staffed).of_case(clerk, case.id, after_seq=0)
    assert ([act.case_seq for act in page.acts], page.is_intact) == (list(range(1, 10)), True)


async def test_acts__appended_at_once__stay_one_intact_chain(staffed: SqlUnits, clerk: Actor) -> None:
    async def one(number: int) -> None:
        async with staffed.write() as unit:
            await record_act(
                unit, clerk, kind=ActKind.SESSION_STARTED, chain_id=COURT.id, at=NOW, payload={"n": number}
            )

    await asyncio.gather(*(one(n) for n in range(30)))
    async with staffed.read() as unit:
        acts = await unit.acts.after(COURT.id, 0, 100)
    assert [act.case_seq for act in acts] == list(range(1, 31))
    assert [act.prev_sha256 for act in acts[1:]] == [act.entry_sha256 for act in acts[:-1]]


async def test_unit__rolled_back__rings_nothing_and_keeps_nothing(staffed: SqlUnits, bus: MemoryBus) -> None:
    heard: list[Doorbell] = []

    async def hear(bell: Doorbell) -> None:
        heard.append(bell)

    async def fail() -> None:
        async with staffed.write() as unit:
            await unit.people.add(person("per_x", "某"))
            unit.ring(Doorbell("case_changed", "cas_lost"))
            raise RuntimeError("no")

    bus.subscribe("case_changed", hear)
    with pytest.raises(RuntimeError, match="no"):
        await fail()
    async with staffed.write() as unit:
        unit.ring(Doorbell("case_changed", "cas_kept"))
        assert not heard, "a bell before the commit"
    assert [bell.key for bell in heard] == ["cas_kept"]
    async with staffed.read() as unit:
        assert await unit.people.get(PersonId("per_x")) is None


async def test_code__right_guesses_at_once__pass_one(staffed: SqlUnits, vault: FolderVault) -> None:
    codes = Codes(staffed, vault, SystemClock())
    digits = await issue(staffed, vault, "phone:1")

    async def one() -> bool:
        try:
            await codes.check(subject="phone:1", code=digits, network="10.0.0.1")
        except (Forbidden, RateLimited):
            return False
        return True

    assert (await asyncio.gather(*(one() for _ in range(8)))).count(True) == 1


async def test_code__wrong_guesses_at_once__are_all_counted(staffed: SqlUnits, vault: FolderVault) -> None:
    codes = Codes(staffed, vault, SystemClock())
    digits = await issue(staffed, vault, "phone:2")
    guesses = [f"{(int(digits) + n) % 1_000_000:06d}" for n in range(1, 9)]
    refused = await asyncio.gather(
        *(codes.check(subject="phone:2", code=guess, network="10.0.0.1") for guess in guesses),
        return_exceptions=True,
    )
    assert all(isinstance(error, Forbidden) for error in refused)
    async with staffed.read() as unit:
        newest = await unit.people.newest_code("phone:2")
    assert newest is not None
    assert newest.tries == 8
    with pytest.raises(Forbidden):
        await codes.check(subject="phone:2", code=digits, network="10.0.0.1")


async def issue(units: SqlUnits, vault: FolderVault, subject: str) -> str:
    """A code of known digits, sealed as the service seals it."""
    row = OneTimeCode(
        new_id("otc"), subject, "", SystemClock().utc_now(), SystemClock().utc_now() + timedelta(minutes=5)
    )
    digits = "042917"
    hashed = vault.index(f"{row.id}:{digits}", purpose="one-time-code")
    async with units.write() as unit:
        await unit.people.add_code(OneTimeCode(row.id, subject, hashed, row.created_at, row.expires_at))
    return digits


async def test_ticket__used_at_once__opens_one_socket(staffed: SqlUnits) -> None:
    async with staffed.write() as unit:
        await unit.people.add_session(
            Session("ses_1", "t" * 64, CLERK, Role.CLERK, "password", NOW, NOW + timedelta(hours=1), None)
        )
        await unit.people.add_ticket("a" * 64, "ses_1", NOW + timedelta(seconds=60))
        await unit.people.add_ticket("b" * 64, "ses_1", NOW)

    async def one(ticket: str) -> str | None:
        async with staffed.write() as unit:
            return await unit.people.use_ticket(ticket, NOW)

    used = await asyncio.gather(*(one("a" * 64) for _ in range(6)), one("b" * 64))
    assert sorted(map(str, used)) == ["None"] * 6 + ["ses_1"]


async def test_attempts__counted_at_once__lose_none_and_start_anew_after_the_window(
    staffed: SqlUnits,
) -> None:
    async def one(at: datetime) -> int:
        async with staffed.write() as unit:
            return await unit.people.count_attempt("wrong:x", now=at, window_s=60)

    assert sorted(await asyncio.gather(*(one(NOW) for _ in range(10)))) == list(range(1, 11))
    assert await one(NOW + timedelta(seconds=60)) == 1


def notice(key: str) -> Notice:
    return Notice(
        id=new_id("ntc"), dedup_key=key, person_id=CLERK, channel="sms", to_sealed=b"", body_sealed=b"",
        state="queued", tries=0, created_at=NOW, next_at=NOW, settled_at=None, result=None, simulated=False,
    )  # fmt: skip


async def test_outbox__same_cause_twice__is_one_notice(staffed: SqlUnits) -> None:
    async with staffed.write() as unit:
        assert [await unit.notices.add(notice("k")) for _ in range(2)] == [True, False]
        assert len(await unit.notices.newest(10)) == 1


async def test_outbox__two_workers__share_the_work_and_a_dead_ones_lease_runs_out(staffed: SqlUnits) -> None:
    async with staffed.write() as unit:
        for n in range(10):
            await unit.notices.add(notice(f"k{n}"))

    async def claim(now: datetime) -> list[str]:
        async with staffed.write() as unit:
            due = await unit.notices.due(now, 6)
            begun = [
                await unit.notices.begin(one, now=now, lease_until=now + timedelta(seconds=60)) for one in due
            ]
            return [one.id for one in begun if one is not None]

    first, second = await asyncio.gather(claim(NOW), claim(NOW))
    assert not set(first) & set(second)
    left = await claim(NOW)
    assert not {*first, *second} & set(left)
    first = [*first, *second, *left]
    assert len(first) == 10
    assert await claim(NOW + timedelta(seconds=59)) == []
    async with staffed.write() as unit:
        await unit.notices.settle(first[0], state="accepted", at=NOW, result="", simulated=True)
        await unit.notices.retry(first[1], next_at=NOW + timedelta(hours=1), result="later")
    again = {*await claim(NOW + timedelta(seconds=61)), *await claim(NOW + timedelta(seconds=61))}
    assert again == {*first[2:]}
    async with staffed.read() as unit:
        found = {one.id: one.maybe_twice for one in await unit.notices.newest(20)}
    assert found == {one: one in again for one in found}, "who takes over from a dead one says so"


async def test_case_number__used_before__is_a_conflict(filing: CaseFiling, clerk: Actor) -> None:
    first = await filing.file(clerk, new_case(1))
    new = new_case(2)
    with pytest.raises(Conflict, match=r"case\.number_taken"):
        await filing.file(clerk, NewCase(new.terms, JUDGE, new.parties, number=str(first.number)))
