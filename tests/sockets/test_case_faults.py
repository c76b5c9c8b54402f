"""Case spaces under bad luck and bad intent: clocks that step, readers that stop, storms of returning people, junk."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bench.chat_oracle import ChatOracle
from bench.chat_servers import Servers
from bench.chat_world import Member, Seeder, World
from hearing_server.robots.chat.line import CaseLine, LineDown
from hearing_server.robots.chat.member import ChatMember
from tests.chosen_database import chosen
from tests.court import RunningCourt
from tests.sockets.devices import device, space_of

# What one stalled reader may cost (issue 5, item 10).
READER_BYTES = 256 * 1024


@asynccontextmanager
async def spaces(folder: Path, *, cases: int, parties: int) -> AsyncIterator[tuple[Servers, World, Any]]:
    """One server without rooms, its people, and HTTP for them."""
    async with (
        Servers.started(folder, count=1, database_url=chosen.url(folder), redis_url="") as servers,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        server = servers.server()
        yield servers, await Seeder(server.services, server.units).world(cases=cases, parties=parties), http


def member_of(servers: Servers, person: Member, http: aiohttp.ClientSession, seed: int) -> ChatMember:
    async def door() -> tuple[str, str]:
        async with http.post(
            f"{servers.url(0)}/api/v1/socket-tickets",
            json={},
            headers={"Cookie": f"hs_session={person.token}"},
        ) as answer:
            if answer.status != 200:
                raise LineDown
            return servers.url(0), str((await answer.json())["ticket"])

    return ChatMember(person.name, person.lanes, door, http, seed=seed)


async def storm(
    folder: Path, *, cases: int, parties: int, missed: int, over_s: float, within_s: float
) -> None:
    """Everybody comes back within `over_s` and has everything that was missed `within_s` after the first knock."""
    async with spaces(folder, cases=cases, parties=parties) as (servers, world, http):
        oracle = ChatOracle()
        talkers = {case_id: world.of_case(case_id)[0] for case_id in world.cases}
        writers = {case_id: member_of(servers, person, http, 0) for case_id, person in talkers.items()}
        for writer in writers.values():
            writer.start()
        for number in range(missed):
            acks = [
                writer.post(talkers[case_id].lanes[number % 2], f"错过的第{number}条")
                for case_id, writer in writers.items()
            ]
            for ack in await asyncio.gather(*acks):
                oracle.note(ack)
        members = [member_of(servers, person, http, place) for place, person in enumerate(world.members)]
        dice = random.Random(5)

        async def come_back(member: ChatMember) -> None:
            await asyncio.sleep(dice.random() * over_s)
            member.start()
            await member.until(lambda: oracle.is_whole(member))

        try:
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(come_back(member) for member in members))
            assert oracle.problems(members) == []
        finally:
            await asyncio.gather(*(one.stop() for one in (*members, *writers.values())))


async def test_storm__everybody_comes_back_at_once__and_has_what_was_missed(tmp_path: Path) -> None:
    await storm(tmp_path, cases=6, parties=8, missed=6, over_s=0.5, within_s=30)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_storm__two_thousand_in_ten_seconds__are_caught_up_in_fifteen(tmp_path: Path) -> None:
    await storm(tmp_path, cases=200, parties=8, missed=20, over_s=10, within_s=15)


async def test_reader__that_stops__costs_little_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    async with spaces(tmp_path, cases=1, parties=4) as (servers, world, http):
        people = [member_of(servers, person, http, place) for place, person in enumerate(world.members)]
        lane = next(lane for lane in world.members[-1].lanes)
        for member in people:
            member.start()
            await member.is_up.wait()
        stalled, *others = reversed(people)
        stalled.stop_reading()
        hub = servers.server().hub
        worst = 0
        for number in range(100):
            await others[number % 4].post(lane, "长" * 4000)
            for connection in hub.connections("/case"):
                _, waiting = connection.backlog
                worst = max(worst, waiting)
        async with asyncio.timeout(30):
            for member in others:
                await member.until(lambda member=member: member.lanes[lane].last_seq >= 100)  # type: ignore[misc]
        assert stalled.lanes[lane].last_seq < 100, "the kernel took all of it: nothing was tried"
        assert worst <= READER_BYTES
        stalled.read_again()
        async with asyncio.timeout(30):
            await stalled.until(lambda: stalled.lanes[lane].last_seq >= 100)
        await asyncio.gather(*(member.stop() for member in people))


async def test_wall_clock__steps_by_an_hour_and_back__disturbs_nobody(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = court.server.clock
    steps = timedelta(0)
    real = type(clock).utc_now
    monkeypatch.setattr(type(clock), "utc_now", lambda self: real(self) + steps)
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
        async with device(clerk) as ours, device(judge) as theirs:
            for one in (ours, theirs):
                await one.resume(lane)
            for number, hours in enumerate((0, 1, -1, 10, 0)):
                steps = timedelta(hours=hours)
                assert (await ours.post(lane, f"client-step-{number}", f"{hours}"))["ok"]
                assert (await theirs.ask("heartbeat"))["ok"]
            await theirs.until(lambda: len(theirs.texts(lane)) == 5)
            assert not theirs.is_gone
    assert theirs.texts(lane) == ["0", "1", "-1", "10", "0"], "order is the number's, not the clock's"


def _junk(dice: random.Random, lane: str) -> str | bytes:
    """What no page of ours sends; each kind with a grain of truth in it."""
    number = dice.randrange(1000)
    bodies: list[Any] = [
        None, 7, [], "x" * dice.randrange(70_000), {"lane": lane}, {"lane": [lane]},
        {"lane": lane, "client_id": "junk-" + "0" * 8, "type": "text", "body": {"text": "字" * 6000}},
        {"lane": lane, "client_id": "junk\x00", "type": "text", "body": {"text": "\x00"}},
        {"lane": lane, "client_id": "junk-00000001", "type": "card", "body": {}},
        {"lane": lane, "after_seq": -1}, {"lane": lane, "after_seq": 2**70}, {"lane": lane, "read_seq": 10**9},
        {"lanes": {lane: {"epoch": "1", "last_seq": None}}}, {"lanes": {f"lan_{n}": {} for n in range(3000)}},
    ]  # fmt: skip
    command = dice.choice(
        [
            "message_post",
            "lane_pull",
            "receipt_update",
            "lanes_resume",
            "heartbeat",
            "connect",
            "",
            "mess\udcffage",
        ]
    )
    frame = f"42/case,{number}" + json.dumps([command, dice.choice(bodies)])
    match dice.randrange(6):
        case 0:
            return frame[: dice.randrange(len(frame))]
        case 1:
            place = dice.randrange(len(frame))
            return frame[:place] + dice.choice('²{["\\0,/-') + frame[place:]
        case 2:
            return frame.encode("utf-8", "surrogatepass")
        case 3:
            return "42/case," + "[" * dice.choice((9, 500, 20_000))
        case 4:
            return f"45{number}9999999-/case,{number}" + '["message_post",{"_placeholder":true,"num":0}]'
        case _:
            return frame


async def test_junk__from_people_of_the_case__is_answered_or_cut_and_others_talk_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(1)
    async with spaces(tmp_path, cases=1, parties=2) as (servers, world, http):
        vandal, *_, bystander = (
            member_of(servers, person, http, place) for place, person in enumerate(world.members)
        )
        lane = next(iter(bystander.lanes))
        bystander.start()
        await bystander.is_up.wait()
        with caplog.at_level(logging.ERROR):
            for _ in range(60):
                line = await CaseLine.open(http, *await vandal._door(), lambda name, body: None)
                for _ in range(8):
                    junk = _junk(dice, lane)
                    if not line.is_up:
                        break
                    await (
                        line._ws.send_bytes(junk)
                        if isinstance(junk, bytes)
                        else line._ws.send_str(junk.encode("utf-8", "replace").decode())
                    )
                await asyncio.sleep(0)
                line.cut()
                await line.close()
        assert (await bystander.post(lane, "照常")).seq > 0
        await bystander.until(lambda: bool(bystander.lanes[lane].events))
        assert [record for record in caplog.records if record.name.startswith(("signaling", "hearing"))] == []
        assert len(servers.server().hub.connections("/case")) <= 3
        await bystander.stop()
