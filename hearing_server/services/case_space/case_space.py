"""The case space: posting, reading, receipts. The log in the database is the truth; sockets only carry it sooner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.case_space.bodies import check_body
from hearing_server.domain.case_space.lane_view import event_view, lane_view, members_view, receipt_view
from hearing_server.domain.case_space.lanes import Lane, in_order
from hearing_server.domain.case_space.messages import (
    EventType,
    LaneEvent,
    check_client_id,
    request_digest,
)
from hearing_server.domain.case_space.receipts import Receipt, advance, is_shown_to
from hearing_server.errors import Conflict, Invalid, NotFound
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.kernel import Actor, AttachmentId, CaseId, Clock, LaneId, PersonId, to_wire
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.space import Attachment
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenLane, access_lane, access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.case_space.lanes import append_to_lane
from hearing_server.services.case_space.message_rate import MessageRate

# One page of a lane: what a phone shows after a long absence, and no frame beyond the limit of a message.
PAGE_EVENTS = 200
PAGE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Membership:
    """A lane somebody may read, with what they are there and the first event that is theirs to read."""

    lane: Lane
    role: CaseRole
    first_seq: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some events of a lane in order, as clients get them, and where the lane stood when they were read.

    `readers`: who belonged to the lane in the same snapshot; None where the page was read for one person.
    """

    lane: Lane
    events: tuple[dict[str, object], ...]
    first_seq: int = 1
    readers: frozenset[PersonId] | None = None

    @property
    def last_seq(self) -> int:
        """The highest number in it, 0 when it is empty."""
        return int(str(self.events[-1]["seq"])) if self.events else 0


class CaseSpace:
    """Use-cases of lanes."""

    def __init__(self, units: Units, clock: Clock, line: GroupCommit, *, text_chars: int) -> None:
        self._units = units
        self._clock = clock
        self._line = line
        self._text_chars = text_chars
        self._rate = MessageRate(clock)

    def start(self) -> None:
        """Begin to take posts; the composition root also stops it."""
        self._line.start()

    async def stop(self) -> None:
        """Commit what waits."""
        await self._line.stop()

    async def memberships(self, actor: Actor) -> dict[LaneId, Membership]:
        """All lanes the actor may read, over all cases."""
        async with self._units.read() as unit:
            cases = {case.id: case for case in await unit.cases.of_person(actor.person_id)}
            lanes = await unit.space.lanes_of_cases(list(cases))
        found = {}
        for lane in lanes:
            member = cases[lane.case_id].member(actor.person_id)
            first_seq = lane.first_seq_for(member)
            if member is not None and first_seq is not None:
                found[lane.id] = Membership(lane, member.role, first_seq)
        return found

    async def space(self, actor: Actor, case_id: str) -> dict[str, object]:
        """The answer of GET `/cases/{id}/space`."""
        async with self._units.read() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            found = await unit.space.lanes_of_cases([case.id])
            lanes = in_order(lane for lane in found if lane.is_open_to(member))
            receipts = await unit.space.receipts([lane.id for lane in lanes])
        mine = {receipt.lane: receipt for receipt in receipts if receipt.person_id == actor.person_id}
        shown = [receipt for receipt in receipts if _is_shown(case, receipt, member.role)]
        return {
            "lanes": [lane_view(lane, case, member, mine.get(lane.id)) for lane in lanes],
            "members": members_view(case),
            "receipts": {
                lane.id: [receipt_view(receipt) for receipt in shown if receipt.lane == lane.id]
                for lane in lanes
            },
        }

    async def history(
        self, actor: Actor, lane_id: str, *, after: int = 0, before: int | None = None, limit: int
    ) -> Stretch:
        """A page of a lane; with `before` the newest below it, else the oldest above `after`."""
        async with self._units.read() as unit:
            seen = await access_lane(unit, actor, lane_id)
            floor = max(after, seen.first_seq - 1)
            found = await unit.space.events(seen.lane.id, after=floor, before=before, limit=limit)
            views = await _views(unit, seen.case, found, keep_last=before is not None)
            return Stretch(seen.lane, views, seen.first_seq)

    async def stretch(self, lane_id: LaneId, *, after: int) -> Stretch:
        """For those who carry the lane to its members: the next page above `after`. Checks nobody's right."""
        async with self._units.read() as unit:
            lane = await unit.space.lane(lane_id)
            case = await unit.cases.get(lane.case_id) if lane else None
            if lane is None or case is None:
                raise NotFound
            found = await unit.space.events(lane.id, after=after, limit=PAGE_EVENTS)
            views = await _views(unit, case, found, keep_last=False)
            return Stretch(lane, views, readers=lane.readers(case))

    async def members_of(self, case_id: CaseId) -> set[PersonId]:
        """Who is on the case."""
        async with self._units.read() as unit:
            case = await unit.cases.get(case_id)
        return {member.person_id for member in case.members()} if case else set()

    async def heads(self, lane_ids: list[LaneId]) -> dict[LaneId, int]:
        """Where the lanes stand. The caller knows that they may be read."""
        async with self._units.read() as unit:
            return await unit.space.heads(lane_ids)

    async def is_signed_in(self, actor: Actor) -> bool:
        """Whether the session behind a socket still holds."""
        async with self._units.read() as unit:
            session = await unit.people.session(actor.session_id)
        return session is not None and session.ended_at is None and session.expires_at > self._clock.utc_now()

    async def post(
        self, actor: Actor, lane_id: str, *, client_id: str, type: EventType, body: Mapping[str, object]
    ) -> dict[str, object]:
        """Post a message; the answer comes after the commit. The same client id gets the first answer for ever.

        Errors: NotFound, RateLimited `message.too_fast`, Conflict `message.client_id_reused`, Invalid `message.…`.
        """
        check_client_id(client_id)
        if type is EventType.CARD:
            raise Invalid("message.type", zh="不支持的消息类型", en="This kind of message can't be posted")
        self._rate.spend(actor.person_id)
        async with self._units.read() as unit:
            seen = await access_lane(unit, actor, lane_id)
            attachment = await _own_picture(unit, actor, seen, body) if type is EventType.IMAGE else None
        whole = _image_body(attachment) if attachment else check_body(type, body, text_chars=self._text_chars)

        async def write(unit: Unit) -> LaneEvent:
            return await self._post(unit, actor, seen.lane, client_id, type, whole, attachment)

        event = await self._line.run(write, order=seen.case.id)
        return {
            "lane": event.lane,
            "seq": event.seq,
            "event_id": event.event_id,
            "hash": event.hash.hex(),
            "server_time": to_wire(event.server_time),
        }

    async def _post(
        self,
        unit: Unit,
        actor: Actor,
        lane: Lane,
        client_id: str,
        type: EventType,
        body: JsonObject,
        attachment: Attachment | None,
    ) -> LaneEvent:
        # Before the look-up: two devices of one person with the same message wait for each other here.
        await unit.acts.lock_head(lane.case_id)
        digest = request_digest(type, {"lane": lane.id, "body": dict(body)})
        known = await unit.space.posted(lane.case_id, actor.person_id, client_id)
        if known is not None:
            if known[1] != digest:
                raise Conflict(
                    "message.client_id_reused",
                    zh="该消息编号已用于其他内容",
                    en="This client id was used for another message",
                )
            return known[0]
        now = self._clock.utc_now()
        event = await append_to_lane(
            unit, lane, type=type, body=body, now=now,
            sender_id=actor.person_id, client_id=client_id, request_sha256=digest,
        )  # fmt: skip
        if attachment is not None:
            await unit.space.note_use(attachment.id, lane.id, seq=event.seq)
        await record_act(
            unit,
            actor,
            kind=ActKind.MESSAGE_POSTED,
            chain_id=lane.case_id,
            at=now,
            # The text itself stays in the lane; the hash covers it, its sender and its time.
            payload={
                "lane": lane.id,
                "seq": event.seq,
                "event_id": event.event_id,
                "sha256": event.hash.hex(),
            },
            objects=[ActObject(attachment.sha256, attachment.size_bytes)] if attachment else [],
        )
        return event

    async def note_receipt(
        self, actor: Actor, lane_id: str, *, delivered_seq: int | None, read_seq: int | None
    ) -> Receipt:
        """Move the actor's marks in a lane; they never go back. Errors: NotFound, Invalid `receipt.beyond_head`."""
        async with self._units.read() as unit:
            seen = await access_lane(unit, actor, lane_id)
            known = await unit.space.receipt(seen.lane.id, actor.person_id)
        reported = advance(known, head_seq=seen.lane.head_seq, delivered_seq=delivered_seq, read_seq=read_seq)
        if reported == known:
            return known

        async def write(unit: Unit) -> Receipt:
            before = await unit.space.receipt(seen.lane.id, actor.person_id)
            after = advance(
                before, head_seq=seen.lane.head_seq, delivered_seq=delivered_seq, read_seq=read_seq
            )
            if after != before:
                await unit.space.save_receipt(after, at=self._clock.utc_now())
                unit.ring(Doorbell("receipt_moved", seen.lane.id, (("person", actor.person_id),)))
            return after

        return await self._line.run(write, order=seen.case.id)

    async def shown_receipt(
        self, lane_id: LaneId, person_id: PersonId
    ) -> tuple[dict[str, object], CaseRole] | None:
        """A receipt and its owner's role, for those who decide whom to tell."""
        async with self._units.read() as unit:
            lane = await unit.space.lane(lane_id)
            case = await unit.cases.get(lane.case_id) if lane else None
            member = case.member(person_id) if case else None
            if member is None:
                return None
            receipt = await unit.space.receipt(lane_id, person_id)
        return {"lane": lane_id, **receipt_view(receipt)}, member.role

    async def unread(self, actor: Actor, case_ids: list[CaseId]) -> dict[CaseId, int]:
        """How many messages of others the actor hasn't read, per case that has any."""
        async with self._units.read() as unit:
            cases = {
                case.id: case
                for case in await unit.cases.of_person(actor.person_id)
                if case.id in set(case_ids)
            }
            lanes = {
                lane.id: lane
                for lane in await unit.space.lanes_of_cases(list(cases))
                if lane.is_open_to(cases[lane.case_id].member(actor.person_id))
            }
            counts = await unit.space.unread(actor.person_id, list(lanes))
        found: dict[CaseId, int] = {}
        for lane_id, count in counts.items():
            case_id = lanes[lane_id].case_id
            found[case_id] = found.get(case_id, 0) + count
        return found


async def _views(
    unit: Unit, case: Case, events: list[LaneEvent], *, keep_last: bool
) -> tuple[dict[str, object], ...]:
    """Events as clients get them, cut to one page of bytes: at the end, or at the beginning when `keep_last`."""
    gone = [
        event.sender_id
        for event in events
        if event.sender_id is not None and not case.member(event.sender_id)
    ]
    people = await unit.people.many(gone) if gone else {}
    names = {person_id: person.name for person_id, person in people.items()}
    views: list[dict[str, object]] = []
    size_bytes = 0
    for event in reversed(events) if keep_last else events:
        # Four bytes a character at most, and the fields around the body.
        size_bytes += 600 + sum(4 * len(str(value)) for value in event.body.values())
        if views and size_bytes > PAGE_BYTES:
            break
        views.append(event_view(event, case, names))
    return tuple(reversed(views)) if keep_last else tuple(views)


async def _own_picture(unit: Unit, actor: Actor, seen: SeenLane, body: Mapping[str, object]) -> Attachment:
    """The picture a message speaks of: of this case, and uploaded by the sender."""
    attachment_id = body.get("attachment_id")
    found = (
        await unit.space.attachment(AttachmentId(attachment_id)) if isinstance(attachment_id, str) else None
    )
    if found is None or found.case_id != seen.case.id or found.uploader_id != actor.person_id:
        raise Invalid(
            "message.image", zh="图片不存在，请重新上传", en="There is no such picture; upload it again"
        )
    return found


def _image_body(attachment: Attachment) -> JsonObject:
    """What the court knows of the picture, whatever the client said of it."""
    return check_body(
        EventType.IMAGE,
        {
            "attachment_id": attachment.id,
            "width": attachment.width,
            "height": attachment.height,
            "media_type": attachment.media_type,
            "size_bytes": attachment.size_bytes,
            "name": attachment.name,
        },
    )


def _is_shown(case: Case, receipt: Receipt, viewer: CaseRole) -> bool:
    owner = case.member(receipt.person_id)
    return owner is not None and is_shown_to(owner=owner.role, viewer=viewer)
