"""One message into its lane: composed, appended, with its acts and everything that follows from it, in one commit."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.canonical_json import JsonObject, JsonValue
from hearing_server.domain.case_space.amendments import PostingRules
from hearing_server.domain.case_space.bodies import TombstoneGround
from hearing_server.domain.case_space.messages import EventType, LaneEvent, request_digest
from hearing_server.errors import Conflict
from hearing_server.kernel import Actor, AttachmentId, Clock
from hearing_server.ports.messages import Mention
from hearing_server.ports.units import Unit
from hearing_server.services.access import SeenLane
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.composing import Composed, compose
from hearing_server.services.case_space.lanes import append_to_lane


async def post_event(
    unit: Unit,
    actor: Actor,
    seen: SeenLane,
    *,
    client_id: str,
    type: EventType,
    request: JsonObject,
    rules: PostingRules,
    clock: Clock,
) -> LaneEvent:
    """The event, or the first one under this client id: whatever has changed since, a repeat gets the same answer.

    Errors: Conflict `message.client_id_reused`, `lane.closed`, and those of `compose`.
    """
    # Before the look-up: two devices of one person with the same message wait for each other here.
    await unit.acts.lock_head(seen.lane.case_id)
    digest = request_digest(type, {"lane": seen.lane.id, "body": request})
    known = await unit.space.posted(seen.lane.case_id, actor.person_id, client_id)
    if known is not None:
        if known[1] != digest:
            raise Conflict(
                "message.client_id_reused",
                zh="该消息编号已用于其他内容",
                en="This client id was used for another message",
            )
        return known[0]
    now = clock.utc_now()
    composed = await compose(unit, actor, seen, type, request, rules=rules, at=now)
    event = await append_to_lane(
        unit, seen.lane, type=type, body=composed.body, now=now,
        sender_id=actor.person_id, client_id=client_id, request_sha256=digest,
    )  # fmt: skip
    await _follow_up(unit, seen, event, composed)
    await _record(unit, actor, seen, event, composed, now)
    return event


async def _follow_up(unit: Unit, seen: SeenLane, event: LaneEvent, composed: Composed) -> None:
    if composed.attachment is not None:
        await unit.space.note_use(composed.attachment.id, seen.lane.id, seq=event.seq)
    for person_id in composed.mentions:
        await unit.messages.add_mention(
            Mention(seen.lane.id, event.seq, person_id, seen.case.id, event.server_time)
        )
    if event.type is EventType.TOMBSTONE and composed.target is not None:
        shown = composed.target.body.get("attachment_id")
        if isinstance(shown, str):
            await unit.messages.withhold_file(AttachmentId(shown), seen.lane.id)


async def _record(
    unit: Unit, actor: Actor, seen: SeenLane, event: LaneEvent, composed: Composed, now: datetime
) -> None:
    """The text itself stays in the lane; the hash covers it, its sender and its time."""
    about: dict[str, JsonValue] = {
        "lane": event.lane,
        "seq": event.seq,
        "event_id": event.event_id,
        "sha256": event.hash.hex(),
    }
    if composed.target is not None:
        about["target_event_id"] = composed.target.event_id
    if event.type is EventType.TOMBSTONE:
        about["ground"] = event.body["ground"]
    file = composed.attachment
    await record_act(
        unit,
        actor,
        kind=_kind_of(event),
        chain_id=seen.lane.case_id,
        at=now,
        payload=about,
        objects=[ActObject(file.sha256, file.size_bytes)] if file else [],
    )
    if composed.is_litigation_act:
        words = str(event.body["text"]).encode()
        await record_act(
            unit,
            actor,
            kind=ActKind.LITIGATION_STATED,
            chain_id=seen.lane.case_id,
            at=now,
            payload={**about, "text_sha256": event.body["text_sha256"]},
            objects=[ActObject(str(event.body["text_sha256"]), len(words))],
        )


def _kind_of(event: LaneEvent) -> ActKind:
    if event.type is EventType.CORRECTION:
        return ActKind.MESSAGE_CORRECTED
    if event.type is EventType.TOMBSTONE:
        is_own = event.body["ground"] == TombstoneGround.WITHDRAWN
        return ActKind.MESSAGE_WITHDRAWN if is_own else ActKind.MESSAGE_WITHHELD
    return ActKind.MESSAGE_POSTED
