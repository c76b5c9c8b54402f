"""Exhibits in both databases: numbers without gaps whoever comes at once, documents that come back as they went in."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hearing_server.domain.exhibits.sealing import Disclosure
from hearing_server.kernel import CaseId, ExhibitId, OpinionId, PersonId
from hearing_server.ports.exhibits import ExhibitTerms
from hearing_server.ports.people import Person
from hearing_server.storage.unit_of_work import SqlUnits
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, NOW, PLAINTIFF, at, case
from tests.unit.domain.test_exhibits import DISPUTED, opine
from tests.unit.exhibit_pieces import checked, content, decision, draft, exchanged


@pytest.fixture
async def case_id(units: SqlUnits) -> CaseId:
    """A case with its court's people."""
    one = case()
    async with units.write() as unit:
        for member_id in (JUDGE, CLERK, PLAINTIFF, DEFENDANT, AGENT):
            kind = "staff" if member_id in (JUDGE, CLERK) else "natural"
            await unit.people.add(
                Person(member_id, one.court.id, kind, str(member_id), None, None, None, None, None, None, NOW)
            )
        await unit.cases.add(one)
    return one.id


async def test_numbers__taken_at_once_and_given_back__have_no_gap(units: SqlUnits, case_id: CaseId) -> None:

    async def take(series: str, *, fails: bool) -> int:
        async with units.write() as unit:
            await unit.acts.lock_head(case_id)
            number = await unit.exhibits.next_number(case_id, series)
            if fails:
                raise RuntimeError("the submission failed")
            return number

    works = [take("pty_a", fails=n % 3 == 1) for n in range(9)] + [take("court", fails=False)]
    taken = await asyncio.gather(*works, return_exceptions=True)
    numbers = [one for one in taken if isinstance(one, int)]
    assert sorted(numbers) == [1, 1, 2, 3, 4, 5, 6]


async def test_exhibit__kept_and_read__is_the_same(units: SqlUnits, case_id: CaseId) -> None:
    sealed = replace(
        checked(is_sealed=True).decided(decision(Disclosure.KEEP)), case_id=case_id, content=content(files=())
    )
    async with units.write() as unit:
        await unit.exhibits.add(sealed)
    async with units.read() as unit:
        assert await unit.exhibits.get(sealed.id) == sealed
        assert await unit.exhibits.of_case(case_id) == [sealed]
        assert await unit.exhibits.get(ExhibitId("exh_x")) is None


async def test_discard__of_what_was_submitted__takes_nothing_away(units: SqlUnits, case_id: CaseId) -> None:
    kept = replace(exchanged(), case_id=case_id, content=content(files=()))
    gone = replace(draft(), id=ExhibitId("exh_2"), case_id=case_id, content=content(files=()))
    async with units.write() as unit:
        for one in (kept, gone):
            await unit.exhibits.add(one)
    async with units.write() as unit:
        for one in (kept, gone):
            await unit.exhibits.discard(one.id)
    async with units.read() as unit:
        assert [one.id for one in await unit.exhibits.of_case(case_id)] == [kept.id]


async def test_opinions_and_terms__kept__come_back_in_order(units: SqlUnits, case_id: CaseId) -> None:
    exhibit = replace(exchanged(), case_id=case_id, content=content(files=()))
    first = opine(exhibit, DEFENDANT, DISPUTED, reason="一", at=at(50))
    second = opine(exhibit, DEFENDANT, reason="二", at=at(60), opinion_id=OpinionId("opn_0"))
    async with units.write() as unit:
        assert await unit.exhibits.terms(case_id) == ExhibitTerms(case_id)
        await unit.exhibits.add(exhibit)
        for one in (second, first):
            await unit.exhibits.add_opinion(one)
        for until in (NOW, at(9)):
            await unit.exhibits.save_terms(ExhibitTerms(case_id, until))
    async with units.read() as unit:
        assert await unit.exhibits.opinions_of(exhibit.id) == [first, second]
        assert await unit.exhibits.opinions_of_cases([CaseId("cas_x"), case_id]) == [first, second]
        assert (await unit.exhibits.terms(case_id)).submit_until == at(9)


@pytest.mark.parametrize("number", [1, None])
async def test_version__of_a_number__stands_once(
    units: SqlUnits, case_id: CaseId, number: int | None
) -> None:
    one = replace(exchanged(), case_id=case_id, content=content(files=()), number=number)
    twin = replace(one, id=ExhibitId("exh_9"), created_by=PersonId("per_x"))

    async def both() -> None:
        async with units.write() as unit:
            await unit.exhibits.add(one)
            await unit.exhibits.add(twin)

    if number is None:
        await both()
        return
    with pytest.raises(Exception, match=r"(?i)unique"):
        await both()
