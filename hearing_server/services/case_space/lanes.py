"""The lanes every case has from its first day, and the cards the court's system posts into them."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.case_space.messages import (
    Card,
    EventType,
    Lane,
    LaneEvent,
    LaneKind,
    append_event,
    check_body,
)
from hearing_server.filing.cases import Case
from hearing_server.kernel import CaseId, EventId, PersonId, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit

# What a client shows that doesn't know the card; `{title}` comes from the card's own body.
_FALLBACKS: dict[Card, str] = {
    Card.HEARING_SCHEDULED: "已排定在线庭审：{title}",
    Card.HEARING_STARTING_SOON: "庭审即将开始：{title}",
    Card.HEARING_OPENED: "已开庭：{title}",
    Card.HEARING_CLOSED: "已闭庭：{title}",
    Card.HEARING_REOPENED: "闭庭已撤销，庭审继续：{title}",
    Card.HEARING_CANCELLED: "庭审已取消：{title}",
    Card.RECORDING_AVAILABLE: "庭审录像已可查看",
    Card.REMINDER_ISSUED: "法院发出强制提醒：{title}",
    Card.BROADCAST_APPLIED: "拟对庭审进行网络直播，当事人可提出异议：{title}",
    Card.PUBLICATION_APPLIED: "拟公开庭审录像，当事人可提出异议：{title}",
}


async def open_lanes(unit: Unit, case: Case, *, now: datetime) -> None:
    """Open the case's lanes in the caller's unit."""
    await unit.space.open_lanes(case.id, now=now)


async def post_card(unit: Unit, case_id: CaseId, card: Card, body: JsonObject, *, now: datetime) -> None:
    """One card into the lane `everyone`, in the caller's unit. The act it speaks of is the caller's."""
    lane = await unit.space.lane_of_case(case_id, LaneKind.EVERYONE)
    if lane is None:
        await unit.space.open_lanes(case_id, now=now)
        lane = await unit.space.lane_of_case(case_id, LaneKind.EVERYONE)
        assert lane is not None
    fallback = _FALLBACKS[card].format(title=body.get("title", ""))
    whole = check_body(EventType.CARD, {"card": card.value, **body, "fallback": fallback})
    await append_to_lane(unit, lane, type=EventType.CARD, body=whole, now=now)


async def append_to_lane(
    unit: Unit,
    lane: Lane,
    *,
    type: EventType,
    body: JsonObject,
    now: datetime,
    sender_id: PersonId | None = None,
    client_id: str | None = None,
    request_sha256: bytes | None = None,
) -> LaneEvent:
    """The next event of a lane in the caller's unit, and the bell for those who listen.

    The case's act chain is locked before the lane, here as everywhere: two units can't wait for each other.
    """
    await unit.acts.lock_head(lane.case_id)
    lane, event = append_event(
        await unit.space.lock_lane(lane.id),
        event_id=EventId(new_id("evt")),
        type=type,
        sender_id=sender_id,
        client_id=client_id,
        body=body,
        server_time=now,
    )
    await unit.space.append(lane, event, request_sha256=request_sha256)
    unit.ring(Doorbell("lane_appended", lane.id))
    return event
