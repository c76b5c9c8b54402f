"""The composition root: the only module that knows everything. Settings in, a running court out."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from hearing_server.adapters.bus import MemoryBus
from hearing_server.adapters.folder_lock import FolderLock
from hearing_server.adapters.live_films import ProcessPieces
from hearing_server.adapters.media_plane import MediaElsewhere, MediaPlane, media_plane
from hearing_server.adapters.object_places import open_objects
from hearing_server.adapters.piece_markers import MarkerWorkers
from hearing_server.adapters.recording import FolderRecorders
from hearing_server.adapters.redis_bus import RedisBus
from hearing_server.adapters.rooms import EngineRooms
from hearing_server.adapters.turn import TurnServers
from hearing_server.adapters.vault import FolderVault
from hearing_server.assembly import SiteAddress, content_watch, court_services, log_keeping, recorder_watch
from hearing_server.filing.courts import CourtProfile, court_profile
from hearing_server.jobs.runner import JobRunner, Loop
from hearing_server.kernel import Clock, SystemClock
from hearing_server.ports.bus import EventBus
from hearing_server.ports.measures import Measure
from hearing_server.ports.units import Units
from hearing_server.rest import (
    acts,
    archives,
    attachments,
    broadcasts,
    case_imports,
    cases,
    closed_doors,
    config,
    contact_requests,
    exhibits,
    exports,
    failures,
    hearings,
    moved_seats,
    private_lanes,
    progress,
    public,
    publications,
    recordings,
    reminders,
    replays,
    search,
    sign_in,
    space,
    uploads,
)
from hearing_server.rest.metrics import mount_metrics
from hearing_server.rest.middlewares import SETTINGS, surround
from hearing_server.rest.mount import mount
from hearing_server.rest.openapi import mount_description
from hearing_server.rest.pages import find_client, mount_pages
from hearing_server.rest.rooms_elsewhere import rooms_elsewhere
from hearing_server.rest.routing import NETWORK, SERVICES
from hearing_server.services.container import Services
from hearing_server.services.hearing.room_recovery import RoomRecovery
from hearing_server.services.hearing.room_reports import RoomReports
from hearing_server.services.recording.recorder_watch import RecorderWatch
from hearing_server.services.trust.log_keeping import LogKeeping
from hearing_server.settings import ROOT, Settings
from hearing_server.sockets.attachment_news import AttachmentNews
from hearing_server.sockets.case_news import CaseNews
from hearing_server.sockets.case_space import CaseSocket
from hearing_server.sockets.exhibit_news import ExhibitNews
from hearing_server.sockets.hearing import HearingSockets
from hearing_server.sockets.lane_feeds import LaneFeeds
from hearing_server.sockets.refusals import explain_error
from hearing_server.storage.database import create_engine
from hearing_server.storage.schema import bring_up_to_date
from hearing_server.storage.unit_of_work import SqlUnits
from signaling.settings import MediaSettings
from signaling.socket_kit.engine_io import HubSettings
from signaling.socket_kit.hub import Hub

ROUTES = (
    *config.ROUTES,
    *sign_in.ROUTES,
    *cases.ROUTES,
    *closed_doors.ROUTES,
    *search.ROUTES,
    *exports.ROUTES,
    *case_imports.ROUTES,
    *hearings.ROUTES,
    *moved_seats.ROUTES,
    *recordings.ROUTES,
    *publications.ROUTES,
    *public.ROUTES,
    *broadcasts.ROUTES,
    *acts.ROUTES,
    *archives.ROUTES,
    *failures.ROUTES,
    *replays.ROUTES,
    *space.ROUTES,
    *uploads.ROUTES,
    *attachments.ROUTES,
    *private_lanes.ROUTES,
    *contact_requests.ROUTES,
    *reminders.ROUTES,
    *progress.ROUTES,
    *exhibits.ROUTES,
)


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
    profile: CourtProfile
    media: MediaPlane
    hub: Hub
    address: SiteAddress = field(default_factory=SiteAddress)


@asynccontextmanager
async def running(settings: Settings, *, clock: Clock | None = None) -> AsyncIterator[CourtServer]:
    """Open everything in floor order, close it in reverse. The HTTP site itself is the caller's.

    Errors: Unavailable `data_dir.in_use`, `media.port_taken`, `media.turn_secret_missing`.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        if settings.server.rooms:
            lock = FolderLock(settings.storage.data_dir)
            lock.take()
            stack.callback(lock.release)
        vault = FolderVault(settings.storage.data_dir / "keys")
        bus = await _bus(settings, stack)
        engine = create_engine(settings.database_url)
        stack.push_async_callback(engine.dispose)
        await bring_up_to_date(engine)
        profile = read_court(settings)
        units = SqlUnits(engine, bus)
        await _ensure_court(units, profile)
        media = _media_plane(settings, vault)
        await stack.enter_async_context(media.running())
        rooms, recorders = media.rooms, media.recorders
        address = SiteAddress(settings.server.public_url.rstrip("/"))
        watch = recorder_watch(settings, units, clock, bus, recorders, profile)
        objects = await open_objects(settings.storage)
        marker = MarkerWorkers(settings.limits.replay_workers)
        stack.push_async_callback(marker.stop)
        pieces = ProcessPieces(settings.recorder.film_share)
        stack.push_async_callback(pieces.close)
        log = log_keeping(settings, units, clock, profile, stack)
        services = court_services(
            units, vault, clock, bus, profile, rooms, recorders, watch, address, objects, marker, log, pieces, settings,
        )  # fmt: skip
        hub = _hub(settings)
        if settings.server.rooms:
            await _take_up_hearings(stack, settings, units, clock, bus, media, watch, profile)
        server = settings.server
        # Films are made beside one server or by workers: two makers in one folder would trip over each other.
        shares = server.rooms and server.runs_jobs
        await _start_jobs(stack, bus, services, settings, holds_rooms=server.rooms, shares=shares)
        if settings.server.rooms:
            _start_hearing_sockets(stack, settings, hub, bus, services, media)
        _start_case_space(stack, hub, bus, services)
        await _start_files(stack, hub, bus, services)
        app = _web(settings, services, hub)
        mount_metrics(app, _measures(media, log, bus, per_hearing=settings.server.metrics_per_hearing))
        acts.mount_log(app)
        mount_pages(app, find_client(ROOT))
        yield CourtServer(settings, app, services, units, bus, vault, clock, profile, media, hub, address)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[Services]:
    """A worker: sends notices and composes films for a server with `runs_jobs = false` on the same database."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        vault = FolderVault(settings.storage.data_dir / "keys")
        bus = await _bus(settings, stack)
        engine = create_engine(settings.database_url)
        stack.push_async_callback(engine.dispose)
        profile = read_court(settings)
        units = SqlUnits(engine, bus)
        # Nothing is opened here: a worker looks at recordings and has no rooms.
        rooms = EngineRooms(vault.grant_key())
        recorders = FolderRecorders(rooms)
        watch = recorder_watch(settings, units, clock, bus, recorders, profile)
        address = SiteAddress(settings.server.public_url.rstrip("/"))
        objects = await open_objects(settings.storage)
        marker = MarkerWorkers(settings.limits.replay_workers)
        stack.push_async_callback(marker.stop)
        pieces = ProcessPieces(settings.recorder.film_share)
        stack.push_async_callback(pieces.close)
        log = log_keeping(settings, units, clock, profile, stack)
        services = court_services(
            units, vault, clock, bus, profile, rooms, recorders, watch, address, objects, marker, log, pieces, settings,
        )  # fmt: skip
        await _start_jobs(stack, bus, services, settings, holds_rooms=False, shares=True)
        yield services


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


async def _ensure_court(units: SqlUnits, profile: CourtProfile) -> None:
    async with units.write() as unit:
        if await unit.people.court(profile.court.id) is None:
            await unit.people.add_court(profile.court)


def _media_plane(settings: Settings, vault: FolderVault) -> MediaPlane:
    media = settings.media
    engine = MediaSettings(
        host=media.host,
        udp_port=media.udp_port,
        tcp_port=media.tcp_port,
        announced_addresses=media.announced_addresses or (media.host,),
        grant_keys=(vault.grant_key(),),
        last_n=media.last_n,
        max_voices=media.max_voices,
        native=media.native,
    )
    if not settings.server.rooms:
        return MediaElsewhere(vault.grant_key())
    return media_plane(engine, settings.media_dir, processes=media.processes, orphan_s=media.orphan_s)


async def _start_jobs(
    stack: AsyncExitStack,
    bus: EventBus,
    services: Services,
    settings: Settings,
    *,
    holds_rooms: bool,
    shares: bool,
) -> None:
    """Seals and checkpoints are the work of who holds the rooms; notices and films may be left to workers."""
    log = services.log
    ours = (
        Loop("seals", services.sealing.seal_due, 2.0),
        Loop("segment-acts", log.segments.note_due, 10.0),
        Loop("checkpoints", log.checkpoints.run_due, settings.trust.checkpoint_every_s, ("film_queued",)),
        Loop("time-stamps", log.time_stamps.stamp_due, 5.0),
    )
    shared = (
        Loop("notices", services.telling.relay.dispatch_due, 5.0, ("notice_queued",)),
        Loop("live-films", services.live_films.look, 5.0, ("film_queued",)),
        Loop("films", services.films.compose_due, 10.0, ("film_queued",)),
        Loop("live-segments", services.broadcasts.make_due, 3.0),
        Loop("single-tracks", services.single_tracks.make_due, 10.0, ("single_track_queued",)),
        Loop("public-copies", services.public_copies.copy_due, 10.0, ("public_copy_queued",)),
        Loop("archives", services.archives.make_due, 30.0, ("film_ready",)),
        Loop("archive-checks", services.archives.check_due, 60.0),
        Loop("ladder", services.reminders.climb_due, 5.0),
        Loop("attempts", services.reminders.settle_due, 30.0, ("notice_settled",)),
        Loop("mentions", services.talk.mentions.tell_due, 20.0),
        Loop("late-contacts", services.talk.contact_desk.run_late_due, 30.0),
        Loop("node-pushes", services.telling.nodes.push_due, 10.0, ("node_posted",)),
        Loop("search-index", services.talk.indexing.index_due, 5.0, ("lane_appended", "exhibit_changed")),
        Loop("hearing-soon", services.hearing_soon.announce_due, 20.0),
    )
    await services.telling.queue.start(takes_jobs=shares)
    stack.push_async_callback(services.telling.queue.stop)
    runner = JobRunner(bus, (ours if holds_rooms else ()) + (shared if shares else ()))
    runner.start()
    stack.push_async_callback(runner.stop)


async def _start_files(stack: AsyncExitStack, hub: Hub, bus: EventBus, services: Services) -> None:
    """Every server finishes and looks into what arrived in its own folder of uploads."""
    stack.push_async_callback(services.inspecting.stop)
    await _start_watch(stack, services.uploads.recover(), "uploads-recovery")
    runner = JobRunner(
        bus,
        (
            Loop("uploads", services.uploads.sweep_due, 300.0),
            Loop("inspection", services.inspecting.check_due, 2.0, ("attachment_received",)),
        ),
    )
    runner.start()
    stack.push_async_callback(runner.stop)
    news = AttachmentNews(hub, bus, services.attachments)
    news.start()
    stack.push_async_callback(news.stop)


async def _take_up_hearings(
    stack: AsyncExitStack,
    settings: Settings,
    units: SqlUnits,
    clock: Clock,
    bus: EventBus,
    media: MediaPlane,
    watch: RecorderWatch,
    profile: CourtProfile,
) -> None:
    """Rooms tell the court floor what happens, running hearings go on, their records are watched."""
    reports = RoomReports(units, clock, bus, media.rooms, watch, profile.court.id)
    recovery = RoomRecovery(units, clock, media.rooms, watch, reports, profile.court.id)
    media.tell(rooms=reports, nodes=recovery)
    await recovery.recover()
    await _start_watch(stack, watch.watch(), "recorder-watch")
    contents = content_watch(settings, units, clock, bus, watch, profile)
    await _start_watch(stack, contents.watch(), "content-watch")


def _start_hearing_sockets(
    stack: AsyncExitStack, settings: Settings, hub: Hub, bus: EventBus, services: Services, media: MediaPlane
) -> None:
    turn = TurnServers.from_settings(settings.media)
    sockets = HearingSockets(
        hub, bus, services.sessions, services.courtroom, media.rooms, ice_servers=turn.for_one_seat
    )
    media.tell_seats(sockets)
    sockets.start()
    stack.push_async_callback(sockets.stop)


async def _start_watch(stack: AsyncExitStack, watch: Coroutine[None, None, None], name: str) -> None:
    watching = asyncio.create_task(watch, name=name)

    async def end() -> None:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    stack.push_async_callback(end)


def _start_case_space(stack: AsyncExitStack, hub: Hub, bus: EventBus, services: Services) -> None:
    services.space.start()
    stack.push_async_callback(services.space.stop)
    feeds = LaneFeeds(hub, services.space)
    socket = CaseSocket(hub, services.sessions, services.space, services.telling.own, feeds)
    hub.add(socket.namespace())
    news = CaseNews(hub, bus, services.space, services.reminders, services.talk.contact_desk, socket, feeds)
    news.start()
    stack.push_async_callback(news.stop)
    exhibit_news = ExhibitNews(hub, bus, services.exhibits.reading)
    exhibit_news.start()
    stack.push_async_callback(exhibit_news.stop)


def _hub(settings: Settings) -> Hub:
    return Hub(
        HubSettings(network_of=lambda request: request[NETWORK], leaving_event="server_leaving"),
        explain=explain_error,
        public_origin=settings.server.public_url,
    )


def _measures(
    media: MediaPlane, log: LogKeeping, bus: MemoryBus | RedisBus, *, per_hearing: bool
) -> Callable[[], Awaitable[list[Measure]]]:
    async def measures() -> list[Measure]:
        carried = await media.measures(per_hearing=per_hearing)
        return [*carried, *await log.measures(), *bus.measures()]

    return measures


def _web(settings: Settings, services: Services, hub: Hub) -> web.Application:
    ways_in = [surround] if settings.server.rooms else [surround, rooms_elsewhere]
    app = web.Application(middlewares=ways_in, client_max_size=settings.limits.body_bytes)
    app[SETTINGS] = settings
    app[SERVICES] = services
    mount(app, ROUTES)
    mount_description(app, ROUTES)
    hub.attach(app)
    return app
