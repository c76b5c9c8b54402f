"""Lane events and receipts as clients get them (docs/PROTOCOL.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping

from hearing_server.domain.case_space.messages import LaneEvent
from hearing_server.domain.case_space.receipts import Receipt
from hearing_server.filing.cases import Case
from hearing_server.kernel import PersonId, to_wire


def event_view(event: LaneEvent, case: Case, names: Mapping[PersonId, str]) -> dict[str, object]:
    """One event; `names` are those of senders who have no place on the case any more."""
    return {
        "lane": event.lane,
        "seq": event.seq,
        "event_id": event.event_id,
        "type": event.type.value,
        "sender": _sender(event, case, names),
        "client_id": event.client_id,
        "body": dict(event.body),
        "server_time": to_wire(event.server_time),
        "prev_hash": event.prev_hash.hex(),
        "hash": event.hash.hex(),
    }


def _sender(event: LaneEvent, case: Case, names: Mapping[PersonId, str]) -> dict[str, object] | None:
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
