"""The composition root: the only module that knows everything. Settings in, a running court out."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from hearing_server.adapters.bus import MemoryBus, RedisBus
from hearing_server.adapters.folder_lock import FolderLock
from hearing_server.adapters.sms import SimulatedSms
from hearing_server.adapters.vault import FolderVault
from hearing_server.filing.courts import CourtProfile, court_profile
from hearing_server.jobs.runner import JobRunner, Loop
from hearing_server.kernel import Clock, SystemClock
from hearing_server.ports.bus import EventBus
from hearing_server.ports.units import Units
from hearing_server.rest import cases, sign_in
from hearing_server.rest.middlewares import SETTINGS, surround
from hearing_server.rest.mount import mount
from hearing_server.rest.pages import find_client, mount_pages
from hearing_server.rest.routing import SERVICES
from hearing_server.services.acts import ActLog
from hearing_server.services.cases import CaseFiling
from hearing_server.services.codes import Codes
from hearing_server.services.container import Services
from hearing_server.services.invitations import Invitations
from hearing_server.services.notices import NoticeRelay
from hearing_server.services.sessions import Sessions
from hearing_server.settings import ROOT, Settings
from hearing_server.storage.database import create_engine
from hearing_server.storage.schema import bring_up_to_date
from hearing_server.storage.unit_of_work import SqlUnits

ROUTES = (*sign_in.ROUTES, *cases.ROUTES)


@dataclass(frozen=True, slots=True)
class CourtServer:
    """A running court: what the command line, the demo and the tests hold on to."""

    settings: Settings
    app: web.Application
    services: Services
    units: Units
    bus: EventBus
    vault: FolderVault
    clock: Clock
    court: CourtProfile


@asynccontextmanager
async def running(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[CourtServer]:
    """Open everything in floor order, close it in reverse. The HTTP site itself is the caller's."""
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        lock = FolderLock(settings.storage.data_dir)
        lock.take()
        stack.callback(lock.release)
        vault = FolderVault(settings.storage.data_dir / "keys")
        bus = await _bus(settings, stack)
        engine = create_engine(settings.database_url)
        stack.push_async_callback(engine.dispose)
        await bring_up_to_date(engine)
        config = read_court(settings)
        units = SqlUnits(engine, bus)
        await _ensure_court(units, config)
        services = _services(units, vault, clock, config)
        runner = JobRunner(bus, (Loop("notices", services.relay.send_due, 5.0, ("notice_queued",)),))
        runner.start()
        stack.push_async_callback(runner.stop)
        app = _web(settings, services)
        yield CourtServer(settings, app, services, units, bus, vault, clock, config)


def read_court(settings: Settings) -> CourtProfile:
    """The court's file: names, 代字, types, time zone."""
    return court_profile(tomllib.loads(settings.court_file.read_text("utf-8")))


async def _bus(settings: Settings, stack: AsyncExitStack) -> MemoryBus | RedisBus:
    if not settings.storage.redis_url:
        return MemoryBus()
    bus = RedisBus(settings.storage.redis_url)
    await bus.start()
    stack.push_async_callback(bus.stop)
    return bus


async def _ensure_court(units: SqlUnits, config: CourtProfile) -> None:
    async with units.write() as unit:
        if await unit.people.court(config.court.id) is None:
            await unit.people.add_court(config.court)


def _services(units: SqlUnits, vault: FolderVault, clock: Clock, config: CourtProfile) -> Services:
    codes = Codes(units, vault, clock)
    sessions = Sessions(units, vault, clock, codes)
    return Services(
        sessions=sessions,
        invitations=Invitations(units, vault, clock, codes, sessions),
        cases=CaseFiling(units, vault, clock, config.scheme),
        acts=ActLog(units),
        relay=NoticeRelay(units, vault, clock, {"sms": SimulatedSms()}),
    )


def _web(settings: Settings, services: Services) -> web.Application:
    app = web.Application(middlewares=[surround], client_max_size=settings.limits.body_bytes)
    app[SETTINGS] = settings
    app[SERVICES] = services
    mount(app, ROUTES)
    mount_pages(app, find_client(ROOT))
    return app
