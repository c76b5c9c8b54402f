"""The simulator's outbox: what would have reached people's phones. Readable in a demo court only."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hearing_server.kernel import PersonId
from hearing_server.ports.notices import Notice
from hearing_server.ports.units import Units
from hearing_server.ports.vault import Vault
from hearing_server.services.reminding.letters import open_words

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
    title: str
    body: str
    links: tuple[str, ...]
    state: str
    simulated: bool
    report: str = ""
    maybe_twice: bool = False


class Outbox:
    """Reads the notices back; the composition root hands it out in a demo court only."""

    def __init__(self, units: Units, vault: Vault, address: Callable[[str], str] = str) -> None:
        self._address = address
        self._units = units
        self._vault = vault

    async def newest(self, limit: int = 100) -> list[OutboxItem]:
        async with self._units.read() as unit:
            found = await unit.notices.newest(limit)
            people = await unit.people.many([notice.person_id for notice in found])
        items = []
        for notice in found:
            words = open_words(self._vault, notice)
            link = [self._address(words.link)] if words.link and notice.channel != "sms" else []
            items.append(
                OutboxItem(
                    id=notice.id,
                    at=notice.created_at,
                    channel=notice.channel,
                    to=self._shown_address(notice),
                    to_name=people[notice.person_id].name,
                    person_id=notice.person_id,
                    title=words.title,
                    body=words.text,
                    links=tuple(dict.fromkeys([*_LINK.findall(words.text), *link])),
                    state=notice.state,
                    simulated=notice.simulated,
                    report=notice.report,
                    maybe_twice=notice.maybe_twice,
                )
            )
        return items

    def _shown_address(self, notice: Notice) -> str:
        to = self._vault.open(notice.to_sealed, context=f"notices.to:{notice.id}")
        # A push subscription is no address a person knows.
        return "浏览器" if notice.channel == "web_push" else to
