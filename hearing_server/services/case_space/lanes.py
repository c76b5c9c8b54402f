"""Writing into lanes: those every case has from its first day, the system's cards, the stubs of sealed submissions."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.canonical_json import JsonObject, canonical_json
from hearing_server.domain.case_space.bodies import check_body
from hearing_server.domain.case_space.lanes import Lane, LaneKind, SealedGround, side_label
from hearing_server.domain.case_space.messages import (
    Card,
    EventType,
    LaneEvent,
    append_event,
)
from hearing_server.filing.cases import Case, Standing
from hearing_server.kernel import CaseId, EventId, PersonId, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit

# What a client shows that doesn't know the card; `{title}` comes from the card's own body.
_FALLBACKS: dict[Card, str] = {
    Card.CASE_FILED: "案件已立案：{title}",
    Card.CASE_ACCEPTED: "案件已受理：{title}",
    Card.HEARING_MOVED: "庭审已改期：{title}",
    Card.TRANSCRIPT_TO_SIGN: "庭审笔录待核对签名：{title}",
    Card.JUDGMENT_SERVED: "法律文书已送达：{title}",
    Card.HEARING_SCHEDULED: "已排定在线庭审：{title}",
    Card.HEARING_STARTING_SOON: "庭审即将开始：{title}",
    Card.HEARING_OPENED: "已开庭：{title}",
    Card.HEARING_CLOSED: "已闭庭：{title}",
    Card.HEARING_REOPENED: "闭庭已撤销，庭审继续：{title}",
    Card.HEARING_CANCELLED: "庭审已取消：{title}",
    Card.RECORDING_AVAILABLE: "庭审录像已可查看",
    Card.REMINDER_ISSUED: "法院发出强制提醒：{title}",
    Card.SEALED_STUB: "{side}有保密材料往来（{ground}），内容仅法庭与该方可见",
    Card.EXHIBIT_SEALED: "保密提交证据：{title}，内容仅法庭与提交方可见",
    Card.EXHIBITS_EXCHANGED: "法院已交换证据：{title}",
    Card.MEDIATION_OPENED: "法庭开启调解沟通：{title}（{people}）",
    Card.MEDIATION_JOINED: "{people}加入调解沟通",
    Card.MEDIATION_LEFT: "{people}退出调解沟通",
    Card.MEDIATION_CLOSED: "法庭关闭调解沟通：{title}",
    Card.BROADCAST_APPLIED: "拟对庭审进行网络直播，当事人可提出异议：{title}",
    Card.PUBLICATION_APPLIED: "拟公开庭审录像，当事人可提出异议：{title}",
}


async def open_lanes(unit: Unit, case: Case, *, now: datetime) -> None:
    """Open the case's lanes in the caller's unit."""
    await unit.space.open_lanes(case.id, now=now)


async def post_card(unit: Unit, case_id: CaseId, card: Card, body: JsonObject, *, now: datetime) -> None:
    """One card into the lane `everyone`, in the caller's unit. The act it speaks of is the caller's."""
    await post_card_into(unit, await everyone(unit, case_id, now=now), card, body, now=now)


async def everyone(unit: Unit, case_id: CaseId, *, now: datetime) -> Lane:
    """The lane all on the case read."""
    lane = await unit.space.lane_of_case(case_id, LaneKind.EVERYONE)
    if lane is None:
        await unit.space.open_lanes(case_id, now=now)
        lane = await unit.space.lane_of_case(case_id, LaneKind.EVERYONE)
        assert lane is not None
    return lane


async def post_card_into(unit: Unit, lane: Lane, card: Card, body: JsonObject, *, now: datetime) -> LaneEvent:
    """One card into a lane of the caller's choice: whoever reads the lane reads the card."""
    words = {"title": "", "people": "", "ground": "", **body}
    if card is Card.SEALED_STUB:
        words |= {
            "side": side_label(Standing(str(body["side"]))).zh,
            "ground": SealedGround(str(body["ground"])).label.zh,
        }
    fallback = _FALLBACKS[card].format_map(words)
    whole = check_body(EventType.CARD, {"card": card.value, **body, "fallback": fallback})
    return await append_to_lane(unit, lane, type=EventType.CARD, body=whole, now=now)


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

    The case's act chain is locked before the lane, here as everywhere: two units can't wait for each other. What a
    person writes into a sealed lane leaves its stub in `everyone`, here and so on every way in.
    Errors: Conflict `lane.closed` for a person's event in a lane that the court has closed meanwhile.
    """
    await unit.acts.lock_head(lane.case_id)
    locked = await unit.space.lock_lane(lane.id)
    if sender_id is not None:
        locked.require_open()
    lane, event = append_event(
        locked,
        event_id=EventId(new_id("evt")),
        type=type,
        sender_id=sender_id,
        client_id=client_id,
        body=body,
        server_time=now,
    )
    await unit.space.append(lane, event, request_sha256=request_sha256)
    unit.ring(Doorbell("lane_appended", lane.id))
    if lane.kind is LaneKind.SEALED and sender_id is not None:
        await _leave_stub(unit, lane, event)
    return event


async def _leave_stub(unit: Unit, lane: Lane, event: LaneEvent) -> None:
    """Everybody learns that, when and by whom something was written to the court alone; the hash binds it."""
    case = await unit.cases.get(lane.case_id)
    member = case.member(event.sender_id) if case and event.sender_id else None
    assert member is not None, "who writes into a lane belongs to the case"
    size_bytes = event.body.get("size_bytes")
    stub: JsonObject = {
        "side": lane.slot,
        "sender": member.label.zh,
        "sender_en": member.label.en,
        "what": event.type.value,
        "size_bytes": str(size_bytes if isinstance(size_bytes, int) else len(canonical_json(event.body))),
        "sha256": event.hash.hex(),
        "ground": lane.title,
    }
    await post_card(unit, lane.case_id, Card.SEALED_STUB, stub, now=event.server_time)
