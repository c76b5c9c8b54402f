"""Who belongs to a lane: one predicate, held against every kind of lane and every person that a case can have."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearing_server.domain.case_space.lanes import (
    COURT_ROLES,
    Lane,
    LaneKind,
    LanePerson,
    in_order,
    left_out,
    mediation_members,
    require_agreed,
    sides_of,
)
from hearing_server.errors import Conflict, Invalid, NotFound
from hearing_server.filing.cases import Authority, Case, CaseRole, PersonRef, Representation, Standing
from hearing_server.kernel import CaseId, LaneId, PartyId, PersonId
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, NOW, PLAINTIFF, case, party

THIRD = PersonId("per_third")
CO_DEFENDANT = PersonId("per_co_defendant")
WHOLE = case(
    party(PLAINTIFF, Standing.PLAINTIFF),
    party(DEFENDANT, Standing.DEFENDANT, agents=(AGENT,)),
    party(CO_DEFENDANT, Standing.DEFENDANT),
    party(THIRD, Standing.THIRD_PARTY),
)
PEOPLE = tuple(member.person_id for member in WHOLE.members())
OUTSIDE = tuple(one for one in PEOPLE if one not in (JUDGE, CLERK))


def lane(kind: LaneKind, *, slot: str = "", persons: tuple[LanePerson, ...] = ()) -> Lane:
    return Lane(LaneId(f"lan_{kind}"), CaseId("cas_1"), kind, slot=slot, persons=persons)


def readers(one: Lane, of: Case = WHOLE) -> set[PersonId]:
    return set(one.readers(of))


def test_everyone_and_bench__asked__are_all_and_the_court() -> None:
    assert readers(lane(LaneKind.EVERYONE)) == set(PEOPLE)
    assert readers(lane(LaneKind.BENCH)) == {JUDGE, CLERK}


@pytest.mark.parametrize(
    ("side", "people"),
    [
        (Standing.PLAINTIFF, {PLAINTIFF}),
        (Standing.DEFENDANT, {DEFENDANT, CO_DEFENDANT, AGENT}),
        (Standing.THIRD_PARTY, {THIRD}),
    ],
)
def test_sealed__of_a_side__is_the_courts_and_all_of_that_side(side: Standing, people: set[PersonId]) -> None:
    assert readers(lane(LaneKind.SEALED, slot=side.value)) == {JUDGE, CLERK, *people}


@given(st.sets(st.sampled_from(OUTSIDE)), st.sampled_from(PEOPLE), st.integers(1, 50))
def test_mediation__with_anybody__is_the_courts_and_theirs_alone(
    named: set[PersonId], asker: PersonId, from_seq: int
) -> None:
    one = lane(
        LaneKind.MEDIATION, slot="1", persons=tuple(LanePerson(who, from_seq) for who in sorted(named))
    )
    assert readers(one) == {JUDGE, CLERK, *named}
    first = one.first_seq_for(WHOLE.member(asker))
    assert first == (1 if asker in (JUDGE, CLERK) else from_seq if asker in named else None)


KINDS = st.one_of(
    st.just(lane(LaneKind.EVERYONE)),
    st.just(lane(LaneKind.BENCH)),
    st.sampled_from(sides_of(WHOLE)).map(lambda side: lane(LaneKind.SEALED, slot=side.value)),
    st.sets(st.sampled_from(OUTSIDE)).map(
        lambda named: lane(LaneKind.MEDIATION, slot="1", persons=tuple(map(LanePerson, sorted(named))))
    ),
)


@given(KINDS)
def test_any_lane__asked_for_a_stranger__is_closed(one: Lane) -> None:
    assert one.first_seq_for(None) is None
    assert not one.is_open_to(None)


@given(KINDS)
def test_any_lane__with_the_court_and_one_side_alone__is_sealed_or_a_mediation(one: Lane) -> None:
    """不得单方接触: no other kind of lane can come to that, whoever is on the case."""
    members = [member for member in WHOLE.members() if one.is_open_to(member)]
    sides = {member.standing for member in members if member.role not in COURT_ROLES}
    if len(sides) == 1 and any(member.role in COURT_ROLES for member in members):
        assert one.kind in (LaneKind.SEALED, LaneKind.MEDIATION)


@given(KINDS)
def test_any_lane__after_an_agent_left_the_case__is_closed_to_them(one: Lane) -> None:
    agency = next(agent for each in WHOLE.parties for agent in each.representatives)
    after, of, ended = WHOLE.without_representative(agency.id)
    assert (of.person.id, ended.person.id) == (DEFENDANT, AGENT)
    assert not one.is_open_to(after.member(AGENT))
    assert AGENT not in one.readers(after)


def test_left_out__some_named__are_the_sides_that_hear_nothing() -> None:
    assert left_out(WHOLE, [PLAINTIFF, AGENT]) == (Standing.THIRD_PARTY,)
    assert left_out(WHOLE, [PLAINTIFF, CO_DEFENDANT, THIRD]) == ()
    assert left_out(WHOLE, []) == sides_of(WHOLE)


def test_mediation__that_leaves_a_side_out__needs_everybodys_consent() -> None:
    with pytest.raises(Conflict, match="not_agreed"):
        require_agreed(WHOLE, [PLAINTIFF], is_agreed=False)
    assert require_agreed(WHOLE, [PLAINTIFF], is_agreed=True) == (Standing.DEFENDANT, Standing.THIRD_PARTY)
    assert require_agreed(WHOLE, OUTSIDE, is_agreed=False) == ()


@pytest.mark.parametrize("people", [[], [JUDGE], [PLAINTIFF, CLERK], [PersonId("per_nobody")]])
def test_mediation__with_nobody_strangers_or_the_court__is_refused(people: list[PersonId]) -> None:
    with pytest.raises(Invalid, match=r"mediation\.people"):
        mediation_members(WHOLE, people)


def test_mediation__the_same_person_twice__is_one() -> None:
    assert [one.person_id for one in mediation_members(WHOLE, [AGENT, AGENT])] == [AGENT]


def test_lane__closed__is_readable_and_takes_nothing() -> None:
    closed = replace(lane(LaneKind.MEDIATION, slot="1", persons=(LanePerson(AGENT),)), closed_at=NOW)
    assert closed.is_open_to(WHOLE.member(AGENT))
    with pytest.raises(Conflict, match=r"lane\.closed"):
        closed.require_open()


def test_lanes__in_order__are_everyone_bench_sealed_then_mediations_with_closed_last() -> None:
    past = replace(lane(LaneKind.MEDIATION, slot="1"), id=LaneId("lan_a"), closed_at=NOW)
    now = replace(lane(LaneKind.MEDIATION, slot="2"), id=LaneId("lan_b"))
    sealed = lane(LaneKind.SEALED, slot="plaintiff")
    mixed = [past, now, sealed, lane(LaneKind.BENCH), lane(LaneKind.EVERYONE)]
    kinds = [one.kind.value for one in in_order(mixed)]
    assert kinds == ["everyone", "bench", "sealed", "mediation", "mediation"]
    assert in_order(mixed)[-1] is past


def agency(who: str) -> Representation:
    return Representation(PartyId(f"rep_{who}"), PersonRef(PersonId(who), who), Authority.SPECIAL)


def test_representative__added_later__stands_on_that_side_and_nowhere_twice() -> None:
    plaintiff = WHOLE.parties[0]
    changed = WHOLE.with_representative(plaintiff.id, agency("per_new"))
    member = changed.member(PersonId("per_new"))
    assert member is not None
    assert (member.role, member.standing) == (CaseRole.REPRESENTATIVE, Standing.PLAINTIFF)
    assert [one.id for one in changed.parties] == [one.id for one in WHOLE.parties]
    assert [one.ordinal for one in changed.parties] == [one.ordinal for one in WHOLE.parties]
    for taken in (str(DEFENDANT), str(AGENT), str(JUDGE), "per_new"):
        with pytest.raises(Conflict, match="already_on_case"):
            changed.with_representative(plaintiff.id, agency(taken))
    full = changed.with_representative(plaintiff.id, agency("per_second"))
    with pytest.raises(Conflict, match="too_many"):
        full.with_representative(plaintiff.id, agency("per_third_agent"))
    with pytest.raises(NotFound):
        WHOLE.with_representative(PartyId("pty_nobody"), agency("per_x"))
    with pytest.raises(NotFound):
        WHOLE.without_representative(PartyId("rep_nobody"))


def test_representative__of_a_co_party_of_the_same_side__may_serve_both() -> None:
    co_defendant = WHOLE.parties[2]
    changed = WHOLE.with_representative(co_defendant.id, replace(agency(str(AGENT)), id=PartyId("rep_both")))
    one_left, _, _ = changed.without_representative(PartyId("rep_both"))
    assert one_left.member(AGENT) is not None, "the other agency keeps them on the case"
