"""Sign-in and sessions: a password for staff, a phone code for parties, a ticket for sockets.

A new token at every sign-in (no fixation), one answer and one time for unknown and known names (no enumeration),
a bounded number of tries per name and network (no brute force; ASVS 5.0 6.3.1, 6.3.8, 7.2.4).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from hearing_server.domain.acts import ActKind
from hearing_server.domain.codes import refusal
from hearing_server.errors import Forbidden, NotSignedIn, RateLimited
from hearing_server.filing.cases import Court
from hearing_server.filing.identity import normalise_phone
from hearing_server.kernel import Actor, Clock, PersonId, Role, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.people import Person, Session
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.group_commit import GroupCommit
from hearing_server.services.identity.codes import Codes
from hearing_server.services.identity.secrets import new_token, sha256_hex

STAFF_LIFE = timedelta(hours=12)
PARTY_LIFE = timedelta(hours=24)
TICKET_LIFE = timedelta(seconds=60)
# Wrong passwords before a pause. Per name and network, so that a stranger elsewhere can't lock a judge out easily;
# per name, so that many networks together don't get far either; per network, against a list of names: right ones
# count there too, a court's whole staff may sign in from one address in the morning.
_PAUSE_S = 900
_TRIES_PER_NAME_AND_NETWORK = 5
_TRIES_PER_NAME = 50
_TRIES_PER_NETWORK = 300
_hasher = PasswordHasher()
# Checked when the name is unknown, so that the answer takes as long as for a known one.
_NOBODY = _hasher.hash(new_token())


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A fresh session: `token` goes into the cookie and nowhere else."""

    token: str
    actor: Actor
    expires_at: datetime


def hash_password(password: str) -> str:
    """argon2id with the library's defaults; about 0.1 s, so never on the event loop."""
    return _hasher.hash(password)


class Sessions:
    """Who is there."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, codes: Codes, line: GroupCommit) -> None:
        self._units = units
        self._line = line
        self._vault = vault
        self._clock = clock
        self._codes = codes

    async def sign_in_staff(self, *, username: str, password: str, network: str) -> SignedIn:
        """Errors: Forbidden `sign_in.wrong`, RateLimited `sign_in.locked`. Unknown names count like known ones."""
        now, name = self._clock.utc_now(), username.lower()
        # A keyed hash: whatever was typed as a name isn't kept.
        hidden = self._vault.index(name, purpose="sign-in-name")
        counters = {
            f"staff:{hidden[:32]}:{network}": _TRIES_PER_NAME_AND_NETWORK,
            f"staff:{hidden[:32]}": _TRIES_PER_NAME,
            f"staff:net:{network}": _TRIES_PER_NETWORK,
        }
        async with self._units.write() as unit:
            # Counted before the password is looked at: a hundred tries at once count as a hundred.
            counts = [await unit.people.count_attempt(c, now=now, window_s=_PAUSE_S) for c in counters]
            account = await unit.people.staff_by_username(name)
        if any(count > most for count, most in zip(counts, counters.values(), strict=True)):
            raise _locked(_PAUSE_S)
        right = await asyncio.to_thread(_verify, account.password_hash if account else _NOBODY, password)
        if account is None or not right:
            raise Forbidden("sign_in.wrong", zh="用户名或密码不正确", en="Wrong user name or password")
        async with self._units.write() as unit:
            for counter in list(counters)[:2]:
                await unit.people.forget_attempts(counter)
            person = await unit.people.get(account.person_id)
            assert person is not None
            return await self.begin(unit, person, role=account.role, method="password", life=STAFF_LIFE)

    async def request_code(self, *, phone: str, network: str) -> int:
        """Send a sign-in code; seconds until the next may be asked for. Unknown phones answer alike."""
        index = self._vault.index(normalise_phone(phone), purpose="phone")
        async with self._units.read() as unit:
            people = await self._people_of_phone(unit, index)
        return await self._codes.send(
            subject=f"phone:{index}",
            person_id=people[0].id if people else None,
            purpose_zh="用于登录在线诉讼",
            network=network,
        )

    async def sign_in_phone(self, *, phone: str, code: str, network: str) -> SignedIn:
        """Errors: Forbidden `code.wrong`, RateLimited `code.too_many`."""
        index = self._vault.index(normalise_phone(phone), purpose="phone")
        await self._codes.check(subject=f"phone:{index}", code=code, network=network)
        async with self._units.write() as unit:
            people = await self._people_of_phone(unit, index)
            if not people:
                raise refusal()
            return await self.begin(unit, people[0], role=Role.PARTY, method="phone_code", life=PARTY_LIFE)

    async def begin(
        self, unit: Unit, person: Person, *, role: Role, method: str, life: timedelta
    ) -> SignedIn:
        """A new session for a person whose identity was checked, in the caller's unit."""
        now = self._clock.utc_now()
        token = new_token()
        session = Session(
            id=new_id("ses"),
            token_sha256=sha256_hex(token),
            person_id=person.id,
            role=role,
            method=method,
            created_at=now,
            expires_at=now + life,
            ended_at=None,
        )
        await unit.people.add_session(session)
        actor = Actor(person.id, role, person.court_id, person.name, session.id)
        await record_act(
            unit,
            actor,
            kind=ActKind.SESSION_STARTED,
            chain_id=person.court_id,
            at=now,
            payload={"method": method},
        )
        return SignedIn(token, actor, session.expires_at)

    async def actor_of(self, token: str) -> Actor | None:
        """The person behind a cookie; None for an unknown, ended or late session."""
        async with self._units.read() as unit:
            session = await unit.people.session_by_token(sha256_hex(token))
            return await self._actor(unit, session)

    async def end(self, actor: Actor) -> None:
        """Sign out: the session is dead at once, its sockets too."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            await unit.people.end_session(actor.session_id, now)
            await record_act(
                unit, actor, kind=ActKind.SESSION_ENDED, chain_id=actor.court_id, at=now, payload={}
            )
            unit.ring(Doorbell("session_ended", actor.session_id))

    async def new_ticket(self, actor: Actor) -> str:
        """A ticket for one socket connection within a minute; the cookie alone opens no socket."""
        ticket = new_token()

        async def write(unit: Unit) -> None:
            until = self._clock.utc_now() + TICKET_LIFE
            await unit.people.add_ticket(sha256_hex(ticket), actor.session_id, until)

        # When a thousand people come back at once, their tickets share commits.
        await self._line.run(write, order="")
        return ticket

    async def redeem_ticket(self, ticket: str) -> Actor:
        """The person behind a ticket, once. Errors: NotSignedIn `ticket.invalid`."""

        async def use(unit: Unit) -> Actor | None:
            session_id = await unit.people.use_ticket(sha256_hex(ticket), self._clock.utc_now())
            session = await unit.people.session(session_id) if session_id else None
            return await self._actor(unit, session)

        actor = await self._line.run(use, order="")
        if actor is None:
            raise NotSignedIn(
                "ticket.invalid", zh="连接凭证已失效", en="The connection ticket is no longer valid"
            )
        return actor

    async def court(self) -> Court:
        """The one court this server serves."""
        async with self._units.read() as unit:
            court = await unit.people.first_court()
        assert court is not None, "a database without a court"
        return court

    async def staff(self, actor: Actor) -> list[dict[str, str]]:
        """Judges, clerks and presidents of the actor's court."""
        async with self._units.read() as unit:
            found = await unit.people.staff(actor.court_id)
        return [
            {"id": person.id, "name": person.name, "role": account.role.value} for person, account in found
        ]

    async def _actor(self, unit: Unit, session: Session | None) -> Actor | None:
        now = self._clock.utc_now()
        if session is None or session.ended_at is not None or session.expires_at <= now:
            return None
        person = await unit.people.get(PersonId(session.person_id))
        if person is None:
            return None
        return Actor(person.id, session.role, person.court_id, person.name, session.id)

    async def _people_of_phone(self, unit: Unit, index: str) -> list[Person]:
        court = await unit.people.first_court()
        if court is None:
            return []
        people = await unit.people.by_phone(court.id, index)
        return [person for person in people if person.kind != "staff"]


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except VerificationError:
        return False


def _locked(retry_after_s: float) -> RateLimited:
    return RateLimited(
        "sign_in.locked",
        zh="错误次数过多，请稍后再试",
        en="Too many wrong tries. Please wait and try again",
        retry_after_s=retry_after_s,
    )
