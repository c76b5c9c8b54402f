"""Lanes of a case space and the events in them: kinds, limits per body, hash chain.

A lane is one audience inside a case with a gapless sequence of events. Nothing is edited; the chain proves it:
`hash = SHA-256(prev_hash ‖ RFC 8785 JSON of {lane, seq, event_id, type, sender_id, client_id, body, server_time})`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.domain.canonical_json import JsonObject, canonical_json
from hearing_server.errors import Invalid
from hearing_server.filing.cases import CaseRole
from hearing_server.kernel import CaseId, EventId, LaneId, PersonId, to_wire

# Characters of one text message: about three printed pages; longer statements are documents.
MAX_TEXT_CHARS = 5000
# One event with everything in it, canonical bytes.
MAX_BODY_BYTES = 16 * 1024
MAX_FILE_NAME_CHARS = 200
# The longest side of a picture that phones still decode; the upload checks the pixels themselves.
MAX_PICTURE_SIDE_PX = 30_000
MAX_CLIENT_ID_CHARS = 64
GENESIS_HASH = bytes(32)

_CLIENT_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
# Line feed and tab are text; every other control character (and bidi overrides, which reorder what is read) is not.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class LaneKind(StrEnum):
    """everyone: all on the case; bench: judge and clerk."""

    EVERYONE = "everyone"
    BENCH = "bench"


class EventType(StrEnum):
    TEXT = "text"
    IMAGE = "image"
    CARD = "card"


class Card(StrEnum):
    """Cards are written by the court's system, never by a person."""

    HEARING_SCHEDULED = "hearing_scheduled"
    HEARING_STARTING_SOON = "hearing_starting_soon"
    HEARING_OPENED = "hearing_opened"
    HEARING_CLOSED = "hearing_closed"
    HEARING_REOPENED = "hearing_reopened"
    HEARING_CANCELLED = "hearing_cancelled"
    RECORDING_AVAILABLE = "recording_available"
    REMINDER_ISSUED = "reminder_issued"
    PUBLICATION_APPLIED = "publication_applied"
    BROADCAST_APPLIED = "broadcast_applied"


PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/heic")

_CARD_FIELDS: dict[Card, tuple[str, ...]] = {
    Card.HEARING_SCHEDULED: ("hearing_id", "title", "starts_at"),
    Card.HEARING_STARTING_SOON: ("hearing_id", "title", "starts_at"),
    Card.HEARING_OPENED: ("hearing_id", "title"),
    Card.HEARING_CLOSED: ("hearing_id", "title"),
    Card.HEARING_REOPENED: ("hearing_id", "title"),
    Card.HEARING_CANCELLED: ("hearing_id", "title"),
    Card.RECORDING_AVAILABLE: ("hearing_id", "recording_id"),
    Card.REMINDER_ISSUED: ("reminder_id", "title"),
    Card.BROADCAST_APPLIED: ("hearing_id", "title", "objections_until"),
    Card.PUBLICATION_APPLIED: ("publication_id", "title", "objections_until"),
}


@dataclass(frozen=True, slots=True)
class Lane:
    """`epoch` changes only when the log was restored from a backup: a client with another epoch reloads from zero."""

    id: LaneId
    case_id: CaseId
    kind: LaneKind
    epoch: int = 1
    head_seq: int = 0
    head_hash: bytes = GENESIS_HASH

    def is_open_to(self, role: CaseRole | None) -> bool:
        """Whether somebody with this role on the case reads and writes here."""
        if role is None:
            return False
        return self.kind is LaneKind.EVERYONE or role in (CaseRole.JUDGE, CaseRole.CLERK)


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
    return Lane(lane.id, lane.case_id, lane.kind, lane.epoch, seq, digest), event


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


def check_body(
    type: EventType, body: Mapping[str, object], *, text_chars: int = MAX_TEXT_CHARS
) -> JsonObject:
    """The body cleaned and complete, ready to be stored and hashed.

    `text` is stripped at its ends; unknown fields are refused.
    Errors: Invalid `message.body`, `.empty`, `.too_long`, `.characters`, `.image`, `.card`.
    """
    checks: dict[EventType, Callable[[Mapping[str, object]], JsonObject]] = {
        EventType.TEXT: lambda content: _check_text(content, text_chars),
        EventType.IMAGE: _check_image,
        EventType.CARD: _check_card,
    }
    checked = checks[type](body)
    if len(canonical_json(checked)) > MAX_BODY_BYTES:
        raise _too_long(text_chars)
    return checked


def _check_text(body: Mapping[str, object], text_chars: int) -> JsonObject:
    _only(body, ("text",))
    text = body.get("text")
    if not isinstance(text, str):
        raise _bad_body()
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text:
        raise Invalid("message.empty", zh="消息不能为空", en="The message is empty")
    if len(text) > text_chars:
        raise _too_long(text_chars)
    if _UNWANTED.search(text):
        raise Invalid(
            "message.characters", zh="消息含有不可显示的控制字符", en="The message has control characters"
        )
    return {"text": text}


def _check_image(body: Mapping[str, object]) -> JsonObject:
    _only(body, ("attachment_id", "width", "height", "media_type", "size_bytes", "name"))
    texts = {name: body.get(name) for name in ("attachment_id", "media_type", "name")}
    sizes = {name: body.get(name) for name in ("width", "height", "size_bytes")}
    good = (
        all(isinstance(value, str) and value and not _UNWANTED.search(value) for value in texts.values())
        and all(
            isinstance(value, int) and not isinstance(value, bool) and value > 0 for value in sizes.values()
        )
        and str(texts["attachment_id"]).startswith("att_")
        and texts["media_type"] in PICTURE_TYPES
        and len(str(texts["name"])) <= MAX_FILE_NAME_CHARS
        and max(int(str(sizes["width"])), int(str(sizes["height"]))) <= MAX_PICTURE_SIDE_PX
    )
    if not good:
        raise Invalid(
            "message.image", zh="图片信息不完整或无效", en="The picture's description is incomplete or wrong"
        )
    return {name: body[name] for name in sorted(body)}  # type: ignore[misc]


def _check_card(body: Mapping[str, object]) -> JsonObject:
    try:
        card = Card(str(body.get("card")))
    except ValueError:
        raise Invalid("message.card", zh="未知的卡片类型", en="Unknown kind of card") from None
    wanted = ("card", *_CARD_FIELDS[card], "fallback")
    _only(body, wanted)
    if any(not isinstance(body.get(name), str) or not body.get(name) for name in wanted):
        raise Invalid("message.card", zh="卡片内容不完整", en="The card is incomplete")
    return {name: str(body[name]) for name in wanted}


def _only(body: Mapping[str, object], names: tuple[str, ...]) -> None:
    if set(body) - set(names):
        raise _bad_body()


def _bad_body() -> Invalid:
    return Invalid("message.body", zh="消息内容格式不正确", en="The message's body is malformed")


def _too_long(text_chars: int) -> Invalid:
    return Invalid(
        "message.too_long",
        zh=f"消息过长（最多 {text_chars} 字）",
        en=f"The message is too long (at most {text_chars} characters)",
    )
