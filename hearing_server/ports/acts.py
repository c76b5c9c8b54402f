"""Acts: what is written in the same commit as the business."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from hearing_server.domain.acts import Act, ActKind


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
    async def of_hearing(self, hearing_id: str, kinds: Iterable[ActKind], limit: int) -> list[Act]:
        """The first `limit` acts of these kinds whose payload names the hearing, in their order."""
        ...
