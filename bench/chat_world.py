"""A court full of case spaces for drills and benches: people, cases, sessions, tickets, straight into its database.

Everything a socket needs is real; only the thousand sign-ins by SMS are left out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from stdnum.cn import ric

from hearing_server.filing.cases import Authority, Openness, PartyKind, Procedure, Standing
from hearing_server.filing.intake import CaseTerms, PartyIntake, RepresentativeIntake
from hearing_server.kernel import Actor, CourtId, PersonId, Role, new_id
from hearing_server.ports.people import Person, Session, StaffAccount
from hearing_server.ports.units import Units
from hearing_server.services.cases.cases import NewCase
from hearing_server.services.container import Services
from hearing_server.services.identity.secrets import new_token, sha256_hex

_LIFE = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody on a case: a session of their own, and the lanes they may read."""

    name: str
    actor: Actor
    token: str
    case_id: str
    lanes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class World:
    members: tuple[Member, ...]

    def of_case(self, case_id: str) -> list[Member]:
        return [member for member in self.members if member.case_id == case_id]

    @property
    def cases(self) -> list[str]:
        return list(dict.fromkeys(member.case_id for member in self.members))


class Seeder:
    """Fills a database through the court's own use-cases."""

    def __init__(self, services: Services, units: Units) -> None:
        self._services = services
        self._units = units
        self._people = 0

    async def world(self, *, cases: int, parties: int) -> World:
        """So many cases with a judge, a clerk and `parties` (an even number) parties and agents of their own each."""
        court = await self._services.sessions.court()
        members: list[Member] = []
        for number in range(cases):
            judge = await self._staff(court.id, Role.JUDGE, f"j{number}")
            clerk = await self._staff(court.id, Role.CLERK, f"c{number}")
            case = await self._services.cases.file(
                clerk,
                NewCase(
                    CaseTerms("买卖合同纠纷", Procedure.ORDINARY, Openness.OPEN),
                    judge_id=judge.person_id,
                    parties=tuple(self._parties(number, parties)),
                ),
            )
            people = [judge, clerk] + [
                Actor(member.person_id, Role.PARTY, court.id, member.name)
                for member in case.members()
                if member.person_id not in (judge.person_id, clerk.person_id)
            ]
            for place, person in enumerate(people):
                members.append(await self._signed_in(f"k{number}p{place}", person, case.id))
        return World(tuple(members))

    async def tickets(self, members: Sequence[Member]) -> dict[str, str]:
        """A ticket for each member by name, all in one commit."""
        found = {member.name: new_token() for member in members}
        async with self._units.write() as unit:
            for member in members:
                await unit.people.add_ticket(
                    sha256_hex(found[member.name]), member.actor.session_id, _now() + _LIFE
                )
        return found

    def _parties(self, case: int, count: int) -> list[PartyIntake]:
        pairs = count // 2
        found = []
        for place in range(pairs):
            self._people += 2
            standing = Standing.PLAINTIFF if place % 2 == 0 else Standing.DEFENDANT
            agent = RepresentativeIntake(
                f"代理{case}之{place}", _phone(self._people), _id(self._people), Authority.SPECIAL
            )
            found.append(
                PartyIntake(
                    standing,
                    PartyKind.NATURAL,
                    f"当事{case}之{place}",
                    _phone(self._people + 1),
                    _id(self._people + 1),
                    (agent,),
                )
            )
        return found

    async def _staff(self, court_id: CourtId, role: Role, username: str) -> Actor:
        person_id = PersonId(new_id("per"))
        async with self._units.write() as unit:
            await unit.people.add(
                Person(
                    id=person_id,
                    court_id=court_id,
                    kind="staff",
                    name=username,
                    phone_sealed=None,
                    phone_index=None,
                    phone_masked=None,
                    id_number_sealed=None,
                    id_number_index=None,
                    id_masked=None,
                    created_at=_now(),
                )
            )
            # No password opens this account: its session is made below.
            await unit.people.add_staff(StaffAccount(person_id, username, "!", role))
        return Actor(person_id, role, court_id, username)

    async def _signed_in(self, name: str, actor: Actor, case_id: str) -> Member:
        token, now = new_token(), _now()
        session = Session(
            id=new_id("ses"), token_sha256=sha256_hex(token), person_id=actor.person_id, role=actor.role,
            method="password", created_at=now, expires_at=now + _LIFE, ended_at=None,
        )  # fmt: skip
        async with self._units.write() as unit:
            await unit.people.add_session(session)
        signed_in = Actor(actor.person_id, actor.role, actor.court_id, actor.name, session.id)
        lanes = await self._services.space.memberships(signed_in)
        return Member(name, signed_in, token, case_id, tuple(lanes))


def waiting_door(
    seeder: Seeder, member: Member, url: Callable[[], str]
) -> Callable[[], Awaitable[tuple[str, str]]]:
    """A door for `ChatMember`: a fresh ticket out of the database, the address as it is now."""

    async def door() -> tuple[str, str]:
        return url(), (await seeder.tickets([member]))[member.name]

    return door


def _phone(number: int) -> str:
    return f"138{number:08d}"


def _id(number: int) -> str:
    """Well-formed and nobody's: district 330199 was never assigned; days of birth make room for many."""
    day, sequence = divmod(number, 999)
    born = date(1950, 1, 1) + timedelta(days=day)
    body = f"330199{born:%Y%m%d}{sequence + 1:03d}"
    return body + str(ric.calc_check_digit(body + "0"))


def _now() -> datetime:
    return datetime.now(UTC)
