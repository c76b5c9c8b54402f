"""`python -m hearing_server.robots --url URL --count N`: parties of the demo court who come, wait, and speak."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.party import RobotParty, parties_of


async def _run(url: str, count: int) -> None:
    async with CourtClient(url) as looker:
        people = await parties_of(looker)
    chosen = people[:count]
    print(f"robots: {len(chosen)} of {count} wanted ({', '.join(p['label'] for p in chosen)})", flush=True)
    async with asyncio.TaskGroup() as group:
        for number, person in enumerate(chosen):
            group.create_task(_stay(url, person, number))


async def _stay(url: str, person: dict[str, object], number: int) -> None:
    """Be there until stopped; come back after whatever goes wrong."""
    while True:
        party = RobotParty(url, person, number)
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
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)

    async def until_signal() -> None:
        task = asyncio.ensure_future(_run(options.url, options.count))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_signal())


if __name__ == "__main__":
    main()
