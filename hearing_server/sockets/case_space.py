"""The namespace `/case`: all case spaces of one person over one socket (docs/PROTOCOL.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from hearing_server.domain.case_space.messages import EventType
from hearing_server.kernel import Actor, LaneId, PersonId, Role
from hearing_server.services.case_space.case_space import PAGE_EVENTS, CaseSpace, Membership
from hearing_server.services.identity.sessions import Sessions
from hearing_server.services.reminding.own_reminders import OwnReminders
from hearing_server.sockets.lane_feeds import NAMESPACE, LaneFeeds, watch_of
from signaling.socket_kit.connection import Command, Connection, Knock, Namespace, SocketBody
from signaling.socket_kit.hub import Hub

# Phone, desk, a second tab or two. The oldest is told why it is closed.
_SOCKETS_PER_PERSON = 8
# A lawyer's open cases, two lanes each.
_MAX_LANES = 2000
# What one resume replays by itself; beyond it lanes are pulled, one answer after the other, as fast as they are taken.
_REPLAY_BYTES = 64 * 1024
_REPLAY_LANES = 32
_PULL_BYTES = 64 * 1024
_Seq = Annotated[int, Field(ge=0, le=2**53)]
_Id = Annotated[str, Field(min_length=1, max_length=64)]


class Auth(SocketBody):
    ticket: Annotated[str, Field(min_length=1, max_length=128)]


class Cursor(SocketBody):
    epoch: _Seq
    last_seq: _Seq


class LanesResume(SocketBody):
    lanes: Annotated[dict[_Id, Cursor], Field(max_length=_MAX_LANES)]


class MessagePost(SocketBody):
    lane: _Id
    client_id: Annotated[str, Field(min_length=1, max_length=64)]
    type: Literal["text", "image", "audio", "document", "video", "correction", "tombstone"]
    body: dict[str, JsonValue]


class LanePull(SocketBody):
    lane: _Id
    after_seq: _Seq


class ReceiptUpdate(SocketBody):
    lane: _Id
    delivered_seq: _Seq | None = None
    read_seq: _Seq | None = None


class Heartbeat(SocketBody):
    pass


@dataclass(slots=True)
class Seat:
    """One device of one person."""

    actor: Actor
    lanes: dict[LaneId, Membership] = field(default_factory=dict)


class CaseSocket:
    """Commands of the namespace; what the server says by itself is in `case_news.py`."""

    def __init__(
        self, hub: Hub, sessions: Sessions, space: CaseSpace, reminders: OwnReminders, feeds: LaneFeeds
    ) -> None:
        self._hub = hub
        self._sessions = sessions
        self._space = space
        self._reminders = reminders
        self._feeds = feeds

    def namespace(self) -> Namespace[Seat]:
        return Namespace(
            NAMESPACE,
            auth=Auth,
            admit=self.admit,
            commands={
                "lanes_resume": Command(LanesResume, self.lanes_resume),
                "message_post": Command(MessagePost, self.message_post),
                "lane_pull": Command(LanePull, self.lane_pull),
                "receipt_update": Command(ReceiptUpdate, self.receipt_update),
                "heartbeat": Command(Heartbeat, self.heartbeat),
            },
            opened=self.opened,
            closed=self.closed,
            is_paced=True,
        )

    async def admit(self, knock: Knock, auth: Auth) -> Seat:
        """Errors: NotSignedIn `ticket.invalid`."""
        return Seat(await self._sessions.redeem_ticket(auth.ticket))

    async def opened(self, connection: Connection[Seat]) -> None:
        """Where all lanes stand, and every sheet that is still open."""
        actor = connection.state.actor
        await self._make_place(actor.person_id)
        connection.enter(person_room(actor.person_id))
        connection.enter(session_room(actor.session_id))
        heads = await self.refresh(connection)
        # A session that ended between ticket and room was missed by the bell.
        if not await self._space.is_signed_in(actor):
            await end_session(connection, "signed_out")
            return
        await connection.emit("heads_moved", {"heads": heads})
        for obligation in await self._reminders.open_for(actor):
            await connection.emit("obligation_raised", {"obligation": obligation})

    async def catch_up(self, connection: Connection[Seat]) -> None:
        """Bells may have been missed: does the session hold, which lanes may be read, which sheets are open."""
        actor = connection.state.actor
        if not await self._space.is_signed_in(actor):
            await end_session(connection, "signed_out")
            return
        before = set(connection.state.lanes)
        heads = await self.refresh(connection)
        if set(heads) != before:
            await connection.emit("heads_moved", {"heads": heads})
        for obligation in await self._reminders.open_for(actor):
            await connection.emit("obligation_raised", {"obligation": obligation})

    async def closed(self, connection: Connection[Seat], reason: str) -> None:
        """Nothing is kept for a socket: its cursors are the client's."""
        self._feeds.forget(connection)

    async def refresh(self, connection: Connection[Seat]) -> dict[LaneId, int]:
        """Read again which lanes this person may read; rooms of lost ones are left."""
        state = connection.state
        lanes = await self._space.memberships(state.actor)
        lost = sorted(set(state.lanes) - set(lanes))
        for lane_id in lost:
            connection.leave(watch_of(lane_id))
            self._feeds.unfollow(connection, lane_id)
        if lost:
            # The page drops what it holds of them: they are closed to this person from their first event.
            await connection.emit("lanes_left", {"lanes": lost})
        for lane_id in set(lanes) - set(state.lanes):
            connection.enter(watch_of(lane_id))
        state.lanes = lanes
        return {lane_id: membership.lane.head_seq for lane_id, membership in lanes.items()}

    async def lanes_resume(self, connection: Connection[Seat], body: LanesResume) -> Mapping[str, object]:
        """From the client's cursors to now. A lane that isn't the person's answers `reset` with epoch 0."""
        await self.refresh(connection)
        answers: dict[str, object] = {}
        left_bytes, left_lanes = _REPLAY_BYTES, _REPLAY_LANES
        for lane_id, cursor in body.lanes.items():
            membership = connection.state.lanes.get(LaneId(lane_id))
            if membership is None:
                answers[lane_id] = {"status": "reset", "epoch": 0, "head_seq": 0, "first_seq": 1}
                continue
            lane = membership.lane
            status, after = "complete", cursor.last_seq
            missed = lane.head_seq - cursor.last_seq
            if cursor.epoch != lane.epoch or missed < 0 or cursor.last_seq < membership.first_seq - 1:
                status, after = "reset", lane.head_seq
            elif missed > 0:
                weight = await self._weight_of(connection, membership, after=after) if left_lanes else None
                if weight is None or weight > left_bytes:
                    # Not in part: the client pulls it all, and live events follow from the head.
                    status, after = "more", lane.head_seq
                else:
                    left_bytes, left_lanes = left_bytes - weight, left_lanes - 1
            answers[lane_id] = {
                "status": status,
                "epoch": lane.epoch,
                "head_seq": lane.head_seq,
                "first_seq": membership.first_seq,
            }
            connection.after_ack(partial(self._feeds.follow, connection, lane.id, after=after))
        return {"lanes": answers}

    async def _weight_of(
        self, connection: Connection[Seat], membership: Membership, *, after: int
    ) -> int | None:
        """Bytes of all that a device misses of a lane, None when it is more than one replay carries."""
        lane = membership.lane
        if lane.head_seq - after > PAGE_EVENTS:
            return None
        page = await self._space.history(
            connection.state.actor, lane.id, after=after, limit=PAGE_EVENTS, limit_bytes=_REPLAY_BYTES
        )
        if page.last_seq < lane.head_seq:
            return None
        return sum(len(str(event)) for event in page.events)

    async def message_post(self, connection: Connection[Seat], body: MessagePost) -> Mapping[str, object]:
        return await self._space.post(
            connection.state.actor,
            body.lane,
            client_id=body.client_id,
            type=EventType(body.type),
            body=body.body,
        )

    async def lane_pull(self, connection: Connection[Seat], body: LanePull) -> Mapping[str, object]:
        page = await self._space.history(
            connection.state.actor,
            body.lane,
            after=body.after_seq,
            limit=PAGE_EVENTS,
            limit_bytes=_PULL_BYTES,
        )
        return {
            "events": list(page.events),
            "head_seq": page.lane.head_seq,
            "epoch": page.lane.epoch,
            "first_seq": page.first_seq,
        }

    async def receipt_update(self, connection: Connection[Seat], body: ReceiptUpdate) -> None:
        await self._space.note_receipt(
            connection.state.actor, body.lane, delivered_seq=body.delivered_seq, read_seq=body.read_seq
        )

    async def heartbeat(self, connection: Connection[Seat], _: Heartbeat) -> Mapping[str, object]:
        """Positions of all lanes; also the moment at which an ended or expired session is noticed for sure."""
        if not await self._space.is_signed_in(connection.state.actor):
            await end_session(connection, "expired")
            return {"heads": {}}
        return {"heads": await self._space.heads(list(connection.state.lanes))}

    async def _make_place(self, person_id: PersonId) -> None:
        devices = self._hub.room(NAMESPACE, person_room(person_id))
        for oldest in devices[: max(0, len(devices) - _SOCKETS_PER_PERSON + 1)]:
            await end_session(oldest, "too_many_devices")


async def end_session(connection: Connection[Seat], reason: str) -> None:
    """Say why, then close; the client doesn't come back by itself."""
    await connection.emit("session_ended", {"reason": reason})
    await connection.close(reason)


def is_clerk_office(actor: Actor) -> bool:
    """Those who see every case of their court."""
    return actor.role in (Role.CLERK, Role.PRESIDENT)


def person_room(person_id: str) -> str:
    return f"person:{person_id}"


def session_room(session_id: str) -> str:
    return f"session:{session_id}"
