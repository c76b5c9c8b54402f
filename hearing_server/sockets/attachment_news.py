"""Files on `/case`: a bell rings, the row is read again, its sender and those who see where it is used are told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.services.case_space.attachments import Attachments
from hearing_server.sockets.case_space import person_room
from hearing_server.sockets.lane_feeds import NAMESPACE, has_room
from signaling.socket_kit.hub import Hub

_log = logging.getLogger(__name__)
# Bells of one file that wait are one; beyond this the newest are dropped: a page asks for the state of a file it
# waits for now and then by itself.
_WAITING = 2000


class AttachmentNews:
    """One task per process."""

    def __init__(self, hub: Hub, bus: EventBus, attachments: Attachments) -> None:
        self._hub = hub
        self._bus = bus
        self._attachments = attachments
        self._waiting: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        self._end = self._bus.subscribe("attachment_changed", self._take)
        self._task = asyncio.create_task(self._run(), name="attachment-news")

    async def stop(self) -> None:
        if self._end is not None:
            self._end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _take(self, bell: Doorbell) -> None:
        if len(self._waiting) < _WAITING:
            self._waiting[bell.key] = None
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                attachment_id = next(iter(self._waiting))
                del self._waiting[attachment_id]
                try:
                    await self._tell(attachment_id)
                except Exception:
                    # One bad bell must not silence the rest.
                    _log.exception("news not told", extra={"news": "attachment_changed"})

    async def _tell(self, attachment_id: str) -> None:
        found = await self._attachments.readers(attachment_id)
        if found is None:
            return
        view, readers = found
        for person_id in readers:
            for connection in self._hub.room(NAMESPACE, person_room(person_id)):
                if has_room(connection):
                    await connection.emit("attachment_updated", {"attachment": view})
