"""Where rooms and recordings live: in this process, or in processes of their own; to the court both look the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Protocol

from hearing_server.adapters.media_process.look import end_media_processes
from hearing_server.adapters.media_process.supervisor import MediaProcesses
from hearing_server.adapters.recording import FolderRecorders
from hearing_server.adapters.rooms import EngineRooms
from hearing_server.ports.measures import Measure
from hearing_server.ports.media import NodeListener, RecorderControl, RoomEngine, RoomListener, SeatListener
from signaling.settings import MediaSettings


class MediaPlane(Protocol):
    """What the composition root needs of either."""

    @property
    def rooms(self) -> RoomEngine: ...
    @property
    def recorders(self) -> RecorderControl: ...
    @property
    def udp_ports(self) -> tuple[int, ...]: ...
    def running(self) -> AbstractAsyncContextManager[None]:
        """Open it; closed again at the end. Errors: Unavailable `media.port_taken`, `media.not_started`."""
        ...

    def tell(self, *, rooms: RoomListener, nodes: NodeListener) -> None:
        """Who hears what happens in rooms, and to whole rooms."""
        ...

    def tell_seats(self, seats: SeatListener) -> None: ...
    async def measures(self, *, per_hearing: bool) -> list[Measure]: ...


class LocalMedia:
    """Everything in this process: simple, and gone with it."""

    def __init__(self, settings: MediaSettings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self.rooms = EngineRooms(settings.grant_keys[0])
        self.recorders = FolderRecorders(self.rooms)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        # Processes of before, when the settings had some: their ports and recordings are ours now.
        await end_media_processes(self._folder, even_if_busy=True)
        async with self.rooms.running(self._settings):
            try:
                yield
            finally:
                await self.recorders.stop()

    @property
    def udp_ports(self) -> tuple[int, ...]:
        return (self.rooms.engine.udp_port,)

    def tell(self, *, rooms: RoomListener, nodes: NodeListener) -> None:
        self.rooms.room_listener = rooms

    def tell_seats(self, seats: SeatListener) -> None:
        self.rooms.seat_listener = seats

    async def measures(self, *, per_hearing: bool) -> list[Measure]:
        return [*await self.rooms.measures(per_hearing=per_hearing), *self.recorders.measures()]


class MediaElsewhere:
    """Another process of the same court holds the rooms: nothing is opened here, and no room is known."""

    def __init__(self, grant_key: bytes) -> None:
        self.rooms = EngineRooms(grant_key)
        self.recorders = FolderRecorders(self.rooms)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        yield

    @property
    def udp_ports(self) -> tuple[int, ...]:
        return ()

    def tell(self, *, rooms: RoomListener, nodes: NodeListener) -> None:
        """Nothing happens here that could be told."""

    def tell_seats(self, seats: SeatListener) -> None:
        """Nobody sits here."""

    async def measures(self, *, per_hearing: bool) -> list[Measure]:
        return []


def media_plane(settings: MediaSettings, folder: Path, *, processes: int, orphan_s: float) -> MediaPlane:
    """`processes` = 0: in this process. `folder` holds the sockets of media processes."""
    if processes == 0:
        return LocalMedia(settings, folder)
    return MediaProcesses(folder, settings, count=processes, orphan_s=orphan_s)
