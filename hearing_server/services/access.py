"""The only doors to objects: whoever asks for a case or anything in it comes through here.

"Not yours" and "does not exist" raise the same NotFound.
"""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.domain.hearings import Hearing
from hearing_server.domain.roles import Capacity, capacity_of
from hearing_server.errors import Forbidden, NotFound
from hearing_server.filing.cases import Case, CaseMember, CaseRole
from hearing_server.kernel import Actor, CaseId, HearingId, Role
from hearing_server.ports.units import Unit


async def access_case(unit: Unit, actor: Actor, case_id: str) -> tuple[Case, CaseMember | None]:
    """The case and the actor's place on it.

    Members of the case get in; so do the clerks and presidents of its court, who have no place on it (None).
    """
    case = await unit.cases.get(CaseId(case_id))
    if case is None or case.court.id != actor.court_id:
        raise NotFound
    member = case.member(actor.person_id)
    if member is None and actor.role not in (Role.CLERK, Role.PRESIDENT):
        raise NotFound
    return case, member


async def access_member_case(unit: Unit, actor: Actor, case_id: str) -> tuple[Case, CaseMember]:
    """As `access_case`, for what only members of the case may see (its space)."""
    case, member = await access_case(unit, actor, case_id)
    if member is None:
        raise NotFound
    return case, member


@dataclass(frozen=True, slots=True)
class SeenHearing:
    """A hearing with its case and the place of the person who looks; `member` is None for the court's colleagues."""

    hearing: Hearing
    case: Case
    member: CaseMember | None

    def capacity(self, actor: Actor) -> Capacity:
        """What the actor is towards this case."""
        return capacity_of(actor.role, self.member.role if self.member else None)


async def access_hearing(unit: Unit, actor: Actor, hearing_id: str, *, lock: bool = False) -> SeenHearing:
    """The hearing through its case's door. `lock` for those who will change it."""
    hearing = await unit.hearings.get(HearingId(hearing_id), lock=lock)
    if hearing is None:
        raise NotFound
    case, member = await access_case(unit, actor, hearing.case_id)
    return SeenHearing(hearing, case, member)


def require_role(actor: Actor, *roles: Role) -> None:
    """Forbidden `role.not_allowed` unless the actor signed in with one of `roles`."""
    if actor.role not in roles:
        raise Forbidden("role.not_allowed", zh="您的身份不能进行此操作", en="Your role may not do this")


def require_place(member: CaseMember | None, *roles: CaseRole) -> CaseMember:
    """Forbidden `role.not_allowed` unless the person has one of these places on the case."""
    if member is None or member.role not in roles:
        raise Forbidden("role.not_allowed", zh="您的身份不能进行此操作", en="Your role may not do this")
    return member
