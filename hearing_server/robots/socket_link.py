"""A robot's `/hearing` socket that comes back: a fresh ticket per attempt, waits as the pages have them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import socketio

from hearing_server.robots.court_client import CourtClient, Problem

_log = logging.getLogger(__name__)
# As web_client/src/wire/socket.ts: 0.4 s → 2 s with jitter, 8 s for an ack, 10 s for a connection.
ACK_S: Final = 8.0
_FIRST_WAIT_S: Final = 0.4
_LONGEST_WAIT_S: Final = 2.0
_CONNECT_S: Final = 10.0
# A report doubles as the heartbeat: a socket that looks open and is dead is found out within this.
_REPORT_EVERY_S: Final = 10.0
_REPORT_ACK_S: Final = 4.0
NO_ANSWER: Final = (TimeoutError, OSError, aiohttp.ClientError, socketio.exceptions.SocketIOError)

Handler = Callable[[dict[str, Any]], Awaitable[None]]


class SocketLink:
    """One namespace of one hearing. `on_up(again)` and `on_down()` tell when commands work."""

    def __init__(
        self,
        client: CourtClient,
        hearing_id: str,
        *,
        recovers: bool,
        on_up: Callable[[bool], None] = lambda again: None,
        on_down: Callable[[], None] = lambda: None,
    ) -> None:
        self._client = client
        self._hearing_id = hearing_id
        self._recovers = recovers
        self._on_up = on_up
        self._on_down = on_down
        self._handlers: dict[str, Handler] = {}
        self._socket: socketio.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: tuple[str, str] | None = None  # the last presence, said again on every new socket
        self._hurry = asyncio.Event()
        self._gone = asyncio.Event()  # of the socket that is used now
        self._has_connected = False
        self._is_closed = False

    def on(self, event: str, handler: Handler) -> None:
        self._handlers[event] = handler

    @property
    def is_up(self) -> bool:
        return self._socket is not None and bool(self._socket.connected)

    async def open(self) -> None:
        """The first connection; raises what the client raises."""
        await self._connect()
        if self._recovers:
            self._spawn(self._beat())

    async def _connect(self) -> None:
        socket, is_gone = socketio.AsyncClient(reconnection=False, ssl_verify=False), asyncio.Event()
        for event, handler in self._handlers.items():
            socket.on(event, handler, namespace="/hearing")

        async def gone(*_reason: object) -> None:
            is_gone.set()
            if socket is self._socket:
                self._lost()

        socket.on("disconnect", gone, namespace="/hearing")
        auth = {"ticket": await self._client.ticket(), "hearing_id": self._hearing_id}
        self._socket, self._gone = socket, is_gone
        await socket.connect(
            self._client.url,
            namespaces=["/hearing"],
            transports=["websocket"],
            auth=auth,
            wait_timeout=_CONNECT_S,
        )
        again, self._has_connected = self._has_connected, True
        self._on_up(again)

    def _lost(self, wait_s: float = _FIRST_WAIT_S) -> None:
        if self._is_closed:
            return
        self._on_down()
        if self._recovers:
            self._spawn(self._come_back(wait_s))

    def replace(self) -> None:
        """The network changed: the old address is gone, and the socket with it. Another one at once."""
        self._spawn(self._drop(wait_s=0.0))

    def wake(self) -> None:
        """The page woke: prove the socket now, or try for another at once."""
        self._hurry.set()
        self._spawn(self._prove())

    async def _come_back(self, wait_s: float) -> None:
        while not self._is_closed:
            with contextlib.suppress(TimeoutError):
                self._hurry.clear()
                await asyncio.wait_for(self._hurry.wait(), wait_s * random.uniform(0.75, 1.25))
            wait_s = min(_LONGEST_WAIT_S, max(_FIRST_WAIT_S, 2 * wait_s))
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await self._connect()
            except NO_ANSWER as error:
                _log.debug("not back yet: %s", type(error).__name__)
            except Problem as problem:
                if 400 <= problem.status < 500:
                    raise
            else:
                if self._said is not None:
                    await self._prove()
                return

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            await self._prove()

    async def _prove(self) -> None:
        if not self.is_up or self._said is None:
            return
        stage, page = self._said
        asked = self._socket
        try:
            await self.command("presence_report", _ack_s=_REPORT_ACK_S, stage=stage, page=page)
        except NO_ANSWER:
            if asked is self._socket:  # another one may have come meanwhile, and that one is not to blame
                await self._drop()
        except Problem as problem:
            _log.debug("presence refused: %s", problem.code)

    async def _drop(self, *, wait_s: float = _FIRST_WAIT_S) -> None:
        """Give up a socket that does not answer."""
        dead, self._socket = self._socket, None  # its late goodbye is not ours
        self._gone.set()
        if dead is not None:
            self._lost(wait_s)
            self._spawn(_hang_up(dead))
        else:
            self._hurry.set()

    async def report(self, stage: str, page: str) -> None:
        self._said = (stage, page)
        await self.command("presence_report", stage=stage, page=page)

    async def command(self, name: str, *, _ack_s: float = ACK_S, **body: Any) -> dict[str, Any]:
        """A command and its ack; Problem on a refusal, one of NO_ANSWER when none came."""
        if self._socket is None:
            raise ConnectionError("no socket")
        # Awaited here and not in a task of its own: what follows an ack must come before the server's next event.
        caller, gone = asyncio.current_task(), self._gone
        assert caller is not None
        guard = asyncio.ensure_future(_interrupt(caller, gone))
        try:
            ack = await self._socket.call(name, body, namespace="/hearing", timeout=_ack_s)
        except asyncio.CancelledError:
            if gone.is_set() and caller.uncancel() == 0:
                raise ConnectionError("the socket went before its ack came") from None
            raise
        finally:
            guard.cancel()
        if not isinstance(ack, dict) or not ack.get("ok"):
            raise Problem(0, ack if isinstance(ack, dict) else {})
        return ack

    async def hang_up(self) -> None:
        """Break this connection; one that recovers comes back."""
        if self._socket is not None:
            await self._socket.disconnect()

    async def close(self) -> None:
        self._is_closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self.is_up and self._socket is not None:
            await self._socket.disconnect()

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.warning("the socket's keeper ended: %s", type(task.exception()).__name__)


async def _hang_up(socket: socketio.AsyncClient) -> None:
    try:
        async with asyncio.timeout(_REPORT_ACK_S):
            await socket.disconnect()
    except NO_ANSWER:
        return


async def _interrupt(caller: asyncio.Task[Any], gone: asyncio.Event) -> None:
    await gone.wait()
    caller.cancel()
