"""`python -m hearing_server.robots --url URL --count N`: parties of the demo court who come, wait, and speak."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.network.conditions import Conditions, parse
from hearing_server.robots.network.relay import Relay
from hearing_server.robots.party import RobotParty, parties_of


async def _run(url: str, count: int, conditions: Conditions, seed: int) -> None:
    async with CourtClient(url) as looker:
        people = await parties_of(looker)
    chosen = people[:count]
    print(f"robots: {len(chosen)} of {count} wanted ({', '.join(p['label'] for p in chosen)})", flush=True)
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(chosen):
            group.create_task(_stay(url, person, number, conditions, seed))


async def _stay(url: str, person: dict[str, object], number: int, conditions: Conditions, seed: int) -> None:
    """Be there until stopped; come back after whatever goes wrong."""
    line = Relay(conditions, seed=seed, name=f"robot{number}") if conditions != Conditions() else None
    if line is not None:
        await line.start()
    try:
        await _come_back_until_over(url, person, number, line)
    finally:
        if line is not None:
            await line.stop()


async def _come_back_until_over(url: str, person: dict[str, object], number: int, line: Relay | None) -> None:
    while True:
        party = RobotParty(url, person, number, network=line, recovers=True)
        try:
            await party.attend()
            return
        except (Problem, OSError, TimeoutError) as error:
            print(f"robot {number}: {error}; coming back", flush=True)
        finally:
            await party.close()
        await asyncio.sleep(3)


def main() -> None:
    parser = argparse.ArgumentParser(prog="hearing_server.robots", description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument(
        "--network", default="", help="what happens to media packets, e.g. loss=0.1,burst=300ms,delay=50ms"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed loses the same packets")
    options = parser.parse_args()
    try:
        conditions = parse(options.network)
    except ValueError as error:
        parser.error(str(error))
    logging.basicConfig(level=logging.WARNING)

    async def until_signal() -> None:
        task = asyncio.ensure_future(_run(options.url, options.count, conditions, options.seed))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_signal())


if __name__ == "__main__":
    main()
