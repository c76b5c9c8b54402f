"""Receipts, rights, consents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.case_space.receipts import Receipt, advance, is_shown_to
from hearing_server.domain.hearing import consents
from hearing_server.domain.hearing.consents import CONSENT_TEXTS, REQUIRED_STAGES, ConsentStage, Decision
from hearing_server.domain.hearing.hearings import HearingState
from hearing_server.domain.roles import RIGHTS, Action, Capacity, can, capacity_of, matrix, require
from hearing_server.errors import Forbidden, Invalid
from hearing_server.filing.cases import CaseRole
from hearing_server.kernel import HearingId, LaneId, PersonId, Role
from tests.unit.court_pieces import NOW

RECEIPT = Receipt(LaneId("lan_1"), PersonId("per_1"))
COURT_ONLY = {
    Action.ADMIT, Action.OPEN, Action.RECESS, Action.RESUME, Action.CLOSE, Action.REOPEN, Action.MUTE, Action.REMOVE,
    Action.BENCH_LANE, Action.REMINDER_ISSUE, Action.PUBLICATION_SUBMIT, Action.PUBLICATION_DECIDE, Action.CASE_IMPORT,
    Action.HEARING_CANCEL, Action.PARTY_ADD, Action.RECORDINGS_LIST,
}  # fmt: skip


@given(st.lists(st.tuples(st.none() | st.integers(0, 50), st.none() | st.integers(0, 50)), max_size=20))
def test_receipts__in_any_order__only_grow_and_read_implies_delivered(
    reports: list[tuple[int | None, int | None]],
) -> None:
    receipt = RECEIPT
    for delivered, read in reports:
        after = advance(receipt, head_seq=50, delivered_seq=delivered, read_seq=read)
        assert after.delivered_seq >= max(receipt.delivered_seq, after.read_seq)
        assert after.read_seq >= receipt.read_seq
        receipt = after
    assert receipt.read_seq == max([read or 0 for _, read in reports], default=0)


@pytest.mark.parametrize("seq", [-1, 11])
def test_receipts__beyond_the_lane__are_refused(seq: int) -> None:
    with pytest.raises(Invalid, match="beyond_head"):
        advance(RECEIPT, head_seq=10, read_seq=seq)


def test_receipts__of_the_court__are_not_shown_to_parties() -> None:
    assert not is_shown_to(owner=CaseRole.JUDGE, viewer=CaseRole.PARTY)
    assert is_shown_to(owner=CaseRole.PARTY, viewer=CaseRole.REPRESENTATIVE)
    assert is_shown_to(owner=CaseRole.JUDGE, viewer=CaseRole.CLERK)


def test_rights__table__is_complete_and_matches_can() -> None:
    assert set(RIGHTS) == set(Action)
    cells = list(matrix())
    assert len(cells) == len(Action) * len(Capacity) * len(HearingState)
    assert {(who, what) for who, what, _, allowed in cells if allowed} == {
        (who, what) for who in Capacity for what in Action if can(who, what)
    }


@pytest.mark.parametrize("capacity", [Capacity.PARTY, Capacity.REPRESENTATIVE, Capacity.PUBLIC])
def test_rights__outside_the_court__have_none_of_its_orders(capacity: Capacity) -> None:
    assert not [action for action in COURT_ONLY if can(capacity, action)]


def test_rights__public__has_the_public_film_alone() -> None:
    assert [action for action in Action if can(Capacity.PUBLIC, action)] == [Action.PUBLIC_FILM_VIEW]


def test_rights__judge_alone__conducts() -> None:
    for action in (Action.OPEN, Action.RECESS, Action.RESUME, Action.CLOSE, Action.REOPEN, Action.REMOVE):
        assert [capacity for capacity in Capacity if can(capacity, action)] == [Capacity.JUDGE]


def test_rights__colleague__reads_no_space_but_may_decide_a_publication() -> None:
    assert not can(Capacity.COLLEAGUE_JUDGE, Action.CASE_SEE)
    # The registry keeps every case of its court, and schedules, sends or cancels in its own alone.
    assert can(Capacity.COLLEAGUE_CLERK, Action.CASE_SEE)
    assert not can(Capacity.COLLEAGUE_CLERK, Action.HEARING_SCHEDULE)
    for capacity in (Capacity.COLLEAGUE_JUDGE, Capacity.COLLEAGUE_CLERK):
        assert not can(capacity, Action.SPACE_READ)
    assert can(Capacity.COLLEAGUE_CLERK, Action.PUBLICATION_DECIDE)
    # Who may not see the case may not judge its film either.
    assert not can(Capacity.COLLEAGUE_JUDGE, Action.PUBLICATION_DECIDE)
    with pytest.raises(Forbidden, match=r"right\.missing"):
        require(Capacity.PARTY, Action.OPEN)


@pytest.mark.parametrize(
    ("role", "place", "capacity"),
    [
        (Role.JUDGE, CaseRole.JUDGE, Capacity.JUDGE),
        (Role.JUDGE, None, Capacity.COLLEAGUE_JUDGE),
        (Role.CLERK, None, Capacity.COLLEAGUE_CLERK),
        (Role.PRESIDENT, None, Capacity.PRESIDENT),
        (Role.PARTY, CaseRole.REPRESENTATIVE, Capacity.REPRESENTATIVE),
        (Role.PARTY, None, Capacity.PUBLIC),
        (Role.SYSTEM, None, Capacity.PUBLIC),
    ],
)
def test_capacity__office_and_place__decide(role: Role, place: CaseRole | None, capacity: Capacity) -> None:
    assert capacity_of(role, place) is capacity


def test_consents__texts__are_pinned_by_version() -> None:
    assert {text.stage for text in CONSENT_TEXTS} == set(ConsentStage) == set(REQUIRED_STAGES)
    assert len({(text.stage, text.version) for text in CONSENT_TEXTS}) == len(CONSENT_TEXTS)
    # A published text must never change under its version: whoever edits it makes a new version and leaves this line.
    pinned = {(str(text.stage), text.version): text.sha256[:16] for text in CONSENT_TEXTS}
    assert pinned == PINNED_TEXTS


PINNED_TEXTS = {("online_hearing", "2026-1"): "c889b38f6df9fb5b", ("recording", "2026-1"): "a161b6298a14d5d9"}


def test_consents__unknown_version__is_refused() -> None:
    with pytest.raises(Invalid, match="unknown_text"):
        consents.decide(
            hearing_id=HearingId("hrg_1"), person_id=PersonId("per_1"), stage=ConsentStage.RECORDING,
            decision=Decision.GRANTED, text_version="2020-1", at=NOW,
        )  # fmt: skip
