"""Case spaces under load: durable acked messages a second, delays, and the server's CPU per delivered message.

Run: python -m bench.chat [--quick] [--database sqlite|postgresql] [--seconds N]. A thousand people (`--quick`: 300) in
cases of ten are connected to one server process over real sockets. First a steady load: how long until a word is with
everybody, and what one delivery costs. Then everybody comes back at once with two devices more. Then as much as it
takes: every ack is a commit on the disk, an act in the log and a place in the lane's chain. In the same run the same
sockets put the same steady load on two servers that do nothing but fan out: bare python-socketio, and Node's socket.io
(installed into a throw-away folder). The acked messages stand beside bare SQLite that commits one row per message on
the same disk.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from bench.chat_fleet import Fleet, Load, Place, at
from bench.chat_processes import ServerProcess
from bench.chat_rivals import bare_node, bare_python
from bench.chat_servers import Servers
from bench.chat_storm import storm
from bench.chat_world import Seeder
from bench.measure import Figure, figure, print_result
from tests.chosen_database import chosen

PEOPLE_PER_CASE = 10


@dataclass(frozen=True, slots=True)
class Size:
    cases: int
    per_s: float
    for_s: float
    full_s: float
    storm_s: float


FULL = Size(cases=100, per_s=200.0, for_s=20.0, full_s=20.0, storm_s=10.0)
QUICK = Size(cases=30, per_s=100.0, for_s=4.0, full_s=4.0, storm_s=3.0)
# Half of the people with a message on its way each is more than any server answers at once.
IN_FLIGHT = 500
_COMMITS_S = 1.0


async def ours(size: Size, folder: Path, http: aiohttp.ClientSession) -> tuple[Load, Load, float]:
    """(steady, saturated, seconds of the storm) of the real server."""
    where = {"database_url": chosen.url(folder), "redis_url": ""}
    async with Servers.started(folder, count=1, **where) as seeding:
        seeder = Seeder(seeding.server().services, seeding.server().units)
        world = await seeder.world(cases=size.cases, parties=PEOPLE_PER_CASE - 2)
        tickets = await seeder.tickets(world.members)
        everybody = {}
        for case_id in world.cases:
            lanes = [set(member.lanes) for member in world.of_case(case_id)]
            everybody[case_id] = min(set.intersection(*lanes))
    places = [Place(tickets[member.name], everybody[member.case_id]) for member in world.members]
    server = ServerProcess(folder, where["database_url"], "")
    await server.start()
    try:
        fleet = Fleet(server.url, server.pid, http)
        print(f"ours: {len(places)} people in after {await fleet.open(places):.1f} s", flush=True)
        steady = await fleet.steady(per_s=size.per_s, for_s=size.for_s)
        devices, storm_s = await storm(server, world.members, fleet.heads, http, over_s=size.storm_s)
        print(f"storm: {devices} devices came back within {size.storm_s} s and had all after {storm_s:.1f} s")
        full = await fleet.saturated(for_s=size.full_s, in_flight=min(IN_FLIGHT, len(places)))
        await fleet.close()
    finally:
        await server.stop()
    return steady, full, storm_s


async def rival(size: Size, pid: int, url: str, http: aiohttp.ClientSession) -> Load:
    """The same steady load on a server that only fans out."""
    fleet = Fleet(url, pid, http)
    places = [Place(f"room{case}") for case in range(size.cases) for _ in range(PEOPLE_PER_CASE)]
    await fleet.open(places)
    load = await fleet.steady(per_s=size.per_s, for_s=size.for_s)
    await fleet.close()
    return load


def bare_commits_per_s(folder: Path) -> float:
    """One row, one commit, synchronous=FULL: what a message costs the disk at least when nothing is shared."""
    database = sqlite3.connect(folder / "bare.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT)")
    began, count = time.monotonic(), 0
    while time.monotonic() - began < _COMMITS_S:
        database.execute("INSERT INTO messages (body) VALUES (?)", ("请各方于三日内提交证据原件" * 4,))
        count += 1
    database.close()
    return count / (time.monotonic() - began)


def say(name: str, load: Load) -> None:
    print(
        f"{name}: {load.acked} acked in {load.seconds:.1f} s ({load.acked_per_s:.0f}/s), {load.refused} refused, "
        f"{load.delivered} delivered, {load.cpu_us_per_delivery:.1f} us of server CPU each; delivery p50 "
        f"{at(load.delays_s, 0.5):.1f} ms, p99 {at(load.delays_s, 0.99):.1f} ms; "
        f"ack p99 {at(load.ack_delays_s, 0.99):.1f} ms",
        flush=True,
    )  # fmt: skip


async def measured(size: Size) -> dict[str, Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-chat-") as name:
        folder = Path(name)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            async with bare_python() as (pid, url):
                python = await rival(size, pid, url, http)
            say("bare python-socketio", python)
            async with bare_node() as found:
                node = await rival(size, *found, http) if found is not None else None
            if node is None:
                print("node's socket.io could not be installed: its figures are left out", flush=True)
            else:
                say("node's socket.io", node)
            steady, full, storm_s = await ours(size, folder, http)
        commits = await asyncio.to_thread(bare_commits_per_s, folder)
    say("ours, steady", steady)
    say("ours, saturated", full)
    figures = {
        "acked_per_s": figure(full.acked_per_s, "messages/s", "sqlite, one commit each", commits),
        "delivery_p99_ms": figure(
            at(steady.delays_s, 0.99), "ms", "bare python-socketio", at(python.delays_s, 0.99)
        ),
        "cpu_us_per_delivery": figure(
            steady.cpu_us_per_delivery, "us", "bare python-socketio", python.cpu_us_per_delivery
        ),
        "cpu_us_per_delivery_saturated": figure(
            full.cpu_us_per_delivery, "us", "bare python-socketio", python.cpu_us_per_delivery
        ),
    }
    figures["storm_caught_up_s"] = figure(storm_s, "s", "the time they come back in", size.storm_s)
    if node is not None:
        figures["cpu_us_per_delivery_to_node"] = figure(
            steady.cpu_us_per_delivery, "us", "node socket.io", node.cpu_us_per_delivery
        )
        figures["delivery_p99_ms_to_node"] = figure(
            at(steady.delays_s, 0.99), "ms", "node socket.io", at(node.delays_s, 0.99)
        )
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seconds", type=float, help="length of each load")
    asked = parser.parse_args()
    size = QUICK if asked.quick else FULL
    if asked.seconds is not None:
        size = replace(size, for_s=asked.seconds, full_s=asked.seconds)
    chosen.dialect = asked.database
    print_result("chat", asyncio.run(measured(size)))


if __name__ == "__main__":
    main()
