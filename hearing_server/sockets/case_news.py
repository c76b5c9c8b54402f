"""What the server says on `/case` by itself: a doorbell rings, the truth is read again, those it concerns are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from hearing_server.domain.case_space.receipts import is_shown_to
from hearing_server.kernel import CaseId, LaneId, ObligationId, PersonId, Role
from hearing_server.ports.bus import BELLS_LOST, Doorbell, EventBus
from hearing_server.services.case_space.case_space import CaseSpace
from hearing_server.services.case_space.contact_requests import ContactDesk
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
# A message whose bell got lost on its way between processes is late by this much, whatever happens to Redis.
_LOOK_EVERY_S = 1.0
# Reading everybody's rights again may take so much of the loop: a thousand people are read again within seconds.
_CATCH_UP_SHARE = 0.2


class CaseNews:
    """One task per process; bells of the same thing that wait are one."""

    def __init__(
        self,
        hub: Hub,
        bus: EventBus,
        space: CaseSpace,
        reminders: Reminding,
        contacts: ContactDesk,
        socket: CaseSocket,
        feeds: LaneFeeds,
    ) -> None:
        self._hub = hub
        self._bus = bus
        self._space = space
        self._reminders = reminders
        self._contacts = contacts
        self._socket = socket
        self._feeds = feeds
        self._waiting: dict[Doorbell, None] = {}
        self._wake = asyncio.Event()
        self._missed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._ends: list[Callable[[], None]] = []
        self._tells: dict[str, Callable[[Doorbell], Awaitable[None]]] = {
            "lane_appended": self._lane_appended,
            "receipt_moved": self._receipt_moved,
            "case_changed": self._case_changed,
            "obligation_changed": self._obligation_changed,
            "contact_changed": self._contact_changed,
            "session_ended": self._session_ended,
        }

    def start(self) -> None:
        self._ends = [self._bus.subscribe(kind, self._take) for kind in self._tells]
        self._ends.append(self._bus.subscribe(BELLS_LOST.kind, self._bells_lost))
        works = (self._run(), self._look(), self._catch_up())
        self._tasks = [asyncio.create_task(work, name="case-news") for work in works]

    async def stop(self) -> None:
        for end in self._ends:
            end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _take(self, bell: Doorbell) -> None:
        if bell.kind == "session_ended":
            # At once: it waits for nobody's news.
            await self._session_ended(bell)
            return
        self._waiting[bell] = None
        self._wake.set()

    async def _bells_lost(self, _: Doorbell) -> None:
        self._missed.set()

    async def _look(self) -> None:
        """Lanes that grew unheard; on its own clock, so that busy lanes don't keep quiet ones waiting."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self._guarded(self._feeds.look(), "look")

    async def _catch_up(self) -> None:
        """After bells may have been missed: everybody's session, rights and open sheets are read again."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._missed.wait()
            self._missed.clear()
            for connection in self._hub.connections(NAMESPACE):
                began = clock()
                await self._guarded(self._socket.catch_up(connection), "catch_up")
                await asyncio.sleep((clock() - began) * (1 / _CATCH_UP_SHARE - 1))

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
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

    async def _contact_changed(self, bell: Doorbell) -> None:
        found = await self._contacts.news(bell.key)
        if found is None:
            return
        news = {"request_id": bell.key, "case_id": found.case_id}
        for connection in self._hub.connections(NAMESPACE):
            actor = connection.state.actor
            is_desk = actor.role is Role.CLERK and actor.court_id == found.court_id
            if is_desk or actor.person_id == found.asker_id:
                await connection.emit("contact_changed", news)

    async def _session_ended(self, bell: Doorbell) -> None:
        for connection in self._hub.room(NAMESPACE, session_room(bell.key)):
            await end_session(connection, "signed_out")
