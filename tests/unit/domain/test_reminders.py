"""Obligations: one way forward, no silent end, a ladder that only climbs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.reminding import reminders
from hearing_server.domain.reminding.reminders import (
    DEFAULT_LADDER,
    Attempt,
    AttemptState,
    Channel,
    DeliveryAttempt,
    LadderStep,
    Obligation,
    ObligationState,
    Reminder,
    Wait,
    ladder_from_mapping,
)
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, ObligationId, PersonId, ReminderId
from tests.unit.court_pieces import CLERK, DEFENDANT, NOW, PLAINTIFF, at


def issued(**changes: object) -> tuple[Reminder, tuple[Obligation, ...]]:
    given_: dict[str, object] = {
        "reminder_id": ReminderId("rem_1"), "case_id": CaseId("cas_1"), "author_id": CLERK,
        "recipients": {PLAINTIFF: ObligationId("obl_1"), DEFENDANT: ObligationId("obl_2")},
        "title": " 举证期限 ", "text": "请于三日内提交证据原件。", "due_at": at(3600), "at": NOW,
    } | changes  # fmt: skip
    return reminders.issue(**given_)  # type: ignore[arg-type]


def acknowledge(
    obligation: Obligation, *, by: PersonId = PLAINTIFF, digest: str | None = None, s: float = 9
) -> Obligation:
    expected = issued()[0].text_sha256
    return reminders.acknowledge(
        obligation,
        person_id=by,
        text_sha256=digest or expected,
        expected_sha256=expected,
        session_id="ses_1",
        at=at(s),
    )


def attempt(step: LadderStep, state: AttemptState = AttemptState.ACCEPTED) -> DeliveryAttempt:
    return DeliveryAttempt(step.level, step.channel, at(step.after_s), state, True)


def test_issue__each_recipient__has_an_obligation_and_the_hash_covers_what_is_shown() -> None:
    reminder, obligations = issued()
    assert [one.person_id for one in obligations] == [PLAINTIFF, DEFENDANT]
    assert reminder.title == "举证期限"
    others = [issued(title="另"), issued(text="另"), issued(due_at=None)]
    assert len({reminder.text_sha256, *(other[0].text_sha256 for other in others)}) == 4


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": " "}, "title"),
        ({"title": "长" * 61}, "title"),
        ({"text": ""}, "text"),
        ({"text": "长" * 2001}, "text"),
        ({"recipients": {}}, "recipients"),
        ({"recipients": {CLERK: ObligationId("obl_1")}}, "recipients"),
        ({"recipients": {PersonId(f"per_{n}"): ObligationId("o") for n in range(101)}}, "recipients"),
        ({"due_at": NOW}, "due_at"),
        ({"due_at": at(10).replace(tzinfo=None)}, "due_at"),
    ],
)
def test_issue__wrong_input__is_named(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        issued(**changes)
    assert refused.value.code == f"reminder.{code}"


def test_acknowledge__displayed_text__settles_once_and_for_ever() -> None:
    shown = reminders.display(issued()[1][0], at=at(3))
    assert (shown.state, reminders.display(shown, at=at(5)).displayed_at) == (
        ObligationState.DISPLAYED,
        at(3),
    )
    settled = acknowledge(shown)
    assert (settled.state, settled.acknowledged_at, settled.displayed_at) == (
        ObligationState.ACKNOWLEDGED,
        at(9),
        at(3),
    )
    assert acknowledge(settled, s=99) is settled
    assert reminders.cancel(settled, at=at(100)) is settled
    assert reminders.display(settled, at=at(100)) is settled


def test_acknowledge__without_a_display_report__counts_as_seen() -> None:
    assert acknowledge(issued()[1][0]).displayed_at == at(9)


def test_acknowledge__another_person_text_or_cancelled__is_refused() -> None:
    obligation = issued()[1][0]
    with pytest.raises(Conflict, match="not_recipient"):
        acknowledge(obligation, by=DEFENDANT)
    with pytest.raises(Conflict, match="other_text"):
        acknowledge(obligation, digest="00" * 32)
    with pytest.raises(Conflict, match="other_text"):
        acknowledge(obligation, digest="不是摘要")
    with pytest.raises(Conflict, match=r"reminder\.cancelled"):
        acknowledge(reminders.cancel(obligation, at=at(1)))


def test_next_step__nothing_acknowledged__climbs_to_the_clerk() -> None:
    obligation, seen = issued()[1][0], []
    now_s = 0.0
    while (step := reminders.next_step(obligation, at(now_s), DEFAULT_LADDER)) is not None:
        if isinstance(step, Wait):
            now_s = (step.until - NOW).total_seconds()
            continue
        seen.append((now_s, step.step.channel))
        obligation = reminders.note_attempt(obligation, attempt(step.step))
    assert seen == [(0, Channel.IN_APP), (0, Channel.SMS), (600, Channel.SMS), (1800, Channel.CLERK)]
    assert obligation.is_open


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 5000))
def test_next_step__whatever_was_tried__never_repeats_and_never_comes_early(
    tried: list[bool], now_s: int
) -> None:
    obligation = issued()[1][0]
    for step, was_tried in zip(DEFAULT_LADDER, tried, strict=True):
        if was_tried:
            obligation = reminders.note_attempt(obligation, attempt(step, AttemptState.FAILED))
    wanted = reminders.next_step(obligation, at(now_s), DEFAULT_LADDER)
    left = [step for step, was_tried in zip(DEFAULT_LADDER, tried, strict=True) if not was_tried]
    due = [step for step in left if step.after_s <= now_s]
    if due:
        assert isinstance(wanted, Attempt)
        assert wanted.step == due[0]
        assert wanted == reminders.next_step(obligation, at(now_s), DEFAULT_LADDER)
    elif left:
        assert wanted == Wait(at(left[0].after_s))
    else:
        assert wanted is None


def test_next_step__settled__wants_nothing() -> None:
    obligation = issued()[1][0]
    assert reminders.next_step(acknowledge(obligation), at(9999), DEFAULT_LADDER) is None
    assert reminders.next_step(reminders.cancel(obligation, at=at(1)), at(9999), DEFAULT_LADDER) is None


def test_note_attempt__queued_then_settled__is_one_attempt() -> None:
    step = DEFAULT_LADDER[1]
    obligation = reminders.note_attempt(issued()[1][0], attempt(step, AttemptState.QUEUED))
    obligation = reminders.note_attempt(obligation, attempt(step))
    assert [one.state for one in obligation.attempts] == [AttemptState.ACCEPTED]


def test_ladder__from_settings__is_sorted_and_checked() -> None:
    rows: list[dict[str, object]] = [
        {"level": 1, "after_s": 60, "channel": "sms"}, {"level": 0, "after_s": 0, "channel": "in_app"},
    ]  # fmt: skip
    assert [step.after_s for step in ladder_from_mapping(rows)] == [0, 60]
    for broken in (
        [],
        [rows[0], rows[0]],
        [rows[0] | {"channel": "fax"}],
        [rows[0] | {"after_s": -1}],
        [{"level": 0}],
    ):
        with pytest.raises(Invalid, match="ladder"):
            ladder_from_mapping(broken)


def test_obligation__replaced__is_frozen() -> None:
    obligation = issued()[1][0]
    with pytest.raises(AttributeError):
        obligation.state = ObligationState.CANCELLED  # type: ignore[misc]
    assert replace(obligation) == obligation
