"""Lanes, their events and receipts as clients get them (docs/PROTOCOL.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping

from hearing_server.domain.case_space.lanes import Lane, LaneKind, side_label
from hearing_server.domain.case_space.messages import LaneEvent
from hearing_server.domain.case_space.receipts import Receipt
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import PersonId, to_wire


def lane_view(lane: Lane, case: Case, viewer: CaseMember, mine: Receipt | None) -> dict[str, object]:
    """One lane as one of its members sees it: where it stands, who else reads it, what they have read themselves."""
    side = side_label(lane.side) if lane.side else None
    readers = lane.readers(case)
    return {
        "lane": lane.id,
        "kind": lane.kind.value,
        "title": lane.title if lane.kind is LaneKind.MEDIATION else "",
        "side": {"standing": lane.slot, "label": side.zh, "label_en": side.en} if side else None,
        "ground": lane.title if lane.kind is LaneKind.SEALED else None,
        "readers": [member.person_id for member in case.members() if member.person_id in readers],
        "closed": lane.closed_at is not None,
        "first_seq": lane.first_seq_for(viewer) or 1,
        "epoch": lane.epoch,
        "head_seq": lane.head_seq,
        "read_seq": mine.read_seq if mine else 0,
        "delivered_seq": mine.delivered_seq if mine else 0,
    }


def event_view(event: LaneEvent, case: Case, names: Mapping[PersonId, str]) -> dict[str, object]:
    """One event; `names` are those of senders who have no place on the case any more."""
    return {
        "lane": event.lane,
        "seq": event.seq,
        "event_id": event.event_id,
        "type": event.type.value,
        "sender": sender_view(event, case, names),
        "client_id": event.client_id,
        "body": dict(event.body),
        "server_time": to_wire(event.server_time),
        "prev_hash": event.prev_hash.hex(),
        "hash": event.hash.hex(),
    }


def sender_view(event: LaneEvent, case: Case, names: Mapping[PersonId, str]) -> dict[str, object] | None:
    """Who wrote an event, as they stand on the case; None for the court's system."""
    if event.sender_id is None:
        return None
    member = case.member(event.sender_id)
    return {
        "person_id": event.sender_id,
        "name": member.name if member else names.get(event.sender_id, ""),
        "label": member.label.zh if member else "",
        "label_en": member.label.en if member else "",
    }


def members_view(case: Case) -> list[dict[str, object]]:
    """Everybody on the case."""
    return [
        {
            "person_id": member.person_id,
            "name": member.name,
            "label": member.label.zh,
            "label_en": member.label.en,
            "role": member.role.value,
        }
        for member in case.members()
    ]


def receipt_view(receipt: Receipt) -> dict[str, object]:
    return {
        "person_id": receipt.person_id,
        "delivered_seq": receipt.delivered_seq,
        "read_seq": receipt.read_seq,
    }
