"""From what a client asked to what the lane keeps: files, quoted and amended messages, people are looked up here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.canonical_json import JsonObject, JsonValue
from hearing_server.domain.case_space.amendments import (
    Amendments,
    PostingRules,
    amendments_of,
    check_correction,
    check_quotable,
    check_tombstone,
    reference_to,
)
from hearing_server.domain.case_space.attachments import Attachment, AttachmentKind
from hearing_server.domain.case_space.bodies import TextLabel, TombstoneGround, check_body
from hearing_server.domain.case_space.lanes import COURT_ROLES, LaneKind
from hearing_server.domain.case_space.messages import EventType, LaneEvent
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import Actor, AttachmentId, PersonId
from hearing_server.ports.units import Unit
from hearing_server.services.access import SeenLane

# What is said at the bench or to a mediator has no effect in the suit (在线调解规则 art 18).
_LITIGATION_LANES = (LaneKind.EVERYONE, LaneKind.SEALED)
_KINDS = {
    EventType.IMAGE: AttachmentKind.IMAGE,
    EventType.AUDIO: AttachmentKind.AUDIO,
    EventType.DOCUMENT: AttachmentKind.DOCUMENT,
    EventType.VIDEO: AttachmentKind.VIDEO,
}


@dataclass(frozen=True, slots=True)
class Composed:
    """A body ready for the lane, and what its posting brings along."""

    body: JsonObject
    attachment: Attachment | None = None
    mentions: tuple[PersonId, ...] = ()
    target: LaneEvent | None = None

    @property
    def is_litigation_act(self) -> bool:
        return self.body.get("label") == TextLabel.LITIGATION_ACT


async def compose(
    unit: Unit, actor: Actor, seen: SeenLane, type: EventType, request: JsonObject, *, rules: PostingRules, at: datetime
) -> Composed:  # fmt: skip
    """`request` comes from `request_of`. The case's chain is locked: nobody amends the same message meanwhile.

    Errors: Invalid, Forbidden and Conflict `message.…`.
    """
    if type is EventType.TEXT:
        return await _compose_text(unit, actor, seen, request, rules)
    if type is EventType.CORRECTION:
        target, amendments = await _target(unit, seen, request)
        target = check_correction(target, amendments, author=actor.person_id, at=at, rules=rules)
        amended: JsonObject = {"target": reference_to(target), "text": request["text"]}
        return Composed(check_body(type, amended, text_chars=rules.text_chars), target=target)
    if type is EventType.TOMBSTONE:
        return await _compose_tombstone(unit, actor, seen, request, rules, at)
    attachment = await _own_file(unit, actor, seen, type, request)
    body = _description(type, attachment) | await _reply(unit, seen, request)
    return Composed(check_body(type, body), attachment=attachment)


async def _compose_text(
    unit: Unit, actor: Actor, seen: SeenLane, request: JsonObject, rules: PostingRules
) -> Composed:
    body = check_body(
        EventType.TEXT, {**request, **await _reply(unit, seen, request)}, text_chars=rules.text_chars
    )
    if body.get("label") == TextLabel.LITIGATION_ACT:
        is_side = seen.member.role not in COURT_ROLES
        if not is_side or seen.lane.kind not in _LITIGATION_LANES:
            raise Conflict(
                "message.label_not_here",
                zh="诉讼行为只能由当事人或代理人在全体空间或保密材料中作出",
                en="Litigation acts are the parties', before everyone or as sealed material",
            )
    asked = body.get("mentions", ())
    mentioned = tuple(PersonId(str(one)) for one in asked) if isinstance(asked, list | tuple) else ()
    readers = seen.lane.readers(seen.case)
    for person_id in mentioned:
        member = seen.case.member(person_id)
        is_named = member is not None and f"@{member.name}" in str(body["text"])
        if person_id not in readers or person_id == actor.person_id or not is_named:
            raise Invalid("message.mention", zh="提及的人员无效", en="A person who is mentioned isn't right")
    return Composed(body, mentions=mentioned)


async def _compose_tombstone(
    unit: Unit, actor: Actor, seen: SeenLane, request: JsonObject, rules: PostingRules, at: datetime
) -> Composed:
    target, amendments = await _target(unit, seen, request)
    if request["ground"] not in tuple(TombstoneGround):
        raise Invalid("message.ground", zh="请选择撤下的理由", en="Choose why it is taken out of sight")
    target = check_tombstone(
        target,
        amendments,
        actor=actor.person_id,
        is_court=seen.member.role in COURT_ROLES,
        ground=TombstoneGround(str(request["ground"])),
        at=at,
        rules=rules,
    )
    body = {"target": reference_to(target), "ground": request["ground"], "reason": request["reason"]}
    return Composed(check_body(EventType.TOMBSTONE, body), target=target)


async def _target(unit: Unit, seen: SeenLane, request: JsonObject) -> tuple[LaneEvent | None, Amendments]:
    """The message an event amends, None for one that the actor can't read, and what was done to it so far."""
    seq = int(str(request["target_seq"]))
    if seq < seen.first_seq:
        return None, Amendments()
    target = (await unit.messages.at(seen.lane.id, (seq,))).get(seq)
    return target, amendments_of(await unit.messages.amending(seen.lane.id, (seq,)))


async def _reply(unit: Unit, seen: SeenLane, request: JsonObject) -> dict[str, JsonValue]:
    reply = request.get("reply_to")
    if not isinstance(reply, Mapping):
        return {}
    target, amendments = await _target(unit, seen, {"target_seq": reply["seq"]})
    return {"reply_to": reference_to(check_quotable(target, amendments))}


async def _own_file(
    unit: Unit, actor: Actor, seen: SeenLane, type: EventType, request: JsonObject
) -> Attachment:
    """The file a message speaks of: of this case, of the sender, of this kind, ready, and not in the lane yet."""
    found = await unit.space.attachment(AttachmentId(str(request["attachment_id"])))
    if found is None or found.case_id != seen.case.id or found.uploader_id != actor.person_id:
        raise _no_file(type)
    if found.kind is not _KINDS[type]:
        raise _no_file(type)
    if not found.is_ready:
        raise Conflict(
            "message.file_not_ready", zh="文件还在检查，请稍候再发", en="The file is still being checked"
        )
    if await unit.messages.was_posted(found.id, seen.lane.id):
        raise Conflict(
            "message.file_posted",
            zh="该文件已在此发送过，请引用原消息或重新上传",
            en="This file was sent here already; quote that message or upload it again",
        )
    return found


def _no_file(type: EventType) -> Invalid:
    if type is EventType.IMAGE:
        return Invalid(
            "message.image", zh="图片不存在，请重新上传", en="There is no such picture; upload it again"
        )
    return Invalid("message.file", zh="文件不存在，请重新上传", en="There is no such file; upload it again")


def _description(type: EventType, found: Attachment) -> dict[str, object]:
    """What the court knows of the file, whatever the client said of it."""
    body: dict[str, object] = {
        "attachment_id": found.id,
        "media_type": found.media_type,
        "size_bytes": found.size_bytes,
        "name": found.name,
    }
    if type in (EventType.IMAGE, EventType.VIDEO):
        body |= {"width": found.width, "height": found.height}
    if type in (EventType.AUDIO, EventType.VIDEO):
        body["duration_ms"] = found.duration_ms
    if type is EventType.AUDIO:
        body["waveform"] = list(found.waveform)
    if type is EventType.DOCUMENT and found.pages:
        body["pages"] = found.pages
    return body
