"""The hearing's states: what may follow what, the minute to undo, seconds in session."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.hearing import hearings, planning
from hearing_server.domain.hearing.hearings import Change, Hearing, HearingFactKind, HearingState
from hearing_server.domain.hearing.sealed_spans import begin_sealing, end_sealing
from hearing_server.errors import Conflict, HearingError, Invalid, Unavailable
from hearing_server.kernel import HearingId
from tests.unit.court_pieces import NOW, at, case, in_session, lobby, scheduled

STEPS: dict[str, Callable[[Hearing, float], Change]] = {
    "lobby": lambda hearing, s: hearings.open_lobby(hearing, at=at(s)),
    "open": lambda hearing, s: hearings.open_session(hearing, at=at(s), recording_is_proven=True),
    "recess": lambda hearing, s: hearings.take_recess(hearing, at=at(s), reason="核对证据"),
    "resume": lambda hearing, s: hearings.resume(hearing, at=at(s), recording_is_proven=True),
    "close": lambda hearing, s: hearings.close(hearing, at=at(s)),
    "reopen": lambda hearing, s: hearings.reopen(hearing, at=at(s)),
    "move": lambda hearing, s: planning.move(hearing, at=at(s), starts_at=at(90_000), duration_min=30),
    "cancel": lambda hearing, s: hearings.cancel(hearing, at=at(s), reason="当事人申请"),
}
# State → steps that change it and where they lead; everything else is refused (or changes nothing, for the lobby).
TABLE: dict[HearingState, dict[str, HearingState]] = {
    HearingState.SCHEDULED: {
        "lobby": HearingState.LOBBY,
        "move": HearingState.SCHEDULED,
        "cancel": HearingState.CANCELLED,
    },
    HearingState.LOBBY: {
        "open": HearingState.IN_SESSION,
        "move": HearingState.LOBBY,
        "cancel": HearingState.CANCELLED,
    },
    HearingState.IN_SESSION: {"recess": HearingState.RECESS, "close": HearingState.CLOSED},
    HearingState.RECESS: {"resume": HearingState.IN_SESSION, "close": HearingState.CLOSED},
    HearingState.CLOSED: {"reopen": HearingState.IN_SESSION},
    HearingState.CANCELLED: {},
}


def in_state(state: HearingState) -> Hearing:
    made: dict[HearingState, Callable[[], Hearing]] = {
        HearingState.SCHEDULED: scheduled,
        HearingState.LOBBY: lobby,
        HearingState.IN_SESSION: in_session,
        HearingState.RECESS: lambda: STEPS["recess"](in_session(), 0)[0],
        HearingState.CLOSED: lambda: STEPS["close"](in_session(), 0)[0],
        HearingState.CANCELLED: lambda: STEPS["cancel"](scheduled(), 0)[0],
    }
    return made[state]()


@pytest.mark.parametrize("state", list(HearingState))
@pytest.mark.parametrize("step", list(STEPS))
def test_step__in_every_state__follows_the_table(state: HearingState, step: str) -> None:
    before = in_state(state)
    if step in TABLE[state]:
        after, facts = STEPS[step](before, 10)
        assert after.state is TABLE[state][step]
        assert after.version == before.version + 1
        assert len(facts) == 1
    elif step == "lobby" and state in (HearingState.LOBBY, HearingState.IN_SESSION, HearingState.RECESS):
        assert STEPS[step](before, 10) == (before, ())
    else:
        with pytest.raises(Conflict, match="hearing"):
            STEPS[step](before, 10)


@pytest.mark.parametrize("step", ["open", "resume"])
def test_session__without_proof_of_writing__does_not_begin(step: str) -> None:
    begin = {
        "open": lambda: hearings.open_session(lobby(), at=NOW, recording_is_proven=False),
        "resume": lambda: hearings.resume(in_state(HearingState.RECESS), at=NOW, recording_is_proven=False),
    }
    with pytest.raises(Unavailable) as refused:
        begin[step]()
    assert refused.value.code == "recording.not_proven"
    assert refused.value.status == 503


def test_reopen__at_the_last_second_and_after__differs() -> None:
    closed = hearings.close(in_session(), at=at(100))[0]
    assert closed.undo_close_until == at(160)
    assert not closed.is_final(at(160))
    again, facts = hearings.reopen(closed, at=at(160))
    assert (again.state, again.closed_at, again.undo_close_until) == (HearingState.IN_SESSION, None, None)
    assert facts[0].kind is HearingFactKind.REOPENED
    assert again.in_session_s(at(200)) == 200
    assert closed.is_final(at(160.001))
    with pytest.raises(Conflict, match="undo_expired"):
        hearings.reopen(closed, at=at(160.001))


def test_reopen__closed_from_recess__goes_back_to_recess() -> None:
    closed = hearings.close(in_state(HearingState.RECESS), at=at(100))[0]
    again = hearings.reopen(closed, at=at(110))[0]
    assert again.state is HearingState.RECESS
    assert again.recess is not None
    assert hearings.resume(again, at=at(120), recording_is_proven=True)[0].recess is None


def test_in_session_s__with_recesses__counts_the_sittings_only() -> None:
    hearing = hearings.take_recess(in_session(), at=at(60), reason="休息", resumes_at=at(300))[0]
    assert hearing.in_session_s(at(200)) == 60
    hearing = hearings.resume(hearing, at=at(200), recording_is_proven=True)[0]
    assert hearing.in_session_s(at(230)) == 90
    hearing = hearings.close(hearing, at=at(260))[0]
    assert hearing.in_session_s(at(9999)) == 120
    assert [sitting.ended_at for sitting in hearing.sittings] == [at(60), at(260)]


def test_recess__reason_or_time_wrong__is_refused() -> None:
    for reason in ("", "  ", "长" * 201):
        with pytest.raises(Invalid, match=r"hearing\.reason"):
            hearings.take_recess(in_session(), at=at(1), reason=reason)
    with pytest.raises(Invalid, match="resumes_at"):
        hearings.take_recess(in_session(), at=at(1), reason="休息", resumes_at=at(1))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": " "}, "hearing.title"),
        ({"title": "长" * 101}, "hearing.title"),
        ({"duration_min": 4}, "hearing.duration"),
        ({"starts_at": NOW - timedelta(hours=2)}, "hearing.starts_at"),
        ({"starts_at": NOW.replace(tzinfo=None)}, "hearing.starts_at"),
    ],
)
def test_schedule__wrong_input__is_named(changes: dict[str, object], code: str) -> None:
    given_: dict[str, object] = {"title": "开庭", "starts_at": NOW, "duration_min": 60} | changes
    with pytest.raises(Invalid) as refused:
        planning.schedule(case(), hearing_id=HearingId("hrg_1"), now=NOW, **given_)  # type: ignore[arg-type]
    assert refused.value.code == code


@given(st.lists(st.tuples(st.sampled_from(list(STEPS)), st.floats(0.001, 90)), max_size=25))
def test_any_walk__keeps_the_books_in_order(walk: list[tuple[str, float]]) -> None:
    """However people press: versions rise by facts, sittings don't overlap, only the last may be open."""
    hearing, elapsed = lobby(), 0.0
    for step, wait_s in walk:
        elapsed += wait_s
        before = hearing
        try:
            hearing, facts = STEPS[step](hearing, elapsed)
        except HearingError:
            facts = ()
        assert hearing.version == before.version + len(facts)
        assert (hearing.state is HearingState.IN_SESSION) == any(
            one.ended_at is None for one in hearing.sittings
        )
        assert (hearing.state is HearingState.CLOSED) == (hearing.closed_at is not None)
        ends = [one.ended_at for one in hearing.sittings]
        assert None not in ends[:-1]
        moments = [moment for one in hearing.sittings for moment in (one.began_at, one.ended_at) if moment]
        assert moments == sorted(moments)
        assert 0 <= hearing.in_session_s(at(elapsed)) <= elapsed + 1


def test_pauses__by_kind__hold_the_room_for_a_recess_only() -> None:
    held = {
        kind: hearings.take_recess(in_session(), at=at(1), reason="核对证据", kind=kind)[0].is_room_held
        for kind in hearings.PauseKind
    }
    assert held == {
        hearings.PauseKind.RECESS: True,
        hearings.PauseKind.CLOSED_EXHIBIT: False,
        hearings.PauseKind.MEDIATION: False,
    }


def test_sealing__begun_and_ended__outlasts_a_pause_and_is_ended_by_order_only() -> None:
    sealed, facts = begin_sealing(in_session(), at=at(1), reason="涉及商业秘密")
    assert (facts[0].kind, facts[0].note) == (HearingFactKind.SEALING_BEGUN, "涉及商业秘密")
    paused = hearings.take_recess(sealed, at=at(2), reason="休息")[0]
    closed = hearings.close(paused, at=at(3))[0]
    assert paused.sealed == closed.sealed == sealed.sealed is not None
    again = hearings.resume(paused, at=at(4), recording_is_proven=True)[0]
    open_again, facts = end_sealing(again, at=at(5))
    assert facts[0].kind is HearingFactKind.SEALING_ENDED
    assert open_again.sealed is None
    assert [(span.since, span.until) for span in open_again.sealed_spans] == [(at(1), at(5))]


@pytest.mark.parametrize(
    ("code", "step"),
    [
        ("hearing.not_in_session", lambda: begin_sealing(lobby(), at=at(1), reason="x")),
        ("hearing.reason", lambda: begin_sealing(in_session(), at=at(1), reason=" ")),
        ("hearing.not_sealed", lambda: end_sealing(in_session(), at=at(1))),
        ("hearing.not_running", lambda: end_sealing(lobby(), at=at(1))),
        (
            "hearing.sealed",
            lambda: begin_sealing(begin_sealing(in_session(), at=at(1), reason="x")[0], at=at(2), reason="x"),
        ),
    ],
)
def test_sealing__in_the_wrong_state__is_refused(code: str, step: Callable[[], Change]) -> None:
    with pytest.raises(HearingError) as refused:
        step()
    assert refused.value.code == code
