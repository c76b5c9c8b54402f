"""People, accounts, sessions, codes and invitations, as the use-cases see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.domain.codes import OneTimeCode
from hearing_server.filing.cases import Court
from hearing_server.kernel import CourtId, HearingId, PersonId, Role


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person, a legal person or a member of staff. Phone and ID number stay sealed here."""

    id: PersonId
    court_id: CourtId
    kind: str
    name: str
    phone_sealed: bytes | None
    phone_index: str | None
    phone_masked: str | None
    id_number_sealed: bytes | None
    id_number_index: str | None
    id_masked: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StaffAccount:
    person_id: PersonId
    username: str
    password_hash: str
    role: Role


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    token_sha256: str
    person_id: PersonId
    role: Role
    method: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A join link: only its hash is kept. It opens together with a phone code and the last four of the ID."""

    id: str
    token_sha256: str
    hearing_id: HearingId
    person_id: PersonId
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    last_used_at: datetime | None


class People(Protocol):
    """Repository of people and of the ways they come in."""

    async def add_court(self, court: Court) -> None: ...
    async def court(self, court_id: CourtId) -> Court | None: ...
    async def first_court(self) -> Court | None: ...

    async def add(self, person: Person) -> None: ...
    async def get(self, person_id: PersonId) -> Person | None: ...
    async def many(self, person_ids: list[PersonId]) -> dict[PersonId, Person]: ...
    async def by_id_number(self, court_id: CourtId, index: str) -> Person | None: ...
    async def by_phone(self, court_id: CourtId, index: str) -> list[Person]: ...
    async def set_phone(self, person_id: PersonId, *, sealed: bytes, index: str, masked: str) -> None: ...

    async def add_staff(self, account: StaffAccount) -> None: ...
    async def staff_by_username(self, username: str) -> StaffAccount | None: ...
    async def staff_account(self, person_id: PersonId) -> StaffAccount | None: ...
    async def staff(self, court_id: CourtId) -> list[tuple[Person, StaffAccount]]: ...

    async def add_session(self, session: Session) -> None: ...
    async def session_by_token(self, token_sha256: str) -> Session | None: ...
    async def session(self, session_id: str) -> Session | None: ...
    async def end_session(self, session_id: str, at: datetime) -> None: ...

    async def add_ticket(self, ticket_sha256: str, session_id: str, expires_at: datetime) -> None: ...
    async def use_ticket(self, ticket_sha256: str, now: datetime) -> str | None:
        """The session id, once; None for a used, late or unknown ticket."""
        ...

    async def add_code(self, code: OneTimeCode) -> None: ...
    async def newest_code(self, subject: str, *, lock: bool = False) -> OneTimeCode | None:
        """`lock` holds the row until the commit, so that guesses at once are counted one after another."""
        ...

    async def count_try(self, code_id: str) -> None: ...
    async def use_code(self, code_id: str, at: datetime) -> bool:
        """True for the one caller that used it."""
        ...

    async def add_invitation(self, invitation: Invitation) -> None: ...
    async def invitation_by_token(self, token_sha256: str) -> Invitation | None: ...
    async def touch_invitation(self, invitation_id: str, at: datetime) -> None: ...
    async def end_invitations(
        self, hearing_id: HearingId, person_id: PersonId | None, at: datetime
    ) -> None: ...

    async def count_attempt(self, name: str, *, now: datetime, window_s: int) -> int:
        """Count one attempt under `name`; how many there are in the window that is running."""
        ...

    async def attempts(self, name: str, *, now: datetime, window_s: int) -> int:
        """How many were counted in the window that is running."""
        ...

    async def forget_attempts(self, name: str) -> None: ...
