"""Notices: messages to people's devices, written in the commit of what they speak of and sent afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.kernel import PersonId


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person on one channel, to be sent after the commit.

    `state`: queued | sending | accepted | failed. `report`: what the provider said later ("" for nothing yet).
    `maybe_twice`: it was sent again under its key after the sender died without noting the first answer.
    """

    id: str
    dedup_key: str
    person_id: PersonId
    channel: str
    to_sealed: bytes
    body_sealed: bytes
    state: str
    tries: int
    created_at: datetime
    next_at: datetime | None
    settled_at: datetime | None
    result: str | None
    simulated: bool
    provider_id: str | None = None
    report: str = ""
    report_detail: str = ""
    reported_at: datetime | None = None
    maybe_twice: bool = False


class Notices(Protocol):
    """Outbox of notices."""

    async def add(self, notice: Notice) -> bool:
        """False when a notice with this dedup key is there already."""
        ...

    async def get(self, notice_id: str) -> Notice | None: ...
    async def by_key(self, dedup_key: str, *, lock: bool = False) -> Notice | None: ...
    async def due(self, now: datetime, limit: int) -> list[str]:
        """Ids of what should be sent now, or was begun and its lease is over; oldest first."""
        ...

    async def begin(self, notice_id: str, *, now: datetime, lease_until: datetime) -> Notice | None:
        """Take one notice that is due, for this sender alone; None when somebody else has it or it is settled.

        One that another sender had begun comes back with `maybe_twice`.
        """
        ...

    async def settle(
        self,
        notice_id: str,
        *,
        state: str,
        at: datetime,
        result: str,
        simulated: bool,
        provider_id: str | None = None,
    ) -> None: ...
    async def retry(self, notice_id: str, *, next_at: datetime, result: str) -> None: ...
    async def note_report(self, notice_id: str, *, report: str, detail: str, at: datetime) -> None: ...
    async def newest(self, limit: int) -> list[Notice]: ...
    async def by_dedup_prefix(self, prefix: str) -> list[Notice]: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """What a channel is given. `link` is a page of ours; `data` small facts for a page's script, never shown.

    `text` is whole by itself: it holds the link where the channel shows plain text only.
    """

    key: str
    to: str
    title: str
    text: str
    link: str = ""
    data: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class SendResult:
    """What a channel said: `state` accepted | failed | retry | gone (this address will never work again)."""

    state: str
    detail: str
    simulated: bool
    provider_id: str | None = None


class Notifier(Protocol):
    """A channel to a person's device. One without a provider is simulated; its results say so."""

    @property
    def is_simulated(self) -> bool: ...

    async def send(self, letter: Letter) -> SendResult:
        """Send once per key (a provider that knows the key ignores a repeat). Raises TimeoutError, OSError."""
        ...
