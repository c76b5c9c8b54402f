"""The order that a case or a hearing is held behind closed doors; whatever of it is public, or about to be, ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.hearing.doors import hold_behind_closed_doors
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.publishing.broadcasts import BroadcastState
from hearing_server.domain.publishing.publications import PublicationState
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.filing.cases import Case
from hearing_server.filing.closed_doors import ClosedDoors, Ground, close_doors
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenHearing, access_case, access_hearing
from hearing_server.services.acts import record_act
from hearing_server.services.docket import enter_docket
from hearing_server.services.hearing.changes import save_change


@dataclass(frozen=True, slots=True)
class DoorsOrder:
    """What the judge orders. `request`: who asked, for grounds that need it."""

    ground: Ground
    reason: str
    request: str = ""


class ClosingDoors:
    """Use-cases of 不公开审理."""

    def __init__(self, units: Units, clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def case(self, actor: Actor, case_id: str, order: DoorsOrder) -> Case:
        """All hearings of the case. Errors: Forbidden; Invalid `closed_doors.…`; Conflict `closed_doors.ordered`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, member = await access_case(unit, actor, case_id, lock=True)
            require(capacity_of(actor.role, member.role if member else None), Action.DOORS_CLOSE)
            doors = _doors(actor, order, now)
            after = case.behind_closed_doors(doors)
            await unit.cases.close_doors(case.id, doors)
            await record_act(
                unit, actor, kind=ActKind.CASE_DOORS_CLOSED, chain_id=case.id, at=now, payload=_payload(doors)
            )
            await enter_docket(
                unit, actor, case.id, DocketKind.DOORS_CLOSED, at=now, detail=doors.rule.zh, detail_en=doors.rule.en
            )  # fmt: skip
            for hearing in await unit.hearings.of_case(case.id):
                await self._take_back(unit, actor, hearing, doors)
            unit.ring(Doorbell("case_changed", case.id))
        return after

    async def hearing(self, actor: Actor, hearing_id: str, order: DoorsOrder) -> SeenHearing:
        """One hearing, before, while or after it is held. Errors as `case`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            require(seen.capacity(actor), Action.DOORS_CLOSE)
            doors = _doors(actor, order, now)
            seen.case.require_open_doors()
            change = hold_behind_closed_doors(seen.hearing, doors)
            after = await save_change(unit, actor, seen.hearing, change, at=now)
            await enter_docket(
                unit, actor, seen.case.id, DocketKind.HEARING_DOORS_CLOSED, at=now,
                detail=f"{after.title} {doors.rule.zh}", detail_en=f"{after.title} {doors.rule.en}",
            )  # fmt: skip
            await self._take_back(unit, actor, after, doors)
            unit.ring(Doorbell("case_changed", seen.case.id))
        return SeenHearing(after, seen.case, seen.member)

    async def _take_back(self, unit: Unit, actor: Actor, hearing: Hearing, doors: ClosedDoors) -> None:
        """What is public, applied for or broadcast ends in the same commit."""
        now, reason = doors.at, f"依法不公开审理：{doors.rule.zh}"
        recording = await unit.recordings.of_hearing(hearing.id)
        newest = await unit.recordings.newest_publication(recording.id) if recording else None
        if newest is not None and newest.state in (PublicationState.SUBMITTED, PublicationState.PUBLIC):
            shown = await unit.recordings.publication(newest.id, lock=True)
            assert shown is not None
            await unit.recordings.save_publication(shown.withdrawn(actor.person_id, at=now, reason=reason))
            await record_act(
                unit, actor, kind=ActKind.PUBLICATION_WITHDRAWN, chain_id=hearing.case_id, at=now,
                payload={"publication_id": shown.id, "reason": reason},
            )  # fmt: skip
            line = DocketKind.PUBLICATION_WITHDRAWN
            await enter_docket(unit, actor, hearing.case_id, line, at=now, detail=shown.title)
        broadcast = await unit.broadcasts.of_hearing(hearing.id)
        if broadcast is not None and broadcast.state in (BroadcastState.SUBMITTED, BroadcastState.APPROVED):
            await unit.broadcasts.save(broadcast.cut(actor.person_id, at=now, reason=reason))
            await record_act(
                unit, actor, kind=ActKind.BROADCAST_CUT, chain_id=hearing.case_id, at=now,
                payload={"broadcast_id": broadcast.id, "hearing_id": hearing.id, "reason": reason},
            )  # fmt: skip
            await enter_docket(
                unit, actor, hearing.case_id, DocketKind.BROADCAST_CUT, at=now, detail=broadcast.title
            )


def _doors(actor: Actor, order: DoorsOrder, now: datetime) -> ClosedDoors:
    return close_doors(order.ground, reason=order.reason, request=order.request, by=actor.person_id, at=now)


def _payload(doors: ClosedDoors) -> JsonObject:
    return {
        "ground": doors.ground.value,
        "law": doors.rule.law,
        "reason": doors.reason,
        "request": doors.request,
    }
