"""Lanes: each is one audience inside a case, and here is the one rule of who belongs to it.

Live events, resuming, HTTP, files and the log of acts all ask `first_seq_for`. Kinds:

- `everyone`: all on the case; `bench`: judge and clerk;
- `sealed` (保密材料): the court and one side. The ban on one-sided contact (不得单方接触当事人) holds all the same:
  whatever is written there leaves a public stub in `everyone`, in the same commit;
- `mediation` (调解): the court and the people it names; the court opens and closes it, each time an act. Who is left
  out reads in `everyone` that it was opened and with whom.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hearing_server.errors import Conflict, Invalid
from hearing_server.filing.cases import STANDING_LABELS, Case, CaseMember, CaseRole, Label, Standing
from hearing_server.kernel import CaseId, LaneId, PersonId

GENESIS_HASH = bytes(32)
# One line on a phone.
MAX_LANE_TITLE_CHARS = 40


class LaneKind(StrEnum):
    EVERYONE = "everyone"
    BENCH = "bench"
    SEALED = "sealed"
    MEDIATION = "mediation"


class SealedGround(StrEnum):
    """Why something may be kept from the other sides: 民事诉讼法 art 71 (商业秘密、个人隐私), 103-104 (保全).

    State secrets don't belong on this server at all and are no ground here.
    """

    TRADE_SECRET = "trade_secret"
    PRIVACY = "privacy"
    MINOR = "minor"
    SAFETY = "safety"
    PRESERVATION = "preservation"

    @property
    def label(self) -> Label:
        return _GROUND_LABELS[self]


_GROUND_LABELS = {
    SealedGround.TRADE_SECRET: Label("涉及商业秘密", "trade secret"),
    SealedGround.PRIVACY: Label("涉及个人隐私", "privacy"),
    SealedGround.MINOR: Label("涉及未成年人", "a minor"),
    SealedGround.SAFETY: Label("涉及人身安全", "personal safety"),
    SealedGround.PRESERVATION: Label("申请保全", "application for preservation"),
}

# The order in which a person finds them.
_ORDER = tuple(LaneKind)
COURT_ROLES = (CaseRole.JUDGE, CaseRole.CLERK)


@dataclass(frozen=True, slots=True)
class LanePerson:
    """Somebody the court named for a mediation. `from_seq`: the first event they may read, 1 for all."""

    person_id: PersonId
    from_seq: int = 1


@dataclass(frozen=True, slots=True)
class Lane:
    """`slot` tells lanes of one kind apart within the case: the side's standing of a sealed one, a mediation's number.

    `epoch` changes only when the log was restored from a backup: a client with another epoch reloads from zero.
    `persons`: of a mediation, those beside the court.
    """

    id: LaneId
    case_id: CaseId
    kind: LaneKind
    epoch: int = 1
    head_seq: int = 0
    head_hash: bytes = GENESIS_HASH
    slot: str = ""
    title: str = ""
    closed_at: datetime | None = None
    persons: tuple[LanePerson, ...] = ()

    @property
    def side(self) -> Standing | None:
        """Whose sealed lane it is."""
        return Standing(self.slot) if self.kind is LaneKind.SEALED else None

    def first_seq_for(self, member: CaseMember | None) -> int | None:
        """The first event this member of the case may read here, None when they have no business here.

        A person who left the case is no member: nothing stays open to them, not even what they once read.
        """
        if member is None:
            return None
        if self.kind is LaneKind.EVERYONE or member.role in COURT_ROLES:
            return 1
        if self.kind is LaneKind.SEALED:
            return 1 if member.standing is self.side else None
        if self.kind is LaneKind.MEDIATION:
            named = (one.from_seq for one in self.persons if one.person_id == member.person_id)
            return next(named, None)
        return None

    def is_open_to(self, member: CaseMember | None) -> bool:
        """Whether somebody belongs here."""
        return self.first_seq_for(member) is not None

    def readers(self, case: Case) -> frozenset[PersonId]:
        """Everybody on the case who belongs here."""
        return frozenset(member.person_id for member in case.members() if self.is_open_to(member))

    def require_open(self) -> None:
        """Errors: Conflict `lane.closed`."""
        if self.closed_at is not None:
            raise Conflict("lane.closed", zh="该沟通空间已由法庭关闭", en="The court has closed this space")


def in_order(lanes: Iterable[Lane]) -> list[Lane]:
    """As people see them: everyone first, open mediations before closed ones."""
    return sorted(lanes, key=lambda lane: (_ORDER.index(lane.kind), lane.closed_at is not None, lane.id))


def sides_of(case: Case) -> tuple[Standing, ...]:
    """The sides of the case in the order of filing, each once."""
    return tuple(dict.fromkeys(party.standing for party in case.parties))


def side_label(side: Standing) -> Label:
    """原告方: the party or parties with this standing and those who act for them."""
    label = STANDING_LABELS[side]
    return Label(f"{label.zh}方", f"{label.en}'s side")


def left_out(case: Case, persons: Iterable[PersonId]) -> tuple[Standing, ...]:
    """Sides of the case none of whose people is among `persons`."""
    members = (case.member(person_id) for person_id in persons)
    heard = {member.standing for member in members if member is not None}
    return tuple(side for side in sides_of(case) if side not in heard)


def mediation_members(case: Case, person_ids: Iterable[PersonId]) -> tuple[CaseMember, ...]:
    """The named people as they stand on the case, each once.

    Errors: Invalid `mediation.people` for nobody, strangers to the case, or the court itself (it is always in).
    """
    found = [case.member(person_id) for person_id in dict.fromkeys(person_ids)]
    named = tuple(member for member in found if member is not None and member.role not in COURT_ROLES)
    if not named or len(named) != len(found):
        raise Invalid(
            "mediation.people",
            zh="请从本案当事人和代理人中选择参加调解的人",
            en="Name people of this case who are parties or representatives",
        )
    return named


def require_agreed(case: Case, persons: Iterable[PersonId], *, is_agreed: bool) -> tuple[Standing, ...]:
    """背对背调解 is talking to one side in private: only when all sides have agreed. Answers the sides left out.

    Errors: Conflict `mediation.not_agreed`.
    """
    absent = left_out(case, persons)
    if absent and not is_agreed:
        raise Conflict(
            "mediation.not_agreed",
            zh="单独与部分当事人调解，须经各方同意并记录在案",
            en="Mediating with some of the sides alone needs the recorded consent of all",
        )
    return absent
