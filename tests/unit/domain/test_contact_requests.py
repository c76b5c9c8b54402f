"""Asking to be contacted: who does what when, and that nothing is late in silence."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hearing_server.domain.case_space.contact_requests import (
    ContactRequest,
    ContactState,
    ContactTopic,
    ContactWay,
    answer,
    ask,
    finish,
    run_late,
    take,
    withdraw,
)
from hearing_server.errors import Conflict, Invalid
from hearing_server.kernel import CaseId, ContactRequestId, CourtId, PersonId
from tests.unit.court_pieces import CLERK, JUDGE, NOW, PLAINTIFF

HOUR = timedelta(hours=1)


def asked(**changes: object) -> ContactRequest:
    whole: dict[str, object] = {
        "topic": ContactTopic.MATERIALS, "text": " 能否延期提交？ ", "way": ContactWay.PHONE,
        "from_at": None, "until_at": None, **changes,
    }  # fmt: skip
    return ask(
        id=ContactRequestId("ctr_1"), case_id=CaseId("cas_1"), court_id=CourtId("crt_1"),
        asker_id=PLAINTIFF, at=NOW, due_h=24, **whole,  # type: ignore[arg-type]
    )  # fmt: skip


def test_request__from_asking_to_done__says_who_holds_it() -> None:
    request = asked()
    assert (request.text, request.state, request.due_at) == (
        "能否延期提交？",
        ContactState.WAITING,
        NOW + 24 * HOUR,
    )
    taken = take(request, clerk=CLERK, at=NOW + HOUR)
    assert take(taken, clerk=CLERK, at=NOW + 2 * HOUR) == taken, "pressing twice changes nothing"
    told = answer(taken, clerk=CLERK, text="可以，至周五。", way=ContactWay.PHONE, at=NOW + 3 * HOUR)
    assert (told.state, told.is_open, told.next_at) == (ContactState.ANSWERED, False, None)
    done = finish(told, by=CLERK, at=NOW + 4 * HOUR)
    assert done.state is ContactState.DONE
    assert finish(done, by=CLERK, at=NOW + 5 * HOUR) == done


def test_take__by_a_colleague__passes_it_on() -> None:
    taken = take(take(asked(), clerk=CLERK, at=NOW), clerk=JUDGE, at=NOW + HOUR)
    assert taken.taken is not None
    assert (taken.taken.by, taken.taken.at) == (JUDGE, NOW + HOUR)


def test_due__counts_from_when_the_asker_can_be_reached() -> None:
    later = asked(from_at=NOW + 30 * HOUR, until_at=NOW + 32 * HOUR)
    assert later.due_at == NOW + 54 * HOUR


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"topic": ContactTopic.OTHER, "text": " "}, "contact.text"),
        ({"text": "长" * 501}, "contact.text"),
        ({"from_at": NOW + 2 * HOUR, "until_at": NOW + HOUR}, "contact.times"),
        ({"from_at": NOW - HOUR}, "contact.times"),
        ({"until_at": NOW + timedelta(days=31)}, "contact.times"),
    ],
)
def test_ask__wrong__is_named(changes: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        asked(**changes)
    assert refused.value.code == code


def test_steps__out_of_order__are_refused() -> None:
    told = answer(asked(), clerk=CLERK, text="好", way=ContactWay.MESSAGE, at=NOW)
    gone = withdraw(asked(), at=NOW)
    assert withdraw(gone, at=NOW + HOUR) == gone
    with pytest.raises(Conflict, match="not_answered"):
        finish(asked(), by=CLERK, at=NOW)
    for closed in (told, gone):
        with pytest.raises(Conflict, match="not_open"):
            take(closed, clerk=CLERK, at=NOW)
        with pytest.raises(Conflict, match="not_open"):
            answer(closed, clerk=CLERK, text="好", way=ContactWay.MESSAGE, at=NOW)
    with pytest.raises(Conflict, match="not_open"):
        withdraw(told, at=NOW)
    with pytest.raises(Invalid, match=r"contact\.answer"):
        answer(asked(), clerk=CLERK, text=" ", way=ContactWay.MESSAGE, at=NOW)


@pytest.mark.parametrize(("is_taken", "named"), [(False, JUDGE), (True, CLERK)])
def test_late__once_due__gets_a_name_once(*, is_taken: bool, named: PersonId) -> None:
    request = take(asked(), clerk=CLERK, at=NOW) if is_taken else asked()
    assert run_late(request, clerk=JUDGE, at=NOW + 23 * HOUR) == request
    late = run_late(request, clerk=JUDGE, at=NOW + 25 * HOUR)
    assert (late.assigned_to, late.overdue_at, late.next_at) == (named, NOW + 25 * HOUR, None)
    assert run_late(late, clerk=JUDGE, at=NOW + 26 * HOUR) == late
    told = answer(late, clerk=CLERK, text="抱歉", way=ContactWay.PHONE, at=NOW + 26 * HOUR)
    assert run_late(told, clerk=JUDGE, at=NOW + 90 * HOUR) == told
