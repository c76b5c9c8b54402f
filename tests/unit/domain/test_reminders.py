"""Obligations: one way forward, five ends and no silent one, a ladder that only climbs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearing_server.domain.reminding import endings, reminders
from hearing_server.domain.reminding.addressees import obliged_people
from hearing_server.domain.reminding.channels import AttemptState, Channel, DeliveryAttempt, Grade, report
from hearing_server.domain.reminding.climbing import Attempt, Expire, Wait, next_step
from hearing_server.domain.reminding.grounds import (
    DEFAULT_LADDER,
    GENERAL,
    Addressee,
    Ground,
    LadderStep,
    grounds_from_mapping,
    ladder_from_mapping,
)
from hearing_server.domain.reminding.reminders import (
    Obligation,
    ObligationState,
    Reminder,
    ReminderDocument,
)
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, ObligationId, PersonId, ReminderId
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, NOW, PLAINTIFF, at, case

DAY_S = 86_400


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
    return endings.acknowledge(
        obligation,
        person_id=by,
        text_sha256=digest or expected,
        expected_sha256=expected,
        session_id="ses_1",
        at=at(s),
        identity="phone_code",
    )


def attempt(step: LadderStep, state: AttemptState = AttemptState.ACCEPTED) -> DeliveryAttempt:
    return DeliveryAttempt(step.level, step.channel, at(step.after_s), state, True)


def test_issue__each_recipient__has_an_obligation_and_the_hash_covers_what_is_shown() -> None:
    reminder, obligations = issued()
    assert [one.person_id for one in obligations] == [PLAINTIFF, DEFENDANT]
    assert reminder.title == "举证期限"
    paper = ReminderDocument("attachment", "att_1", "借条.pdf", "ab" * 32)
    others = [
        issued(title="另"), issued(text="另"), issued(due_at=None), issued(documents=(paper,)),
        issued(documents=(replace(paper, sha256="cd" * 32),)),
    ]  # fmt: skip
    assert len({reminder.text_sha256, *(other[0].text_sha256 for other in others)}) == 6


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
        ({"documents": (ReminderDocument("hearing", "h", "t", "0"),) * 2}, "documents"),
    ],
)
def test_issue__wrong_input__is_named(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        issued(**changes)
    assert refused.value.code == f"reminder.{code}"


def test_acknowledge__displayed_text__settles_once_and_for_ever() -> None:
    shown = endings.display(issued()[1][0], at=at(3))
    assert (shown.state, endings.display(shown, at=at(5)).displayed_at) == (ObligationState.DISPLAYED, at(3))
    settled = acknowledge(shown)
    assert (settled.state, settled.acknowledged_at, settled.displayed_at) == (
        ObligationState.ACKNOWLEDGED,
        at(9),
        at(3),
    )
    assert acknowledge(settled, s=99) is settled
    assert endings.cancel(settled, at=at(100)) is settled
    assert endings.display(settled, at=at(100)) is settled
    assert endings.expire(settled, at=at(100), clerk_id=CLERK) is settled


def test_acknowledge__without_a_display_report__counts_as_seen() -> None:
    assert acknowledge(issued()[1][0]).displayed_at == at(9)


def test_acknowledge__another_person_text_or_ended__is_refused() -> None:
    obligation = issued()[1][0]
    with pytest.raises(Conflict, match="not_recipient"):
        acknowledge(obligation, by=DEFENDANT)
    with pytest.raises(Conflict, match="other_text"):
        acknowledge(obligation, digest="00" * 32)
    with pytest.raises(Conflict, match="other_text"):
        acknowledge(obligation, digest="不是摘要")
    with pytest.raises(Conflict, match=r"reminder\.cancelled"):
        acknowledge(endings.cancel(obligation, at=at(1)))
    with pytest.raises(Conflict, match=r"reminder\.ended"):
        acknowledge(endings.expire(obligation, at=at(1), clerk_id=None))


def test_object__ends_it_and_leaves_a_clerk_a_task_that_hand_over_does() -> None:
    objected = endings.object_to(
        issued()[1][0], text="我不是本案被告", session_id="s", at=at(5), clerk_id=CLERK
    )
    assert (objected.state, objected.has_task, objected.is_open) == (ObligationState.OBJECTED, True, False)
    answered = endings.hand_over(objected, clerk_id=CLERK, note="已电话核实身份", at=at(50))
    assert (answered.state, answered.has_task) == (ObligationState.OBJECTED, False)
    with pytest.raises(Conflict, match=r"reminder\.ended"):
        endings.hand_over(answered, clerk_id=CLERK, note="又一次", at=at(60))
    with pytest.raises(Invalid, match="note"):
        endings.hand_over(objected, clerk_id=CLERK, note="  ", at=at(60))


def test_later__as_often_as_the_ground_allows_and_never_when_urgent() -> None:
    patient = Ground("served", "送达", "Served", later_times=2, later_min=60)
    reminder, (obligation, _) = issued(ground=patient)
    once = endings.put_off(obligation, reminder, at=at(1))
    assert once.later_until == at(3601)
    assert endings.put_off(once, reminder, at=at(2)) is once, "a second tap is the same rest"
    twice = endings.put_off(once, reminder, at=at(3700))
    with pytest.raises(Conflict, match="no_later"):
        endings.put_off(twice, reminder, at=at(9000))
    urgent, (pressing, _) = issued(ground=patient, urgent=True)
    for plain, one in ((urgent, pressing), issued_pair()):
        with pytest.raises(Conflict, match="no_later"):
            endings.put_off(one, plain, at=at(1))


def issued_pair() -> tuple[Reminder, Obligation]:
    reminder, obligations = issued()
    return reminder, obligations[0]


def test_next_step__nothing_acknowledged__climbs_to_the_clerk_and_then_expires() -> None:
    reminder, (obligation, _) = issued()
    seen, now_s = [], 0.0
    while not isinstance(step := next_step(reminder, obligation, at(now_s)), Expire):
        if isinstance(step, Wait):
            now_s = (step.until - NOW).total_seconds()
            continue
        assert isinstance(step, Attempt)
        seen.append((now_s, step.step.channel))
        obligation = reminders.note_attempt(obligation, attempt(step.step))
    assert seen == [(0, Channel.IN_APP), (0, Channel.SMS), (600, Channel.SMS), (1800, Channel.CLERK)]
    assert now_s == 3600, "at its deadline"
    over = endings.expire(obligation, at=at(now_s), clerk_id=CLERK)
    assert over.has_task
    assert next_step(reminder, over, at(now_s)) is None


def test_next_step__everything_outside_failed__the_next_level_does_not_wait() -> None:
    reminder, (obligation, _) = issued()
    for step in DEFAULT_LADDER[:2]:
        state = AttemptState.FAILED if step.channel is Channel.SMS else AttemptState.ACCEPTED
        obligation = reminders.note_attempt(obligation, attempt(step, state))
    wanted = next_step(reminder, obligation, at(5))
    assert isinstance(wanted, Attempt)
    assert wanted.step == DEFAULT_LADDER[2]
    obligation = reminders.note_attempt(obligation, attempt(DEFAULT_LADDER[2], AttemptState.FAILED))
    wanted = next_step(reminder, obligation, at(6))
    assert isinstance(wanted, Attempt)
    assert wanted.step.channel is Channel.CLERK


@given(st.lists(st.booleans(), min_size=4, max_size=4), st.integers(0, 3599))
def test_next_step__whatever_was_tried__never_repeats_and_never_comes_early(
    tried: list[bool], now_s: int
) -> None:
    reminder, (obligation, _) = issued()
    for step, was_tried in zip(DEFAULT_LADDER, tried, strict=True):
        if was_tried:
            obligation = reminders.note_attempt(obligation, attempt(step))
    wanted = next_step(reminder, obligation, at(now_s))
    left = [step for step, was_tried in zip(DEFAULT_LADDER, tried, strict=True) if not was_tried]
    due = [step for step in left if step.after_s <= now_s]
    if due:
        assert isinstance(wanted, Attempt)
        assert wanted.step == due[0]
        assert wanted == next_step(reminder, obligation, at(now_s))
    elif left:
        assert wanted == Wait(at(left[0].after_s))
    else:
        assert wanted == Wait(at(3600))


_ACTS = ("climb", "display", "open", "acknowledge", "object", "hand_over", "cancel", "later", "report")


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(_ACTS), st.integers(0, 4000)), max_size=40), st.booleans())
def test_any_history__with_crashes__ends_in_one_way_and_leaves_nobody_behind(
    acts: list[tuple[str, int]], is_served: bool
) -> None:
    """Each act may be lost before its commit (a crash: skipped) and may come again (a retry: applied twice)."""
    ground = replace(GENERAL, later_times=1, serves=is_served)
    reminder, (obligation, _) = issued(ground=ground)
    now_s, ended_as = 0, None
    sends: list[str] = []
    for what, value in acts:
        now_s += value
        is_lost, is_repeated = value % 5 == 0, value % 3 == 0
        for _ in range(0 if is_lost else 2 if is_repeated else 1):
            obligation = _apply(reminder, obligation, what, at(now_s), sends)
            assert _whole(obligation)
            if ended_as is None and not obligation.is_open:
                ended_as = obligation.state
            assert ended_as is None or obligation.state is ended_as, "an end is for ever"
    # Whatever happened: the ladder alone brings it to an end, and an end nobody met is a clerk's.
    for _ in range(20):
        obligation = _climb(reminder, obligation, at(now_s + 4000), sends)
    assert not obligation.is_open
    assert len(sends) == len(set(sends)), "no step is taken twice"
    if obligation.state in (ObligationState.EXPIRED, ObligationState.OBJECTED):
        assert obligation.task is not None


def _apply(
    reminder: Reminder, obligation: Obligation, what: str, now: datetime, sends: list[str]
) -> Obligation:
    try:
        match what:
            case "climb":
                return _climb(reminder, obligation, now, sends)
            case "display":
                return endings.display(obligation, at=now)
            case "open":
                return endings.open_text(obligation, at=now)
            case "acknowledge":
                return acknowledge(obligation, digest=reminder.text_sha256, s=(now - NOW).total_seconds())
            case "object":
                return endings.object_to(obligation, text="异议", session_id="s", at=now, clerk_id=None)
            case "hand_over":
                return endings.hand_over(obligation, clerk_id=CLERK, note="当面告知", at=now)
            case "cancel":
                return endings.cancel(obligation, at=now, reason="撤回")
            case "later":
                return endings.put_off(obligation, reminder, at=now)
        done = [report(one, AttemptState.ON_DEVICE, at=now) for one in obligation.attempts]
        return replace(obligation, attempts=tuple(done))
    except Conflict:
        return obligation


def _climb(reminder: Reminder, obligation: Obligation, now: datetime, sends: list[str]) -> Obligation:
    step = next_step(reminder, obligation, now)
    if isinstance(step, Expire):
        return endings.expire(obligation, at=now, clerk_id=None)
    if isinstance(step, Attempt):
        sends.append(step.dedup_key)
        if step.step.channel is Channel.CLERK:
            obligation = endings.raise_task(obligation, at=now, clerk_id=None)
        return reminders.note_attempt(obligation, attempt(step.step))
    return obligation


def _whole(one: Obligation) -> bool:
    ends = {
        ObligationState.ACKNOWLEDGED: one.acknowledgment is not None,
        ObligationState.OBJECTED: one.objection is not None,
        ObligationState.HANDED_OVER: one.handed_over is not None,
        ObligationState.EXPIRED: one.expired_at is not None,
        ObligationState.CANCELLED: one.cancelled_at is not None,
    }
    told = [state for state, is_told in ends.items() if is_told]
    return told == ([] if one.is_open else [one.state]) and (one.ended_at() is None) is one.is_open


_STATES = st.sampled_from(list(AttemptState))


@given(st.lists(_STATES, max_size=8))
def test_report__late_double_and_contradicting__proof_only_grows(reports: list[AttemptState]) -> None:
    one = DeliveryAttempt(0, Channel.SMS, NOW, AttemptState.QUEUED, False)
    best = Grade.NONE
    for state in reports:
        before = one
        one = report(one, state, at=at(1))
        assert one.grade >= min(before.grade, Grade.NONE if before.grade <= Grade.ACCEPTED else before.grade)
        best = max(best, one.grade if one.grade > Grade.ACCEPTED else Grade.NONE)
        assert one.grade >= best
        assert report(one, state, at=at(2)) == one, "a repeat changes nothing"


def test_grade__is_the_strongest_proof_and_a_notification_is_no_reading() -> None:
    obligation = issued()[1][0]
    push = DeliveryAttempt(0, Channel.WEB_PUSH, NOW, AttemptState.OPENED, False)
    assert obligation.grade is Grade.NONE
    assert reminders.note_attempt(obligation, push).grade is Grade.ON_DEVICE
    assert endings.display(obligation, at=at(1)).grade is Grade.DISPLAYED
    assert endings.open_text(obligation, at=at(1)).grade is Grade.OPENED
    assert acknowledge(obligation).grade is Grade.ACKNOWLEDGED


def test_addressee__a_lawyer_stands_in__is_who_is_obliged() -> None:
    assert obliged_people(case(), [PLAINTIFF, DEFENDANT], Addressee.PERSON) == {PLAINTIFF: (), DEFENDANT: ()}
    assert obliged_people(case(), [PLAINTIFF, DEFENDANT], Addressee.REPRESENTATIVE) == {
        PLAINTIFF: (),
        AGENT: (DEFENDANT,),
    }
    assert obliged_people(case(), [DEFENDANT], Addressee.BOTH) == {DEFENDANT: (), AGENT: (DEFENDANT,)}
    assert obliged_people(case(), [AGENT, DEFENDANT], Addressee.REPRESENTATIVE) == {AGENT: (DEFENDANT,)}


def test_released__one_of_two_agents_acknowledges__frees_the_other_and_not_the_party() -> None:
    other = PersonId("per_other_agent")
    people = {PLAINTIFF: "obl_p", AGENT: "obl_a", other: "obl_b", DEFENDANT: "obl_d"}
    _, obligations = issued(
        recipients={person: ObligationId(one) for person, one in people.items()},
        on_behalf_of={AGENT: (PLAINTIFF,), other: (PLAINTIFF,)},
    )
    by_person = {one.person_id: one for one in obligations}
    assert endings.released_by(by_person[AGENT], obligations) == [by_person[other]]
    assert endings.released_by(by_person[PLAINTIFF], obligations) == []


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
        [rows[0] | {"level": 100}],
        [rows[0] | {"after_s": 60}, rows[1] | {"after_s": 61}],
        [{"level": 0}],
    ):
        with pytest.raises(Invalid, match="ladder"):
            ladder_from_mapping(broken)


def test_grounds__from_settings__are_checked_and_general_is_always_there() -> None:
    row: dict[str, object] = {"code": "served", "name": "送达", "name_en": "Served", "serves": True}
    found = grounds_from_mapping([row], general_ladder=DEFAULT_LADDER)
    assert list(found) == ["general", "served"]
    assert found["served"].serves
    for broken in (
        [row, row],
        [row | {"name": ""}],
        [row | {"addressee": "nobody"}],
        [row | {"expires_h": 0}],
        [row | {"later_times": True}],
        [row | {"colour": "red"}],
        [row | {"steps": [1]}],
    ):
        with pytest.raises(Invalid, match="ground"):
            grounds_from_mapping(broken, general_ladder=DEFAULT_LADDER)


def test_obligation__replaced__is_frozen() -> None:
    obligation = issued()[1][0]
    with pytest.raises(AttributeError):
        obligation.state = ObligationState.CANCELLED  # type: ignore[misc]
    assert replace(obligation) == obligation


def test_expiry__without_a_deadline__is_the_grounds() -> None:
    reminder, _ = issued(due_at=None)
    assert reminder.expires_at == NOW + timedelta(hours=72)
