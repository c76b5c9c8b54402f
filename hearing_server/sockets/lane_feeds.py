"""Carrying lanes to their readers: one cursor per lane and process, moved by doorbells, healed by a look at the heads.

A reader gets a lane's events in order without gaps: under the lane's lock it is brought to the cursor and then joins
the room, and only the cursor's own advance feeds the room. A reader who doesn't keep up is skipped, finds the gap by
the heads in its heartbeat, and pulls.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hearing_server.kernel import LaneId
from hearing_server.services.case_space.case_space import CaseSpace
from signaling.socket_kit.connection import Connection
from signaling.socket_kit.hub import Hub

NAMESPACE = "/case"
# The window of one reader: beyond it events wait in the log, not in our memory.
WINDOW_PACKETS = 64
WINDOW_BYTES = 256 * 1024


@dataclass(slots=True)
class _Feed:
    """What the room of one lane has been given."""

    sent_seq: int
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class LaneFeeds:
    """All lanes that somebody on this process reads."""

    def __init__(self, hub: Hub, space: CaseSpace) -> None:
        self._hub = hub
        self._space = space
        self._feeds: dict[LaneId, _Feed] = {}

    async def follow(self, connection: Connection[Any], lane_id: LaneId, *, after: int) -> None:
        """Bring a reader from `after` to the lane's cursor, then let it follow."""
        feed = await self._feed(lane_id)
        async with feed.lock:
            while after < feed.sent_seq:
                page = await self._space.stretch(lane_id, after=after)
                events = [event for event in page.events if int(str(event["seq"])) <= feed.sent_seq]
                if not events or not has_room(connection):
                    break
                await connection.emit(
                    "events_appended", {"lane": lane_id, "epoch": page.lane.epoch, "events": events}
                )
                after = int(str(events[-1]["seq"]))
            connection.enter(room_of(lane_id))

    def unfollow(self, connection: Connection[Any], lane_id: LaneId) -> None:
        """The person may not read this lane any more."""
        connection.leave(room_of(lane_id))

    async def advance(self, lane_id: LaneId) -> None:
        """The lane has grown: its room gets what is new; those who may read it but don't follow get the head."""
        feed = self._feeds.get(lane_id)
        if feed is None:
            await self._tell_head(lane_id, (await self._space.heads([lane_id])).get(lane_id, 0))
            return
        async with feed.lock:
            while True:
                page = await self._space.stretch(lane_id, after=feed.sent_seq)
                if not page.events:
                    break
                news = {"lane": lane_id, "epoch": page.lane.epoch, "events": list(page.events)}
                for connection in self._hub.room(NAMESPACE, room_of(lane_id)):
                    if has_room(connection):
                        await connection.emit("events_appended", news)
                feed.sent_seq = page.last_seq
            head_seq = feed.sent_seq
        await self._tell_head(lane_id, head_seq)

    async def look(self) -> None:
        """Find what no doorbell told: lanes whose head is beyond the cursor. Forgets lanes nobody follows."""
        for lane_id in [one for one in self._feeds if not self._hub.room(NAMESPACE, room_of(one))]:
            if not self._feeds[lane_id].lock.locked():
                del self._feeds[lane_id]
        for lane_id, head_seq in (await self._space.heads(list(self._feeds)[:500])).items():
            feed = self._feeds.get(lane_id)
            if feed is not None and head_seq > feed.sent_seq:
                await self.advance(lane_id)

    async def _feed(self, lane_id: LaneId) -> _Feed:
        if lane_id not in self._feeds:
            head_seq = (await self._space.heads([lane_id])).get(lane_id, 0)
            self._feeds.setdefault(lane_id, _Feed(head_seq))
        return self._feeds[lane_id]

    async def _tell_head(self, lane_id: LaneId, head_seq: int) -> None:
        following = {connection.id for connection in self._hub.room(NAMESPACE, room_of(lane_id))}
        for connection in self._hub.room(NAMESPACE, watch_of(lane_id)):
            if connection.id not in following and has_room(connection):
                await connection.emit("heads_moved", {"heads": {lane_id: head_seq}})


def has_room(connection: Connection[Any]) -> bool:
    """Whether this reader still takes what it is sent."""
    packets, size_bytes = connection.backlog
    return packets < WINDOW_PACKETS and size_bytes < WINDOW_BYTES


def room_of(lane_id: str) -> str:
    """Those who follow a lane."""
    return f"lane:{lane_id}"


def watch_of(lane_id: str) -> str:
    """Those who may read a lane."""
    return f"may:{lane_id}"
