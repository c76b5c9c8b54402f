"""What an export of a case space holds, as one person may see it: canonical events, files, acts, receipts."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from hearing_server.domain.acts import Act, ActKind
from hearing_server.domain.case_space.amendments import Amendments, amendments_of
from hearing_server.domain.case_space.lane_view import sender_view
from hearing_server.domain.case_space.lanes import Lane, LaneKind, side_label
from hearing_server.domain.case_space.messages import EventType, LaneEvent
from hearing_server.domain.trust.act_receipts import SUFFIX
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import Actor, AttachmentId, PersonId, to_wire
from hearing_server.ports.units import Unit
from hearing_server.services.acts import act_reader, acts_of
from hearing_server.services.case_space.attachments import is_shown
from hearing_server.services.case_space.indexing import searchable
from hearing_server.services.trust.act_receipts import ActReceipts

FORMAT = "hearing-server-space/1"
_STRETCH = 500
# Acts that carry the hash of an event: the newest of each lane goes in with its receipt.
_OF_EVENTS = frozenset(
    {ActKind.MESSAGE_POSTED, ActKind.MESSAGE_CORRECTED, ActKind.MESSAGE_WITHDRAWN, ActKind.MESSAGE_WITHHELD}
)
_LANE_NAMES = {LaneKind.EVERYONE: "全体", LaneKind.BENCH: "法庭内部", LaneKind.MEDIATION: "调解"}
README = """\
案件空间导出 / Export of a case space

space.pdf       可直接阅读的版本 / for reading
package.json    本包所有文件的大小与 SHA-256 / sizes and SHA-256 of every file in here
lanes/          各通道的消息，一行一条；hash = SHA-256(prev_hash ‖ 规范 JSON) / events, one a line, chained by hash
attachments/    原始文件，以 SHA-256 为名；attachments.json 列出原名 / files as they were sent, named by their SHA-256
acts.jsonl      行为存证；您无权查看内容的只列哈希 / acts; of those that are not yours to read the hash alone
receipts/       存证凭证：各通道最新一条消息 / receipts of the newest message of each lane

已撤下的消息只保留其位置与哈希 / Of messages taken out of sight there is the place and the hash.
核验 / To check: hearing-server verify FILE.zip
"""


@dataclass(slots=True)
class Papers:
    """`texts` by name; `files` by the name inside: (SHA-256, attachment); `printed` are the values of the PDF."""

    texts: list[tuple[str, bytes]] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    about: dict[str, object] = field(default_factory=dict)
    printed: list[dict[str, object]] = field(default_factory=list)
    attachments: list[dict[str, object]] = field(default_factory=list)


async def papers_of(
    unit: Unit, actor: Actor, case: Case, member: CaseMember, receipts: ActReceipts, *, at: datetime
) -> Papers:
    """Errors: Unavailable `proof.not_yet` while the newest message waits for its checkpoint."""
    papers = Papers()
    acts = await acts_of(unit, case.id)
    for lane in await unit.space.lanes_of_cases([case.id]):
        first_seq = lane.first_seq_for(member)
        if first_seq is not None:
            await _add_lane(unit, papers, case, member, lane, first_seq)
            await _add_receipt(unit, papers, receipts, acts, lane, first_seq)
    papers.texts.append(("acts.jsonl", await _act_lines(unit, actor, case, member, acts)))
    papers.texts.append(("attachments.json", _json(papers.attachments)))
    papers.texts.append(("README.txt", README.encode()))
    papers.about = {
        "format": FORMAT,
        "made_at": to_wire(at),
        "made_for": actor.name,
        "court": case.court.name,
        "court_code": case.court.code,
        "case_number": str(case.number),
        "case_id": case.id,
        "cause": case.cause,
        "members": [
            {"name": one.name, "label": one.label.zh, "label_en": one.label.en} for one in case.members()
        ],
    }
    return papers


async def _add_lane(
    unit: Unit, papers: Papers, case: Case, member: CaseMember, lane: Lane, first_seq: int
) -> None:
    events = await _events(unit, lane, first_seq)
    # Corrections and tombstones of a lane stand behind what they amend, so they are all here.
    amendments = amendments_of(events)
    gone = {one.sender_id for one in events if one.sender_id and not case.member(one.sender_id)}
    people = await unit.people.many(sorted(gone)) if gone else {}
    names = {person_id: person.name for person_id, person in people.items()}
    lines = [_event_line(event, amendments, case, names) for event in events]
    name = f"lanes/{lane.kind.value}-{lane.id}.jsonl"
    papers.texts.append(
        (name, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode())
    )
    for event in events:
        if amendments.tombstone_of(event) is None:
            await _add_file(unit, papers, case, member, event)
    papers.printed.append(
        {
            "name": _lane_name(lane),
            "rows": [row for event in events if (row := _row(event, amendments, case, names))],
        }
    )


async def _events(unit: Unit, lane: Lane, first_seq: int) -> list[LaneEvent]:
    found: list[LaneEvent] = []
    while True:
        after = found[-1].seq if found else first_seq - 1
        page = await unit.space.events(lane.id, after=after, limit=_STRETCH)
        found += page
        if len(page) < _STRETCH:
            return found


def _event_line(
    event: LaneEvent, amendments: Amendments, case: Case, names: dict[PersonId, str]
) -> dict[str, object]:
    """The eight fields that are hashed, the two hashes, and the sender's name; no body of what is out of sight."""
    tombstone = amendments.tombstone_of(event)
    return {
        "lane": event.lane,
        "seq": event.seq,
        "event_id": event.event_id,
        "type": event.type.value,
        "sender_id": event.sender_id,
        "client_id": event.client_id,
        "body": None if tombstone is not None else dict(event.body),
        "server_time": to_wire(event.server_time),
        "prev_hash": event.prev_hash.hex(),
        "hash": event.hash.hex(),
        "sender": sender_view(event, case, names),
        "withheld": str(tombstone.body["ground"]) if tombstone is not None else None,
    }


async def _add_file(unit: Unit, papers: Papers, case: Case, member: CaseMember, event: LaneEvent) -> None:
    attachment_id = event.body.get("attachment_id")
    attachment = await unit.attachments.get(AttachmentId(str(attachment_id))) if attachment_id else None
    if attachment is None or not attachment.is_ready:
        return
    if not await is_shown(unit, case, member, attachment.id):
        return
    path = f"attachments/{attachment.sha256}"
    papers.attachments.append(
        {
            "path": path, "name": attachment.name, "media_type": attachment.media_type,
            "bytes": attachment.size_bytes, "lane": event.lane, "seq": event.seq,
        }
    )  # fmt: skip
    papers.files[path] = attachment.sha256


async def _add_receipt(
    unit: Unit, papers: Papers, receipts: ActReceipts, acts: list[Act], lane: Lane, first_seq: int
) -> None:
    newest = next((act for act in reversed(acts) if _is_of(act, lane, first_seq)), None)
    if newest is not None:
        path = f"receipts/{newest.case_seq:06d}{SUFFIX}"
        papers.texts.append((path, await receipts.written(unit, newest)))


def _is_of(act: Act, lane: Lane, first_seq: int) -> bool:
    seq = act.payload.get("seq")
    is_event = act.kind in _OF_EVENTS and act.payload.get("lane") == lane.id
    return is_event and isinstance(seq, int) and seq >= first_seq


async def _act_lines(unit: Unit, actor: Actor, case: Case, member: CaseMember, acts: Iterable[Act]) -> bytes:
    """Whole acts where the person may read them; else the link of the chain and nothing that it says."""
    reader = await act_reader(unit, actor, case, member)
    lines: list[dict[str, object]] = []
    for act in acts:
        line: dict[str, object] = {"seq": act.case_seq, "entry_sha256": act.entry_sha256}
        if reader.may_read(act):
            line |= {
                "kind": act.kind.value, "at": to_wire(act.at), "actor_id": act.actor_id, "role": act.role,
                "payload": act.payload, "salt": act.salt.hex(), "entry": act.entry.decode(),
            }  # fmt: skip
        lines.append(line)
    return "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines).encode()


def _row(
    event: LaneEvent, amendments: Amendments, case: Case, names: dict[PersonId, str]
) -> dict[str, object] | None:
    """One message as it is read; corrections and tombstones show at what they amend."""
    if event.type in (EventType.CORRECTION, EventType.TOMBSTONE):
        return None
    sender = sender_view(event, case, names) or {}
    who = f"{sender.get('name', '')} {sender.get('label', '')}".strip() or "系统"
    corrections = amendments.corrections.get(event.seq, ())
    tombstone = amendments.tombstone_of(event)
    if tombstone is not None:
        text, note = "", "已撤下"
    elif event.type is EventType.CARD:
        text, note = str(event.body.get("fallback", "")), ""
    else:
        is_text = event.type is EventType.TEXT
        last = corrections[-1].seq + 1 if corrections else event.seq + 1
        text = amendments.text_at(event, last) if is_text else searchable(event)
        label = "诉讼行为" if event.body.get("label") == "litigation_act" else ""
        note = "，".join(
            part for part in (label, f"已更正 {len(corrections)} 次" if corrections else "") if part
        )
    return {
        "seq": event.seq, "at": event.server_time, "who": who, "text": text, "note": note,
        "is_file": event.type not in (EventType.TEXT, EventType.CARD), "hash": event.hash.hex()[:16],
    }  # fmt: skip


def _lane_name(lane: Lane) -> str:
    if lane.kind is LaneKind.SEALED and lane.side:
        return f"保密提交（{side_label(lane.side).zh}）"
    name = _LANE_NAMES.get(lane.kind, lane.kind.value)
    return f"{name}：{lane.title}" if lane.kind is LaneKind.MEDIATION and lane.title else name


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode()
