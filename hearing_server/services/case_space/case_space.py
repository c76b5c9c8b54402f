"""The case space: posting, reading, receipts. The log in the database is the truth; sockets only carry it sooner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hearing_server.domain.case_space.amendments import PostingRules
from hearing_server.domain.case_space.lane_view import lane_view, members_view, receipt_view
from hearing_server.domain.case_space.lanes import Lane, in_order
from hearing_server.domain.case_space.messages import EventType, LaneEvent, check_client_id
from hearing_server.domain.case_space.receipts import Receipt, advance, is_shown_to
from hearing_server.domain.case_space.requests import request_of
from hearing_server.errors import NotFound
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.kernel import Actor, CaseId, Clock, LaneId, PersonId, to_wire
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_lane, access_member_case
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.case_space.message_rate import MessageRate
from hearing_server.services.case_space.posting import post_event
from hearing_server.services.case_space.showing import PAGE_BYTES, lane_views

# One page of a lane: what a phone shows after a long absence, and no frame beyond the limit of a message.
PAGE_EVENTS = 200
# One packet of live events: small, so that a reader's window is well used.
_LIVE_BYTES = 32 * 1024


# A court's talking lanes of a week.
_LANES_KNOWN = 20_000


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

    def __init__(self, units: Units, clock: Clock, line: GroupCommit, rules: PostingRules) -> None:
        self._units = units
        self._clock = clock
        self._line = line
        self._rules = rules
        self._rate = MessageRate(clock)
        self._cases_of: dict[LaneId, CaseId] = {}

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
            mentions = await unit.messages.unread_mentions(actor.person_id, [lane.id for lane in lanes])
        mine = {receipt.lane: receipt for receipt in receipts if receipt.person_id == actor.person_id}
        shown = [receipt for receipt in receipts if _is_shown(case, receipt, member.role)]
        return {
            "lanes": [
                {**lane_view(lane, case, member, mine.get(lane.id)), "mentions": mentions.get(lane.id, [])}
                for lane in lanes
            ],
            "members": members_view(case),
            "receipts": {
                lane.id: [receipt_view(receipt) for receipt in shown if receipt.lane == lane.id]
                for lane in lanes
            },
        }

    async def history(
        self,
        actor: Actor,
        lane_id: str,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        limit_bytes: int = PAGE_BYTES,
    ) -> Stretch:
        """A page of a lane; with `before` the newest below it, else the oldest above `after`."""
        async with self._units.read() as unit:
            seen = await access_lane(unit, actor, lane_id)
            floor = max(after, seen.first_seq - 1)
            found = await unit.space.events(seen.lane.id, after=floor, before=before, limit=limit)
            views = await lane_views(
                unit, seen.case, seen.lane, found, keep_last=before is not None, limit_bytes=limit_bytes
            )
            return Stretch(seen.lane, views, seen.first_seq)

    async def stretch(self, lane_id: LaneId, *, after: int) -> Stretch:
        """For those who carry the lane to its members: the next page above `after`. Checks nobody's right."""
        async with self._units.read() as unit:
            lane = await unit.space.lane(lane_id)
            case = await unit.cases.get(lane.case_id) if lane else None
            if lane is None or case is None:
                raise NotFound
            found = await unit.space.events(lane.id, after=after, limit=PAGE_EVENTS)
            views = await lane_views(unit, case, lane, found, keep_last=False, limit_bytes=_LIVE_BYTES)
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

        Errors: NotFound, RateLimited `message.too_fast`; Conflict, Invalid, Forbidden `message.…`, `lane.closed`.
        """
        check_client_id(client_id)
        self._rate.spend(actor.person_id)
        request = request_of(type, body, LaneId(lane_id), text_chars=self._rules.text_chars)
        case_id = await self._case_of(actor, LaneId(lane_id))

        async def write(unit: Unit) -> LaneEvent:
            # Asked under the case's lock: whoever was put off the case meanwhile writes nothing any more.
            await unit.acts.lock_head(case_id)
            seen = await access_lane(unit, actor, lane_id)
            return await post_event(
                unit, actor, seen,
                client_id=client_id, type=type, request=request, rules=self._rules, clock=self._clock,
            )  # fmt: skip

        event = await self._line.run(write, order=case_id)
        return {
            "lane": event.lane,
            "seq": event.seq,
            "event_id": event.event_id,
            "hash": event.hash.hex(),
            "server_time": to_wire(event.server_time),
        }

    async def _case_of(self, actor: Actor, lane_id: LaneId) -> CaseId:
        """A lane stays with its case for ever; only the first post into it is looked up before the line."""
        known = self._cases_of.get(lane_id)
        if known is None:
            async with self._units.read() as unit:
                known = (await access_lane(unit, actor, lane_id)).case.id
            if len(self._cases_of) >= _LANES_KNOWN:
                self._cases_of.clear()
            self._cases_of[lane_id] = known
        return known

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
            lanes = {lane.id: lane for lane in await unit.space.lanes_of_cases(list(cases))}
            floors = {
                lane.id: first_seq
                for lane in lanes.values()
                if (first_seq := lane.first_seq_for(cases[lane.case_id].member(actor.person_id))) is not None
            }
            counts = await unit.space.unread(actor.person_id, floors)
        found: dict[CaseId, int] = {}
        for lane_id, count in counts.items():
            case_id = lanes[lane_id].case_id
            found[case_id] = found.get(case_id, 0) + count
        return found


def _is_shown(case: Case, receipt: Receipt, viewer: CaseRole) -> bool:
    owner = case.member(receipt.person_id)
    return owner is not None and is_shown_to(owner=owner.role, viewer=viewer)
