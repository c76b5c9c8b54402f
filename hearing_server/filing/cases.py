"""Court, case, party, representation, and who is on a case under which label.

诉讼地位 (standing) is what a party is in this case; a plaintiff here may be a defendant elsewhere.
Sources: 民事诉讼法 (2023) arts 51, 59, 61 (parties, third parties, one or two representatives each).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from hearing_server.errors import Conflict, NotFound
from hearing_server.filing.case_number import CaseNumber
from hearing_server.filing.closed_doors import ClosedDoors, doors_ordered
from hearing_server.kernel import CaseId, CourtId, PartyId, PersonId

# 民事诉讼法 art 61: a party may appoint one or two people as agents.
MAX_REPRESENTATIVES = 2


class Standing(StrEnum):
    """诉讼地位."""

    PLAINTIFF = "plaintiff"
    DEFENDANT = "defendant"
    THIRD_PARTY = "third_party"
    APPELLANT = "appellant"
    APPELLEE = "appellee"
    APPLICANT = "applicant"
    RESPONDENT = "respondent"


class PartyKind(StrEnum):
    """自然人 or 法人/其他组织."""

    NATURAL = "natural"
    LEGAL = "legal"


class Authority(StrEnum):
    """代理权限: only 特别授权 may admit, waive or settle (民诉法解释 art 89)."""

    GENERAL = "general"
    SPECIAL = "special"


class Procedure(StrEnum):
    """程序: 普通 / 简易 / 小额诉讼 / 特别."""

    ORDINARY = "ordinary"
    SUMMARY = "summary"
    SMALL_CLAIMS = "small_claims"
    SPECIAL = "special"


class Openness(StrEnum):
    """公开 or 不公开审理 (民事诉讼法 art 137)."""

    OPEN = "open"
    CLOSED = "closed"


class CaseState(StrEnum):
    FILED = "filed"
    CLOSED = "closed"


class CaseRole(StrEnum):
    """What a person is on one case."""

    JUDGE = "judge"
    CLERK = "clerk"
    PARTY = "party"
    REPRESENTATIVE = "representative"


@dataclass(frozen=True, slots=True)
class Label:
    """How a person is called in this case: 原告, 被告一, 被告代理人."""

    zh: str
    en: str


STANDING_LABELS: dict[Standing, Label] = {
    Standing.PLAINTIFF: Label("原告", "Plaintiff"),
    Standing.DEFENDANT: Label("被告", "Defendant"),
    Standing.THIRD_PARTY: Label("第三人", "Third party"),
    Standing.APPELLANT: Label("上诉人", "Appellant"),
    Standing.APPELLEE: Label("被上诉人", "Appellee"),
    Standing.APPLICANT: Label("申请人", "Applicant"),
    Standing.RESPONDENT: Label("被申请人", "Respondent"),
}
CLERK_LABEL = Label("书记员", "Clerk")
# A bench of three is led by a 审判长; in the procedures heard by one judge alone the seat is the 审判员's
# (民事诉讼法 arts 40, 42, 160).
PRESIDING_LABEL = Label("审判长", "Presiding judge")
SOLE_JUDGE_LABEL = Label("审判员", "Judge")
_ZH_ORDINALS = ("零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十")


@dataclass(frozen=True, slots=True)
class Court:
    """A court: its names, its code in case numbers (法院代字) and its civil time zone (IANA name)."""

    id: CourtId
    name: str
    name_en: str
    code: str
    time_zone: str = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class PersonRef:
    """A person as a case shows them: number and phone only masked. `phone_masked`/`id_masked` are None for staff."""

    id: PersonId
    name: str
    phone_masked: str | None = None
    id_masked: str | None = None


@dataclass(frozen=True, slots=True)
class Representation:
    """诉讼代理人: one person who acts for one party, `authority` as given in the 授权委托书."""

    id: PartyId
    person: PersonRef
    authority: Authority


@dataclass(frozen=True, slots=True)
class Party:
    """当事人: `ordinal` counts from 1 within the same standing, in the order of filing."""

    id: PartyId
    person: PersonRef
    kind: PartyKind
    standing: Standing
    ordinal: int
    representatives: tuple[Representation, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseMember:
    """One person on a case: role, standing (of the party represented, for a representative) and label."""

    person_id: PersonId
    name: str
    role: CaseRole
    standing: Standing | None
    label: Label


@dataclass(frozen=True, slots=True)
class Case:
    """A filed case. `number` never changes and is never reused.

    `closed_doors`: why it is not heard in open court; None for an open case (and for closed ones of before grounds).
    """

    id: CaseId
    court: Court
    number: CaseNumber
    cause: str
    procedure: Procedure
    openness: Openness
    state: CaseState
    filed_at: datetime
    judge: PersonRef | None = None
    clerk: PersonRef | None = None
    parties: tuple[Party, ...] = ()
    closed_doors: ClosedDoors | None = None

    def behind_closed_doors(self, doors: ClosedDoors) -> Case:
        """不公开审理, by order. Errors: Conflict `closed_doors.ordered`."""
        self.require_open_doors()
        return replace(self, openness=Openness.CLOSED, closed_doors=doors)

    def require_open_doors(self) -> None:
        """Errors: Conflict `closed_doors.ordered`."""
        if self.closed_doors is not None:
            raise doors_ordered()

    def members(self) -> tuple[CaseMember, ...]:
        """Everybody on the case, judge and clerk first, each person once."""
        found: list[CaseMember] = []
        if self.judge is not None:
            found.append(CaseMember(self.judge.id, self.judge.name, CaseRole.JUDGE, None, self.judge_label()))
        if self.clerk is not None:
            found.append(CaseMember(self.clerk.id, self.clerk.name, CaseRole.CLERK, None, CLERK_LABEL))
        for party in self.parties:
            found.append(
                CaseMember(
                    party.person.id,
                    party.person.name,
                    CaseRole.PARTY,
                    party.standing,
                    self.party_label(party),
                )
            )
        found.extend(self._representative_members())
        unique: dict[PersonId, CaseMember] = {}
        for member in found:
            unique.setdefault(member.person_id, member)
        return tuple(unique.values())

    def member(self, person_id: PersonId) -> CaseMember | None:
        """The person's place on this case, None when they have none."""
        return next((member for member in self.members() if member.person_id == person_id), None)

    def judge_label(self) -> Label:
        return PRESIDING_LABEL if self.procedure is Procedure.ORDINARY else SOLE_JUDGE_LABEL

    def party_label(self, party: Party) -> Label:
        """原告 when alone in that standing, else 原告一, 原告二 …"""
        base = STANDING_LABELS[party.standing]
        if sum(other.standing is party.standing for other in self.parties) <= 1:
            return base
        return Label(base.zh + zh_ordinal(party.ordinal), f"{base.en} {party.ordinal}")

    def with_party(self, party: Party) -> Case:
        """The case with one more party; its ordinal is set here.

        Errors: Conflict `case.closed`, `case.person_already_on_case`, `case.too_many_representatives`.
        """
        self._require_filed()
        if len(party.representatives) > MAX_REPRESENTATIVES:
            raise Conflict(
                "case.too_many_representatives",
                zh="每位当事人最多委托两名代理人",
                en="A party may have at most two representatives",
            )
        taken = self._taken()
        people = [(party.person.id, party.standing, CaseRole.PARTY)]
        people += [
            (agent.person.id, party.standing, CaseRole.REPRESENTATIVE) for agent in party.representatives
        ]
        for person_id, standing, role in people:
            held = taken.get(person_id)
            # One agent may stand for several parties of the same side; nobody may hold any two other places.
            same_side_agent = role is CaseRole.REPRESENTATIVE and held == (CaseRole.REPRESENTATIVE, standing)
            if held is not None and not same_side_agent:
                raise Conflict(
                    "case.person_already_on_case",
                    zh="此人在本案中已有其他身份",
                    en="This person already has another place on the case",
                )
            taken[person_id] = (role, standing)
        ordinal = 1 + max((p.ordinal for p in self.parties if p.standing is party.standing), default=0)
        return replace(self, parties=(*self.parties, replace(party, ordinal=ordinal)))

    def with_representative(self, party_id: PartyId, agent: Representation) -> Case:
        """The case with one more agent of a party. Errors as `with_party`; NotFound for no such party."""
        party = next((party for party in self.parties if party.id == party_id), None)
        if party is None:
            raise NotFound
        if any(known.person.id == agent.person.id for known in party.representatives):
            raise Conflict(
                "case.person_already_on_case",
                zh="此人在本案中已有其他身份",
                en="This person already has another place on the case",
            )
        others = tuple(one for one in self.parties if one.id != party_id)
        whole = replace(party, representatives=(*party.representatives, agent))
        # Checked as if the party came anew; then it stands where it stood.
        replace(self, parties=others).with_party(whole)
        return replace(self, parties=tuple(whole if one.id == party_id else one for one in self.parties))

    def without_representative(self, agent_id: PartyId) -> tuple[Case, Party, Representation]:
        """The case without one agency, and what ended. Errors: NotFound; Conflict `case.closed`."""
        for party in self.parties:
            for agent in party.representatives:
                if agent.id != agent_id:
                    continue
                self._require_filed()
                rest = tuple(one for one in party.representatives if one.id != agent_id)
                changed = replace(party, representatives=rest)
                parties = tuple(changed if one.id == party.id else one for one in self.parties)
                return replace(self, parties=parties), party, agent
        raise NotFound

    def _require_filed(self) -> None:
        if self.state is CaseState.CLOSED:
            raise Conflict(
                "case.closed", zh="案件已结，不能再变更当事人", en="The case is closed; parties can't change"
            )

    def _taken(self) -> dict[PersonId, tuple[CaseRole, Standing | None]]:
        return {member.person_id: (member.role, member.standing) for member in self.members()}

    def _representative_members(self) -> list[CaseMember]:
        """Each agent once, labelled after all the parties they stand for."""
        served: dict[PersonId, list[Party]] = {}
        names: dict[PersonId, str] = {}
        for party in self.parties:
            for agent in party.representatives:
                served.setdefault(agent.person.id, []).append(party)
                names[agent.person.id] = agent.person.name
        return [
            CaseMember(
                person_id,
                names[person_id],
                CaseRole.REPRESENTATIVE,
                parties[0].standing,
                self._agent_label(parties),
            )
            for person_id, parties in served.items()
        ]

    def _agent_label(self, parties: list[Party]) -> Label:
        standing = parties[0].standing
        whole_side = [party for party in self.parties if party.standing is standing]
        if parties == whole_side:
            base = STANDING_LABELS[standing]
            return Label(f"{base.zh}代理人", f"{base.en}'s representative")
        labels = [self.party_label(party) for party in parties]
        zh, en = "、".join(label.zh for label in labels), ", ".join(label.en for label in labels)
        return Label(f"{zh}代理人", f"{en}'s representative")


def zh_ordinal(number: int) -> str:
    """1 → 一, 12 → 十二, 20 → 二十; 1-99, beyond that the digits themselves."""
    if number < 1 or number > 99:
        return str(number)
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else _ZH_ORDINALS[tens] + "十")
    return head + (_ZH_ORDINALS[ones] if ones else "")
