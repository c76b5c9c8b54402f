"""Acts and notices: what is written in the same commit as the business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.domain.acts import Act
from hearing_server.kernel import PersonId


class Acts(Protocol):
    """Repository of the act log."""

    async def lock_head(self, chain_id: str) -> tuple[int, str]:
        """(head_seq, head_sha256) of the chain, locked until the commit; (0, "") for a new one."""
        ...

    async def head(self, chain_id: str) -> tuple[int, str]:
        """As `lock_head`, without the lock."""
        ...

    async def append(self, act: Act) -> None: ...
    async def get(self, act_id: str) -> Act | None: ...
    async def after(self, chain_id: str, seq: int, limit: int) -> list[Act]: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one person on one channel, to be sent after the commit."""

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


class Notices(Protocol):
    """Outbox of notices."""

    async def add(self, notice: Notice) -> bool:
        """False when a notice with this dedup key is there already."""
        ...

    async def claim_due(self, now: datetime, lease_until: datetime, limit: int) -> list[Notice]: ...
    async def settle(
        self, notice_id: str, *, state: str, at: datetime, result: str, simulated: bool
    ) -> None: ...
    async def retry(self, notice_id: str, *, next_at: datetime, result: str) -> None: ...
    async def newest(self, limit: int) -> list[Notice]: ...
    async def by_dedup_prefix(self, prefix: str) -> list[Notice]: ...


@dataclass(frozen=True, slots=True)
class SendResult:
    """What a channel said: `state` accepted | failed | retry."""

    state: str
    detail: str
    simulated: bool


class Notifier(Protocol):
    """A channel to a person's device. SMS is simulated until a provider is configured; the result says so."""

    async def send(self, *, key: str, to: str, body: str) -> SendResult:
        """Send once per `key` (a provider that knows the key ignores a repeat)."""
        ...
