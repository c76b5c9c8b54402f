"""Seeded faults against case spaces, with an oracle that knows every promise the servers made.

Run: python -m bench.chat_drill [--database sqlite|postgresql] [--seeds N] [--seed S]. Two servers in this process share
a real database and a real Redis; ten cases with four people each stay connected over real sockets. A seed is one case's
half second: who posts what when, whose socket is cut, moved to the other server or stops reading. Ten seeds run at the
same time and make a round; a round also does one thing to all: Redis loses its subscribers, is emptied or frozen, a
server is dropped. After each round everything acked must be with every entitled member, once, in order, and with
nobody else. `--seed S` plays the round of that seed again.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from bench.chat_oracle import ChatOracle
from bench.chat_servers import Redis, Servers
from bench.chat_world import Member, Seeder
from hearing_server.robots.chat.line import LineDown
from hearing_server.robots.chat.member import ChatMember, Door

CASES = 10
PARTIES = 2
POSTS_EACH = 2
ROUND_S = 0.5
# Faults are over; a message whose bell was lost needs the look of one second, a frozen Redis three to be noticed.
CALM_S = 20.0
ROUND_FAULTS = ("none", "none", "forget_subscribers", "flush", "freeze", "drop")
MEMBER_FAULTS = ("cut", "cut", "move", "move", "stall")


@dataclass(slots=True)
class Tally:
    """What was done and how it went."""

    seeds: int = 0
    acks: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


class ChatDrill:
    """Everything of one run; `play` one round after the other."""

    def __init__(
        self, servers: Servers, redis: Redis, members: list[ChatMember], people: list[Member]
    ) -> None:
        self._servers = servers
        self._redis = redis
        self._members = {member.name: member for member in members}
        self._people = people
        self._cases = list(dict.fromkeys(person.case_id for person in people))
        self.places: dict[str, int] = {}
        self.oracle = ChatOracle()
        self.tally = Tally()

    async def play(self, number: int) -> list[str]:
        """The ten seeds of one round; what is wrong afterwards."""
        dice = random.Random(f"round/{number}")
        before = self.oracle.acks
        async with asyncio.TaskGroup() as group:
            group.create_task(self._break_all(dice))
            for place, case_id in enumerate(self._cases):
                group.create_task(self._episode(number * CASES + place, case_id))
        everybody = list(self._members.values())
        try:
            async with asyncio.timeout(CALM_S):
                for member in everybody:
                    await member.until(lambda member=member: self.oracle.is_whole(member))  # type: ignore[misc]
        except TimeoutError:
            pass  # the oracle says what is missing
        problems = [f"round {number}: {why}" for why in self.oracle.problems(everybody)]
        self.tally.seeds += CASES
        self.tally.acks += self.oracle.acks - before
        self.tally.problems += problems
        return problems

    async def _break_all(self, dice: random.Random) -> None:
        await asyncio.sleep(dice.random() * ROUND_S)
        fault = dice.choice(ROUND_FAULTS)
        self.tally.faults[fault] += 1
        match fault:
            case "forget_subscribers":
                await asyncio.to_thread(self._redis.forget_subscribers)
            case "flush":
                await asyncio.to_thread(self._redis.flush)
            case "freeze":
                await self._redis.freeze(0.1 + 0.4 * dice.random())
            case "drop":
                await self._servers.drop(dice.randrange(len(self._servers)))

    async def _episode(self, seed: int, case_id: str) -> None:
        dice = random.Random(f"seed/{seed}")
        people = [person for person in self._people if person.case_id == case_id]
        async with asyncio.TaskGroup() as group:
            for person in people:
                for number in range(POSTS_EACH):
                    after_s, lane = dice.random() * ROUND_S, dice.choice(person.lanes)
                    group.create_task(self._post(person, lane, f"{seed}/{number}", after_s))
            for _ in range(dice.randint(1, 4)):
                person, fault = dice.choice(people), dice.choice(MEMBER_FAULTS)
                group.create_task(
                    self._break(person, fault, dice.random() * ROUND_S, 0.1 + 0.3 * dice.random())
                )

    async def _post(self, person: Member, lane: str, text: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self.oracle.note(await self._members[person.name].post(lane, text))

    async def _break(self, person: Member, fault: str, after_s: float, for_s: float) -> None:
        await asyncio.sleep(after_s)
        self.tally.faults[fault] += 1
        member = self._members[person.name]
        if fault == "stall":
            member.stop_reading()
            await asyncio.sleep(for_s)
            member.read_again()
            return
        if fault == "move":
            self.places[person.name] = self.places.get(person.name, 0) + 1
        member.cut()


class ChatDrills:
    """Opens what a drill needs."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._database_url = database_url
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> ChatDrill:
        try:
            return await self._open()
        except BaseException:
            await self._stack.aclose()
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> ChatDrill:
        redis = await asyncio.to_thread(Redis)
        self._stack.push_async_callback(asyncio.to_thread, redis.close)
        servers = await self._stack.enter_async_context(
            Servers.started(self._folder, count=2, database_url=self._database_url, redis_url=redis.url)
        )
        first = servers.server()
        # The pool outlives a dropped server: tickets come from an engine of our own.
        seeder = Seeder(first.services, first.units)
        world = await seeder.world(cases=CASES, parties=PARTIES)
        http = await self._stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        drill = ChatDrill(servers, redis, [], list(world.members))
        for place, person in enumerate(world.members):
            drill.places[person.name] = place
            member = ChatMember(
                person.name, person.lanes, _door(drill, servers, person), http, beat_s=2.0, seed=place
            )
            drill._members[person.name] = member
            member.start()
            self._stack.push_async_callback(member.stop)
        async with asyncio.timeout(CALM_S):
            for member in drill._members.values():
                await member.is_up.wait()
        return drill


def _door(drill: ChatDrill, servers: Servers, person: Member) -> Door:
    async def door() -> tuple[str, str]:
        place = drill.places[person.name]
        server = servers.server(place % len(servers))
        try:
            return servers.url(place), await server.services.sessions.new_ticket(person.actor)
        except Exception as error:
            # The server is being dropped; its page would not get a ticket either.
            raise LineDown from error

    return door


async def run(
    database_url: Callable[[Path], str], *, rounds: range, say: Callable[[str], None] = print
) -> Tally:
    """Play rounds in a world of their own; stops at the first with a problem."""
    with tempfile.TemporaryDirectory(prefix="chat-drill-") as folder:
        async with ChatDrills(Path(folder), database_url(Path(folder))) as drill:
            for number in rounds:
                began = time.monotonic()
                problems = await drill.play(number)
                say(f"round {number}: {time.monotonic() - began:.2f} s, {drill.oracle.acks} acks")
                if problems:
                    break
            return drill.tally


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seeds", type=int, default=100, help="rounded up to whole rounds of ten")
    parser.add_argument("--seed", type=int, help="play the round of this seed alone")
    asked = parser.parse_args()
    rounds = range(-(-asked.seeds // CASES))
    if asked.seed is not None:
        rounds = range(asked.seed // CASES, asked.seed // CASES + 1)
    from tests.chosen_database import chosen

    chosen.dialect = asked.database
    tally = asyncio.run(run(chosen.url, rounds=rounds))
    print(f"{tally.seeds} seeds, {tally.acks} acked messages, faults: {dict(tally.faults)}")
    for problem in tally.problems:
        print(problem, file=sys.stderr)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
