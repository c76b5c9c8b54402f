"""Who is on a case, under which label, and who can't be added."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hearing_server.errors import Conflict
from hearing_server.filing.cases import CaseRole, CaseState, Label, Procedure, Standing, zh_ordinal
from hearing_server.kernel import PersonId
from tests.unit.court_pieces import AGENT, CLERK, DEFENDANT, JUDGE, PLAINTIFF, case, party


def label(of: object, person_id: str) -> Label:
    member = of.member(PersonId(person_id))  # type: ignore[attr-defined]
    assert member is not None
    found: Label = member.label
    return found


def test_labels__one_on_each_side__have_no_ordinal() -> None:
    filed = case()
    assert label(filed, JUDGE) == Label("审判长", "Presiding judge")
    assert label(filed, CLERK) == Label("书记员", "Clerk")
    assert label(filed, PLAINTIFF) == Label("原告", "Plaintiff")
    assert label(filed, AGENT) == Label("被告代理人", "Defendant's representative")


def test_labels__several_defendants__are_counted() -> None:
    filed = case(
        party(PLAINTIFF, Standing.PLAINTIFF),
        party(DEFENDANT, Standing.DEFENDANT, agents=(AGENT,)),
        party(PersonId("per_second"), Standing.DEFENDANT),
    )
    assert label(filed, DEFENDANT) == Label("被告一", "Defendant 1")
    assert label(filed, "per_second") == Label("被告二", "Defendant 2")
    assert label(filed, AGENT) == Label("被告一代理人", "Defendant 1's representative")


def test_labels__one_agent_for_the_whole_side__has_no_ordinal() -> None:
    filed = case(
        party(DEFENDANT, Standing.DEFENDANT, agents=(AGENT,)),
        party(PersonId("per_second"), Standing.DEFENDANT, agents=(AGENT,)),
    )
    assert label(filed, AGENT).zh == "被告代理人"
    assert sum(member.person_id == AGENT for member in filed.members()) == 1


def test_labels__procedure_of_a_sole_judge__is_judge() -> None:
    assert label(case(procedure=Procedure.SUMMARY), JUDGE).zh == "审判员"


def test_member__stranger__is_none() -> None:
    assert case().member(PersonId("per_stranger")) is None


def test_member__agent__has_the_standing_of_its_party() -> None:
    member = case().member(AGENT)
    assert member is not None
    assert (member.role, member.standing) == (CaseRole.REPRESENTATIVE, Standing.DEFENDANT)


@pytest.mark.parametrize(
    "intruder",
    [
        party(PLAINTIFF, Standing.DEFENDANT),
        party(AGENT, Standing.THIRD_PARTY),
        party(JUDGE, Standing.THIRD_PARTY),
        party(PersonId("per_new"), Standing.PLAINTIFF, agents=(AGENT,)),
        party(PersonId("per_new"), Standing.THIRD_PARTY, agents=(CLERK,)),
        party(PersonId("per_new"), Standing.THIRD_PARTY, agents=(PersonId("per_new"),)),
    ],
)
def test_with_party__a_person_with_another_place__is_refused(intruder: object) -> None:
    with pytest.raises(Conflict, match="person_already_on_case"):
        case().with_party(intruder)  # type: ignore[arg-type]


def test_with_party__closed_case_or_three_agents__is_refused() -> None:
    newcomer = party(PersonId("per_new"), Standing.THIRD_PARTY)
    with pytest.raises(Conflict, match=r"case\.closed"):
        replace(case(), state=CaseState.CLOSED).with_party(newcomer)
    agents = tuple(PersonId(f"per_agent_{number}") for number in range(3))
    with pytest.raises(Conflict, match="too_many_representatives"):
        case().with_party(party(PersonId("per_new"), Standing.THIRD_PARTY, agents=agents))


@pytest.mark.parametrize(
    ("number", "word"), [(1, "一"), (10, "十"), (12, "十二"), (20, "二十"), (99, "九十九"), (100, "100")]
)
def test_zh_ordinal__number__is_spoken(number: int, word: str) -> None:
    assert zh_ordinal(number) == word
