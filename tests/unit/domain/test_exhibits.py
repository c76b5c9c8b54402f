"""Exhibits: numbered once, never edited, exchanged before they are used; opinions that only grow; the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hearing_server.domain.exhibits import content as contents
from hearing_server.domain.exhibits.catalogue import catalogue
from hearing_server.domain.exhibits.content import ExhibitContent
from hearing_server.domain.exhibits.exhibits import PENDING, Exhibit, ExhibitState, Result
from hearing_server.domain.exhibits.opinions import Answer, Answers, current, give_opinion, shown_opinions
from hearing_server.domain.exhibits.ways import ways
from hearing_server.domain.roles import Capacity
from hearing_server.errors import Conflict, Forbidden, HearingError, Invalid
from hearing_server.filing.cases import Label
from hearing_server.filing.exhibit_numbers import ExhibitScheme, exhibit_scheme
from hearing_server.kernel import ExhibitId, HearingId, OpinionId, PersonId
from tests.unit.court_pieces import CLERK, DEFENDANT, JUDGE, PLAINTIFF, at
from tests.unit.exhibit_pieces import (
    ALL_ACCEPTED,
    SECOND,
    THEIRS,
    checked,
    content,
    draft,
    exchanged,
    file,
    submitted,
    suit,
    viewer,
)

HEARING = HearingId("hrg_1")
STEPS: dict[str, Callable[[Exhibit], Exhibit]] = {
    "edit": lambda one: one.edited(content(title="别的"), None),
    "submit": lambda one: one.submitted(
        by=PLAINTIFF, at=at(11), number=2, version=1, label=Label("原告证2", "x"), due_at=None
    ),
    "check": lambda one: one.checked(by=CLERK, at=at(40)),
    "return": lambda one: one.returned(by=CLERK, at=at(40), reason="缺少原件照片"),
    "withdraw": lambda one: one.withdrawn(by=PLAINTIFF, at=at(40), reason=""),
    "exchange": lambda one: one.exchanged(by=CLERK, at=at(40), opinions_until=None),
    "show": lambda one: one.shown(hearing_id=HEARING, by=JUDGE, at=at(50), page=1, to_all=True),
    "rule": lambda one: one.ruled(result=Result.ADMITTED, reason="真实、合法、关联", by=JUDGE, at=at(60)),
}
RETURNED = checked().returned(by=CLERK, at=at(30), reason="看不清")
SHOWN = STEPS["show"](exchanged())
STATES: dict[ExhibitState, tuple[Exhibit, set[str]]] = {
    ExhibitState.DRAFT: (draft(), {"edit", "submit"}),
    ExhibitState.SUBMITTED: (submitted(), {"check", "return", "withdraw"}),
    ExhibitState.CHECKED: (checked(), {"return", "withdraw", "exchange"}),
    ExhibitState.RETURNED: (RETURNED, {"withdraw"}),
    ExhibitState.EXCHANGED: (exchanged(), {"show", "rule"}),
    ExhibitState.SHOWN: (SHOWN, {"show", "rule"}),
    ExhibitState.RULED: (STEPS["rule"](SHOWN), {"show", "rule"}),
    ExhibitState.WITHDRAWN: (submitted().withdrawn(by=PLAINTIFF, at=at(20), reason=""), set()),
}


@pytest.mark.parametrize("state", ExhibitState)
def test_exhibit__in_each_state__takes_the_steps_of_that_state_and_no_other(state: ExhibitState) -> None:
    exhibit, allowed = STATES[state]
    assert exhibit.state is state
    taken = set()
    for name, step in STEPS.items():
        try:
            after = step(exhibit)
        except Conflict:
            continue
        taken.add(name)
        assert after.revision == exhibit.revision + 1, "every change is a new revision"
        if name != "edit":
            assert after.content == exhibit.content, "nothing changes what was submitted"
    assert taken == allowed


@pytest.mark.parametrize("name", ["title", "source", "purpose", "files"])
def test_submission__without_what_the_rule_asks_for__is_refused(name: str) -> None:
    empty: object = () if name == "files" else ""
    with pytest.raises(Invalid, match=r"exhibit\.incomplete"):
        submitted(content=content(**{name: empty}))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"title": "长" * 101}, "exhibit.text"),
        ({"purpose": "\u202e反"}, "exhibit.text"),
        ({"files": (file(), file())}, "exhibit.files"),
        ({"files": tuple(file(f"{n}.jpg") for n in range(31))}, "exhibit.files"),
    ],
)
def test_draft__with_what_cannot_be_kept__is_refused(wrong: dict[str, object], code: str) -> None:
    with pytest.raises(Invalid) as refused:
        contents.check_draft(content(**wrong))
    assert refused.value.code == code


def test_return__without_a_reason__is_refused() -> None:
    with pytest.raises(Invalid, match=r"exhibit\.reason"):
        submitted().returned(by=CLERK, at=at(20), reason="  ")


def test_submission__after_the_time__is_a_fact_and_no_obstacle() -> None:
    label = Label("原告证1", "x")
    late = draft().submitted(by=PLAINTIFF, at=at(10), number=1, version=1, label=label, due_at=at(9))
    in_time = draft().submitted(by=PLAINTIFF, at=at(9), number=1, version=1, label=label, due_at=at(9))
    assert (late.is_late, in_time.is_late, submitted().is_late) == (True, False, False)
    assert late.checked(by=CLERK, at=at(20)).state is ExhibitState.CHECKED


@pytest.mark.parametrize("step", ["check", "return", "exchange"])
def test_superseded_version__goes_no_further(step: str) -> None:
    state = checked() if step == "exchange" else submitted()
    with pytest.raises(Conflict, match=r"exhibit\.superseded"):
        STEPS[step](state.superseded(ExhibitId("exh_2")))


@pytest.mark.parametrize(("page", "is_there"), [(1, True), (3, True), (4, False), (None, True)])
def test_showing__of_a_page_that_is_not_there__is_refused(page: int | None, is_there: bool) -> None:
    def show() -> Exhibit:
        return exchanged().shown(hearing_id=HEARING, by=JUDGE, at=at(50), page=page, to_all=True)

    if is_there:
        assert show().showings[0].page == page
        return
    with pytest.raises(Invalid, match=r"exhibit\.page"):
        show()


def test_ruling__given_twice__keeps_both_and_the_last_holds() -> None:
    first = STEPS["rule"](exchanged())
    again = first.ruled(result=Result.NOT_ADMITTED, reason="鉴定结论推翻", by=JUDGE, at=at(90))
    assert [one.result for one in again.rulings] == [Result.ADMITTED, Result.NOT_ADMITTED]


def test_content_hash__of_any_other_content__is_another() -> None:
    changed: list[ExhibitContent] = [
        content(title="借条2"), content(source="邮寄"), content(purpose="x"), content(files=(file(), file("b"))),
        content(form=contents.Form.COPY), content(kind=contents.ExhibitKind.ELECTRONIC),
    ]  # fmt: skip
    hashes = {contents.content_sha256(one) for one in [content(), *changed]}
    assert len(hashes) == len(changed) + 1


def test_numbers__by_the_courts_scheme__read_as_written() -> None:
    scheme = exhibit_scheme({"party": "{label}证据{n}", "court": "调{n}"})
    assert scheme.of_party(Label("被告一", "Defendant 1"), 3).zh == "被告一证据3"
    assert scheme.of_court(2) == Label("调2", "Court's exhibit 2")
    assert ExhibitScheme().of_party(Label("原告", "Plaintiff"), 1) == Label(
        "原告证1", "Plaintiff's exhibit 1"
    )
    wrongs: list[object] = [{"party": "{label}"}, {"court": "{n}{n}"}, {"other": "{n}"}, {"party": 1}, []]
    for wrong in wrongs:
        with pytest.raises(Invalid, match=r"court\.profile"):
            exhibit_scheme(wrong)


def opine(exhibit: Exhibit, person_id: PersonId, answers: Answers = ALL_ACCEPTED, **more: object):  # type: ignore[no-untyped-def]
    given = {"reason": "", "asks_original": False, "given": 0, "at": at(45), "opinion_id": OpinionId("opn_1")}
    return give_opinion(exhibit, viewer(person_id), answers=answers, **(given | more))  # type: ignore[arg-type]


DISPUTED = Answers(Answer.DISPUTED, Answer.ACCEPTED, Answer.NONE, Answer.PARTLY)


@pytest.mark.parametrize(
    ("exhibit", "person_id", "kind"),
    [
        (exchanged(), PLAINTIFF, Forbidden),
        (exchanged(), JUDGE, Forbidden),
        (checked(), DEFENDANT, Forbidden),
        (STEPS["rule"](exchanged()), DEFENDANT, Conflict),
    ],
)
def test_opinion__by_who_may_not_or_too_late__is_refused(
    exhibit: Exhibit, person_id: PersonId, kind: type[HearingError]
) -> None:
    with pytest.raises(kind):
        opine(exhibit, person_id)


def test_opinion__that_disputes_without_a_word_why__is_refused() -> None:
    with pytest.raises(Invalid, match=r"opinion\.reason"):
        opine(exchanged(), DEFENDANT, DISPUTED)
    said = opine(exchanged(), DEFENDANT, DISPUTED, reason="落款不是本人所签", asks_original=True)
    assert (said.party_ids, said.asks_original, said.is_late) == ((THEIRS,), True, False)


def test_opinion__after_the_time__is_taken_and_marked() -> None:
    exhibit = checked().exchanged(by=CLERK, at=at(30), opinions_until=at(40))
    assert opine(exhibit, DEFENDANT, at=at(45)).is_late
    assert not opine(exhibit, DEFENDANT, at=at(40)).is_late


def test_opinions__added_later__stand_beside_and_the_newest_counts() -> None:
    exhibit = exchanged()
    first = opine(exhibit, DEFENDANT)
    second = opine(
        exhibit, DEFENDANT, DISPUTED, reason="补充", at=at(99), opinion_id=OpinionId("opn_2"), given=1
    )
    other = opine(exhibit, SECOND, opinion_id=OpinionId("opn_3"))
    assert current([second, first, other], THEIRS) == second
    assert shown_opinions(exhibit, [first, second, other], viewer(PLAINTIFF)) == [first, second, other]
    with pytest.raises(Conflict, match=r"opinion\.closed"):
        opine(exhibit, DEFENDANT, given=20)


@pytest.mark.parametrize("state", ExhibitState)
def test_ways__offered__are_steps_the_domain_takes(state: ExhibitState) -> None:
    """What a page offers is never refused for its state; what is allowed to somebody is offered to them."""
    exhibit, allowed = STATES[state]
    offered: set[str] = set()
    for person_id, capacity in (
        (PLAINTIFF, Capacity.PARTY),
        (CLERK, Capacity.CLERK),
        (JUDGE, Capacity.JUDGE),
    ):
        offered |= set(ways(exhibit, viewer(person_id), capacity))
    assert offered & set(STEPS) == allowed
    assert ("supplement" in offered) == (state in (*PENDING, ExhibitState.EXCHANGED, ExhibitState.SHOWN))
    can_speak = "opine" in ways(exhibit, viewer(DEFENDANT), Capacity.PARTY)
    assert can_speak == (state in (ExhibitState.EXCHANGED, ExhibitState.SHOWN))


def test_catalogue__of_each_person__lists_what_they_see_with_running_pages() -> None:
    second = replace(
        exchanged(),
        id=ExhibitId("exh_2"),
        number=2,
        label=Label("原告证2", "x"),
        content=content(files=(file("b"),)),
    )
    newer = replace(submitted(), id=ExhibitId("exh_3"), version=2, supersedes=ExhibitId("exh_1"))
    exhibits = [exchanged(), newer, second, draft(id=ExhibitId("exh_4"))]
    ours = catalogue(suit(), exhibits, viewer(PLAINTIFF))
    theirs = catalogue(suit(), exhibits, viewer(DEFENDANT))
    assert [(row.number, row.version, row.first_page, row.last_page) for row in ours.sides[0].rows] == [
        ("原告证1", 2, 1, 3), ("原告证2", 1, 4, 4),
    ]  # fmt: skip
    assert [row.version for row in theirs.sides[0].rows] == [1, 1], (
        "a supplement that wasn't exchanged is nobody's"
    )
    assert theirs.as_of == at(30)
    assert catalogue(suit(), exhibits, viewer(DEFENDANT), series="court").sides == ()
