"""Ids, clock and actor: the few words every floor shares."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType, Protocol

CourtId = NewType("CourtId", str)
CaseId = NewType("CaseId", str)
PartyId = NewType("PartyId", str)
PersonId = NewType("PersonId", str)
HearingId = NewType("HearingId", str)
RecordingId = NewType("RecordingId", str)
PublicationId = NewType("PublicationId", str)
BroadcastId = NewType("BroadcastId", str)
FailureId = NewType("FailureId", str)
LaneId = NewType("LaneId", str)
EventId = NewType("EventId", str)
AttachmentId = NewType("AttachmentId", str)
ContactRequestId = NewType("ContactRequestId", str)
ExhibitId = NewType("ExhibitId", str)
OpinionId = NewType("OpinionId", str)
ReminderId = NewType("ReminderId", str)
ObligationId = NewType("ObligationId", str)
ActId = NewType("ActId", str)

# Crockford's base 32 without look-alikes: ids are read aloud on the phone now and then.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str, *, now_ms: int | None = None) -> str:
    """A fresh id `prefix_…`: 48 bits of time in milliseconds, then 80 random bits, so that ids sort by birth."""
    value = ((now_ms if now_ms is not None else time.time_ns() // 1_000_000) << 80) | secrets.randbits(80)
    letters = []
    for _ in range(26):
        letters.append(_ALPHABET[value & 31])
        value >>= 5
    return f"{prefix}_{''.join(reversed(letters))}"


class Clock(Protocol):
    """Where the court floors get time from."""

    def utc_now(self) -> datetime:
        """Aware UTC wall clock, truncated to milliseconds."""
        ...

    def monotonic_s(self) -> float:
        """Seconds for timeouts; never steps."""
        ...


class SystemClock:
    """The machine's clocks."""

    def utc_now(self) -> datetime:
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def monotonic_s(self) -> float:
        return time.monotonic()


def to_wire(moment: datetime) -> str:
    """RFC 3339 UTC with milliseconds and `Z`: the one form of a time on the wire and in acts."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Role(StrEnum):
    """What a signed-in person is to the court. A party's standing in a case is the case's business."""

    JUDGE = "judge"
    CLERK = "clerk"
    PRESIDENT = "president"
    PARTY = "party"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: the first argument of every use-case."""

    person_id: PersonId
    role: Role
    court_id: CourtId
    name: str
    session_id: str = ""

    @property
    def is_staff(self) -> bool:
        return self.role in (Role.JUDGE, Role.CLERK, Role.PRESIDENT)


def system_actor(court_id: CourtId) -> Actor:
    """The server itself, where no person acted (timers, recovery)."""
    return Actor(PersonId("per_system"), Role.SYSTEM, court_id, "系统")
