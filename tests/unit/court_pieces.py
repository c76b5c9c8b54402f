"""Ready-made courts, people, cases and hearings for tests of the pure floors."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from stdnum.cn import ric

from hearing_server.domain.hearing import attendance, consents, hearings, planning
from hearing_server.domain.hearing.consents import REQUIRED_STAGES, Decision
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.hearing.participants import Page, Stage
from hearing_server.filing.case_number import parse
from hearing_server.filing.cases import (
    Authority,
    Case,
    CaseState,
    Openness,
    Party,
    PartyKind,
    PersonRef,
    Procedure,
    Representation,
    Standing,
)
from hearing_server.filing.courts import CourtProfile, court_profile
from hearing_server.kernel import CaseId, HearingId, PartyId, PersonId

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
JUDGE, CLERK = PersonId("per_judge"), PersonId("per_clerk")
PLAINTIFF, DEFENDANT, AGENT = PersonId("per_plaintiff"), PersonId("per_defendant"), PersonId("per_agent")


def profile() -> CourtProfile:
    """The court of config/courts/yunhe.toml: the file that ships is the one that is tested."""
    path = Path(__file__).parents[2] / "config" / "courts" / "yunhe.toml"
    return court_profile(tomllib.loads(path.read_text(encoding="utf-8")))


def resident_number(sequence: int = 1, birth: str = "19900307") -> str:
    """A well-formed number of nobody (district 330199)."""
    body = f"330199{birth}{sequence:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def party(person_id: PersonId, standing: Standing, *, agents: tuple[PersonId, ...] = ()) -> Party:
    agent_places = tuple(
        Representation(PartyId(f"pty_{agent}"), PersonRef(agent, f"代理人{agent}"), Authority.GENERAL)
        for agent in agents
    )
    reference = PersonRef(person_id, f"姓名{person_id}", "138****0000", "330***********0000")
    return Party(PartyId(f"pty_{person_id}"), reference, PartyKind.NATURAL, standing, 1, agent_places)


def case(*parties: Party, procedure: Procedure = Procedure.ORDINARY) -> Case:
    """A filed case; by default one plaintiff, one defendant with an agent."""
    filed = Case(
        CaseId("cas_1"), profile().court, parse("（2026）浙0199民初12号"), "买卖合同纠纷", procedure,
        Openness.OPEN, CaseState.FILED, NOW, PersonRef(JUDGE, "法官甲"), PersonRef(CLERK, "书记员乙"),
    )  # fmt: skip
    default = (party(PLAINTIFF, Standing.PLAINTIFF), party(DEFENDANT, Standing.DEFENDANT, agents=(AGENT,)))
    for one in parties or default:
        filed = filed.with_party(one)
    return filed


def scheduled() -> Hearing:
    return planning.schedule(
        case(), hearing_id=HearingId("hrg_1"), title="第一次开庭", starts_at=NOW, duration_min=60, now=NOW
    )[0]


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def agreed(hearing: Hearing, person_id: PersonId) -> Hearing:
    """Identity proved, both consents given."""
    hearing = attendance.note_identity_checked(hearing, person_id, at=NOW)[0]
    for stage in REQUIRED_STAGES:
        consent = consents.decide(
            hearing_id=hearing.id, person_id=person_id, stage=stage, decision=Decision.GRANTED,
            text_version=consents.current_text(stage).version, at=NOW,
        )  # fmt: skip
        hearing = attendance.note_consent(hearing, consent)[0]
    return hearing


def waiting(hearing: Hearing, person_id: PersonId) -> Hearing:
    hearing = agreed(hearing, person_id)
    return attendance.report_page(hearing, person_id, stage=Stage.WAITING, page=Page.VISIBLE, at=NOW)[0]


def lobby() -> Hearing:
    """The lobby open, both sides waiting, the agent not yet there."""
    hearing = hearings.open_lobby(scheduled(), at=NOW)[0]
    return waiting(waiting(hearing, PLAINTIFF), DEFENDANT)


def in_session() -> Hearing:
    """Everybody but the agent admitted and seated."""
    hearing = attendance.admit_all(lobby(), at=NOW)[0]
    for person_id in (JUDGE, CLERK, PLAINTIFF, DEFENDANT):
        hearing = attendance.seat(hearing, person_id, at=NOW)[0]
    return hearings.open_session(hearing, at=NOW, recording_is_proven=True)[0]
