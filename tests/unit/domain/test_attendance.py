"""Coming, being checked, admitted, seated, muted, sent out."""

from __future__ import annotations

import pytest

from hearing_server.domain.hearing import attendance, consents, hearings
from hearing_server.domain.hearing.consents import ConsentStage, Decision
from hearing_server.domain.hearing.hearings import Hearing, HearingFactKind
from hearing_server.domain.hearing.participants import (
    Connection,
    ConnectionFacts,
    Device,
    Page,
    Presence,
    SelfTest,
    Source,
    Stage,
)
from hearing_server.errors import Conflict, Invalid, NotFound
from hearing_server.filing.cases import Standing
from hearing_server.kernel import PersonId
from tests.unit.court_pieces import (
    AGENT,
    CLERK,
    DEFENDANT,
    JUDGE,
    NOW,
    PLAINTIFF,
    agreed,
    at,
    case,
    in_session,
    lobby,
    party,
    scheduled,
    waiting,
)


def report(hearing: Hearing, person_id: PersonId, stage: Stage, page: Page = Page.VISIBLE) -> Hearing:
    return attendance.report_page(hearing, person_id, stage=stage, page=page, at=at(5))[0]


def presence(hearing: Hearing, person_id: PersonId) -> Presence:
    return hearing.participant(person_id).presence


def decide(hearing: Hearing, person_id: PersonId, stage: ConsentStage, decision: Decision) -> Hearing:
    consent = consents.decide(
        hearing_id=hearing.id, person_id=person_id, stage=stage, decision=decision,
        text_version=consents.current_text(stage).version, at=at(5),
    )  # fmt: skip
    return attendance.note_consent(hearing, consent)[0]


def test_waiting__without_identity_or_consent__is_not_reached() -> None:
    hearing = report(scheduled(), AGENT, Stage.WAITING)
    assert presence(hearing, AGENT) is Presence.CHECKING
    hearing = attendance.note_identity_checked(hearing, AGENT, at=NOW)[0]
    hearing = decide(hearing, AGENT, ConsentStage.ONLINE_HEARING, Decision.GRANTED)
    assert presence(report(hearing, AGENT, Stage.WAITING), AGENT) is Presence.TESTING
    hearing = decide(hearing, AGENT, ConsentStage.RECORDING, Decision.GRANTED)
    hearing = report(hearing, AGENT, Stage.WAITING)
    assert presence(hearing, AGENT) is Presence.WAITING
    assert hearing.participant(AGENT).waiting_since == at(5)


def test_page__claims_to_be_present__is_not_believed() -> None:
    assert presence(report(lobby(), PLAINTIFF, Stage.PRESENT), PLAINTIFF) is Presence.WAITING


def test_page__reloads_after_admission__stays_admitted() -> None:
    hearing = report(in_session(), PLAINTIFF, Stage.CHECKING)
    assert presence(hearing, PLAINTIFF) is Presence.PRESENT
    assert hearing.participant(PLAINTIFF).is_admitted


def test_page__hidden_in_the_room__is_a_fact() -> None:
    hearing, facts = attendance.report_page(
        in_session(), PLAINTIFF, stage=Stage.PRESENT, page=Page.INTERRUPTED, at=at(5)
    )
    assert hearing.participant(PLAINTIFF).page is Page.INTERRUPTED
    assert [(fact.kind, fact.note) for fact in facts] == [(HearingFactKind.PAGE_CHANGED, "interrupted")]


def test_report__same_again__changes_nothing() -> None:
    hearing = lobby()
    assert attendance.report_page(hearing, PLAINTIFF, stage=Stage.WAITING, page=Page.VISIBLE, at=at(9)) == (
        hearing,
        (),
    )


def test_consent__refused_while_waiting__leaves_the_door() -> None:
    hearing = decide(lobby(), PLAINTIFF, ConsentStage.RECORDING, Decision.REFUSED)
    assert presence(hearing, PLAINTIFF) is Presence.TESTING
    with pytest.raises(Conflict, match="consent_missing"):
        attendance.admit(hearing, [PLAINTIFF], at=at(6))


def test_admit__not_waiting__stops_the_whole_order() -> None:
    with pytest.raises(Conflict, match="consent_missing"):
        attendance.admit(lobby(), [PLAINTIFF, AGENT], at=at(6))
    with pytest.raises(Conflict, match="person_not_waiting"):
        attendance.admit(agreed(lobby(), AGENT), [PLAINTIFF, AGENT], at=at(6))
    with pytest.raises(NotFound):
        attendance.admit(lobby(), [PersonId("per_stranger")], at=at(6))


def test_admit_all__some_ready__admits_those_and_repeats_nothing() -> None:
    hearing, facts = attendance.admit_all(lobby(), at=at(6))
    assert [fact.person_ids for fact in facts] == [(PLAINTIFF,), (DEFENDANT,)]
    assert presence(hearing, AGENT) is Presence.ABSENT
    assert attendance.admit_all(hearing, at=at(7)) == (hearing, ())
    assert attendance.admit(hearing, [PLAINTIFF, JUDGE], at=at(7)) == (hearing, ())


def test_enter__in_every_position__is_answered() -> None:
    hearing = lobby()
    with pytest.raises(Conflict, match="not_admitted"):
        attendance.require_may_enter(hearing, PLAINTIFF)
    with pytest.raises(Conflict, match="consent_missing"):
        attendance.require_may_enter(hearing, AGENT)
    with pytest.raises(Conflict, match="door_closed"):
        attendance.require_may_enter(scheduled(), JUDGE)
    with pytest.raises(NotFound):
        attendance.require_may_enter(hearing, PersonId("per_stranger"))
    assert attendance.require_may_enter(hearing, JUDGE).person_id == JUDGE
    with pytest.raises(Conflict, match=r"hearing\.over"):
        attendance.require_may_enter(hearings.close(in_session(), at=at(9))[0], JUDGE)


def test_leave__and_come_back__keeps_the_admission() -> None:
    hearing, facts = attendance.leave(in_session(), PLAINTIFF, at=at(9))
    assert presence(hearing, PLAINTIFF) is Presence.LEFT
    assert [fact.kind for fact in facts] == [HearingFactKind.LEFT]
    assert attendance.leave(hearing, PLAINTIFF, at=at(10)) == (hearing, ())
    assert presence(attendance.seat(hearing, PLAINTIFF, at=at(11))[0], PLAINTIFF) is Presence.PRESENT


def test_remove__until_lifted__bars_the_door_and_the_admission_is_gone() -> None:
    hearing, facts = attendance.remove(in_session(), PLAINTIFF, at=at(9), reason="扰乱法庭秩序")
    assert [(fact.kind, fact.note) for fact in facts] == [(HearingFactKind.REMOVED, "扰乱法庭秩序")]
    with pytest.raises(Conflict, match=r"hearing\.removed"):
        attendance.require_may_enter(hearing, PLAINTIFF)
    assert presence(report(hearing, PLAINTIFF, Stage.WAITING), PLAINTIFF) is Presence.REMOVED
    with pytest.raises(Conflict, match="person_not_waiting"):
        attendance.admit(hearing, [PLAINTIFF], at=at(10))
    lifted = attendance.lift_removal(hearing, PLAINTIFF, at=at(11))[0]
    with pytest.raises(Conflict, match="not_admitted"):
        attendance.require_may_enter(lifted, PLAINTIFF)
    again = attendance.admit_all(report(lifted, PLAINTIFF, Stage.WAITING), at=at(12))[0]
    assert attendance.require_may_enter(again, PLAINTIFF).person_id == PLAINTIFF


def test_remove__court_or_without_reason__is_refused() -> None:
    with pytest.raises(Conflict, match="court_not_removable"):
        attendance.remove(in_session(), CLERK, at=at(9), reason="x")
    with pytest.raises(Invalid, match="reason"):
        attendance.remove(in_session(), PLAINTIFF, at=at(9), reason=" ")


def test_mute__by_the_court__lies_over_the_persons_own_state_and_outlasts_leaving() -> None:
    hearing = attendance.note_device(
        in_session(), PLAINTIFF, source=Source.MICROPHONE, device=Device.ON, at=at(1)
    )[0]
    hearing, facts = attendance.mute(hearing, [PLAINTIFF], source=Source.MICROPHONE, muted=True, at=at(2))
    assert [(fact.kind, fact.note) for fact in facts] == [(HearingFactKind.MUTED, "microphone")]
    assert hearing.participant(PLAINTIFF).device(Source.MICROPHONE) is Device.MUTED_BY_COURT
    assert attendance.mute(hearing, [PLAINTIFF], source=Source.MICROPHONE, muted=True, at=at(3)) == (
        hearing,
        (),
    )
    hearing = attendance.leave(hearing, PLAINTIFF, at=at(4))[0]
    hearing = attendance.seat(hearing, PLAINTIFF, at=at(5))[0]
    assert hearing.participant(PLAINTIFF).device(Source.MICROPHONE) is Device.MUTED_BY_COURT
    hearing = attendance.note_device(
        hearing, PLAINTIFF, source=Source.MICROPHONE, device=Device.ON, at=at(6)
    )[0]
    hearing = attendance.mute(hearing, [PLAINTIFF], source=Source.MICROPHONE, muted=False, at=at(7))[0]
    assert hearing.participant(PLAINTIFF).device(Source.MICROPHONE) is Device.ON


def test_mute_all__spares_the_court() -> None:
    hearing, facts = attendance.mute_all(in_session(), source=Source.MICROPHONE, muted=True, at=at(2))
    assert {fact.person_ids[0] for fact in facts} == {PLAINTIFF, DEFENDANT, AGENT}
    assert not hearing.participant(JUDGE).court_muted
    with pytest.raises(Conflict, match="court_not_mutable"):
        attendance.mute(hearing, [JUDGE], source=Source.MICROPHONE, muted=True, at=at(3))


def test_mute__of_a_screen__stays_when_the_camera_is_opened_again() -> None:
    def closed(hearing: Hearing) -> set[Source]:
        return {source for source in Source if hearing.participant(PLAINTIFF).is_closed(source)}

    hearing = in_session()
    hearing = attendance.mute(hearing, [PLAINTIFF], source=Source.SCREEN, muted=True, at=at(1))[0]
    assert closed(hearing) == {Source.SCREEN}
    hearing = attendance.mute(hearing, [PLAINTIFF], source=Source.CAMERA, muted=True, at=at(2))[0]
    hearing = attendance.mute(hearing, [PLAINTIFF], source=Source.CAMERA, muted=False, at=at(3))[0]
    assert closed(hearing) == {Source.SCREEN}
    hearing = attendance.mute(hearing, [PLAINTIFF], source=Source.SCREEN, muted=False, at=at(4))[0]
    assert closed(hearing) == set()


def test_mute__of_a_camera__closes_the_screen_with_it() -> None:
    hearing = attendance.mute(in_session(), [PLAINTIFF], source=Source.CAMERA, muted=True, at=at(1))[0]
    assert hearing.participant(PLAINTIFF).device(Source.SCREEN) is Device.MUTED_BY_COURT
    hearing = attendance.mute(hearing, [PLAINTIFF], source=Source.CAMERA, muted=False, at=at(2))[0]
    assert hearing.participant(PLAINTIFF).device(Source.SCREEN) is Device.OFF


def test_connection__figures_move__only_a_new_state_is_a_fact() -> None:
    hearing, facts = attendance.note_connection(
        in_session(), PLAINTIFF, connection=Connection.WEAK, facts=ConnectionFacts(rtt_ms=400), at=at(5)
    )
    assert [fact.note for fact in facts] == ["weak"]
    hearing, facts = attendance.note_connection(
        hearing, PLAINTIFF, connection=Connection.WEAK, facts=ConnectionFacts(rtt_ms=420), at=at(6)
    )
    assert facts == ()
    person = hearing.participant(PLAINTIFF)
    assert (person.facts.rtt_ms, person.facts.since) == (420, at(5))
    unseated = attendance.note_connection(
        hearing, AGENT, connection=Connection.WEAK, facts=ConnectionFacts(), at=at(6)
    )
    assert unseated == (hearing, ())


def test_self_test__one_part_fails__is_failed_and_bars_nobody() -> None:
    hearing = attendance.note_self_test(
        lobby(), PLAINTIFF, camera=True, microphone=False, playback=True, at=at(1)
    )[0]
    assert hearing.participant(PLAINTIFF).self_test is SelfTest.FAILED
    assert attendance.admit(hearing, [PLAINTIFF], at=at(2))[0].participant(PLAINTIFF).is_admitted


def test_add_member__after_scheduling__comes_in_and_labels_follow() -> None:
    second = PersonId("per_second")
    larger = case().with_party(party(second, Standing.DEFENDANT))
    hearing = lobby()
    for member in larger.members():
        hearing = attendance.add_member(hearing, member)
    assert hearing.participant(DEFENDANT).label.zh == "被告一"
    assert presence(hearing, DEFENDANT) is Presence.WAITING
    assert presence(hearing, second) is Presence.ABSENT


def test_cancelled__nothing_moves_any_more() -> None:
    hearing = hearings.cancel(lobby(), at=at(1), reason="改期")[0]
    for order in (
        lambda: attendance.admit_all(hearing, at=at(2)),
        lambda: waiting(hearing, AGENT),
        lambda: attendance.mute_all(hearing, source=Source.CAMERA, muted=True, at=at(2)),
        lambda: attendance.remove(hearing, PLAINTIFF, at=at(2), reason="x"),
    ):
        with pytest.raises(Conflict, match=r"hearing\.over"):
            order()


def test_page__closed_before_the_door__waits_no_more_but_a_seat_stays() -> None:
    waiting = next(person for person in lobby().participants if not person.is_court)
    asked = attendance.report_page(
        lobby(), waiting.person_id, stage=Stage.CHECKING, page=Page.VISIBLE, at=at(1)
    )[0]
    gone = attendance.note_page_gone(asked, waiting.person_id, at=at(2))[0]
    assert gone.participant(waiting.person_id).presence is Presence.ABSENT
    seated = in_session()
    for person in seated.participants:
        if person.is_in_room:
            assert attendance.note_page_gone(seated, person.person_id, at=at(3)) == (seated, ())


def test_member_dropped__who_only_was_expected__is_expected_no_more() -> None:
    dropped, facts = attendance.drop_member(scheduled(), AGENT, at=at(1))
    assert dropped.find(AGENT) is None
    assert dropped.version == scheduled().version + 1
    assert facts == ()
    assert attendance.drop_member(dropped, AGENT, at=at(2)) == (dropped, ())


def test_member_dropped__who_sits_in_the_room__has_left_it_and_stays_in_the_record() -> None:
    hearing = in_session()
    inside = next(one.person_id for one in hearing.participants if one.is_in_room and not one.is_court)
    dropped, facts = attendance.drop_member(hearing, inside, at=at(1))
    assert presence(dropped, inside) is Presence.LEFT
    assert [fact.kind for fact in facts] == [HearingFactKind.LEFT]
    assert dropped.speaker != inside
