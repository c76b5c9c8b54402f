"""Who sees what of an exhibit, and that nothing sent in private is used before the court has opened it.

Random histories of one sealed exhibit are played against an oracle that remembers only what the court has said.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearing_server.domain.exhibits.catalogue import catalogue
from hearing_server.domain.exhibits.exhibit_view import exhibit_view
from hearing_server.domain.exhibits.exhibits import DISCLOSED, Exhibit, ExhibitState, Result
from hearing_server.domain.exhibits.opinions import give_opinion, shown_opinions
from hearing_server.domain.exhibits.sealing import Disclosure
from hearing_server.domain.exhibits.sight import Sight, is_stub_news, may_open, may_see, viewer_of
from hearing_server.domain.roles import Capacity
from hearing_server.errors import Conflict, HearingError
from hearing_server.kernel import AttachmentId, HearingId, OpinionId, PartyId, PersonId
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, PLAINTIFF, at
from tests.unit.exhibit_pieces import (
    ALL_ACCEPTED,
    EVERYBODY,
    OURS,
    SECOND,
    SECRET,
    THEIRS,
    THIRD,
    checked,
    content,
    decision,
    draft,
    exchanged,
    file,
    submitted,
    suit,
    viewer,
)

HEARING = HearingId("hrg_1")
SECRETS = ("绝密标题", "绝密来源", "绝密目的", "绝密文件.jpg", SECRET, "cd" * 32)
CAPACITIES = {
    JUDGE: Capacity.JUDGE, CLERK: Capacity.CLERK, PLAINTIFF: Capacity.PARTY, DEFENDANT: Capacity.PARTY,
    AGENT: Capacity.REPRESENTATIVE, SECOND: Capacity.PARTY,
}  # fmt: skip


def sights(exhibit: Exhibit) -> dict[PersonId, Sight]:
    return {one: may_see(exhibit, viewer(one)) for one in EVERYBODY}


def everyone(court: Sight, ours: Sight, theirs: Sight, third: Sight) -> dict[PersonId, Sight]:
    return {JUDGE: court, CLERK: court, PLAINTIFF: ours, DEFENDANT: theirs, AGENT: theirs, SECOND: third}


FULL, STUB, NOTHING, REDACTED = Sight.FULL, Sight.STUB, Sight.NOTHING, Sight.REDACTED


def test_open_exhibit__step_by_step__is_seen_by_its_desk_its_side_then_all() -> None:
    assert sights(draft()) == everyone(NOTHING, FULL, NOTHING, NOTHING)
    for one in (submitted(), checked(), checked().returned(by=CLERK, at=at(30), reason="x")):
        assert sights(one) == everyone(FULL, FULL, NOTHING, NOTHING)
    assert sights(exchanged()) == everyone(FULL, FULL, FULL, FULL)
    assert sights(submitted().withdrawn(by=PLAINTIFF, at=at(20), reason="")) == everyone(
        FULL, FULL, NOTHING, NOTHING
    )


def test_clerks_draft__for_a_party__is_the_courts_until_it_is_submitted() -> None:
    paper = draft(by_court=True, created_by=CLERK)
    assert sights(paper) == everyone(FULL, NOTHING, NOTHING, NOTHING)
    own = draft(by_court=True, owners=(), series="court")
    assert sights(own) == everyone(FULL, NOTHING, NOTHING, NOTHING)


def test_sealed_exhibit__before_a_decision__is_a_stub_for_all_others() -> None:
    assert sights(draft(is_sealed=True)) == everyone(NOTHING, FULL, NOTHING, NOTHING)
    assert sights(checked(is_sealed=True)) == everyone(FULL, FULL, STUB, STUB)


@pytest.mark.parametrize(
    ("kind", "to", "theirs", "third"),
    [
        (Disclosure.DISCLOSE, None, FULL, FULL),
        (Disclosure.DISCLOSE, (THEIRS,), FULL, STUB),
        (Disclosure.REDACTED, None, REDACTED, REDACTED),
        (Disclosure.REDACTED, (THIRD,), STUB, REDACTED),
    ],
)
def test_decision__takes_effect_at_the_exchange__and_for_whom_it_says(
    kind: Disclosure, to: tuple[PartyId, ...] | None, theirs: Sight, third: Sight
) -> None:
    decided = checked(is_sealed=True).decided(decision(kind, to=to))
    assert sights(decided) == everyone(FULL, FULL, STUB, STUB), "its side may still withdraw it"
    seen = decided.exchanged(by=CLERK, at=at(30), opinions_until=None)
    assert sights(seen) == everyone(FULL, FULL, theirs, third)
    own, court = AttachmentId("att_借条.jpg"), AttachmentId("att_遮蔽.jpg")
    for person_id, sight in ((DEFENDANT, theirs), (SECOND, third)):
        assert may_open(seen, viewer(person_id), own) == (sight is FULL)
        assert may_open(seen, viewer(person_id), court) == (sight is REDACTED)


def test_what_was_exchanged__is_never_taken_back() -> None:
    narrow = checked(is_sealed=True).decided(decision(Disclosure.REDACTED, to=(THEIRS,)))
    seen = narrow.exchanged(by=CLERK, at=at(30), opinions_until=None)
    for less in (decision(Disclosure.KEEP), decision(Disclosure.REDACTED, to=(THIRD,))):
        with pytest.raises(Conflict, match=r"disclosure\.taken_back"):
            seen.decided(less)
    assert seen.decided(decision(Disclosure.DISCLOSE)).is_for_all


def test_opinion_on_the_whole__is_not_read_by_who_saw_a_version() -> None:
    kept = checked(is_sealed=True).decided(decision(Disclosure.DISCLOSE, to=(THEIRS,)))
    seen = kept.exchanged(by=CLERK, at=at(30), opinions_until=None)
    said = give_opinion(
        seen, viewer(DEFENDANT), opinion_id=OpinionId("opn_1"), answers=ALL_ACCEPTED, reason="提到底价",
        asks_original=False, given=0, at=at(40),
    )  # fmt: skip
    assert seen.sealed is not None
    wider = replace(seen, sealed=replace(seen.sealed, decisions=(decision(Disclosure.REDACTED),)))
    assert shown_opinions(wider, [said], viewer(SECOND)) == []
    assert shown_opinions(seen, [said], viewer(SECOND)) == []
    assert shown_opinions(wider, [said], viewer(DEFENDANT)) == [said], "their own word"


def secret_draft() -> Exhibit:
    hidden = replace(file("绝密文件.jpg", pages=2), sha256="cd" * 32)
    whole = content(title="绝密标题", source="绝密来源", purpose="绝密目的", files=(hidden,))
    return draft(is_sealed=True, content=whole)


def told(exhibit: Exhibit, person_id: PersonId) -> str:
    """Everything that leaves the house for this person: the page, the list, the catalogue."""
    seen = exhibit_view(
        exhibit, suit(), viewer(person_id), CAPACITIES[person_id], opinions=(), names={JUDGE: "法官甲"}
    )
    listed = catalogue(suit(), [exhibit], viewer(person_id))
    return json.dumps(seen, ensure_ascii=False) + repr(listed)


_MOVES = st.one_of(
    st.sampled_from(
        ["submit", "check", "return", "withdraw", "exchange", "show all", "show court", "rule", "opine"]
    ),
    st.tuples(
        st.just("decide"),
        st.sampled_from(Disclosure),
        st.one_of(st.none(), st.lists(st.sampled_from([THEIRS, THIRD]), min_size=1, unique=True).map(tuple)),
    ),
)


def play(exhibit: Exhibit, move: object, when: int) -> Exhibit:
    if isinstance(move, tuple):
        to = None if move[1] is Disclosure.KEEP else move[2]
        return exhibit.decided(decision(move[1], to=to))
    if move == "submit":
        label = submitted().label
        assert label is not None
        return exhibit.submitted(by=PLAINTIFF, at=at(when), number=1, version=1, label=label, due_at=None)
    if move == "check":
        return exhibit.checked(by=CLERK, at=at(when))
    if move == "return":
        return exhibit.returned(by=CLERK, at=at(when), reason="补正")
    if move == "withdraw":
        return exhibit.withdrawn(by=PLAINTIFF, at=at(when), reason="")
    if move == "exchange":
        return exhibit.exchanged(by=CLERK, at=at(when), opinions_until=None)
    if move == "rule":
        return exhibit.ruled(result=Result.PARTLY, reason="部分采信", by=JUDGE, at=at(when))
    if move == "opine":
        give_opinion(
            exhibit, viewer(DEFENDANT), opinion_id=OpinionId("opn_1"), answers=ALL_ACCEPTED, reason="",
            asks_original=False, given=0, at=at(when),
        )  # fmt: skip
        return exhibit
    to_all = move == "show all"
    return exhibit.shown(hearing_id=HEARING, by=JUDGE, at=at(when), page=1, to_all=to_all)


@settings(max_examples=150, deadline=None)
@given(st.lists(_MOVES, max_size=14))
def test_sealed_exhibit__whatever_is_tried__is_used_only_as_far_as_the_court_has_opened_it(
    moves: list[object],
) -> None:
    exhibit, opened = secret_draft(), set[PartyId]()
    for when, move in enumerate(moves, start=100):
        before = exhibit
        try:
            exhibit = play(exhibit, move, when)
        except HearingError:
            assert exhibit == before
            continue
        last = exhibit.sealed.decision if exhibit.sealed else None
        is_open = last is not None and last.kind is not Disclosure.KEEP
        if move in ("exchange", "show all", "show court", "rule", "opine"):
            assert is_open, f"{move} before the court has opened it"
        if move == "show all":
            assert last is not None
            assert (last.kind, last.to) == (Disclosure.DISCLOSE, None)
        if exhibit.state in DISCLOSED and last is not None and last.kind is Disclosure.DISCLOSE:
            opened |= {THEIRS, THIRD} if last.to is None else set(last.to)
        for person_id, party_id in ((DEFENDANT, THEIRS), (AGENT, THEIRS), (SECOND, THIRD)):
            words = told(exhibit, person_id)
            leaked = [one for one in SECRETS if one in words]
            if party_id not in opened:
                assert not leaked, (move, person_id, leaked)
                assert not may_open(exhibit, viewer(person_id), AttachmentId("att_绝密文件.jpg"))
            if exhibit.state is ExhibitState.DRAFT:
                assert may_see(exhibit, viewer(person_id)) is NOTHING
        assert opened <= {THEIRS, THIRD}


@settings(max_examples=100, deadline=None)
@given(st.lists(_MOVES, max_size=12))
def test_stub__as_long_as_it_is_one__changes_only_when_its_readers_are_told(moves: list[object]) -> None:
    exhibit = secret_draft()
    for when, move in enumerate(moves, start=100):
        before = exhibit
        try:
            exhibit = play(exhibit, move, when)
        except HearingError:
            continue
        pairs = [may_see(one, viewer(SECOND)) for one in (before, exhibit)]
        shown = [
            exhibit_view(one, suit(), viewer(SECOND), Capacity.PARTY, names={}) for one in (before, exhibit)
        ]
        is_told = is_stub_news(before, exhibit) or isinstance(move, tuple)
        if pairs[1] is STUB and not is_told:
            assert shown[0] == shown[1], (move, "a stub changed in silence")


def test_viewer__without_a_place_on_the_case__is_nobody() -> None:
    assert viewer_of(suit(), PersonId("per_stranger")) is None
    assert viewer(AGENT).party_ids == {THEIRS}
    assert viewer(PLAINTIFF).party_ids == {OURS}
