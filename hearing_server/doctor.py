"""`hearing-server doctor`: what this machine and these settings lack, one line each, with what to do."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hearing_server.adapters.media_process.look import media_processes
from hearing_server.settings import Settings

# fdatasync slower than this can't seal a hearing's journal four times a second beside everything else.
_SLOW_SYNC_MS = 100.0


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: what was looked at, whether it is good, what was seen and what to do."""

    name: str
    is_good: bool
    seen: str
    advice: str = ""

    def line(self) -> str:
        mark = "ok  " if self.is_good else "FAIL"
        return f"{mark} {self.name}: {self.seen}" + (f" — {self.advice}" if self.advice else "")


async def examine(settings: Settings) -> list[Check]:
    """Run every check; none raises."""
    work: tuple[tuple[str, Callable[[Settings], Awaitable[Check]]], ...] = (
        ("python packages", _packages),
        ("data folder", _folder),
        ("disk", _disk),
        ("database", _database),
        ("log of acts", _log_of_acts),
        ("redis", _redis),
        ("http port", _http_port),
        ("media port", _media_port),
        ("media processes", _media_processes),
        ("native forwarding", _native),
        ("web client", _client),
        ("https", _https),
    )
    found = []
    for name, check in work:
        try:
            async with asyncio.timeout(20):
                found.append(await check(settings))
        except Exception as error:
            # A check that breaks is itself a finding.
            found.append(Check(name, False, f"{type(error).__name__}: {error}"))
    return found


async def _packages(_: Settings) -> Check:
    import aioice
    import aiortc
    import av
    import pylibsrtp

    seen = ", ".join(f"{module.__name__} {module.__version__}" for module in (aiortc, aioice, pylibsrtp, av))
    return Check("python packages", True, seen)


async def _folder(settings: Settings) -> Check:
    folder = settings.storage.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    try:
        started = time.perf_counter()
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, b"x" * 65536)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
        elapsed_ms = (time.perf_counter() - started) * 1000
    finally:
        probe.unlink(missing_ok=True)
    if elapsed_ms > _SLOW_SYNC_MS:
        return Check("data folder", False, f"a synced write took {elapsed_ms:.0f} ms", "use a faster disk")
    return Check("data folder", True, f"writable, a synced write takes {elapsed_ms:.1f} ms")


async def _disk(settings: Settings) -> Check:
    places = [
        place for place in (settings.recordings_dir, settings.second_recordings_dir) if place is not None
    ]
    folders = [place if place.is_dir() else settings.storage.data_dir for place in places]
    # Both recorders write everything; on one volume they share what is free there.
    volumes = [folder.stat().st_dev for folder in folders]
    free = min(shutil.disk_usage(folder).free // volumes.count(folder.stat().st_dev) for folder in folders)
    # 6 people at 2 Mbit/s, twice two hours: the planned day with as much again.
    wanted = max(settings.storage.reserve_bytes, 6 * 2_000_000 // 8 * 4 * 3600)
    if free < wanted:
        return Check("disk", False, f"{free >> 20} MiB free", f"free {wanted >> 20} MiB for recordings")
    return Check("disk", True, f"{free >> 30} GiB free")


async def _database(settings: Settings) -> Check:
    import sqlalchemy as sa

    from hearing_server.storage.database import create_engine

    engine = create_engine(settings.database_url)
    try:
        async with engine.connect() as connection:
            await connection.execute(sa.text("select 1"))
    finally:
        await engine.dispose()
    return Check("database", True, engine.dialect.name)


async def _log_of_acts(settings: Settings) -> Check:
    from hearing_server.app import read_court
    from hearing_server.log_doctor import look_at_log

    is_good, seen, advice = await look_at_log(settings, read_court(settings).court.id)
    return Check("log of acts", is_good, seen, advice)


async def _redis(settings: Settings) -> Check:
    if not settings.storage.redis_url:
        return Check("redis", True, "not configured: one process, bus in memory")
    import redis.asyncio as redis

    client = redis.from_url(settings.storage.redis_url, socket_timeout=3, socket_connect_timeout=3)
    try:
        await client.ping()
    finally:
        await client.aclose()
    return Check("redis", True, "answers")


async def _http_port(settings: Settings) -> Check:
    return _port("http port", settings.server.host, settings.server.port, socket.SOCK_STREAM, "--port")


async def _media_port(settings: Settings) -> Check:
    media = settings.media
    taken = {facts.index for facts in await media_processes(settings.media_dir)}
    check = Check("media port", True, "all taken by our own media processes")
    for index in range(max(1, media.processes)):
        if index in taken:
            continue
        udp_port, tcp_port = (port + index if port else 0 for port in (media.udp_port, media.tcp_port))
        check = _port("media port", media.host, udp_port, socket.SOCK_DGRAM, "--media-port")
        if check.is_good:
            check = _port("media port", media.host, tcp_port, socket.SOCK_STREAM, "--media-port")
        if not check.is_good:
            break
    return check


async def _media_processes(settings: Settings) -> Check:
    wanted, cores = settings.media.processes, os.cpu_count() or 1
    found = await media_processes(settings.media_dir)
    running = "; ".join(
        f"{facts.index}: pid {facts.pid}, {facts.seats} seats, {facts.recordings} recordings"
        for facts in found
    )
    seen = f"{wanted or 'none'} wanted, {cores} cores" + (f", running: {running}" if running else "")
    if wanted > cores:
        return Check("media processes", False, seen, "set media.processes to the number of cores at most")
    return Check("media processes", True, seen)


def _port(name: str, host: str, port: int, kind: socket.SocketKind, option: str) -> Check:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Check(name, False, f"{host}:{port} {error.strerror}", f"choose another with {option}")
    return Check(name, True, f"{host}:{port} is free")


# What to do about each reason of signaling.native.build.Why. Only a file that should not be there is a fault: the
# server forwards in Python as well, at several times the cost.
_NATIVE_ADVICE = {
    "no_compiler": (True, "apt install gcc libc6-dev, then: python3 -m signaling.native.build"),
    "not_built": (True, "run: python3 -m signaling.native.build"),
    "no_cffi": (False, "install the package cffi"),
    "unsafe_file": (
        False,
        "others may write the built library: give the file and its folder to this user alone",
    ),
    "broken": (False, "delete the built library and run: python3 -m signaling.native.build"),
}


async def _native(settings: Settings) -> Check:
    from signaling.native import build

    if not settings.media.native:
        return Check("native forwarding", True, "off: by setting", "media.native = true turns it on")

    native = await asyncio.to_thread(build.load)
    if native is not None:
        urgency, advice = _URGENCY[await asyncio.to_thread(_allowed_urgency, native.lib.become_urgent)]
        return Check("native forwarding", True, f"built, {native.path.name}; {urgency}", advice)
    why = build.why_not()
    is_good, advice = _NATIVE_ADVICE[why]
    return Check("native forwarding", is_good, f"off: {why.replace('_', ' ')}", advice)


# How far the forwarding thread may go before other work (`signaling.native.plane.Urgency`, by its number).
_URGENCY = (
    ("waits its turn with all other work", "LimitRTPRIO=1 in the service lets media go first"),
    ("goes before most other work", "LimitRTPRIO=1 in the service lets media go before all of it"),
    ("goes before all other work", ""),
)


def _allowed_urgency(become_urgent: Callable[[], int]) -> int:
    """Asked of a thread of its own, which ends with its answer."""
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(become_urgent()))
    asking.start()
    asking.join()
    return answers[0]


async def _client(_: Settings) -> Check:
    from hearing_server.rest.pages import find_client
    from hearing_server.settings import ROOT

    client = find_client(ROOT)
    if client is None:
        return Check("web client", False, "not built", "run: python3 -m hearing_server")
    return Check("web client", True, "built")


async def _https(settings: Settings) -> Check:
    server = settings.server
    if server.tls_certificate or server.public_url.startswith("https"):
        return Check("https", True, "configured")
    return Check(
        "https",
        True,
        "not configured: browsers give a camera on localhost only; phones need HTTPS (demo --phone)",
    )
