"""Exhibits on `/case`: a bell rings, the truth is read again, those who may know of it are told the revision."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.services.exhibits.keeping import FOR_ALL
from hearing_server.services.exhibits.reading import ExhibitReading
from hearing_server.sockets.case_space import person_room
from hearing_server.sockets.lane_feeds import NAMESPACE, has_room
from signaling.socket_kit.hub import Hub

_log = logging.getLogger(__name__)
# Bells of one exhibit that wait are one; beyond this the newest are dropped: pages read again at every connection
# and now and then by themselves.
_WAITING = 2000


class ExhibitNews:
    """One task per process."""

    def __init__(self, hub: Hub, bus: EventBus, reading: ExhibitReading) -> None:
        self._hub = hub
        self._bus = bus
        self._reading = reading
        self._waiting: dict[str, bool] = {}
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._end: Callable[[], None] | None = None

    def start(self) -> None:
        self._end = self._bus.subscribe("exhibit_changed", self._take)
        self._task = asyncio.create_task(self._run(), name="exhibit-news")

    async def stop(self) -> None:
        if self._end is not None:
            self._end()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _take(self, bell: Doorbell) -> None:
        if bell.key in self._waiting or len(self._waiting) < _WAITING:
            self._waiting[bell.key] = self._waiting.get(bell.key, False) or bell.word(FOR_ALL) is not None
            self._wake.set()

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                exhibit_id = next(iter(self._waiting))
                for_all = self._waiting.pop(exhibit_id)
                try:
                    await self._tell(exhibit_id, for_all=for_all)
                except Exception:
                    # One bad bell must not silence the rest.
                    _log.exception("news not told", extra={"news": "exhibit_changed"})

    async def _tell(self, exhibit_id: str, *, for_all: bool) -> None:
        news = await self._reading.news(exhibit_id, for_all=for_all)
        if news is None:
            return
        for person_id, revision in news.readers.items():
            body = {"case_id": news.case_id, "exhibit_id": exhibit_id, "revision": revision}
            for connection in self._hub.room(NAMESPACE, person_room(person_id)):
                if has_room(connection):
                    await connection.emit("exhibit_updated", body)
