"""Everybody comes back at once, with two devices each: how long until the last has everything."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence

import aiohttp

from bench.chat_processes import Doors, ServerProcess
from bench.chat_world import Member
from hearing_server.robots.chat.member import ChatMember

DEVICES = 2
# Whoever isn't back by then stays away in the figure as well.
_GIVE_UP_S = 120.0


async def storm(
    server: ServerProcess,
    people: Sequence[Member],
    heads: Mapping[str, int],
    http: aiohttp.ClientSession,
    *,
    over_s: float,
) -> tuple[int, float]:
    """(devices, seconds from the first knock until the last of them was caught up from nothing)."""
    doors, dice = Doors([server], http), random.Random(11)
    devices = [
        ChatMember(f"{person.name}d{number}", person.lanes, doors.of(person, 0), http, seed=number)
        for person in people
        for number in range(DEVICES)
    ]

    def is_caught_up(device: ChatMember) -> bool:
        return all(kept.last_seq >= heads.get(lane, 0) for lane, kept in device.lanes.items())

    async def come_back(device: ChatMember) -> None:
        await asyncio.sleep(dice.random() * over_s)
        device.start()
        await device.is_up.wait()
        await device.until(lambda: is_caught_up(device))

    began = time.monotonic()
    try:
        async with asyncio.timeout(_GIVE_UP_S):
            await asyncio.gather(*(come_back(device) for device in devices))
    except TimeoutError:
        print(f"storm: {sum(map(is_caught_up, devices))} of {len(devices)} were back in time", flush=True)
    took_s = time.monotonic() - began
    await asyncio.gather(*(device.stop() for device in devices))
    return len(devices), took_s
