"""Two server processes share case spaces over PostgreSQL and Redis, and lose each of them in turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from bench.chat_oracle import ChatOracle
from bench.chat_processes import Delays, Doors, ServerProcess, server_processes, stamp
from bench.chat_servers import Redis, Servers
from bench.chat_world import Member, Seeder
from hearing_server.robots.chat.member import ChatMember
from tests.storage.databases import fresh_postgresql, postgresql  # noqa: F401

# The goal while anything is away (issue 5, item 8), over what the machine needs when nothing is: it is not ours alone.
P99_S = 1.5
CASES, PARTIES = 2, 2


CALM, KILLED = "calm", "a server killed"


@dataclass(slots=True)
class Office:
    """Two servers, people connected to both of them, and everything that was promised."""

    servers: list[ServerProcess]
    redis: Redis
    people: list[Member]
    members: dict[str, ChatMember]
    doors: Doors
    delays: Delays
    oracle: ChatOracle

    async def talk(self, for_s: float, *, every_s: float = 0.4) -> None:
        """Everybody posts now and then, in turn through all their lanes."""

        async def one(place: int, person: Member) -> None:
            await asyncio.sleep(every_s * place / len(self.people))
            for number in range(round(for_s / every_s)):
                lane = person.lanes[number % len(person.lanes)]
                self.oracle.note(await self.members[person.name].post(lane, stamp()))
                await asyncio.sleep(every_s)

        async with asyncio.TaskGroup() as group:
            for place, person in enumerate(self.people):
                group.create_task(one(place, person))

    async def settle(self) -> None:
        """Until everybody has everything; then the oracle has its say."""
        async with asyncio.timeout(30):
            for member in self.members.values():
                await member.until(lambda member=member: self.oracle.is_whole(member))  # type: ignore[misc]
        assert self.oracle.problems(self.members.values()) == []


@asynccontextmanager
async def office(folder: Path, address: str) -> AsyncIterator[Office]:
    redis = await asyncio.to_thread(Redis)
    try:
        async with fresh_postgresql(address) as database_url, aiohttp.ClientSession() as http:
            where = {"database_url": database_url, "redis_url": redis.url}
            async with Servers.started(folder, count=1, **where) as seeding:
                first = seeding.server()
                world = await Seeder(first.services, first.units).world(cases=CASES, parties=PARTIES)
            async with server_processes(folder, count=2, **where) as servers:
                people, delays, doors = list(world.members), Delays(), Doors(servers, http)
                members = {
                    person.name: ChatMember(
                        person.name, person.lanes, doors.of(person, place), http,
                        beat_s=5.0, seed=place, on_event=delays.heard,
                    )
                    for place, person in enumerate(people)
                }  # fmt: skip
                for member in members.values():
                    member.start()
                try:
                    async with asyncio.timeout(30):
                        for member in members.values():
                            await member.is_up.wait()
                    yield Office(servers, redis, people, members, doors, delays, ChatOracle())
                finally:
                    await asyncio.gather(*(member.stop() for member in members.values()))
    finally:
        await asyncio.to_thread(redis.close)


async def drill(here: Office, *, redis_away_s: float) -> dict[str, float]:
    """Every fault of the list, one after the other, people talking all the time; p99 of each phase, seconds."""
    found: dict[str, float] = {}

    async def phase(name: str, for_s: float) -> None:
        here.delays.begin()
        await here.talk(for_s)
        await here.settle()
        found[name] = here.delays.at(0.99)

    await phase(CALM, 1.0)
    await asyncio.to_thread(here.redis.flush)
    await asyncio.to_thread(here.redis.forget_subscribers)
    await phase("subscribers forgotten, all flushed", 1.5)
    async with asyncio.TaskGroup() as group:
        group.create_task(here.redis.freeze(redis_away_s))
        group.create_task(phase("redis away", redis_away_s + 0.5))
    async with asyncio.TaskGroup() as group:
        talk = group.create_task(phase(KILLED, 3.0))
        await asyncio.sleep(0.5)
        await here.servers[0].kill()
        await here.servers[0].start()
        for name in list(here.members)[::3]:
            # Back to the one that was away: clients flap between servers.
            here.doors.move(name)
            here.members[name].cut()
        await talk
    return found


def too_slow(p99_s: dict[str, float], *, but: str = "") -> dict[str, float]:
    """Phases beyond the goal."""
    limit_s = p99_s[CALM] + P99_S
    return {name: seconds for name, seconds in p99_s.items() if seconds > limit_s and name != but}


@pytest.mark.timeout(400)
async def test_two_servers__redis_away_and_one_killed__lose_nothing_and_stay_quick(
    tmp_path: Path,
    postgresql: str,  # noqa: F811
) -> None:
    async with office(tmp_path, postgresql) as here:
        p99_s = await drill(here, redis_away_s=4.0)
    assert here.oracle.acks > 60
    # A page whose server was killed has to find its way back first: that takes as long as the machine lets it.
    assert too_slow(p99_s, but=KILLED) == {}


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_two_servers__redis_away_for_a_minute__lose_nothing_and_stay_quick(
    tmp_path: Path,
    postgresql: str,  # noqa: F811
) -> None:
    async with office(tmp_path, postgresql) as here:
        p99_s = await drill(here, redis_away_s=60.0)
    assert too_slow(p99_s) == {}
