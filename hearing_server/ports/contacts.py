"""Addresses of people beside their phone, what they wish to be told how, and their consent to electronic service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.kernel import CaseId, PersonId


@dataclass(frozen=True, slots=True)
class Contact:
    """An address on one channel: an e-mail address, a WeChat openid, a browser's push subscription (JSON).

    `origin`: confirmed | given | found. `is_confirmed`: a code sent there came back, or the browser itself made it.
    """

    id: str
    person_id: PersonId
    channel: str
    address_sealed: bytes
    address_index: str
    label: str
    origin: str
    created_at: datetime
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None
    last_proof_at: datetime | None = None

    @property
    def is_usable(self) -> bool:
        return self.confirmed_at is not None and self.ended_at is None


@dataclass(frozen=True, slots=True)
class ServiceConsent:
    """送达地址确认: consent to electronic service in one case, or its refusal; the newest counts."""

    case_id: CaseId
    person_id: PersonId
    granted: bool
    text_version: str
    text_sha256: str
    at: datetime


class Contacts(Protocol):
    """Repository of contacts, preferences and consents to electronic service."""

    async def add(self, contact: Contact) -> None: ...
    async def get(self, contact_id: str) -> Contact | None: ...
    async def of_people(self, person_ids: list[PersonId]) -> list[Contact]:
        """All that have not ended, oldest first."""
        ...

    async def same(self, person_id: PersonId, channel: str, address_index: str) -> Contact | None: ...
    async def confirm(self, contact_id: str, at: datetime) -> None: ...
    async def end(self, contact_id: str, at: datetime) -> None: ...
    async def note_proof(self, contact_id: str, at: datetime) -> None:
        """Something was proven to arrive there: the channel works for this device."""
        ...

    async def wishes(self, person_ids: list[PersonId]) -> dict[PersonId, dict[str, bool]]:
        """What people switched on or off; what isn't named is as by default."""
        ...

    async def save_wishes(self, person_id: PersonId, wishes: dict[str, bool]) -> None: ...
    async def add_consent(self, consent: ServiceConsent) -> None: ...
    async def consents(self, case_id: CaseId) -> dict[PersonId, ServiceConsent]:
        """The newest of each person."""
        ...
