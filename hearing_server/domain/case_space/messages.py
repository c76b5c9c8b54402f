"""Events of a lane: kinds, hash chain. What their bodies hold is in `bodies.py`.

A lane is a gapless sequence of events. Nothing is edited; the chain proves it:
`hash = SHA-256(prev_hash ‖ RFC 8785 JSON of {lane, seq, event_id, type, sender_id, client_id, body, server_time})`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.canonical_json import JsonObject, canonical_json
from hearing_server.domain.case_space.lanes import GENESIS_HASH, Lane
from hearing_server.errors import Invalid
from hearing_server.kernel import EventId, LaneId, PersonId, to_wire

# Characters of one text message: about three printed pages; longer statements are documents.
MAX_TEXT_CHARS = 5000
# One event with everything in it, canonical bytes.
MAX_BODY_BYTES = 16 * 1024
MAX_FILE_NAME_CHARS = 200
MAX_CLIENT_ID_CHARS = 64

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class EventType(StrEnum):
    """What people post, what changes how an earlier event is shown (correction, tombstone), what the system says."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"
    DOCUMENT = "document"
    VIDEO = "video"
    CORRECTION = "correction"
    TOMBSTONE = "tombstone"
    CARD = "card"


class Card(StrEnum):
    """Cards are written by the court's system, never by a person."""

    CASE_FILED = "case_filed"
    CASE_ACCEPTED = "case_accepted"
    HEARING_SCHEDULED = "hearing_scheduled"
    HEARING_MOVED = "hearing_moved"
    HEARING_STARTING_SOON = "hearing_starting_soon"
    HEARING_OPENED = "hearing_opened"
    HEARING_CLOSED = "hearing_closed"
    HEARING_REOPENED = "hearing_reopened"
    HEARING_CANCELLED = "hearing_cancelled"
    TRANSCRIPT_TO_SIGN = "transcript_to_sign"
    RECORDING_AVAILABLE = "recording_available"
    JUDGMENT_SERVED = "judgment_served"
    REMINDER_ISSUED = "reminder_issued"
    PUBLICATION_APPLIED = "publication_applied"
    BROADCAST_APPLIED = "broadcast_applied"
    SEALED_STUB = "sealed_stub"
    EXHIBIT_SEALED = "exhibit_sealed"
    EXHIBITS_EXCHANGED = "exhibits_exchanged"
    MEDIATION_OPENED = "mediation_opened"
    MEDIATION_JOINED = "mediation_joined"
    MEDIATION_LEFT = "mediation_left"
    MEDIATION_CLOSED = "mediation_closed"


CARD_FIELDS: dict[Card, tuple[str, ...]] = {
    Card.CASE_FILED: ("title",),
    Card.CASE_ACCEPTED: ("title",),
    Card.HEARING_SCHEDULED: ("hearing_id", "title", "starts_at"),
    Card.HEARING_MOVED: ("hearing_id", "title", "starts_at"),
    Card.HEARING_STARTING_SOON: ("hearing_id", "title", "starts_at"),
    Card.HEARING_OPENED: ("hearing_id", "title"),
    Card.HEARING_CLOSED: ("hearing_id", "title"),
    Card.HEARING_REOPENED: ("hearing_id", "title"),
    Card.HEARING_CANCELLED: ("hearing_id", "title"),
    Card.TRANSCRIPT_TO_SIGN: ("hearing_id", "title"),
    Card.RECORDING_AVAILABLE: ("hearing_id", "recording_id"),
    Card.JUDGMENT_SERVED: ("title",),
    Card.REMINDER_ISSUED: ("reminder_id", "title"),
    Card.BROADCAST_APPLIED: ("hearing_id", "title", "objections_until"),
    Card.PUBLICATION_APPLIED: ("publication_id", "title", "objections_until"),
    # Who, what kind, how much, on which ground, and what it hashes to: nothing of what it says.
    Card.SEALED_STUB: ("side", "sender", "sender_en", "what", "size_bytes", "sha256", "ground"),
    # Numbers alone, in both languages: titles are not for everybody who reads the lane.
    Card.EXHIBIT_SEALED: ("exhibit_id", "title", "title_en"),
    Card.EXHIBITS_EXCHANGED: ("case_id", "title", "title_en"),
    Card.MEDIATION_OPENED: ("title", "people", "people_en"),
    Card.MEDIATION_JOINED: ("title", "people", "people_en"),
    Card.MEDIATION_LEFT: ("title", "people", "people_en"),
    Card.MEDIATION_CLOSED: ("title", "people", "people_en"),
}


@dataclass(frozen=True, slots=True)
class LaneEvent:
    """One event as stored. `sender_id` and `client_id` are None for cards of the system; hashes are 32 bytes."""

    lane: LaneId
    seq: int
    event_id: EventId
    type: EventType
    sender_id: PersonId | None
    client_id: str | None
    body: JsonObject
    server_time: datetime
    prev_hash: bytes
    hash: bytes


def append_event(
    lane: Lane,
    *,
    event_id: EventId,
    type: EventType,
    sender_id: PersonId | None,
    client_id: str | None,
    body: JsonObject,
    server_time: datetime,
) -> tuple[Lane, LaneEvent]:
    """The next event of the lane and the lane with its new head; `body` has been through `check_body`."""
    seq = lane.head_seq + 1
    digest = event_hash(
        lane.head_hash, lane=lane.id, seq=seq, event_id=event_id, type=type,
        sender_id=sender_id, client_id=client_id, body=body, server_time=server_time,
    )  # fmt: skip
    event = LaneEvent(
        lane.id, seq, event_id, type, sender_id, client_id, body, server_time, lane.head_hash, digest
    )
    return replace(lane, head_seq=seq, head_hash=digest), event


def event_hash(
    prev_hash: bytes,
    *,
    lane: LaneId,
    seq: int,
    event_id: EventId,
    type: EventType,
    sender_id: PersonId | None,
    client_id: str | None,
    body: JsonObject,
    server_time: datetime,
) -> bytes:
    """The 32 bytes of the chain, over exactly the eight fields named in the protocol."""
    content = {
        "lane": lane, "seq": seq, "event_id": event_id, "type": str(type), "sender_id": sender_id,
        "client_id": client_id, "body": body, "server_time": to_wire(server_time),
    }  # fmt: skip
    return hashlib.sha256(prev_hash + canonical_json(content)).digest()


def first_broken_seq(
    events: Iterable[LaneEvent], *, after: bytes = GENESIS_HASH, after_seq: int = 0
) -> int | None:
    """Where the chain stops to hold, None when it holds. `events` ascend from `after_seq + 1`."""
    head, expected = after, after_seq + 1
    for event in events:
        digest = event_hash(
            head, lane=event.lane, seq=event.seq, event_id=event.event_id, type=event.type,
            sender_id=event.sender_id, client_id=event.client_id, body=event.body, server_time=event.server_time,
        )  # fmt: skip
        links = event.seq == expected and hmac.compare_digest(event.prev_hash, head)
        if not links or not hmac.compare_digest(event.hash, digest):
            return expected
        head, expected = event.hash, expected + 1
    return None


def check_client_id(client_id: str) -> str:
    """The sender's own id of a message: 8 to 64 letters, digits, dashes; unique per sender and case for ever."""
    if not isinstance(client_id, str) or not _CLIENT_ID.fullmatch(client_id):
        raise Invalid("message.client_id", zh="消息编号无效", en="The message's client id is malformed")
    return client_id


def request_digest(type: EventType, body: JsonObject) -> bytes:
    """What is compared when a client id comes again: the same content gets the first answer, another is refused."""
    return hashlib.sha256(canonical_json({"type": str(type), "body": body})).digest()
