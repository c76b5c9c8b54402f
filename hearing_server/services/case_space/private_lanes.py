"""Lanes that not everybody on the case reads: a side's sealed submissions, and mediations led by the court.

Each opening, each coming and going and each closing is an act in the same commit, and the sockets of whoever lost a
lane are cut from it by the bell that follows.
"""

from __future__ import annotations

from collections.abc import Sequence

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.case_space.lane_view import lane_view
from hearing_server.domain.case_space.lanes import (
    Lane,
    LaneKind,
    LanePerson,
    SealedGround,
    left_out,
    mediation_members,
    require_agreed,
)
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.roles import Action, Capacity, require
from hearing_server.errors import Conflict, NotFound
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import Actor, CaseId, Clock, PersonId
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenLane, access_lane, access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import post_card, post_card_into

# A case is mediated now and then; a script that opens lanes without end is not.
MAX_MEDIATIONS = 50


async def sealed_lane_of(
    unit: Unit, actor: Actor, case: Case, member: CaseMember, ground: SealedGround, *, clock: Clock
) -> Lane:
    """The sealed lane of the member's side, opened when there is none. Call it in the unit that writes into it.

    Errors: Conflict `sealed.no_side` for somebody who stands on no side.
    """
    if member.standing is None:
        raise Conflict(
            "sealed.no_side", zh="法庭人员无需提交保密材料", en="The court submits nothing to itself"
        )
    slot, now = member.standing.value, clock.utc_now()
    await unit.acts.lock_head(case.id)
    known = await unit.space.lane_of_case(case.id, LaneKind.SEALED, slot=slot)
    if known is not None:
        return known
    lane = await unit.space.open_private_lane(
        case.id, LaneKind.SEALED, slot=slot, title=ground.value, now=now
    )
    await record_act(
        unit, actor, kind=ActKind.LANE_SEALED_OPENED, chain_id=case.id, at=now,
        payload={"lane": lane.id, "standing": slot, "ground": ground.value},
    )  # fmt: skip
    unit.ring(Doorbell("case_changed", case.id))
    return lane


class PrivateLanes:
    """Use-cases of sealed lanes and mediations."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def open_sealed(self, actor: Actor, case_id: str, *, ground: SealedGround) -> dict[str, object]:
        """保密材料: the lane of the actor's own side with the court; the same one every time.

        Nothing is public yet: what is written there is, stub by stub. Errors: NotFound, Forbidden.
        """
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(_capacity(member), Action.SEALED_SUBMIT)
            lane = await sealed_lane_of(unit, actor, case, member, ground, clock=self._clock)
            return lane_view(lane, case, member, await unit.space.receipt(lane.id, actor.person_id))

    async def open_mediation(
        self, actor: Actor, case_id: str, *, person_ids: Sequence[PersonId], title: str, is_agreed: bool
    ) -> dict[str, object]:
        """开启调解沟通. `is_agreed`: all sides agreed that the court talks to some alone, as the record says.

        Errors: NotFound, Forbidden; Invalid `mediation.people`; Conflict `mediation.not_agreed`, `.too_many`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(_capacity(member), Action.MEDIATION_LEAD)
            people = mediation_members(case, person_ids)
            absent = require_agreed(case, [one.person_id for one in people], is_agreed=is_agreed)
            await unit.acts.lock_head(case.id)
            number = await _next_number(unit, case.id)
            lane = await unit.space.open_private_lane(
                case.id, LaneKind.MEDIATION, slot=str(number), title=title, now=now
            )
            for one in people:
                await unit.space.let_in(lane.id, LanePerson(one.person_id), now=now)
            await _record(
                unit, actor, lane, ActKind.MEDIATION_OPENED, people,
                {"title": title, "agreed": is_agreed, "left_out": [side.value for side in absent]},
                clock=self._clock,
            )  # fmt: skip
            opened = await _changed(unit, lane, case, Card.MEDIATION_OPENED, people, clock=self._clock)
            return lane_view(opened, case, member, None)

    async def let_in(
        self, actor: Actor, lane_id: str, person_id: PersonId, *, with_history: bool
    ) -> dict[str, object]:
        """One more person; `with_history` False: they read only what comes from now on.

        Errors: NotFound, Forbidden; Invalid `mediation.people`; Conflict `lane.closed`, `.not_mediation`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await self._lead(unit, actor, lane_id)
            people = mediation_members(seen.case, [person_id])
            lane = await unit.space.lock_lane(seen.lane.id)
            if any(one.person_id == person_id for one in lane.persons):
                return lane_view(lane, seen.case, seen.member, None)
            # The card that tells of their coming is the first they read.
            from_seq = 1 if with_history else lane.head_seq + 1
            await unit.space.let_in(lane.id, LanePerson(person_id, from_seq), now=now)
            await _record(
                unit, actor, lane, ActKind.MEDIATION_JOINED, people, {"with_history": with_history},
                clock=self._clock,
            )  # fmt: skip
            changed = await _changed(unit, lane, seen.case, Card.MEDIATION_JOINED, people, clock=self._clock)
            return lane_view(changed, seen.case, seen.member, None)

    async def let_out(self, actor: Actor, lane_id: str, person_id: PersonId) -> dict[str, object]:
        """Somebody leaves: from this commit on nothing of the lane is theirs, not even what they once read.

        Errors: NotFound, Forbidden; Conflict `lane.closed`, `lane.not_mediation`, `mediation.not_agreed` when one
        side alone would be left with the court without an agreement on record.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await self._lead(unit, actor, lane_id)
            lane = await unit.space.lock_lane(seen.lane.id)
            leaving = [one for one in lane.persons if one.person_id == person_id]
            if not leaving:
                raise NotFound
            rest = [one.person_id for one in lane.persons if one.person_id != person_id]
            before = left_out(seen.case, [one.person_id for one in lane.persons])
            # A mediation that was agreed to be with some alone stays so; a joint one doesn't become it by the way.
            require_agreed(seen.case, rest, is_agreed=bool(before))
            people = [member for one in leaving if (member := seen.case.member(one.person_id)) is not None]
            await unit.space.let_out(lane.id, person_id, now=now)
            await _record(unit, actor, lane, ActKind.MEDIATION_LEFT, people, {}, clock=self._clock)
            changed = await _changed(unit, lane, seen.case, Card.MEDIATION_LEFT, people, clock=self._clock)
            return lane_view(changed, seen.case, seen.member, None)

    async def close(self, actor: Actor, lane_id: str) -> dict[str, object]:
        """关闭调解沟通: it stays readable for those inside; nobody writes any more. Closing twice is closing once."""
        async with self._units.write() as unit:
            seen = await self._lead(unit, actor, lane_id, may_be_closed=True)
            lane = await unit.space.lock_lane(seen.lane.id)
            if lane.closed_at is None:
                people = _inside(lane, seen.case)
                await unit.space.close_lane(lane.id, now=self._clock.utc_now())
                await _record(
                    unit,
                    actor,
                    lane,
                    ActKind.MEDIATION_CLOSED,
                    people,
                    {"title": lane.title},
                    clock=self._clock,
                )
                lane = await _changed(unit, lane, seen.case, Card.MEDIATION_CLOSED, people, clock=self._clock)
            return lane_view(lane, seen.case, seen.member, None)

    async def _lead(self, unit: Unit, actor: Actor, lane_id: str, *, may_be_closed: bool = False) -> SeenLane:
        seen = await access_lane(unit, actor, lane_id)
        require(_capacity(seen.member), Action.MEDIATION_LEAD)
        if seen.lane.kind is not LaneKind.MEDIATION:
            raise Conflict(
                "lane.not_mediation",
                zh="仅调解沟通可由法庭调整人员",
                en="Only a mediation's people can be changed",
            )
        await unit.acts.lock_head(seen.case.id)
        if not may_be_closed:
            seen.lane.require_open()
        return seen


async def drop_from_mediations(
    unit: Unit, actor: Actor, before: Case, case: Case, person_id: PersonId, *, clock: Clock
) -> None:
    """Somebody has left the case (`case` is the one after `before`): their places in mediations end with it.

    A mediation that would leave a side out, which it didn't before, or nobody in, is closed.
    """
    left = before.member(person_id)
    for lane in await unit.space.lanes_of_cases([case.id]):
        if lane.closed_at is not None or all(one.person_id != person_id for one in lane.persons):
            continue
        now = clock.utc_now()
        await unit.space.let_out(lane.id, person_id, now=now)
        after = await unit.space.lock_lane(lane.id)
        people = _inside(after, case)
        await _record(unit, actor, lane, ActKind.MEDIATION_LEFT, [], {"left_case": person_id}, clock=clock)
        after = await _changed(unit, after, case, Card.MEDIATION_LEFT, [left] if left else [], clock=clock)
        was_joint = not left_out(before, [one.person_id for one in lane.persons])
        is_joint = not left_out(case, [one.person_id for one in people])
        if not people or (was_joint and not is_joint):
            await unit.space.close_lane(lane.id, now=now)
            await _record(
                unit, actor, lane, ActKind.MEDIATION_CLOSED, people, {"title": lane.title}, clock=clock
            )
            await _changed(unit, after, case, Card.MEDIATION_CLOSED, people, clock=clock)


async def _record(
    unit: Unit,
    actor: Actor,
    lane: Lane,
    kind: ActKind,
    people: Sequence[CaseMember],
    more: JsonObject,
    *,
    clock: Clock,
) -> None:
    payload: JsonObject = {"lane": lane.id, "person_ids": [one.person_id for one in people], **more}
    await record_act(unit, actor, kind=kind, chain_id=lane.case_id, at=clock.utc_now(), payload=payload)


async def _changed(
    unit: Unit, lane: Lane, case: Case, card: Card, people: Sequence[CaseMember], *, clock: Clock
) -> Lane:
    """The card for those inside, one for all when somebody is left out, the bell; the lane as it is now."""
    now = clock.utc_now()
    body: JsonObject = {
        "title": lane.title,
        "people": "、".join(f"{one.label.zh} {one.name}" for one in people) or "—",
        "people_en": ", ".join(f"{one.label.en} {one.name}" for one in people) or "—",
    }
    await post_card_into(unit, lane, card, body, now=now)
    after = await unit.space.lock_lane(lane.id)
    if left_out(case, [one.person_id for one in (*lane.persons, *after.persons)]):
        await post_card(unit, case.id, card, body, now=now)
    unit.ring(Doorbell("case_changed", case.id))
    return after


def _capacity(member: CaseMember) -> Capacity:
    return Capacity(member.role.value)


async def _next_number(unit: Unit, case_id: CaseId) -> int:
    lanes = await unit.space.lanes_of_cases([case_id])
    number = 1 + sum(lane.kind is LaneKind.MEDIATION for lane in lanes)
    if number > MAX_MEDIATIONS:
        raise Conflict("mediation.too_many", zh="本案调解沟通过多", en="The case has too many mediations")
    return number


def _inside(lane: Lane, case: Case) -> list[CaseMember]:
    return [member for one in lane.persons if (member := case.member(one.person_id)) is not None]
