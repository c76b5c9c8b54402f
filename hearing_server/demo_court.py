"""A believable court for trying the product: staff, cases, parties, hearings. All people and numbers are invented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hearing_server.app import CourtServer
from hearing_server.domain.hearing.hearings import HearingState
from hearing_server.filing.cases import Authority, Case, Openness, PartyKind, Procedure, Standing
from hearing_server.filing.intake import CaseTerms, PartyIntake, RepresentativeIntake
from hearing_server.kernel import Actor, CourtId, PersonId, Role, new_id
from hearing_server.ports.people import Person, StaffAccount
from hearing_server.services.cases.cases import NewCase
from hearing_server.services.identity.sessions import hash_password

# The same for every member of the demo's staff, shown on the demo page; a real court has no such account.
PASSWORD: Final = "yunhe-demo"

_STAFF = (
    ("judge", "沈明远", Role.JUDGE),
    ("clerk", "顾小雨", Role.CLERK),
    ("clerk2", "杜若兰", Role.CLERK),
    ("president", "韩志成", Role.PRESIDENT),
)


@dataclass(frozen=True, slots=True)
class _Somebody:
    name: str
    phone: str
    id_number: str


# Birth dates and check digits are right, the area code 330199 is assigned to no place.
_LIN = _Somebody("林书瑶", "13900000001", "330199198803120023")
_ZHAO = _Somebody("赵建国", "13900000002", "330199197511050014")
_XU = _Somebody("徐静", "13900000003", "330199198306180025")
_WEN = _Somebody("温晓岚", "13900000004", "330199199209070021")
_HE = _Somebody("何立新", "13900000005", "330199196804220019")


class DemoCourt:
    """Seeds an empty database once and tells who is who."""

    def __init__(self, server: CourtServer) -> None:
        self._server = server

    async def seed(self) -> None:
        """Make staff, two cases and two hearings, unless the court has staff already."""
        server = self._server
        court_id = server.profile.court.id
        async with server.units.read() as unit:
            known = await unit.people.staff(court_id)
        if not known:
            await self._hire(court_id)
            await self._file()

    async def describe(self) -> dict[str, object]:
        """What `demo --json` prints and the demo page shows, with the newest links of the simulator's outbox."""
        server = self._server
        clerk = await self._actor("clerk")
        cases = await server.services.cases.mine(clerk)
        hearings = await server.services.hearings.mine(clerk)
        ahead = [c for h, c in hearings if h.state not in (HearingState.CLOSED, HearingState.CANCELLED)]
        links: dict[PersonId, str] = {}
        for item in reversed(await server.services.outbox.newest(500)):
            if item.links and "/j/" in item.links[0]:
                links[item.person_id] = item.links[0]
        return {
            # Those whose hearing is next come first: that is the one to try.
            "people": [*self._staff_page(), *self._party_page(ahead + cases, links)],
            "cases": [{"id": c.id, "number": str(c.number), "cause": c.cause} for c in cases],
            "hearings": [
                {
                    "id": h.id,
                    "case_id": c.id,
                    "title": h.title,
                    "state": h.state.value,
                    "starts_at": h.starts_at.isoformat(),
                    "link": f"{server.address.url}/hearings/{h.id}/lobby",
                }
                for h, c in hearings
            ],
        }

    def _staff_page(self) -> list[dict[str, object]]:
        url = self._server.address.url
        return [
            {
                "role": role.value,
                "name": name,
                "sign_in": {"kind": "password", "username": username, "password": PASSWORD},
                "links": {"sign_in": f"{url}/sign-in"},
            }
            for username, name, role in _STAFF
        ]

    def _party_page(self, cases: list[Case], links: dict[PersonId, str]) -> list[dict[str, object]]:
        known = {somebody.name: somebody for somebody in (_LIN, _ZHAO, _XU, _WEN, _HE)}
        found: dict[PersonId, dict[str, object]] = {}
        for case in cases:
            for member in case.members():
                somebody = known.get(member.name)
                if somebody is None or member.person_id in found:
                    continue
                found[member.person_id] = {
                    "role": member.role.value,
                    "label": member.label.zh,
                    "label_en": member.label.en,
                    "name": member.name,
                    "case_id": case.id,
                    "sign_in": {
                        "kind": "phone_code",
                        "phone": somebody.phone,
                        "id_last4": somebody.id_number[-4:],
                    },
                    "links": {
                        "join": links.get(member.person_id, ""),
                        "outbox": f"{self._server.address.url}/demo/outbox",
                    },
                }
        return list(found.values())

    async def _hire(self, court_id: CourtId) -> None:
        server, password_hash = self._server, hash_password(PASSWORD)
        async with server.units.write() as unit:
            for username, name, role in _STAFF:
                person_id = PersonId(new_id("per"))
                await unit.people.add(
                    Person(
                        id=person_id,
                        court_id=court_id,
                        kind="staff",
                        name=name,
                        phone_sealed=None,
                        phone_index=None,
                        phone_masked=None,
                        id_number_sealed=None,
                        id_number_index=None,
                        id_masked=None,
                        created_at=server.clock.utc_now(),
                    )
                )
                await unit.people.add_staff(StaffAccount(person_id, username, password_hash, role))

    async def _file(self) -> None:
        server = self._server
        clerk, judge = await self._actor("clerk"), await self._actor("judge")
        loan = await server.services.cases.file(
            clerk,
            NewCase(
                CaseTerms("民间借贷纠纷", Procedure.ORDINARY, Openness.OPEN),
                judge_id=judge.person_id,
                parties=(
                    _party(Standing.PLAINTIFF, _LIN, _XU),
                    _party(Standing.DEFENDANT, _ZHAO),
                ),
            ),
        )
        rent = await server.services.cases.file(
            clerk,
            NewCase(
                CaseTerms("房屋租赁合同纠纷", Procedure.SUMMARY, Openness.OPEN),
                judge_id=judge.person_id,
                parties=(_party(Standing.PLAINTIFF, _WEN), _party(Standing.DEFENDANT, _HE)),
            ),
        )
        now = server.clock.utc_now()
        await server.services.hearings.schedule(
            clerk, loan.id, title="第一次庭审", starts_at=_next_minutes(now, 10), duration_min=60
        )
        await server.services.hearings.schedule(
            clerk,
            rent.id,
            title="第一次庭审",
            starts_at=_next_minutes(now + timedelta(days=5), 0),
            duration_min=45,
        )

    async def _actor(self, username: str) -> Actor:
        async with self._server.units.read() as unit:
            account = await unit.people.staff_by_username(username)
            assert account is not None
            person = await unit.people.get(account.person_id)
            assert person is not None
        return Actor(person.id, account.role, person.court_id, person.name)


def _party(standing: Standing, somebody: _Somebody, agent: _Somebody | None = None) -> PartyIntake:
    agents: tuple[RepresentativeIntake, ...] = ()
    if agent is not None:
        agents = (RepresentativeIntake(agent.name, agent.phone, agent.id_number, Authority.SPECIAL),)
    return PartyIntake(standing, PartyKind.NATURAL, somebody.name, somebody.phone, somebody.id_number, agents)


def _next_minutes(now: datetime, minutes: int) -> datetime:
    """A round time that lies ahead: a hearing is never scheduled for 09:47:13."""
    ahead = now + timedelta(minutes=minutes)
    return ahead.replace(minute=ahead.minute // 5 * 5, second=0, microsecond=0) + timedelta(minutes=5)
