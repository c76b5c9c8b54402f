"""The relay: every notice goes out, a kill in the middle of a send repeats that one alone, and the row says so."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from hearing_server.adapters.bus import MemoryBus
from hearing_server.adapters.job_queue import TaskiqJobs
from hearing_server.adapters.vault import FolderVault
from hearing_server.kernel import SystemClock
from hearing_server.ports.notices import Letter, Notice, SendResult
from hearing_server.ports.people import Person
from hearing_server.services.reminding.letters import Words
from hearing_server.services.reminding.notices import Address, NoticeRelay, queue_notice
from hearing_server.storage.unit_of_work import SqlUnits
from tests.contract.gateway_twin import GatewayTwin, gateway_twin
from tests.storage.databases import DIALECTS, fresh_engine
from tests.unit.court_pieces import PLAINTIFF, profile

NOTICES = 12


@dataclass(frozen=True)
class Court:
    """A migrated database with one person in it, and a vault."""

    engine: AsyncEngine
    units: SqlUnits
    keys: Path

    @property
    def vault(self) -> FolderVault:
        return FolderVault(self.keys)


@pytest.fixture(params=DIALECTS)
async def court(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Court]:
    async with fresh_engine(request.param, tmp_path, request, is_migrated=True) as engine:
        units = SqlUnits(engine, MemoryBus())
        async with units.write() as unit:
            await unit.people.add_court(profile().court)
            await unit.people.add(
                Person(
                    PLAINTIFF, profile().court.id, "natural", "甲某", None, None, None, None, None, None,
                    SystemClock().utc_now(),
                )
            )  # fmt: skip
        yield Court(engine, units, tmp_path / "keys")


async def queue_many(court: Court, channel: str = "sms") -> None:
    async with court.units.write() as unit:
        for n in range(NOTICES):
            await queue_notice(
                unit, court.vault, person_id=PLAINTIFF, address=Address(channel, f"1380000{n:04d}"),
                words=Words("", f"第{n}条"), dedup_key=f"k{n:02d}", now=SystemClock().utc_now(),
            )  # fmt: skip


async def rows(court: Court) -> list[Notice]:
    async with court.units.read() as unit:
        return await unit.notices.newest(100)


async def worker(court: Court, twin: GatewayTwin, ahead_s: int) -> asyncio.subprocess.Process:
    url = court.engine.url.render_as_string(hide_password=False)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.storage.relay_process", url, str(court.keys), twin.url, str(ahead_s)
    )


async def test_relay__killed_in_the_middle_of_a_send__repeats_that_one_and_says_so(
    court: Court,
) -> None:
    killed_after = 5
    await queue_many(court)
    async with gateway_twin() as twin:
        twin.script = [*[202] * killed_after, "hang"]
        first = await worker(court, twin, 0)
        async with asyncio.timeout(40):
            while len(twin.calls) <= killed_after:
                twin.called.clear()
                await twin.called.wait()
        first.kill()
        await first.wait()
        in_flight = twin.calls[-1]["key"]
        second = await worker(court, twin, 61)
        async with asyncio.timeout(60):
            assert await second.wait() == 0
        assert sorted(twin.by_key) == [f"k{n:02d}" for n in range(NOTICES)]
        assert {key: times for key, times in twin.by_key.items() if times > 1} == {in_flight: 2}
    found = await rows(court)
    assert {one.state for one in found} == {"accepted"}
    assert [one.dedup_key for one in found if one.maybe_twice] == [in_flight]


class Flaky:
    """Fails the first two sends of each key, then takes them."""

    is_simulated = False

    def __init__(self) -> None:
        self.tries: dict[str, int] = {}

    async def send(self, letter: Letter) -> SendResult:
        self.tries[letter.key] = self.tries.get(letter.key, 0) + 1
        if self.tries[letter.key] == 1:
            raise TimeoutError
        state = "retry" if self.tries[letter.key] == 2 else "accepted"
        return SendResult(state, "x", simulated=False)


class MovingClock(SystemClock):
    ahead = timedelta()

    def utc_now(self) -> datetime:
        return super().utc_now() + self.ahead


async def test_relay__provider_fails_twice__each_arrives_and_nothing_is_called_possibly_double(
    court: Court,
) -> None:
    clock, channel, queue = MovingClock(), Flaky(), TaskiqJobs.open("")
    relay = NoticeRelay(court.units, court.vault, clock, {"sms": channel}, queue)
    await queue.start(takes_jobs=True)
    await queue_many(court)
    for wait_s in (0, 30, 60):
        clock.ahead += timedelta(seconds=wait_s)
        async with asyncio.timeout(30):
            while any(one.settled_at is None and _is_due(one, clock) for one in await rows(court)):
                await relay.dispatch_due()
                await asyncio.sleep(0.01)
    await queue.stop()
    found = await rows(court)
    assert {(one.state, one.tries, one.maybe_twice) for one in found} == {("accepted", 3, False)}
    assert set(channel.tries.values()) == {3}


def _is_due(notice: Notice, clock: SystemClock) -> bool:
    return notice.next_at is not None and notice.next_at <= clock.utc_now() and notice.state == "queued"


async def test_relay__queue_away__sends_by_itself(court: Court) -> None:
    """The queue carries hints; without it the rows still go out."""
    channel = Flaky()
    queue = TaskiqJobs.open("redis://127.0.0.1:1/0")
    relay = NoticeRelay(court.units, court.vault, SystemClock(), {"sms": channel}, queue)
    await queue_many(court)
    assert await relay.dispatch_due() == NOTICES
    assert set(channel.tries.values()) == {1}
    await queue.stop()


async def test_relay__channel_that_is_not_there__fails_at_once(court: Court) -> None:
    queue = TaskiqJobs.open("")
    relay = NoticeRelay(court.units, court.vault, SystemClock(), {}, queue)
    await queue_many(court, "fax")
    for one in await rows(court):
        await relay.send_one(one.id)
    assert {(one.state, one.result) for one in await rows(court)} == {("failed", "no channel")}


class Hanging:
    """A gateway that takes a call and never answers, until it is let go."""

    is_simulated = False

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.keys: list[str] = []

    async def send(self, letter: Letter) -> SendResult:
        self.keys.append(letter.key)
        if not letter.key.startswith("otc_"):
            await self.go.wait()
        return SendResult("accepted", "x", simulated=False)


async def test_relay__gateway_hangs__codes_and_other_channels_go_on(court: Court) -> None:
    queue, sms, email = TaskiqJobs.open(""), Hanging(), Flaky()
    relay = NoticeRelay(court.units, court.vault, SystemClock(), {"sms": sms, "email": email}, queue)
    await queue.start(takes_jobs=True)
    await queue_many(court)
    await relay.dispatch_due()
    async with court.units.write() as unit:
        for key, channel in (("otc_1", "sms"), ("mail", "email")):
            await queue_notice(
                unit, court.vault, person_id=PLAINTIFF, address=Address(channel, "x"),
                words=Words("", "x"), dedup_key=key, now=SystemClock().utc_now(),
            )  # fmt: skip
    async with asyncio.timeout(20):
        while "otc_1" not in sms.keys or "mail" not in email.tries:
            await relay.dispatch_due()
            await asyncio.sleep(0.02)
    assert len([key for key in sms.keys if key != "otc_1"]) == 1, "one call at a time"
    sms.go.set()
    async with asyncio.timeout(20):
        while len(sms.keys) < NOTICES + 1:  # noqa: ASYNC110 - another task's doing
            await asyncio.sleep(0.02)
    await queue.stop()
    assert len(sms.keys) == len(set(sms.keys)) == NOTICES + 1
