"""Repository of hearings."""

from __future__ import annotations

from typing import Protocol

from hearing_server.domain.hearings import Hearing
from hearing_server.kernel import HearingId


class Hearings(Protocol):
    """Hearings as whole aggregates."""

    async def get(self, hearing_id: HearingId) -> Hearing | None: ...
