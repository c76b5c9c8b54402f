"""Notices to people: queued in the commit of what they speak of, sent afterwards by the relay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from hearing_server.kernel import Clock, PersonId, new_id
from hearing_server.ports.acts import Notice, Notifier
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault

_log = logging.getLogger(__name__)
_SEND_TIMEOUT_S = 15
# A process that died while sending leaves its notices to others after this long.
_LEASE = timedelta(seconds=60)
_BATCH = 20
_MAX_TRIES = 6


async def queue_sms(
    unit: Unit, vault: Vault, *, person_id: PersonId, body: str, dedup_key: str, now: datetime
) -> bool:
    """Queue one SMS; False when the person has no phone or this notice exists already."""
    person = await unit.people.get(person_id)
    if person is None or person.phone_sealed is None:
        return False
    phone = vault.open(person.phone_sealed, context=f"persons.phone:{person.id}")
    notice_id = new_id("ntc")
    added = await unit.notices.add(
        Notice(
            id=notice_id,
            dedup_key=dedup_key,
            person_id=person_id,
            channel="sms",
            to_sealed=vault.seal(phone, context=f"notices.to:{notice_id}"),
            body_sealed=vault.seal(body, context=f"notices.body:{notice_id}"),
            state="queued",
            tries=0,
            created_at=now,
            next_at=now,
            settled_at=None,
            result=None,
            simulated=False,
        )
    )
    unit.ring(Doorbell("notice_queued", notice_id))
    return added


class NoticeRelay:
    """Sends what is due, one lease at a time; a crash repeats at most one keyed send."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, channels: Mapping[str, Notifier]) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._channels = channels

    async def send_due(self) -> int:
        """Send a batch; how many were taken."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            batch = await unit.notices.claim_due(now, now + _LEASE, _BATCH)
        for notice in batch:
            await self._send(notice)
        return len(batch)

    async def _send(self, notice: Notice) -> None:
        to = self._vault.open(notice.to_sealed, context=f"notices.to:{notice.id}")
        body = self._vault.open(notice.body_sealed, context=f"notices.body:{notice.id}")
        channel = self._channels.get(notice.channel)
        state, detail, simulated = "retry", "no channel", False
        if channel is not None:
            try:
                async with asyncio.timeout(_SEND_TIMEOUT_S):
                    result = await channel.send(key=notice.dedup_key, to=to, body=body)
                state, detail, simulated = result.state, result.detail, result.simulated
            except (TimeoutError, OSError) as error:
                detail = type(error).__name__
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            if state == "retry" and notice.tries < _MAX_TRIES:
                later = now + timedelta(seconds=5 * 4 ** (notice.tries - 1))
                await unit.notices.retry(notice.id, next_at=later, result=detail)
                return
            state = "failed" if state == "retry" else state
            await unit.notices.settle(notice.id, state=state, at=now, result=detail, simulated=simulated)
            unit.ring(Doorbell("notice_settled", notice.id, (("key", notice.dedup_key), ("state", state))))
        if state == "failed":
            _log.warning("notice failed", extra={"notice": notice.id, "channel": notice.channel})
