"""Join links: sent by SMS, opened only together with the phone code and the last four characters of the ID number."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from hearing_server.domain.codes import refusal, too_many
from hearing_server.domain.hearing.attendance import note_identity_checked
from hearing_server.errors import NotFound
from hearing_server.filing.cases import Court
from hearing_server.filing.identity import last_four
from hearing_server.kernel import Actor, Clock, HearingId, PersonId, Role, new_id
from hearing_server.ports.people import Invitation, Person
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import SeenHearing, access_hearing
from hearing_server.services.hearing.changes import save_change
from hearing_server.services.identity.codes import Codes
from hearing_server.services.identity.secrets import new_token, sha256_hex
from hearing_server.services.identity.sessions import PARTY_LIFE, Sessions, SignedIn

# A link outlives the hearing's planned end by a day: hearings run late, transcripts are read after them.
AFTERLIFE = timedelta(hours=24)
_ENDING_TRIES = 5


@dataclass(frozen=True, slots=True)
class LinkView:
    """What a link shows before any identity was proven: nothing of the case."""

    court: Court
    starts_at: datetime
    phone_masked: str | None
    state: str


async def issue_invitation(
    unit: Unit, *, hearing_id: HearingId, person_id: PersonId, now: datetime, expires_at: datetime
) -> str:
    """A fresh link token; earlier links of this person to this hearing die. The caller sends it."""
    await unit.people.end_invitations(hearing_id, person_id, now)
    token = new_token()
    await unit.people.add_invitation(
        Invitation(
            id=new_id("inv"),
            token_sha256=sha256_hex(token),
            hearing_id=hearing_id,
            person_id=person_id,
            created_at=now,
            expires_at=expires_at,
            ended_at=None,
            last_used_at=None,
        )
    )
    return token


class Invitations:
    """What a person can do with a link."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, codes: Codes, sessions: Sessions) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._codes = codes
        self._sessions = sessions

    async def look(self, token: str) -> LinkView:
        """Court, time and masked phone. NotFound for an unknown token."""
        async with self._units.read() as unit:
            invitation, person, starts_at, cancelled = await self._find(unit, token)
            court = await unit.people.court(person.court_id)
        assert court is not None
        state = "open"
        if cancelled:
            state = "cancelled"
        elif invitation.ended_at is not None or invitation.expires_at <= self._clock.utc_now():
            state = "expired"
        return LinkView(court, starts_at, person.phone_masked if state == "open" else None, state)

    async def send_code(self, token: str, *, network: str) -> int:
        """Send the code to the phone the court has; seconds until the next. NotFound for a dead link."""
        async with self._units.read() as unit:
            invitation, person, _, _ = await self._living(unit, token)
        return await self._codes.send(
            subject=f"link:{invitation.token_sha256}",
            person_id=person.id,
            purpose_zh="用于进入在线庭审",
            network=network,
        )

    async def enter(
        self, token: str, *, code: str, id_last4: str, network: str
    ) -> tuple[SignedIn, HearingId]:
        """A session for the invited person. Errors: Forbidden `code.wrong`, RateLimited, NotFound."""
        async with self._units.read() as unit:
            invitation, person, _, _ = await self._living(unit, token)
        # The ID ending is compared first and told never: a wrong one costs a try of the code like a wrong code.
        ending_right = self._ending_right(person, id_last4)
        await self._codes.check(
            subject=f"link:{invitation.token_sha256}", code=code if ending_right else "", network=network
        )
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            await unit.people.touch_invitation(invitation.id, now)
            signed_in = await self._sessions.begin(
                unit, person, role=Role.PARTY, method="join_link", life=PARTY_LIFE
            )
            hearing = await unit.hearings.get(invitation.hearing_id, lock=True)
            assert hearing is not None
            change = note_identity_checked(hearing, person.id, at=now)
            await save_change(unit, signed_in.actor, hearing, change, at=now)
        return signed_in, invitation.hearing_id

    async def check_identity(self, actor: Actor, hearing_id: str, *, id_last4: str) -> SeenHearing:
        """Identity at the door for somebody who signed in by phone code, without the link.

        Errors: Forbidden `code.wrong`, RateLimited `code.too_many`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            person = await unit.people.get(actor.person_id)
            # Ten thousand endings, five tries an hour: the phone code before it is the first factor.
            tries = await unit.people.count_attempt(f"identity:{actor.person_id}", now=now, window_s=3600)
            right = person is not None and tries <= _ENDING_TRIES and self._ending_right(person, id_last4)
            if right:
                change = note_identity_checked(seen.hearing, actor.person_id, at=now)
                after = await save_change(unit, actor, seen.hearing, change, at=now)
        if tries > _ENDING_TRIES:
            raise too_many(1800)
        if not right:
            raise refusal()
        return SeenHearing(after, seen.case, seen.member)

    def _ending_right(self, person: Person, id_last4: str) -> bool:
        if person.id_number_sealed is None:
            return False
        number = self._vault.open(person.id_number_sealed, context=f"persons.id_number:{person.id}")
        return hmac.compare_digest(last_four(number).upper().encode(), id_last4.strip().upper().encode())

    async def _living(self, unit: Unit, token: str) -> tuple[Invitation, Person, datetime, bool]:
        found = await self._find(unit, token)
        invitation, _, _, cancelled = found
        if cancelled or invitation.ended_at is not None or invitation.expires_at <= self._clock.utc_now():
            raise NotFound(
                "join_link.expired",
                zh="链接已失效，请使用最近一条短信中的链接，或联系书记员",
                en="This link is no longer valid. Use the one in the newest SMS, or ask the clerk",
            )
        return found

    async def _find(self, unit: Unit, token: str) -> tuple[Invitation, Person, datetime, bool]:
        invitation = await unit.people.invitation_by_token(sha256_hex(token))
        if invitation is None:
            raise NotFound("join_link.unknown", zh="链接不存在", en="There is no such link")
        person = await unit.people.get(invitation.person_id)
        hearing = await unit.hearings.get(invitation.hearing_id)
        assert person is not None
        assert hearing is not None
        return invitation, person, hearing.starts_at, hearing.state == "cancelled"
