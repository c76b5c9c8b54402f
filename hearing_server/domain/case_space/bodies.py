"""What the body of each type of event holds, and nothing else: complete, cleaned, ready to be stored and hashed.

Bodies are the court's: what a client says of a picture, a quoted message or a file is looked up, never believed.
A quote names the event it answers by number and hash, not by its words: words that were taken out of sight later must
not live on in a quotation.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from hearing_server.domain.canonical_json import JsonObject, JsonValue, canonical_json
from hearing_server.domain.case_space.messages import (
    CARD_FIELDS,
    MAX_BODY_BYTES,
    MAX_FILE_NAME_CHARS,
    MAX_TEXT_CHARS,
    Card,
    EventType,
)
from hearing_server.errors import Invalid

# The longest side of a picture that phones still decode; the upload checks the pixels themselves.
MAX_PICTURE_SIDE_PX = 30_000
# More people are everybody, and everybody reads the lane anyway.
MAX_MENTIONS = 20
WAVEFORM_VALUES = 64
# Why a message was taken out of sight, in a sentence.
MAX_REASON_CHARS = 200
PICTURE_TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif", "image/heic")

# Line feed and tab are text; every other control character (and bidi overrides, which reorder what is read) is not.
_UNWANTED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,80}")


class TextLabel(StrEnum):
    """What a statement is meant to be: 程序性, about the procedure; 诉讼行为, an act in the suit that has effect."""

    PROCEDURAL = "procedural"
    LITIGATION_ACT = "litigation_act"


class TombstoneGround(StrEnum):
    """Why content is out of sight. Only `withdrawn` is the author's own; the others are the court's."""

    WITHDRAWN = "withdrawn"
    PERSONAL_DATA = "personal_data"
    SECRET = "secret"
    UNLAWFUL = "unlawful"
    WRONG_PLACE = "wrong_place"
    OTHER = "other"


def check_body(
    type: EventType, body: Mapping[str, object], *, text_chars: int = MAX_TEXT_CHARS
) -> JsonObject:
    """The body cleaned and complete. Text is stripped at its ends; unknown fields are refused.

    Errors: Invalid `message.body`, `.empty`, `.too_long`, `.characters`, `.label`, `.image`, `.file`, `.card`.
    """
    checks: dict[EventType, Callable[[Mapping[str, object]], JsonObject]] = {
        EventType.TEXT: lambda content: _check_text(content, text_chars),
        EventType.IMAGE: _check_image,
        EventType.AUDIO: _check_audio,
        EventType.DOCUMENT: _check_document,
        EventType.VIDEO: _check_video,
        EventType.CORRECTION: lambda content: _check_correction(content, text_chars),
        EventType.TOMBSTONE: _check_tombstone,
        EventType.CARD: _check_card,
    }
    checked = checks[type](body)
    if len(canonical_json(checked)) > MAX_BODY_BYTES:
        raise _too_long(text_chars)
    return checked


def text_sha256(text: str) -> str:
    """What a person confirms who makes a statement with effect in law: SHA-256 of its UTF-8, hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def clean_text(text: object, text_chars: int = MAX_TEXT_CHARS) -> str:
    """A message's words: one kind of line end, no blanks around, nothing that can't be seen.

    Errors: Invalid `message.body`, `.empty`, `.too_long`, `.characters`.
    """
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
    return text


def _check_text(body: Mapping[str, object], text_chars: int) -> JsonObject:
    _only(body, ("text", "label", "text_sha256", "reply_to", "mentions"))
    text = clean_text(body.get("text"), text_chars)
    checked: dict[str, JsonValue] = {"text": text, **_label(body, text), **_reply(body)}
    if body.get("mentions"):
        checked["mentions"] = _mentions(body["mentions"])
    return checked


def _label(body: Mapping[str, object], text: str) -> dict[str, JsonValue]:
    """The label; a litigation act also carries the hash of the words its author confirmed, which must be these."""
    label, confirmed = body.get("label"), body.get("text_sha256")
    if label is None:
        if confirmed is not None:
            raise _bad_body()
        return {}
    if label not in tuple(TextLabel):
        raise Invalid("message.label", zh="未知的消息性质", en="Unknown label of a message")
    if label != TextLabel.LITIGATION_ACT:
        if confirmed is not None:
            raise _bad_body()
        return {"label": str(label)}
    if confirmed != text_sha256(text):
        raise Invalid(
            "message.not_confirmed",
            zh="诉讼行为须对原文逐字确认，请重新确认后发送",
            en="A litigation act must be confirmed word for word; please confirm it again",
        )
    return {"label": str(label), "text_sha256": str(confirmed)}


def _reply(body: Mapping[str, object]) -> dict[str, JsonValue]:
    reply = body.get("reply_to")
    return {} if reply is None else {"reply_to": _reference(reply)}


def _reference(value: object) -> JsonObject:
    """Another event of the same lane: {seq, event_id, sha256}."""
    if not isinstance(value, Mapping) or set(value) != {"seq", "event_id", "sha256"}:
        raise _bad_body()
    seq, event_id, sha256 = value["seq"], value["event_id"], value["sha256"]
    good = (
        isinstance(seq, int)
        and not isinstance(seq, bool)
        and seq > 0
        and isinstance(event_id, str)
        and event_id.startswith("evt_")
        and isinstance(sha256, str)
        and _SHA256.fullmatch(sha256)
    )
    if not good:
        raise _bad_body()
    return {"seq": seq, "event_id": event_id, "sha256": sha256}


def _mentions(value: object) -> Sequence[JsonValue]:
    """Ids of people, each once; that they read the lane and stand in the text is checked where people are known."""
    people = list(value) if isinstance(value, list | tuple) else None
    if (
        people is None
        or len(people) > MAX_MENTIONS
        or len(set(map(str, people))) != len(people)
        or not all(isinstance(one, str) and one.startswith("per_") and len(one) <= 64 for one in people)
    ):
        raise Invalid("message.mention", zh="提及的人员无效", en="A person who is mentioned isn't right")
    return people


def _check_correction(body: Mapping[str, object], text_chars: int) -> JsonObject:
    _only(body, ("target", "text"))
    return {"target": _reference(body.get("target")), "text": clean_text(body.get("text"), text_chars)}


def _check_tombstone(body: Mapping[str, object]) -> JsonObject:
    _only(body, ("target", "ground", "reason"))
    ground, reason = body.get("ground"), body.get("reason", "")
    if ground not in tuple(TombstoneGround):
        raise Invalid("message.ground", zh="请选择撤下的理由", en="Choose why it is taken out of sight")
    if not isinstance(reason, str) or _UNWANTED.search(reason):
        raise _bad_body()
    reason = reason.strip()
    if len(reason) > MAX_REASON_CHARS or (ground == TombstoneGround.OTHER and not reason):
        raise Invalid(
            "message.reason",
            zh=f"请写明理由（最多 {MAX_REASON_CHARS} 字）",
            en=f"State the reason (at most {MAX_REASON_CHARS} characters)",
        )
    return {"target": _reference(body.get("target")), "ground": str(ground), "reason": reason}


def _check_image(body: Mapping[str, object]) -> JsonObject:
    checked = _file(body, ("width", "height"), code="message.image")
    if checked["media_type"] not in PICTURE_TYPES or _longest_side(checked) > MAX_PICTURE_SIDE_PX:
        raise _bad_file("message.image")
    return checked


def _check_audio(body: Mapping[str, object]) -> JsonObject:
    heights = body.get("waveform")
    rest = {name: value for name, value in body.items() if name != "waveform"}
    checked = dict(_file(rest, ("duration_ms",)))
    if not (
        isinstance(heights, list | tuple)
        and len(heights) == WAVEFORM_VALUES
        and all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one <= 100 for one in heights)
    ):
        raise _bad_file("message.file")
    return {**checked, "waveform": list(heights)}


def _check_document(body: Mapping[str, object]) -> JsonObject:
    # Not every document has pages: a table, a text.
    return _file(body, ("pages",) if body.get("pages") is not None else ())


def _check_video(body: Mapping[str, object]) -> JsonObject:
    checked = _file(body, ("width", "height", "duration_ms"))
    if _longest_side(checked) > MAX_PICTURE_SIDE_PX:
        raise _bad_file("message.file")
    return checked


def _file(
    body: Mapping[str, object], measures: tuple[str, ...], *, code: str = "message.file"
) -> dict[str, JsonValue]:
    """What every sent file says of itself, and its own measures, all of them whole numbers above zero."""
    texts = ("attachment_id", "media_type", "name")
    numbers = ("size_bytes", *measures)
    known = {name: value for name, value in body.items() if value is not None}
    _only(known, (*texts, *numbers, "reply_to"))
    good = (
        all(
            isinstance(body.get(name), str) and body[name] and not _UNWANTED.search(str(body[name]))
            for name in texts
        )
        and all(
            isinstance(value := body.get(name), int) and not isinstance(value, bool) and value > 0
            for name in numbers
        )
        and str(body["attachment_id"]).startswith("att_")
        and _MEDIA_TYPE.fullmatch(str(body["media_type"]))
        and len(str(body["name"])) <= MAX_FILE_NAME_CHARS
    )
    if not good:
        raise _bad_file(code)
    found: dict[str, JsonValue] = {name: str(body[name]) for name in texts}
    found |= {name: int(str(body[name])) for name in numbers}
    return {**found, **_reply(body)}


def _longest_side(body: Mapping[str, JsonValue]) -> int:
    return max(int(str(body["width"])), int(str(body["height"])))


def _check_card(body: Mapping[str, object]) -> JsonObject:
    try:
        card = Card(str(body.get("card")))
    except ValueError:
        raise Invalid("message.card", zh="未知的卡片类型", en="Unknown kind of card") from None
    wanted = ("card", *CARD_FIELDS[card], "fallback")
    _only(body, wanted)
    if any(not isinstance(body.get(name), str) or not body.get(name) for name in wanted):
        raise Invalid("message.card", zh="卡片内容不完整", en="The card is incomplete")
    return {name: str(body[name]) for name in wanted}


def _only(body: Mapping[str, object], names: tuple[str, ...]) -> None:
    if set(body) - set(names):
        raise _bad_body()


def _bad_body() -> Invalid:
    return Invalid("message.body", zh="消息内容格式不正确", en="The message's body is malformed")


def _bad_file(code: str) -> Invalid:
    if code == "message.image":
        return Invalid(
            "message.image", zh="图片信息不完整或无效", en="The picture's description is incomplete or wrong"
        )
    return Invalid(
        "message.file", zh="文件信息不完整或无效", en="The file's description is incomplete or wrong"
    )


def _too_long(text_chars: int) -> Invalid:
    return Invalid(
        "message.too_long",
        zh=f"消息过长（最多 {text_chars} 字）",
        en=f"The message is too long (at most {text_chars} characters)",
    )
