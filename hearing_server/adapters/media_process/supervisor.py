"""All media processes of one court: found or started together, watched over, left running when the court goes."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hearing_server.adapters.media_process.directory import Directory
from hearing_server.adapters.media_process.look import found_indexes
from hearing_server.adapters.media_process.place import Place
from hearing_server.adapters.media_process.recorders import ProcessRecorders
from hearing_server.adapters.media_process.records import NodeOrder, NodeState
from hearing_server.adapters.media_process.rooms import ProcessRooms
from hearing_server.adapters.media_process.starter import settings_id, settings_of
from hearing_server.errors import HearingError
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import NodeListener, RoomListener, SeatListener
from signaling.settings import MediaSettings

_log = logging.getLogger(__name__)
# How often places that are too many, or run with old settings, are asked whether they are needed any more.
_TIDY_S = 15.0


class MediaProcesses:
    """`rooms` and `recorders` are the court's ports; `running` keeps the processes behind them alive."""

    def __init__(self, folder: Path, settings: MediaSettings, *, count: int, orphan_s: float) -> None:
        self._folder = folder.absolute()
        self._settings = settings
        self._count = count
        self._orphan_s = orphan_s
        self._directory = Directory()
        self._tasks: set[asyncio.Task[None]] = set()
        self.rooms = ProcessRooms(settings.grant_keys[0], self._directory)
        self.recorders = ProcessRecorders(self._directory)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take over what runs, start what is missing. Errors: Unavailable `media.port_taken`, `media.not_started`.

        At the end idle processes end as well; where people sit or a recording runs, the process goes on alone.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chmod(self._folder, 0o700)
        places = self._directory.places = self._places()
        try:
            await self._take_all(places)
            for place in places:
                self._spawn(place.keep())
            self._spawn(self._tidy())
            yield
        finally:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await asyncio.gather(*(self._leave(place) for place in places))

    @property
    def udp_ports(self) -> tuple[int, ...]:
        return tuple(place.link.facts.udp_port for place in self._directory.places if place.link is not None)

    async def measures(self, *, per_hearing: bool) -> list[Measure]:
        """The processes themselves, and the sums of what each says about its rooms and recordings."""
        seats = Counter(self._directory.seats.values())
        own = [measure for place in self._directory.places for measure in _of_place(place, seats[place])]
        told = await asyncio.gather(
            *(_ask(place, per_hearing=per_hearing) for place in self._directory.places)
        )
        return [*own, *summed([measure for each in told for measure in each])]

    def tell(self, *, rooms: RoomListener, nodes: NodeListener) -> None:
        self.rooms.room_listener, self.rooms.node_listener = rooms, nodes

    def tell_seats(self, seats: SeatListener) -> None:
        self.rooms.seat_listener = seats

    # --- inside ----------------------------------------------------------------------------------

    def _place(self, index: int) -> Place:
        settings = settings_of(self._settings, index)
        order = NodeOrder(index, self._folder, settings, settings_id(settings), self._orphan_s)
        is_surplus = index >= self._count
        return Place(order, came=self._came, went=self._went, told=self.rooms.told, is_surplus=is_surplus)

    def _places(self) -> list[Place]:
        indexes = {*range(self._count), *found_indexes(self._folder)}
        return [self._place(index) for index in sorted(indexes)]

    async def _take_all(self, places: list[Place], *, start_missing: bool = True) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for place in places:
                    group.create_task(place.take(start_missing=start_missing and not place.is_surplus))
        except* HearingError as errors:
            raise errors.exceptions[0] from None

    async def _came(self, place: Place, state: NodeState) -> None:
        if place.is_outdated:
            _log.warning("media process %d runs with older settings until it is empty", place.index)
        self._directory.note_state(place, state)

    async def _went(self, place: Place) -> None:
        rooms, seats = self._directory.forget(place)
        if place.is_closing:
            return
        # Rooms first: their records stand still, and who sits down again needs a room.
        self._spawn(self.rooms.lost(rooms))
        await asyncio.sleep(0)
        self._spawn(self.rooms.end_seats(seats))

    async def _tidy(self) -> None:
        """Ask surplus and outdated processes to end when nobody is in them. Never ends by itself."""
        while True:
            for place in self._directory.places:
                if place.link is not None and (place.is_surplus or place.is_outdated):
                    await place.end(even_if_busy=False, comes_back=not place.is_surplus)
            await asyncio.sleep(_TIDY_S)

    async def _leave(self, place: Place) -> None:
        if place.link is not None and not await place.end(even_if_busy=False, comes_back=False):
            _log.warning("media process %d goes on alone: people or recordings are in it", place.index)
        await place.leave()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("a task of the media processes failed", exc_info=task.exception())


def _of_place(place: Place, seats: int) -> list[Measure]:
    silent_s = place.link.silent_s if place.link is not None else -1.0
    told = (
        ("up", "1 while the media process answers", float(place.link is not None)),
        ("seats", "People seated in the media process", seats),
        ("silent_seconds", "Since the media process last said something; -1 without one", silent_s),
    )
    part = ("process", str(place.index))
    starts = Measure(
        "hearing_media_process_starts", "Starts of the media process by this server", place.starts,
        is_total=True, part=part,
    )  # fmt: skip
    return [
        *(Measure(f"hearing_media_process_{name}", text, value, part=part) for name, text, value in told),
        starts,
    ]


async def _ask(place: Place, *, per_hearing: bool) -> list[Measure]:
    if place.link is None:
        return []
    try:
        measures: list[Measure] = await place.link.order("node.measures", per_hearing=per_hearing)
    except HearingError as error:
        _log.info("no measures of media process %d: %s", place.index, error.code)
        return []
    return measures


def summed(measures: list[Measure]) -> list[Measure]:
    """Equal measures of several processes as one: counts add up, and of a worst value the worst counts."""
    found: dict[tuple[str, tuple[str, str] | None], Measure] = {}
    for measure in measures:
        key = (measure.name, measure.part)
        before = found.get(key)
        found[key] = measure if before is None else _together(before, measure)
    return list(found.values())


def _together(one: Measure, other: Measure) -> Measure:
    if "worst" in one.name:
        return max(one, other, key=lambda each: each.value)
    buckets = tuple((bound, n + m) for (bound, n), (_, m) in zip(one.buckets, other.buckets, strict=True))
    return replace(one, value=one.value + other.value, count=one.count + other.count, buckets=buckets)
