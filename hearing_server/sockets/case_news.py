"""What the server says on `/case` by itself: a doorbell rings, the truth is read again, those it concerns are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hearing_server.domain.case_space.receipts import is_shown_to
from hearing_server.kernel import CaseId, LaneId, ObligationId, PersonId
from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.reminding.reminders import Reminding
from hearing_server.sockets.case_space import (
    CaseSocket,
    end_session,
    is_clerk_office,
    person_room,
    session_room,
)
from hearing_server.sockets.lane_feeds import NAMESPACE, LaneFeeds, has_room, watch_of
from signaling.socket_kit.hub import Hub

_log = logging.getLogger(__name__)
# A bell that got lost on its way between processes is made up for within this time.
_LOOK_EVERY_S = 2.0


class CaseNews:
    """One task per process; bells of the same thing that wait are one."""

    def __init__(
        self,
        hub: Hub,
        bus: EventBus,
        space: CaseSpace,
        reminders: Reminding,
        socket: CaseSocket,
        feeds: LaneFeeds,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._space = space
        self._reminders = reminders
        self._socket = socket
        self._feeds = feeds
        self._waiting: dict[Doorbell, None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ends: list[Callable[[], None]] = []
        self._tells: dict[str, Callable[[Doorbell], Awaitable[None]]] = {
            "lane_appended": self._lane_appended,
            "receipt_moved": self._receipt_moved,
            "case_changed": self._case_changed,
            "obligation_changed": self._obligation_changed,
            "session_ended": self._session_ended,
        }

    def start(self) -> None:
        self._ends = [self._bus.subscribe(kind, self._take) for kind in self._tells]
        self._task = asyncio.create_task(self._run(), name="case-news")

    async def stop(self) -> None:
        for end in self._ends:
            end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _take(self, bell: Doorbell) -> None:
        if bell.kind == "session_ended":
            # At once: it waits for nobody's news.
            await self._session_ended(bell)
            return
        self._waiting[bell] = None
        self._wake.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                await self._guarded(self._feeds.look(), "look")
            self._wake.clear()
            while self._waiting:
                bell = next(iter(self._waiting))
                del self._waiting[bell]
                await self._guarded(self._tells[bell.kind](bell), bell.kind)

    async def _guarded(self, work: Awaitable[None], what: str) -> None:
        try:
            await work
        except Exception:
            # The log has it, the next look finds it: one bad bell must not silence the rest.
            _log.exception("news not told", extra={"news": what})

    async def _lane_appended(self, bell: Doorbell) -> None:
        await self._feeds.advance(LaneId(bell.key))

    async def _receipt_moved(self, bell: Doorbell) -> None:
        owner = PersonId(bell.word("person") or "")
        found = await self._space.shown_receipt(LaneId(bell.key), owner)
        if found is None:
            return
        receipt, role = found
        for connection in self._hub.room(NAMESPACE, watch_of(bell.key)):
            viewer = connection.state.lanes.get(LaneId(bell.key))
            is_own = connection.state.actor.person_id == owner
            if viewer is None or not (is_own or is_shown_to(owner=role, viewer=viewer.role)):
                continue
            if has_room(connection):
                await connection.emit("receipts_updated", receipt)

    async def _case_changed(self, bell: Doorbell) -> None:
        members = await self._space.members_of(CaseId(bell.key))
        for connection in self._hub.connections(NAMESPACE):
            actor = connection.state.actor
            had = any(one.lane.case_id == bell.key for one in connection.state.lanes.values())
            if actor.person_id in members or had:
                await self._socket.refresh(connection)
            elif not is_clerk_office(actor):
                continue
            await connection.emit("case_changed", {"case_id": bell.key})

    async def _obligation_changed(self, bell: Doorbell) -> None:
        found = await self._reminders.news(ObligationId(bell.key))
        if found is None:
            return
        settled = {"obligation_id": bell.key, "state": found.view["state"]}
        for person_id in {found.recipient, *found.court}:
            for connection in self._hub.room(NAMESPACE, person_room(person_id)):
                if person_id == found.recipient and found.is_open:
                    await connection.emit("obligation_raised", {"obligation": found.view})
                else:
                    # For the court: its board has changed, be it only by one more attempt.
                    await connection.emit("obligation_settled", settled)

    async def _session_ended(self, bell: Doorbell) -> None:
        for connection in self._hub.room(NAMESPACE, session_room(bell.key)):
            await end_session(connection, "signed_out")
