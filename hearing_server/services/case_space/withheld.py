"""What was taken out of sight stays in the file: those who conduct the case may look, and each look is an act."""

from __future__ import annotations

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.amendments import amendments_of
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import NotFound
from hearing_server.kernel import Actor, Clock
from hearing_server.ports.units import Units
from hearing_server.services.access import access_lane
from hearing_server.services.acts import record_act


class Withheld:
    """The one use-case that shows a withheld body."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def content(self, actor: Actor, lane_id: str, seq: int) -> dict[str, object]:
        """{seq, type, body, corrections}. Errors: NotFound (also for what is in sight), Forbidden `right.missing`."""
        async with self._units.write() as unit:
            seen = await access_lane(unit, actor, lane_id)
            require(capacity_of(actor.role, seen.member.role), Action.WITHHELD_SEE)
            event = (await unit.messages.at(seen.lane.id, (seq,))).get(seq)
            amendments = amendments_of(await unit.messages.amending(seen.lane.id, (seq,)))
            if event is None or amendments.tombstone_of(event) is None:
                raise NotFound
            await record_act(
                unit,
                actor,
                kind=ActKind.MESSAGE_WITHHELD_VIEWED,
                chain_id=seen.case.id,
                at=self._clock.utc_now(),
                # Not under the lane's name: what the court looks at is not for the lane's readers.
                payload={"event_id": event.event_id, "seq": seq},
            )
        texts = [str(one.body["text"]) for one in amendments.corrections.get(seq, ())]
        return {"seq": seq, "type": event.type.value, "body": dict(event.body), "corrections": texts}
