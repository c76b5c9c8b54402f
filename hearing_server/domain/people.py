"""A person as the court knows them, and what a signed-in person is told about themselves."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.filing.cases import Court, PersonRef
from hearing_server.filing.identity import mask_id_number, mask_phone
from hearing_server.kernel import CourtId, PersonId, Role

STAFF_ROLES = (Role.JUDGE, Role.CLERK, Role.PRESIDENT)

ROLE_NAMES: dict[Role, tuple[str, str]] = {
    Role.JUDGE: ("法官", "Judge"),
    Role.CLERK: ("书记员", "Clerk"),
    Role.PRESIDENT: ("院领导", "Court president"),
    Role.PARTY: ("当事人", "Party"),
    Role.SYSTEM: ("系统", "System"),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Staff and parties alike, with phone and ID number in clear: lives only inside a use-case, never on the wire."""

    id: PersonId
    court_id: CourtId
    role: Role
    name: str
    phone: str | None = None
    id_number: str | None = None

    @property
    def is_staff(self) -> bool:
        return self.role in STAFF_ROLES

    def reference(self) -> PersonRef:
        """The masked form that a case shows."""
        return PersonRef(
            self.id,
            self.name,
            mask_phone(self.phone) if self.phone else None,
            mask_id_number(self.id_number) if self.id_number else None,
        )


@dataclass(frozen=True, slots=True)
class Me:
    """The signed-in person, as the protocol's `Me`."""

    id: PersonId
    role: Role
    name: str
    court: Court

    def to_wire(self) -> dict[str, object]:
        return {
            "id": self.id,
            "kind": "staff" if self.role in STAFF_ROLES else "party",
            "role": str(self.role),
            "name": self.name,
            "court": {"id": self.court.id, "name": self.court.name, "name_en": self.court.name_en},
        }
