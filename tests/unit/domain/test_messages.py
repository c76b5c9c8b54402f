"""Bodies, limits and the chain of a lane."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.case_space.bodies import check_body
from hearing_server.domain.case_space.lanes import GENESIS_HASH, Lane, LaneKind
from hearing_server.domain.case_space.messages import (
    Card,
    EventType,
    LaneEvent,
    append_event,
    check_client_id,
    first_broken_seq,
    request_digest,
)
from hearing_server.errors import Invalid
from hearing_server.filing.cases import CaseRole
from hearing_server.kernel import CaseId, EventId, LaneId, PersonId
from tests.unit.court_pieces import at, case

LANE = Lane(LaneId("lan_1"), CaseId("cas_1"), LaneKind.EVERYONE)
PICTURE: dict[str, object] = {
    "attachment_id": "att_1", "width": 800, "height": 600, "media_type": "image/jpeg",
    "size_bytes": 1000, "name": "借条.jpg",
}  # fmt: skip


def filled(count: int) -> tuple[Lane, list[LaneEvent]]:
    lane, events = LANE, []
    for number in range(1, count + 1):
        lane, event = append_event(
            lane, event_id=EventId(f"evt_{number}"), type=EventType.TEXT, sender_id=PersonId("per_1"),
            client_id=f"client-{number:04d}", body={"text": f"第{number}条"}, server_time=at(number),
        )  # fmt: skip
        events.append(event)
    return lane, events


def test_append__event__has_the_hash_that_an_outsider_computes() -> None:
    lane, (first, second) = filled(2)
    content = {
        "lane": "lan_1", "seq": 2, "event_id": "evt_2", "type": "text", "sender_id": "per_1",
        "client_id": "client-0002", "body": {"text": "第2条"}, "server_time": "2026-03-02T01:00:02.000Z",
    }  # fmt: skip
    # For these names and values, sorted compact JSON is the canonical form: computed here without our writer.
    outsider = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert second.hash == hashlib.sha256(first.hash + outsider).digest()
    assert (first.prev_hash, second.prev_hash) == (GENESIS_HASH, first.hash)
    assert (lane.head_seq, lane.head_hash) == (2, second.hash)


@given(
    st.integers(0, 5),
    st.sampled_from(["body", "seq", "sender_id", "client_id", "server_time", "prev_hash", "hash", "drop"]),
)
def test_chain__anything_changed__breaks_there(place: int, what: str) -> None:
    _, events = filled(7)
    assert first_broken_seq(events) is None
    changes: dict[str, object] = {
        "body": {"text": "另一条"}, "seq": 99, "sender_id": None, "client_id": "client-x", "server_time": at(999),
        "prev_hash": b"x" * 32, "hash": b"x" * 32,
    }  # fmt: skip
    if what == "drop":
        del events[place]
    else:
        events[place] = replace(events[place], **{what: changes[what]})  # type: ignore[arg-type]
    assert first_broken_seq(events) == place + 1


def test_chain__a_page_from_the_middle__is_checked_from_its_head() -> None:
    _, events = filled(6)
    assert first_broken_seq(events[3:], after=events[2].hash, after_seq=3) is None
    assert first_broken_seq(events[3:], after=events[1].hash, after_seq=3) == 4


def test_lane__bench__is_open_to_the_court_only() -> None:
    bench, filed = replace(LANE, kind=LaneKind.BENCH), case()
    assert {member.role for member in filed.members() if bench.is_open_to(member)} == {
        CaseRole.JUDGE,
        CaseRole.CLERK,
    }
    assert all(LANE.is_open_to(member) for member in filed.members())
    assert not LANE.is_open_to(None)


def test_text__line_ends_and_blanks__are_cleaned() -> None:
    assert check_body(EventType.TEXT, {"text": " 你好\r\n第二行\t。\n "}) == {"text": "你好\n第二行\t。"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "message.body"),
        ({"text": 1}, "message.body"),
        ({"text": "x", "html": "<b>"}, "message.body"),
        ({"text": " \n "}, "message.empty"),
        ({"text": "长" * 5001}, "message.too_long"),
        ({"text": "a\x00b"}, "message.characters"),
        ({"text": "abc\u202egnp.exe"}, "message.characters"),
        ({"text": "\ud800"}, "message.characters"),
    ],
)
def test_text__wrong__is_named(body: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_body(EventType.TEXT, body)
    assert refused.value.code == code


def test_text__longest__fits_the_body_limit() -> None:
    assert check_body(EventType.TEXT, {"text": "长" * 5000})


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0}, {"width": True}, {"width": 800.0}, {"size_bytes": "1"}, {"attachment_id": "rec_1"}, {"name": ""},
        {"name": "长" * 201},
        {"media_type": "image/svg+xml"}, {"height": 30_001}, {"url": "http://x"}, {"name": "a\x00"},
    ],
)  # fmt: skip
def test_image__wrong__is_refused(changes: dict[str, object]) -> None:
    assert check_body(EventType.IMAGE, PICTURE) == PICTURE
    with pytest.raises(Invalid, match="message"):
        check_body(EventType.IMAGE, PICTURE | changes)


def test_card__whole_and_broken() -> None:
    card: dict[str, object] = {
        "card": "hearing_opened",
        "hearing_id": "hrg_1",
        "title": "开庭",
        "fallback": "庭审已开庭",
    }
    assert check_body(EventType.CARD, card) == card
    for broken in (
        card | {"card": "party"},
        {**card, "fallback": ""},
        card | {"x": "y"},
        {"card": str(Card.REMINDER_ISSUED)},
    ):
        with pytest.raises(Invalid, match="message"):
            check_body(EventType.CARD, broken)


@pytest.mark.parametrize("client_id", ["", "short", "has blank", "x" * 65, "表情-表情-表情"])
def test_client_id__malformed__is_refused(client_id: str) -> None:
    assert check_client_id("0d0f7a52-7a1c") == "0d0f7a52-7a1c"
    with pytest.raises(Invalid, match="client_id"):
        check_client_id(client_id)


def test_request_digest__same_content__is_equal_whatever_the_order() -> None:
    one = request_digest(EventType.IMAGE, check_body(EventType.IMAGE, PICTURE))
    other = request_digest(EventType.IMAGE, check_body(EventType.IMAGE, dict(reversed(PICTURE.items()))))
    assert one == other
    assert one != request_digest(EventType.TEXT, {"text": "x"})
