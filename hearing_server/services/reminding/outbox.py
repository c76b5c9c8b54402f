"""The simulator's outbox: what would have reached people's phones. Readable in a demo court only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from hearing_server.kernel import PersonId
from hearing_server.ports.units import Units
from hearing_server.ports.vault import Vault

_LINK = re.compile(r"https?://[^\s。，）]+")


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """One simulated message in clear, with the links a phone would make tappable."""

    id: str
    at: datetime
    channel: str
    to: str
    to_name: str
    person_id: PersonId
    body: str
    links: tuple[str, ...]
    state: str
    simulated: bool


class Outbox:
    """Reads the notices back; the composition root hands it out in a demo court only."""

    def __init__(self, units: Units, vault: Vault) -> None:
        self._units = units
        self._vault = vault

    async def newest(self, limit: int = 100) -> list[OutboxItem]:
        async with self._units.read() as unit:
            found = await unit.notices.newest(limit)
            people = await unit.people.many([notice.person_id for notice in found])
        items = []
        for notice in found:
            body = self._vault.open(notice.body_sealed, context=f"notices.body:{notice.id}")
            items.append(
                OutboxItem(
                    id=notice.id,
                    at=notice.created_at,
                    channel=notice.channel,
                    to=self._vault.open(notice.to_sealed, context=f"notices.to:{notice.id}"),
                    to_name=people[notice.person_id].name,
                    person_id=notice.person_id,
                    body=body,
                    links=tuple(_LINK.findall(body)),
                    state=notice.state,
                    simulated=notice.simulated,
                )
            )
        return items
