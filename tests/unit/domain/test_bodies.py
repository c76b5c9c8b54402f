"""What each type of event holds: complete, cleaned, nothing more; and what clients may ask."""

from __future__ import annotations

from typing import Any

import pytest

from hearing_server.domain.case_space.bodies import MAX_MENTIONS, check_body, text_sha256
from hearing_server.domain.case_space.messages import EventType
from hearing_server.domain.case_space.requests import request_of
from hearing_server.errors import Invalid
from hearing_server.kernel import LaneId

LANE = LaneId("lan_1")
TARGET = {"seq": 3, "event_id": "evt_3", "sha256": "a" * 64}
FILE: dict[str, Any] = {
    "attachment_id": "att_1", "media_type": "application/pdf", "size_bytes": 900, "name": "合同.pdf"
}  # fmt: skip
WHOLE: dict[EventType, dict[str, Any]] = {
    EventType.TEXT: {"text": "我方申请延期举证。", "label": "procedural", "reply_to": TARGET, "mentions": ["per_1"]},
    EventType.IMAGE: {**FILE, "media_type": "image/png", "width": 10, "height": 20, "reply_to": TARGET},
    EventType.AUDIO: {**FILE, "media_type": "audio/webm", "duration_ms": 900, "waveform": [0] * 63 + [100]},
    EventType.DOCUMENT: {**FILE, "pages": 12, "reply_to": TARGET},
    EventType.VIDEO: {**FILE, "media_type": "video/mp4", "width": 640, "height": 480, "duration_ms": 5000},
    EventType.CORRECTION: {"target": TARGET, "text": "更正后"},
    EventType.TOMBSTONE: {"target": TARGET, "ground": "personal_data", "reason": "含他人身份证号"},
}  # fmt: skip


@pytest.mark.parametrize("type", WHOLE)
def test_body__whole__is_kept_as_it_is(type: EventType) -> None:
    assert check_body(type, WHOLE[type]) == WHOLE[type]


@pytest.mark.parametrize("type", WHOLE)
def test_body__with_a_field_too_many__is_refused(type: EventType) -> None:
    with pytest.raises(Invalid, match=r"message\.body"):
        check_body(type, {**WHOLE[type], "html": "<b>"})


def _without(type: EventType, *names: str) -> dict[str, Any]:
    return {name: value for name, value in WHOLE[type].items() if name not in names}


@pytest.mark.parametrize(
    ("type", "body", "code"),
    [
        (EventType.TEXT, {"text": "x", "label": "joke"}, "message.label"),
        (EventType.TEXT, {"text": "x", "label": ["procedural"]}, "message.label"),
        (EventType.TEXT, {"text": "x", "text_sha256": "0" * 64}, "message.body"),
        (EventType.TEXT, {"text": "x", "reply_to": {"seq": 3}}, "message.body"),
        (EventType.TEXT, {"text": "x", "reply_to": {**TARGET, "seq": True}}, "message.body"),
        (EventType.TEXT, {"text": "x", "reply_to": {**TARGET, "excerpt": "谎言"}}, "message.body"),
        (EventType.TEXT, {"text": "x", "mentions": "per_1"}, "message.mention"),
        (EventType.TEXT, {"text": "x", "mentions": ["per_1", "per_1"]}, "message.mention"),
        (EventType.TEXT, {"text": "x", "mentions": [f"per_{n}" for n in range(MAX_MENTIONS + 1)]}, "message.mention"),
        (EventType.TEXT, {"text": "x", "mentions": [1]}, "message.mention"),
        (EventType.AUDIO, {**WHOLE[EventType.AUDIO], "waveform": [0] * 63}, "message.file"),
        (EventType.AUDIO, {**WHOLE[EventType.AUDIO], "waveform": [0] * 63 + [101]}, "message.file"),
        (EventType.AUDIO, {**WHOLE[EventType.AUDIO], "waveform": [0.5] * 64}, "message.file"),
        (EventType.AUDIO, _without(EventType.AUDIO, "duration_ms"), "message.file"),
        (EventType.DOCUMENT, {**FILE, "pages": -1}, "message.file"),
        (EventType.DOCUMENT, {**FILE, "name": "a\u202efdp.exe"}, "message.file"),
        (EventType.DOCUMENT, {**FILE, "media_type": "text/html; x"}, "message.file"),
        (EventType.DOCUMENT, {**FILE, "attachment_id": "exh_1"}, "message.file"),
        (EventType.VIDEO, {**WHOLE[EventType.VIDEO], "width": 50_000}, "message.file"),
        (EventType.IMAGE, {**WHOLE[EventType.IMAGE], "media_type": "application/pdf"}, "message.image"),
        (EventType.CORRECTION, {"target": TARGET, "text": " \n"}, "message.empty"),
        (EventType.CORRECTION, {"text": "更正后"}, "message.body"),
        (EventType.TOMBSTONE, {"target": TARGET, "ground": "annoying"}, "message.ground"),
        (EventType.TOMBSTONE, {"target": TARGET, "ground": "other", "reason": " "}, "message.reason"),
        (EventType.TOMBSTONE, {"target": TARGET, "ground": "secret", "reason": "长" * 201}, "message.reason"),
    ],
)  # fmt: skip
def test_body__wrong__is_named(type: EventType, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_body(type, body)
    assert refused.value.code == code


def test_litigation_act__confirmed__holds_the_hash_of_exactly_these_words() -> None:
    words = "我方承认对方第一项诉讼请求。"
    whole = {"text": words, "label": "litigation_act", "text_sha256": text_sha256(words)}
    assert check_body(EventType.TEXT, whole) == whole
    for confirmed in (None, text_sha256("别的话"), "x"):
        with pytest.raises(Invalid, match="not_confirmed"):
            check_body(EventType.TEXT, {**whole, "text_sha256": confirmed})


def test_document__without_pages__says_none() -> None:
    assert check_body(EventType.DOCUMENT, {**FILE, "pages": None}) == FILE


@pytest.mark.parametrize(
    ("type", "body", "asked"),
    [
        (EventType.TEXT, {"text": " 好\r\n ", "label": None}, {"text": "好"}),
        (
            EventType.TEXT,
            {"text": "@甲 好", "mentions": ["per_1"], "reply_to": {"lane": "lan_1", "seq": 2}},
            {"text": "@甲 好", "mentions": ["per_1"], "reply_to": {"lane": "lan_1", "seq": 2}},
        ),
        (
            EventType.AUDIO,
            {"attachment_id": "att_1", "duration_ms": 1, "name": "谎言"},
            {"attachment_id": "att_1"},
        ),
        (EventType.CORRECTION, {"target_seq": 3, "text": "改"}, {"target_seq": 3, "text": "改"}),
        (
            EventType.TOMBSTONE,
            {"target_seq": 3, "ground": "withdrawn"},
            {"target_seq": 3, "ground": "withdrawn", "reason": ""},
        ),
    ],
)
def test_request__of_each_type__is_what_the_person_chose(
    type: EventType, body: dict[str, Any], asked: dict[str, Any]
) -> None:
    assert request_of(type, body, LANE) == asked


@pytest.mark.parametrize(
    ("type", "body", "code"),
    [
        (EventType.CARD, {"card": "hearing_opened"}, "message.type"),
        (EventType.TEXT, {"text": "x", "excerpt": "y"}, "message.body"),
        (EventType.TEXT, {"text": "x", "reply_to": {"lane": "lan_2", "seq": 1}}, "message.quote"),
        (EventType.TEXT, {"text": "x", "reply_to": {"lane": "lan_1", "seq": 0}}, "message.body"),
        (EventType.TEXT, {"text": "x", "reply_to": {"lane": "lan_1", "seq": 1, "excerpt": "y"}}, "message.body"),
        (EventType.TEXT, {"text": "x", "mentions": {"a": 1}}, "message.body"),
        (EventType.IMAGE, {"attachment_id": 5}, "message.body"),
        (EventType.CORRECTION, {"target_seq": True, "text": "x"}, "message.body"),
        (EventType.TOMBSTONE, {"target_seq": 1, "ground": 4}, "message.body"),
    ],
)  # fmt: skip
def test_request__wrong__is_named(type: EventType, body: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        request_of(type, body, LANE)
    assert refused.value.code == code
