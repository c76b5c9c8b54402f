"""A worker of its own process for the kill drill: `python -m tests.storage.relay_process URL KEYS GATEWAY AHEAD_S`."""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime, timedelta
from pathlib import Path

from hearing_server.adapters.bus import MemoryBus
from hearing_server.adapters.job_queue import TaskiqJobs
from hearing_server.adapters.notifying.gateway import Gateway
from hearing_server.adapters.vault import FolderVault
from hearing_server.kernel import SystemClock
from hearing_server.services.reminding.notices import NoticeRelay
from hearing_server.storage.database import create_engine
from hearing_server.storage.unit_of_work import SqlUnits
from tests.contract.gateway_twin import SECRET


class AheadClock(SystemClock):
    """So that the lease of a dead one is over without waiting for it."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead = timedelta(seconds=ahead_s)

    def utc_now(self) -> datetime:
        return super().utc_now() + self._ahead


async def main(url: str, keys: str, gateway: str, ahead_s: str) -> None:
    engine = create_engine(url)
    units, clock, queue = SqlUnits(engine, MemoryBus()), AheadClock(float(ahead_s)), TaskiqJobs.open("")
    relay = NoticeRelay(
        units, FolderVault(Path(keys)), clock, {"sms": Gateway("sms", gateway, SECRET)}, queue
    )
    await queue.start(takes_jobs=True)
    async with asyncio.timeout(60):
        while True:
            await relay.dispatch_due()
            async with units.read() as unit:
                if all(one.settled_at is not None for one in await unit.notices.newest(500)):
                    break
            await asyncio.sleep(0.02)
    await queue.stop()
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
