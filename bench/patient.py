"""The person to whom things happen in `bench.reconnect`: a party's robot alone in its process, to be frozen in it.

Talks JSON lines with its parent: commands on standard input, answers on standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from hearing_server.robots.court_client import CourtClient
from hearing_server.robots.network.relay import DistantLine
from hearing_server.robots.party import RobotParty, parties_of
from hearing_server.robots.watching import back_after_s

RATE_HZ = 15


def _say(**message: Any) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


async def _arrive(command: dict[str, Any]) -> tuple[RobotParty, dict[str, Any]]:
    async with CourtClient(command["url"]) as looker:
        people = await parties_of(looker)
    line = DistantLine(command["media_port"])
    number, size = command["number"], tuple(command["size"])
    party = RobotParty(
        command["url"], people[number], 1 + number, rate_hz=RATE_HZ, size=size, network=line, recovers=True
    )
    await party.arrive()
    return party, {"person": party.client.me["id"]}


async def _obey(party: RobotParty, command: dict[str, Any]) -> dict[str, Any]:
    seat = party.seat
    assert seat is not None
    match command["do"]:
        case "sit":
            await party.sit_down()
        case "network_changed":
            seat.network_changed()
        case "back":
            since_s, until_s = command["since_s"], time.monotonic()
            watched = {f"{who}/{source}": each for (who, source), each in seat.watched.items()}
            return {
                "back_s": {
                    key: back_after_s(each.times_s, since_s, until_s) for key, each in watched.items()
                },
                "ended": seat.ended,
                "rejoins": seat.rejoins,
                "up": [str(each) for each in seat.up_ladder.history],
                "down": [str(each) for each in seat.down_ladder.history],
            }
        case _:
            raise ValueError(command["do"])
    return {}


async def _serve() -> None:
    reader = asyncio.StreamReader(limit=1 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    _say(ready=True)
    party: RobotParty | None = None
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "stop":
            break
        if command["do"] == "arrive":
            party, answer = await _arrive(command)
        else:
            assert party is not None
            answer = await _obey(party, command)
        _say(answer=command["id"], **answer)
    if party is not None:
        await party.close()
    _say(answer=-1)


def main() -> None:
    asyncio.run(_serve())


if __name__ == "__main__":
    main()
