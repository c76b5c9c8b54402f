"""What clients ask when they post: only what a person chose. Everything else in a body is the court's to look up.

The digest of a request decides whether a repeated client id speaks of the same message.
"""

from __future__ import annotations

from collections.abc import Mapping

from hearing_server.domain.canonical_json import JsonObject, JsonValue
from hearing_server.domain.case_space.bodies import clean_text
from hearing_server.domain.case_space.messages import MAX_TEXT_CHARS, EventType
from hearing_server.errors import Invalid
from hearing_server.kernel import LaneId

FILES = (EventType.IMAGE, EventType.AUDIO, EventType.DOCUMENT, EventType.VIDEO)
_TEXT_FIELDS = ("text", "label", "text_sha256", "mentions", "reply_to")


def request_of(
    type: EventType, body: Mapping[str, object], lane: LaneId, *, text_chars: int = MAX_TEXT_CHARS
) -> JsonObject:
    """The request cleaned: text, label, mentions, the file's id, the number of the message it answers or amends.

    `text`: {text, label?, text_sha256?, mentions?, reply_to?: {lane, seq}}; files: {attachment_id, reply_to?} and
    whatever else a client says of the file is left aside; `correction`: {target_seq, text}; `tombstone`:
    {target_seq, ground, reason?}. Errors: Invalid `message.type`, `.body`, `.quote`, and those of `clean_text`.
    """
    if type is EventType.TEXT:
        _only(body, _TEXT_FIELDS)
        return _text(body, lane, text_chars)
    if type in FILES:
        attachment_id = body.get("attachment_id")
        if not isinstance(attachment_id, str) or len(attachment_id) > 64:
            raise _bad_body()
        return {"attachment_id": attachment_id, **_reply(body, lane)}
    if type is EventType.CORRECTION:
        _only(body, ("target_seq", "text"))
        return {"target_seq": _seq(body.get("target_seq")), "text": clean_text(body.get("text"), text_chars)}
    if type is EventType.TOMBSTONE:
        _only(body, ("target_seq", "ground", "reason"))
        words = {name: body.get(name, "") for name in ("ground", "reason")}
        if not all(isinstance(word, str) for word in words.values()):
            raise _bad_body()
        return {
            "target_seq": _seq(body.get("target_seq")),
            **{name: str(word) for name, word in words.items()},
        }
    raise Invalid("message.type", zh="不支持的消息类型", en="This kind of message can't be posted")


def _text(body: Mapping[str, object], lane: LaneId, text_chars: int) -> JsonObject:
    words = {name: body[name] for name in ("label", "text_sha256") if body.get(name) is not None}
    people = body.get("mentions") or []
    if not all(isinstance(word, str) for word in words.values()) or not isinstance(people, list | tuple):
        raise _bad_body()
    if not all(isinstance(one, str) for one in people):
        raise _bad_body()
    cleaned: dict[str, JsonValue] = {"text": clean_text(body.get("text"), text_chars)}
    cleaned |= {name: str(word) for name, word in words.items()}
    if people:
        cleaned["mentions"] = [str(one) for one in people]
    return {**cleaned, **_reply(body, lane)}


def _reply(body: Mapping[str, object], lane: LaneId) -> dict[str, JsonValue]:
    """A message answers another of its own lane: words of one audience don't travel to another."""
    reply = body.get("reply_to")
    if reply is None:
        return {}
    if not isinstance(reply, Mapping) or set(reply) != {"lane", "seq"}:
        raise _bad_body()
    if reply["lane"] != lane:
        raise Invalid(
            "message.quote",
            zh="只能引用同一沟通空间内的消息",
            en="Only a message of the same lane can be quoted",
        )
    return {"reply_to": {"lane": str(lane), "seq": _seq(reply["seq"])}}


def _seq(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**53:
        raise _bad_body()
    return value


def _only(body: Mapping[str, object], names: tuple[str, ...]) -> None:
    if set(body) - set(names):
        raise _bad_body()


def _bad_body() -> Invalid:
    return Invalid("message.body", zh="消息内容格式不正确", en="The message's body is malformed")
