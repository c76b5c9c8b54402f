"""Carrying lanes to their readers: one cursor per lane and process, moved by doorbells, healed by a look at the heads.

A reader gets a lane's events in order without gaps: under the lane's lock it is brought to the cursor and then joins
the room, and only the cursor's own advance feeds the room. Who belongs to the lane is read in the same snapshot as the
events: nothing that was written after somebody left is carried to them, whatever bell comes late. A reader who doesn't
keep up is skipped, is told the lane's head once there is room again, and pulls.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from hearing_server.kernel import LaneId
from hearing_server.services.case_space.case_space import CaseSpace, Stretch
from signaling.socket_kit.connection import Connection
from signaling.socket_kit.hub import Hub, Packed

NAMESPACE = "/case"
# The window of one reader: beyond it events wait in the log, not in our memory. With one page that was pulled and what
# the transport holds, a reader who stops costs less than 256 KiB.
WINDOW_PACKETS = 64
WINDOW_BYTES = 96 * 1024
# Ids in one query: far below what either database takes as parameters.
_HEADS_AT_ONCE = 500


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
        # Connections that were skipped, with the lanes they have to hear of.
        self._skipped: dict[Connection[Any], set[LaneId]] = {}

    async def follow(self, connection: Connection[Any], lane_id: LaneId, *, after: int) -> None:
        """Bring a reader from `after` to the lane's cursor, then let it follow; not one who has lost the lane."""
        feed = await self._feed(lane_id)
        async with feed.lock:
            while after < feed.sent_seq:
                page = await self._space.stretch(lane_id, after=after)
                if not _belongs(connection, page):
                    return
                events = [event for event in page.events if int(str(event["seq"])) <= feed.sent_seq]
                if not events:
                    break
                news = self._news(page, events)
                if not has_room(connection, news):
                    self._skip(connection, lane_id)
                    break
                await self._hub.deliver(connection, news)
                after = int(str(events[-1]["seq"]))
            connection.enter(room_of(lane_id))

    def unfollow(self, connection: Connection[Any], lane_id: LaneId) -> None:
        """The person may not read this lane any more."""
        connection.leave(room_of(lane_id))
        self._skipped.get(connection, set()).discard(lane_id)

    def forget(self, connection: Connection[Any]) -> None:
        """The connection is gone."""
        self._skipped.pop(connection, None)

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
                news = self._news(page, list(page.events))
                for connection in self._hub.room(NAMESPACE, room_of(lane_id)):
                    if not _belongs(connection, page):
                        continue
                    if has_room(connection, news):
                        await self._hub.deliver(connection, news)
                    else:
                        self._skip(connection, lane_id)
                feed.sent_seq = page.last_seq
                if feed.sent_seq >= page.lane.head_seq:
                    # What came after this page was read has a bell of its own.
                    break
            head_seq = feed.sent_seq
        await self._tell_head(lane_id, head_seq)

    async def look(self) -> None:
        """Find what no doorbell told: lanes whose head is beyond the cursor. Forgets lanes nobody follows."""
        for lane_id in [one for one in self._feeds if not self._hub.room(NAMESPACE, room_of(one))]:
            if not self._feeds[lane_id].lock.locked():
                del self._feeds[lane_id]
        followed = list(self._feeds)
        for start in range(0, len(followed), _HEADS_AT_ONCE):
            heads = await self._space.heads(followed[start : start + _HEADS_AT_ONCE])
            for lane_id, head_seq in heads.items():
                feed = self._feeds.get(lane_id)
                if feed is not None and head_seq > feed.sent_seq:
                    await self.advance(lane_id)
        await self._tell_skipped()

    def _news(self, page: Stretch, events: list[dict[str, object]]) -> Packed:
        """Written out once for the whole room."""
        news = {"lane": page.lane.id, "epoch": page.lane.epoch, "events": events}
        return self._hub.packed(NAMESPACE, "events_appended", news)

    async def _feed(self, lane_id: LaneId) -> _Feed:
        if lane_id not in self._feeds:
            head_seq = (await self._space.heads([lane_id])).get(lane_id, 0)
            self._feeds.setdefault(lane_id, _Feed(head_seq))
        return self._feeds[lane_id]

    async def _tell_head(self, lane_id: LaneId, head_seq: int) -> None:
        following = {connection.id for connection in self._hub.room(NAMESPACE, room_of(lane_id))}
        head = self._hub.packed(NAMESPACE, "heads_moved", {"heads": {lane_id: head_seq}})
        for connection in self._hub.room(NAMESPACE, watch_of(lane_id)):
            if connection.id in following:
                continue
            if has_room(connection, head):
                await self._hub.deliver(connection, head)
            else:
                self._skip(connection, lane_id)

    def _skip(self, connection: Connection[Any], lane_id: LaneId) -> None:
        self._skipped.setdefault(connection, set()).add(lane_id)

    async def _tell_skipped(self) -> None:
        """Whoever was skipped and takes again what they are sent hears where those lanes stand."""
        for connection in list(self._skipped):
            if connection.is_open and not has_room(connection):
                continue
            lanes = [
                lane_id for lane_id in self._skipped.pop(connection) if lane_id in connection.state.lanes
            ]
            if connection.is_open and lanes:
                await connection.emit("heads_moved", {"heads": await self._space.heads(lanes)})


def _belongs(connection: Connection[Any], page: Stretch) -> bool:
    return page.readers is not None and connection.state.actor.person_id in page.readers


def has_room(connection: Connection[Any], news: Packed | None = None) -> bool:
    """Whether this reader still takes what it is sent, `news` included."""
    packets, size_bytes = connection.backlog
    return packets < WINDOW_PACKETS and size_bytes + (news.size_bytes if news else 0) <= WINDOW_BYTES


def room_of(lane_id: str) -> str:
    """Those who follow a lane."""
    return f"lane:{lane_id}"


def watch_of(lane_id: str) -> str:
    """Those who may read a lane."""
    return f"may:{lane_id}"
