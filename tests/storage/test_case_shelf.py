"""Copies of cases hold as long as their row's revision says so, on both databases."""

from __future__ import annotations

from contextlib import suppress

import pytest

from hearing_server.adapters.bus import MemoryBus
from hearing_server.filing.cases import Authority, Case, PersonRef, Representation
from hearing_server.kernel import PartyId, PersonId
from hearing_server.storage.unit_of_work import SqlUnits
from tests.storage.test_races import person
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, NOW, PLAINTIFF, case

NEWCOMER, OTHER = PersonId("per_newcomer"), PersonId("per_other")


def agency(person_id: PersonId) -> Representation:
    return Representation(PartyId(f"pty_{person_id}"), PersonRef(person_id, "代理人"), Authority.GENERAL)


@pytest.fixture
async def filed(units: SqlUnits) -> Case:
    async with units.write() as unit:
        for person_id in (JUDGE, CLERK, PLAINTIFF, DEFENDANT, AGENT, NEWCOMER, OTHER):
            await unit.people.add(person(person_id, person_id))
        await unit.cases.add(case())
    return case()


async def stored(units: SqlUnits, known: Case) -> Case:
    async with units.read() as unit:
        found = await unit.cases.get(known.id)
    assert found is not None
    return found


async def test_case__read_again__comes_from_the_shelf(units: SqlUnits, filed: Case) -> None:
    first = await stored(units, filed)
    assert await stored(units, filed) is first
    async with units.read() as unit:
        assert await unit.cases.of_person(PLAINTIFF) == [first]


async def test_case__changed_by_another_process__is_read_again(units: SqlUnits, filed: Case) -> None:
    assert (await stored(units, filed)).member(NEWCOMER) is None
    elsewhere = SqlUnits(units._readers, MemoryBus())
    async with elsewhere.write() as unit:
        await unit.cases.add_representative(filed.id, filed.parties[0].id, agency(NEWCOMER))
    assert (await stored(units, filed)).member(NEWCOMER) is not None
    async with elsewhere.write() as unit:
        await unit.cases.end_representation(agency(NEWCOMER).id, now=NOW)
    assert (await stored(units, filed)).member(NEWCOMER) is None
    async with elsewhere.write() as unit:
        await unit.people.set_phone(PLAINTIFF, sealed=b"x", index="x", masked="139****9999")
    shown = {party.person.id: party.person.phone_masked for party in (await stored(units, filed)).parties}
    assert shown[PLAINTIFF] == "139****9999"


async def test_case__changed_and_rolled_back__leaves_nothing_on_the_shelf(
    units: SqlUnits, filed: Case
) -> None:
    await stored(units, filed)
    with suppress(RuntimeError):
        async with units.write() as unit:
            await unit.cases.add_representative(filed.id, filed.parties[0].id, agency(NEWCOMER))
            within = await unit.cases.get(filed.id)
            assert within is not None
            assert within.member(NEWCOMER) is not None, "a unit sees its own change"
            raise RuntimeError
    async with units.write() as unit:
        # The same revision as the one that was undone, with another content.
        await unit.cases.add_representative(filed.id, filed.parties[0].id, agency(OTHER))
    now = await stored(units, filed)
    assert now.member(NEWCOMER) is None
    assert now.member(OTHER) is not None


async def test_chain__part_of_a_unit_undone__is_locked_and_read_anew(units: SqlUnits) -> None:
    async with units.write() as unit:
        assert await unit.acts.lock_head("cas_1") == (0, "")
        with suppress(RuntimeError):
            async with unit.part():
                await unit.acts.lock_head("cas_2")
                raise RuntimeError
        assert await unit.acts.lock_head("cas_1") == (0, "")
        assert await unit.acts.lock_head("cas_2") == (0, "")
