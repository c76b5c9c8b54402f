"""Lanes on both databases: gapless under many writers, idempotent for ever, nothing acked that isn't there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import sqlalchemy.exc

from hearing_server.adapters.bus import MemoryBus
from hearing_server.domain.case_space.amendments import PostingRules
from hearing_server.domain.case_space.lanes import LaneKind
from hearing_server.domain.case_space.messages import EventType, first_broken_seq
from hearing_server.errors import Conflict, HearingError, Invalid, Unavailable
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, CaseId, LaneId, PersonId, Role, SystemClock
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.people import Person
from hearing_server.ports.units import Unit
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.case_space.lanes import open_lanes
from hearing_server.storage.unit_of_work import SqlUnits
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, NOW, PLAINTIFF, case, profile

COURT = profile().court


@pytest.fixture
async def filed(units: SqlUnits) -> Case:
    """A case with all its people and its lanes."""
    one = case()
    async with units.write() as unit:
        for member_id in (JUDGE, CLERK, PLAINTIFF, DEFENDANT, AGENT):
            kind = "staff" if member_id in (JUDGE, CLERK) else "natural"
            await unit.people.add(
                Person(member_id, COURT.id, kind, str(member_id), None, None, None, None, None, None, NOW)
            )
        await unit.cases.add(one)
        await open_lanes(unit, one, now=NOW)
    return one


@pytest.fixture
async def space(units: SqlUnits) -> AsyncIterator[CaseSpace]:
    opened = CaseSpace(units, SystemClock(), GroupCommit(units), PostingRules())
    opened.start()
    yield opened
    await opened.stop()


def actor(person_id: PersonId, role: Role = Role.PARTY) -> Actor:
    return Actor(person_id, role, COURT.id, str(person_id), "ses_x")


async def lane_of(units: SqlUnits, filed: Case, kind: LaneKind = LaneKind.EVERYONE) -> LaneId:
    async with units.read() as unit:
        lane = await unit.space.lane_of_case(filed.id, kind)
    assert lane is not None
    return lane.id


async def test_fifty_posts_at_once__four_people__are_gapless_chained_and_acked_once_stored(
    units: SqlUnits, bus: MemoryBus, filed: Case, space: CaseSpace
) -> None:
    lane = await lane_of(units, filed)
    rung: list[Doorbell] = []

    async def listen(bell: Doorbell) -> None:
        rung.append(bell)

    bus.subscribe("lane_appended", listen)
    people = [actor(JUDGE, Role.JUDGE), actor(CLERK, Role.CLERK), actor(PLAINTIFF), actor(DEFENDANT)]
    acks = await asyncio.gather(
        *(
            space.post(
                people[number % 4], lane, client_id=f"client-{number:03d}", type=EventType.TEXT,
                body={"text": f"第{number}条"},
            )
            for number in range(50)
        )
    )  # fmt: skip
    async with units.read() as unit:
        events = await unit.space.events(lane, limit=100)
        head = await unit.space.lane(lane)
        acts = [act for act in await unit.acts.after(filed.id, 0, 100) if act.kind == "message.posted"]
    assert sorted(ack["seq"] for ack in acks) == list(range(1, 51))  # type: ignore[type-var]
    assert first_broken_seq(events) is None
    assert [event.seq for event in events] == list(range(1, 51))
    assert {(event.seq, event.hash.hex()) for event in events} == {(ack["seq"], ack["hash"]) for ack in acks}
    assert head is not None
    assert (head.head_seq, head.head_hash) == (50, events[-1].hash)
    assert len(acts) == 50, "every message is an act in the same commit"
    assert 1 <= len(rung) < 50, "one bell for a batch, not one for each"


async def test_same_client_id__from_two_devices_at_once__is_one_event(
    units: SqlUnits, filed: Case, space: CaseSpace
) -> None:
    lane = await lane_of(units, filed)
    answers = await asyncio.gather(
        *(
            space.post(
                actor(PLAINTIFF), lane, client_id="client-same", type=EventType.TEXT, body={"text": "一次"}
            )
            for _ in range(8)
        )
    )
    assert all(answer == answers[0] for answer in answers)
    # Another person may use the same id; the same person may not use it elsewhere in the case.
    other = await space.post(
        actor(DEFENDANT), lane, client_id="client-same", type=EventType.TEXT, body={"text": "一次"}
    )
    assert other["seq"] == 2
    with pytest.raises(Conflict, match="client_id_reused"):
        await space.post(
            actor(PLAINTIFF), lane, client_id="client-same", type=EventType.TEXT, body={"text": "两次"}
        )


async def test_one_refused_among_many__takes_nobody_along(
    units: SqlUnits, filed: Case, space: CaseSpace
) -> None:
    everyone, bench = await lane_of(units, filed), await lane_of(units, filed, LaneKind.BENCH)

    async def post(person: PersonId, lane: LaneId, number: int, text: str) -> object:
        try:
            return (
                await space.post(
                    actor(person),
                    lane,
                    client_id=f"client-{number:03d}",
                    type=EventType.TEXT,
                    body={"text": text},
                )
            )["seq"]
        except HearingError as error:
            return error.code

    await post(PLAINTIFF, everyone, 0, "占用编号")
    answers = await asyncio.gather(
        post(PLAINTIFF, everyone, 1, "好"),
        post(PLAINTIFF, everyone, 0, "另一内容"),
        post(DEFENDANT, bench, 2, "不许"),
        post(DEFENDANT, everyone, 3, " "),
        post(DEFENDANT, everyone, 4, "也好"),
    )
    assert list(answers[1:4]) == ["message.client_id_reused", "not_found", "message.empty"]
    assert sorted(str(answers[place]) for place in (0, 4)) == ["2", "3"]


async def test_group_commit__work_that_fails_after_writing__leaves_no_trace_and_rings_no_bell(
    units: SqlUnits, bus: MemoryBus, filed: Case
) -> None:
    line = GroupCommit(units)
    line.start()
    rung: list[str] = []

    async def listen(bell: Doorbell) -> None:
        rung.append(bell.key)

    bus.subscribe("tried", listen)

    def work(name: str, *, fails: bool) -> Callable[[Unit], Awaitable[str]]:
        async def mark(unit: Unit) -> str:
            assert await unit.space.mark_once(name, now=NOW)
            unit.ring(Doorbell("tried", name))
            if fails:
                raise Invalid("test.refused", zh="", en="")
            return name

        return mark

    answers = await asyncio.gather(
        *(line.run(work(f"mark-{number}", fails=number % 3 == 0), order="cas_1") for number in range(12)),
        return_exceptions=True,
    )
    await line.stop()
    async with units.write() as unit:
        fresh = [number for number in range(12) if await unit.space.mark_once(f"mark-{number}", now=NOW)]
    assert fresh == [0, 3, 6, 9], "only the failed ones had left no mark"
    assert [isinstance(answer, Invalid) for answer in answers] == [number % 3 == 0 for number in range(12)]
    assert rung == [f"mark-{number}" for number in range(12) if number % 3]
    with pytest.raises(Unavailable):
        await line.run(work("late", fails=False), order="cas_1")


async def test_group_commit__caller_gives_up__the_write_stands(units: SqlUnits, filed: Case) -> None:
    line = GroupCommit(units)
    line.start()
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(unit: Unit) -> None:
        begun.set()
        await go_on.wait()
        await unit.space.mark_once("kept", now=NOW)

    waiting = asyncio.create_task(line.run(work, order="cas_1"))
    await begun.wait()
    waiting.cancel()
    go_on.set()
    await line.stop()
    async with units.write() as unit:
        assert not await unit.space.mark_once("kept", now=NOW)


async def test_event_row__second_one_under_a_number__is_impossible(
    units: SqlUnits, filed: Case, space: CaseSpace
) -> None:
    lane = await lane_of(units, filed)
    await space.post(actor(PLAINTIFF), lane, client_id="client-one", type=EventType.TEXT, body={"text": "一"})
    async with units.read() as unit:
        event = (await unit.space.events(lane, limit=1))[0]
        head = await unit.space.lane(lane)
    assert head is not None
    with pytest.raises(sqlalchemy.exc.IntegrityError):
        async with units.write() as unit:
            await unit.space.append(head, event, request_sha256=None)


async def test_receipts_and_unread__of_two_people__count_what_others_wrote(
    units: SqlUnits, filed: Case, space: CaseSpace
) -> None:
    lane = await lane_of(units, filed)
    for number in range(5):
        await space.post(
            actor(PLAINTIFF if number % 2 else DEFENDANT), lane,
            client_id=f"client-{number:03d}", type=EventType.TEXT, body={"text": "话"},
        )  # fmt: skip
    case_ids = [CaseId(filed.id)]
    assert await space.unread(actor(PLAINTIFF), case_ids) == {filed.id: 3}
    await asyncio.gather(
        *(
            space.note_receipt(actor(PLAINTIFF), lane, delivered_seq=None, read_seq=seq)
            for seq in (4, 1, 3, 2)
        )
    )
    async with units.read() as unit:
        receipt = await unit.space.receipt(lane, PLAINTIFF)
    assert (receipt.read_seq, receipt.delivered_seq) == (4, 4), "marks never go back"
    assert await space.unread(actor(PLAINTIFF), case_ids) == {filed.id: 1}
    assert await space.unread(actor(AGENT), case_ids) == {filed.id: 5}
