"""Corrections and tombstones: who may, and the law "snapshot + event = new snapshot" for every type of event.

The web client applies the same cases (`web_client/src/stores/lane_law.test.ts`): what a page makes of a snapshot and an
event must be what the server shows to somebody who comes later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hearing_server.domain.case_space.amended_view import amended
from hearing_server.domain.case_space.amendments import (
    PostingRules,
    amendments_of,
    check_correction,
    check_quotable,
    check_tombstone,
    excerpt,
    reference_to,
    reply_seq,
    target_seq,
)
from hearing_server.domain.case_space.bodies import TombstoneGround, check_body, text_sha256
from hearing_server.domain.case_space.lane_view import event_view, sender_view
from hearing_server.domain.case_space.lanes import Lane, LaneKind
from hearing_server.domain.case_space.messages import EventType, LaneEvent, append_event, first_broken_seq
from hearing_server.errors import HearingError
from hearing_server.kernel import CaseId, EventId, LaneId, PersonId
from tests.unit.court_pieces import CLERK, DEFENDANT, PLAINTIFF, at, case

LAW = Path(__file__).parents[3] / "web_client" / "src" / "stores" / "lane_law.json"
LANE = Lane(LaneId("lan_1"), CaseId("cas_1"), LaneKind.EVERYONE)
FILE: dict[str, Any] = {
    "attachment_id": "att_1", "media_type": "application/pdf", "size_bytes": 900, "name": "合同.pdf", "pages": 3
}  # fmt: skip
VOICE: dict[str, Any] = {
    "attachment_id": "att_2", "media_type": "audio/webm", "size_bytes": 900, "name": "v.webm", "duration_ms": 4200,
    "waveform": [7] * 64,
}  # fmt: skip


class Talk:
    """A lane that is written into by hand."""

    def __init__(self) -> None:
        self.lane = LANE
        self.events: list[LaneEvent] = []

    def say(self, person: PersonId | None, type: EventType, **body: Any) -> LaneEvent:
        number = len(self.events) + 1
        self.lane, event = append_event(
            self.lane, event_id=EventId(f"evt_{number}"), type=type, sender_id=person,
            client_id=None if person is None else f"client-{number:04d}", body=check_body(type, body),
            server_time=at(number),
        )  # fmt: skip
        self.events.append(event)
        return event

    def snapshot(self) -> list[dict[str, Any]]:
        """What somebody gets who reads the lane now."""
        amendments, filed = amendments_of(self.events), case()
        return [
            amended(
                event_view(event, filed, {}), event, amendments,
                self.events[seq - 1] if (seq := reply_seq(event)) else None,
                lambda one: sender_view(one, filed, {}),
            )
            for event in self.events
        ]  # fmt: skip


def story() -> Talk:
    """Every type of event once, and what they do to one another."""
    talk = Talk()
    first = talk.say(PLAINTIFF, EventType.TEXT, text="借款十万元", mentions=["per_defendant"])
    file = talk.say(PLAINTIFF, EventType.DOCUMENT, **FILE)
    voice = talk.say(DEFENDANT, EventType.AUDIO, **VOICE, reply_to=reference_to(first))
    talk.say(
        CLERK,
        EventType.IMAGE,
        attachment_id="att_3",
        media_type="image/png",
        size_bytes=9,
        name="p.png",
        width=8,
        height=8,
    )
    talk.say(
        CLERK,
        EventType.VIDEO,
        attachment_id="att_4",
        media_type="video/mp4",
        size_bytes=9,
        name="f.mp4",
        width=8,
        height=8,
        duration_ms=500,
    )
    talk.say(None, EventType.CARD, card="hearing_opened", hearing_id="hrg_1", title="庭审", fallback="已开庭")
    talk.say(PLAINTIFF, EventType.CORRECTION, target=reference_to(first), text="借款一万元")
    talk.say(DEFENDANT, EventType.TEXT, text="数额不对", reply_to=reference_to(first))
    talk.say(PLAINTIFF, EventType.CORRECTION, target=reference_to(first), text="借款一万二千元")
    talk.say(DEFENDANT, EventType.TEXT, text="见录音", reply_to=reference_to(voice), label="procedural")
    words = "我方放弃利息请求。"
    talk.say(PLAINTIFF, EventType.TEXT, text=words, label="litigation_act", text_sha256=text_sha256(words))
    talk.say(DEFENDANT, EventType.TOMBSTONE, target=reference_to(voice), ground="withdrawn", reason="")
    talk.say(
        CLERK, EventType.TOMBSTONE, target=reference_to(first), ground="personal_data", reason="含他人信息"
    )
    talk.say(CLERK, EventType.TOMBSTONE, target=reference_to(file), ground="secret", reason="")
    # Too late, and twice: neither changes what is shown.
    talk.say(PLAINTIFF, EventType.CORRECTION, target=reference_to(first), text="又改")
    talk.say(CLERK, EventType.TOMBSTONE, target=reference_to(first), ground="other", reason="再次")
    return talk


def law() -> list[dict[str, Any]]:
    """Cases {name, before, event, after}: each event of the story on top of the snapshot before it."""
    whole, walked, cases = story(), Talk(), []
    for event in whole.events:
        before = walked.snapshot()
        walked.events.append(event)
        after = walked.snapshot()
        cases.append(
            {"name": f"{event.seq} {event.type}", "before": before, "event": after[-1], "after": after}
        )
    return cases


def test_law__cases_of_the_web_client__are_the_servers_own() -> None:
    written = json.dumps({"cases": law()}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if not LAW.is_file() or LAW.read_text(encoding="utf-8") != written:
        LAW.write_text(written, encoding="utf-8")
        pytest.fail("lane_law.json was out of date and has been written anew; run the client's tests on it")
    assert {case["event"]["type"] for case in law()} == {str(type) for type in EventType}


def test_story__read_at_the_end__hides_all_that_was_taken_down_and_its_chain_holds() -> None:
    talk = story()
    shown = json.dumps(talk.snapshot(), ensure_ascii=False)
    for hidden in ("借款", "合同.pdf", "att_2", "又改"):
        assert hidden not in shown
    assert first_broken_seq(talk.events) is None
    first = talk.snapshot()[0]
    assert first["hash"] == talk.events[0].hash.hex()
    assert first["withheld"]["ground"] == "personal_data", "the first one counts"


def test_quotation__of_words_corrected_later__keeps_what_was_answered() -> None:
    talk = story()
    amendments = amendments_of(talk.events[:11])
    assert excerpt(talk.events[0], amendments, at_seq=3) == "借款十万元"
    assert excerpt(talk.events[0], amendments, at_seq=8) == "借款一万元"
    assert excerpt(talk.events[0], amendments, at_seq=99) == "借款一万二千元"
    assert excerpt(talk.events[2], amendments, at_seq=99) == ""
    long = Talk().say(PLAINTIFF, EventType.TEXT, text="长\n" * 200)
    assert len(excerpt(long, amendments_of(()), at_seq=9)) == 81


def test_target_and_reply__of_every_event__are_read_from_its_body() -> None:
    talk = story()
    assert [target_seq(event) for event in talk.events if target_seq(event)] == [1, 1, 3, 1, 2, 1, 1]
    assert [reply_seq(event) for event in talk.events if reply_seq(event)] == [1, 1, 3]


@pytest.mark.parametrize(
    ("seq", "what", "code"),
    [
        (6, {}, "message.target"),
        (7, {}, "message.target"),
        (4, {"author": CLERK}, "message.only_text"),
        (8, {}, "message.not_own"),
        (11, {}, "message.litigation_act"),
        (1, {}, "message.withheld"),
        (10, {"author": DEFENDANT, "after_s": 700}, "message.too_late"),
    ],
)
def test_correction__against_a_rule__is_named(seq: int, what: Mapping[str, Any], code: str) -> None:
    talk = story()
    with pytest.raises(HearingError) as refused:
        check_correction(
            talk.events[seq - 1], amendments_of(talk.events), author=what.get("author", PLAINTIFF),
            at=at(seq + what.get("after_s", 1)), rules=PostingRules(),
        )  # fmt: skip
    assert refused.value.code == code


def test_tombstone__of_the_court__needs_its_ground_and_no_time() -> None:
    talk = story()
    free = amendments_of(talk.events[:11])
    for seq in (8, 11):
        found = check_tombstone(
            talk.events[seq - 1], free, actor=CLERK, is_court=True, ground=TombstoneGround.SECRET,
            at=at(9_999), rules=PostingRules(),
        )  # fmt: skip
        assert found.seq == seq
    with pytest.raises(HearingError, match="not_own"):
        check_tombstone(
            talk.events[7], free, actor=CLERK, is_court=True, ground=TombstoneGround.WITHDRAWN,
            at=at(9), rules=PostingRules(),
        )  # fmt: skip
    with pytest.raises(HearingError, match="withheld"):
        check_quotable(talk.events[0], amendments_of(talk.events))
