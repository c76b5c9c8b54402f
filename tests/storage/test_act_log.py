"""The log over all acts on both databases: every committed act has one place, no place is empty, nothing waits long."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.adapters.bus import MemoryBus
from hearing_server.domain.acts import ActKind
from hearing_server.domain.trust.merkle import CompactRange
from hearing_server.kernel import Actor, CourtId, PersonId, Role
from hearing_server.ports.act_log import SignedHead
from hearing_server.services.acts import record_act
from hearing_server.storage.schema import bring_up_to_date, migration_config
from hearing_server.storage.unit_of_work import SqlUnit, SqlUnits
from tests.unit.court_pieces import at

JUDGE = Actor(PersonId("per_judge"), Role.JUDGE, CourtId("crt_1"), "法官甲")


async def write(unit: SqlUnit, chain_id: str, number: int = 0) -> str:
    act = await record_act(
        unit, JUDGE, kind=ActKind.MESSAGE_POSTED, chain_id=chain_id, at=at(number), payload={"n": number}
    )
    return act.id


async def leaves(units: SqlUnits) -> list[tuple[int, str]]:
    async with units.read() as unit:
        rows = await unit._db.execute(
            sa.text("SELECT leaf_index, act_id FROM log_leaves ORDER BY leaf_index")
        )
        return [(row[0], row[1]) for row in rows]


async def test_acts__written_by_many_at_once__have_places_without_a_hole(units: SqlUnits) -> None:
    async def one(number: int) -> None:
        async with units.write() as unit:
            # Two chains in both orders: whoever holds a place waits for nobody's chain.
            for chain in sorted((f"cas_{number % 3}", f"cas_{number % 5}")):
                await write(unit, chain, number)

    await asyncio.gather(*(one(number) for number in range(30)))
    found = await leaves(units)
    assert [index for index, _ in found] == list(range(60))
    assert len({act_id for _, act_id in found}) == 60
    async with units.read() as unit:
        assert await unit.log.next_index() == 60
        assert await unit.log.index_of(found[17][1]) == 17
        assert len(await unit.log.entries(55, 100)) == 5


async def test_acts__of_a_unit_rolled_back__leave_no_hole(units: SqlUnits) -> None:
    with suppress(RuntimeError):
        async with units.write() as unit:
            await write(unit, "cas_1")
            raise RuntimeError
    async with units.write() as unit:
        kept = await write(unit, "cas_1")
        with suppress(RuntimeError):
            async with unit.part():
                await write(unit, "cas_1")
                raise RuntimeError
        also = await write(unit, "cas_1")
    assert await leaves(units) == [(0, kept), (1, also)]


async def test_acts__of_a_release_without_a_log__get_places_when_it_comes(engine: AsyncEngine) -> None:
    units = SqlUnits(engine, MemoryBus())
    await bring_up_to_date(engine)
    async with units.write() as unit:
        ids = [await write(unit, f"cas_{number % 2}", number) for number in range(7)]
    async with engine.begin() as connection:
        await connection.run_sync(lambda sync: command.downgrade(migration_config(sync), "r0002"))
    await bring_up_to_date(engine)
    assert await leaves(units) == list(enumerate(ids))
    async with units.write() as unit:
        new = await write(unit, "cas_0", 8)
    assert (await leaves(units))[-1] == (7, new)


async def test_tree__saved_and_read__is_the_same(units: SqlUnits) -> None:
    tree = CompactRange().append(b"\1" * 32).append(b"\2" * 32).append(b"\3" * 32)
    async with units.write() as unit:
        assert await unit.log.lock_tree() == CompactRange()
        await unit.log.save_tree(tree, {(0, 0): b"\1" * 96})
        await unit.log.save_tree(tree, {(0, 0): b"\1" * 128, (1, 7): b"\2" * 32})
    async with units.read() as unit:
        assert await unit.log.tree() == tree
        assert await unit.log.tiles([(0, 0), (1, 7), (2, 0)]) == {(0, 0): b"\1" * 128, (1, 7): b"\2" * 32}


async def test_best_checkpoint__is_the_oldest_stamped_one_that_covers_else_the_newest(
    units: SqlUnits,
) -> None:
    async with units.write() as unit:
        for size in (2, 5, 9, 12):
            await unit.log.add_checkpoint(SignedHead(size, f"note {size}", "key", at(size)))
        for size in (5, 9):
            assert await unit.log.wish_time_stamp(size, at(0))
        assert not await unit.log.wish_time_stamp(9, at(0))
        claimed = await unit.log.due_time_stamps(at(1), at(60), 10)
        assert [stamp.tries for stamp in claimed] == [1, 1]
        assert await unit.log.due_time_stamps(at(2), at(60), 10) == []
        for size in (5, 9):
            stamp = await unit.log.time_stamp(size)
            assert stamp is not None
            state = "stamped" if size == 9 else "queued"
            await unit.log.save_time_stamp(
                type(stamp)(size, state, 1, stamp.asked_at, None, at(3), b"token", "")
            )
    async with units.read() as unit:
        for index, size in ((0, 9), (8, 9), (9, 12), (11, 12), (12, 0)):
            best = await unit.log.best_checkpoint(index)
            assert (best.size if best else 0) == size
        newest = await unit.log.newest_time_stamp()
        assert newest is not None
        assert (newest.size, newest.at, newest.token) == (9, at(3), b"token")


async def test_cosignatures_and_segments__written_twice__stand_once(units: SqlUnits) -> None:
    async with units.write() as unit:
        await unit.log.add_checkpoint(SignedHead(3, "first", "key", at(1)))
        await unit.log.add_checkpoint(SignedHead(3, "second", "key", at(2)))
        for _ in range(2):
            await unit.log.add_cosignature(3, "w1", "— w1 …\n", at(1))
        assert await unit.log.lock_segment("rec_1", "a") == 0
        await unit.log.note_segment("rec_1", "a", 4)
        await unit.log.note_segment("rec_1", "a", 6)
    async with units.write() as unit:
        assert await unit.log.cosignatures(3) == ["— w1 …\n"]
        kept = await unit.log.newest_checkpoint()
        assert kept is not None
        assert kept.note == "first"
        assert await unit.log.last_segment("rec_1", "a") == 6
        assert await unit.log.last_segment("rec_1", "b") == 0
