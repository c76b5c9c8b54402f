"""Who sees what of a hearing, and what each may order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hearing_server.domain.hearing import attendance, hearings
from hearing_server.domain.hearing.hearing_view import hearing_view
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.hearing.participants import (
    STATUS_WORDS,
    Connection,
    ConnectionFacts,
    Page,
    Presence,
    Source,
    Stage,
    status_word,
)
from hearing_server.domain.recording.recordings import WritingState, WritingStatus
from hearing_server.errors import NotFound
from hearing_server.kernel import PersonId
from tests.unit.court_pieces import (
    AGENT,
    CLERK,
    DEFENDANT,
    JUDGE,
    NOW,
    PLAINTIFF,
    at,
    in_session,
    lobby,
    profile,
)


def view(hearing: Hearing, viewer: PersonId, *, now_s: float = 0, language: str = "zh-CN") -> dict[str, Any]:
    status = WritingStatus(WritingState.STALLED, 12, "recording.stalled", NOW)
    return hearing_view(
        hearing, viewer=viewer, case_number="（2026）浙0199民初12号", cause="买卖合同纠纷", court=profile().court,
        recording=status, now=at(now_s), language=language,
    )  # fmt: skip


def ids(seen: dict[str, Any]) -> list[str]:
    return [person["person_id"] for person in seen["people"]]


def test_waiting_party__sees_itself_the_court_and_a_count() -> None:
    seen = view(lobby(), PLAINTIFF)
    assert ids(seen) == [JUDGE, CLERK, PLAINTIFF]
    assert seen["others_count"] == 2
    assert DEFENDANT not in str(seen)
    assert AGENT not in str(seen)
    assert "姓名per_defendant" not in str(seen)


def test_waiting_party__a_hidden_person_speaks__does_not_learn_who() -> None:
    hearing = attendance.admit(lobby(), [DEFENDANT], at=NOW)[0]
    hearing = attendance.seat(hearing, DEFENDANT, at=NOW)[0]
    hearing = replace(hearing, speaker=DEFENDANT)
    assert view(hearing, PLAINTIFF)["speaker"] is None
    assert view(hearing, JUDGE)["speaker"] == DEFENDANT


@pytest.mark.parametrize("viewer", [JUDGE, CLERK, PLAINTIFF])
def test_court_and_admitted__see_everybody(viewer: PersonId) -> None:
    seen = view(in_session(), viewer)
    assert ids(seen) == [JUDGE, CLERK, PLAINTIFF, DEFENDANT, AGENT]
    assert seen["others_count"] == 0


FACTS = ConnectionFacts(
    420,
    35,
    "udp",
    jitter_ms=12,
    loss_up_permille=35,
    up_kbps=1200,
    down_kbps=300,
    up_height_px=720,
    down_height_px=180,
)


def test_admitted_party__does_not_see_consents_and_figures_of_the_other_side() -> None:
    hearing = attendance.note_connection(
        in_session(), DEFENDANT, connection=Connection.WEAK, facts=FACTS, at=at(1)
    )[0]
    other = next(person for person in view(hearing, PLAINTIFF)["people"] if person["person_id"] == DEFENDANT)
    assert (other["connection"], other["status"]) == ("weak", "weak")
    assert set(other["consents"].values()) | set(other["facts"].values()) == {None}
    by_judge = next(person for person in view(hearing, JUDGE)["people"] if person["person_id"] == DEFENDANT)
    assert by_judge["facts"] == {
        "rtt_ms": 420,
        "loss_pct": 3.5,
        "transport": "udp",
        "since": "2026-03-02T01:00:01.000Z",
        "jitter_ms": 12,
        "loss_up_pct": 3.5,
        "loss_down_pct": None,
        "up_kbps": 1200,
        "down_kbps": 300,
        "up_height_px": 720,
        "down_height_px": 180,
    }
    assert by_judge["consents"] == {"online_hearing": "granted", "recording": "granted"}


def test_stranger__sees_nothing() -> None:
    with pytest.raises(NotFound):
        view(lobby(), PersonId("per_stranger"))


def test_commands__by_person_and_state() -> None:
    def may(hearing: Hearing, viewer: PersonId, now_s: float = 0) -> list[str]:
        allowed: list[str] = view(hearing, viewer, now_s=now_s)["me"]["may"]
        return allowed

    assert may(lobby(), JUDGE) == ["admit", "open", "mute", "remove", "publish", "speak"]
    assert may(lobby(), CLERK) == ["admit", "mute", "publish", "speak"]
    assert may(lobby(), PLAINTIFF) == []
    running = in_session()
    assert may(running, JUDGE) == ["admit", "recess", "seal", "close", "mute", "remove", "publish", "speak"]
    assert may(running, PLAINTIFF) == ["publish", "speak"]
    muted = attendance.mute_all(running, source=Source.MICROPHONE, muted=True, at=at(1))[0]
    assert may(muted, PLAINTIFF) == ["publish"]
    closed = hearings.close(running, at=at(1))[0]
    assert may(closed, JUDGE, 60) == ["reopen"]
    assert may(closed, JUDGE, 62) == []


def test_alarm__speaks_the_readers_language() -> None:
    assert view(lobby(), JUDGE)["recording"]["alarm"]["title"] == "录音录像写入停滞"
    english = view(lobby(), JUDGE, language="en-GB")["recording"]
    assert english["alarm"]["title"].isascii()
    assert (english["state"], english["proven_at"]) == ("stalled", "2026-03-02T01:00:00.000Z")


def test_status_word__order_of_precedence() -> None:
    person = in_session().participant(PLAINTIFF)
    for connection, page, word in [
        (Connection.LOST, Page.INTERRUPTED, "lost"),
        (Connection.WEAK, Page.INTERRUPTED, "interrupted"),
        (Connection.SILENT, Page.HIDDEN, "hidden"),
        (Connection.SILENT, Page.VISIBLE, "silent"),
        (Connection.CONNECTING, Page.VISIBLE, "connecting"),
        (Connection.CONNECTED, Page.VISIBLE, "present"),
    ]:
        hearing = attendance.report_page(in_session(), PLAINTIFF, stage=Stage.PRESENT, page=page, at=at(1))[0]
        hearing = attendance.note_connection(
            hearing, PLAINTIFF, connection=connection, facts=ConnectionFacts(), at=at(2)
        )[0]
        assert status_word(hearing.participant(PLAINTIFF)) == word
    assert status_word(person.removed()) == "removed"
    assert {str(presence) for presence in Presence} <= set(STATUS_WORDS)
