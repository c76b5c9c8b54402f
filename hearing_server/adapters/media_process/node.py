"""The main of a media process: rooms and their recordings, no database, no HTTP. `python -m …media_process.node`

It is a session of its own: what ends the court's process (a crash, Ctrl-C, a new version) doesn't reach it. Its order
comes through standard input; one line on standard output says that it is ready, or why not.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import fcntl
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from logging.handlers import RotatingFileHandler

import orjson

from hearing_server.adapters.media_process.codec import from_plain, to_plain
from hearing_server.adapters.media_process.desk import Desk
from hearing_server.adapters.media_process.records import NodeOrder, Started, socket_path
from hearing_server.adapters.media_process.wire import bind_socket
from hearing_server.adapters.recording import FolderRecorders
from hearing_server.adapters.rooms import EngineRooms
from hearing_server.errors import HearingError, Unavailable

_log = logging.getLogger(__name__)
# Days of what a healthy process says, and the last hours of a sick one.
_LOG_BYTES = 4 << 20


def main() -> None:
    """Read the order, run until it is over."""
    order = from_plain(orjson.loads(sys.stdin.buffer.read()), NodeOrder)
    _keep_log(order)
    try:
        import uvloop
    except ImportError:
        asyncio.run(_run(order))
    else:
        uvloop.run(_run(order))


async def _run(order: NodeOrder) -> None:
    try:
        async with _serving(order) as desk:
            _say(Started())
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, desk.over.set)
            # Nobody's terminal is ours; whoever wants us to end says so on the socket or with SIGTERM.
            for number in (signal.SIGINT, signal.SIGHUP):
                loop.add_signal_handler(number, lambda: None)
            timekeeper = asyncio.create_task(desk.keep_time(), name="desk-time")
            try:
                await desk.over.wait()
            finally:
                timekeeper.cancel()
                await asyncio.gather(timekeeper, return_exceptions=True)
    except HearingError as error:
        _say(Started(error.code, error.en))
        raise SystemExit(1) from None
    except OSError as error:
        _say(Started("media.no_socket", str(error.strerror)))
        raise SystemExit(1) from None


@asynccontextmanager
async def _serving(order: NodeOrder) -> AsyncIterator[Desk]:
    """Lock, ports, recorder, socket. Closed in reverse: nobody gives orders, then all is synced, then rooms end."""
    async with AsyncExitStack() as stack:
        _take_lock(order)
        rooms = EngineRooms(order.settings.grant_keys[0])
        await stack.enter_async_context(rooms.running(order.settings))
        recorders = FolderRecorders(rooms)
        stack.push_async_callback(recorders.stop)
        desk = Desk(order, rooms, recorders)
        path = socket_path(order.folder, order.index)
        server = await asyncio.start_unix_server(desk.visited, sock=bind_socket(path))
        stack.callback(server.close)
        stack.callback(path.unlink, missing_ok=True)
        yield desk


def _keep_log(order: NodeOrder) -> None:
    """A log of our own beside the socket, of bounded length: the court's terminal may be gone long before we are."""
    path = order.folder / f"{order.index}.log"
    handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=1, encoding="utf-8")
    form = "%(asctime)s media %(process)d %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, handlers=[handler], format=form)
    # A full disk stops no room: what can't be logged isn't.
    logging.raiseExceptions = False
    crash = os.open(
        order.folder / f"{order.index}.crash", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600
    )
    faulthandler.enable(crash)  # kept open for good: the log's own file is exchanged now and then


def _take_lock(order: NodeOrder) -> None:
    """One process per place; the kernel lets go when it dies, so the descriptor is never closed by us."""
    descriptor = os.open(order.folder / f"{order.index}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Unavailable(
            "media.place_taken",
            zh="同一位置已有媒体进程在运行",
            en="A media process is running in this place already",
        ) from None


def _say(started: Started) -> None:
    """The one line; the court may have died meanwhile, then the next one finds our socket."""
    line = orjson.dumps(to_plain(started, Started)) + b"\n"
    with contextlib.suppress(OSError):
        os.write(1, line)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 0)
    os.close(nowhere)


if __name__ == "__main__":
    main()
