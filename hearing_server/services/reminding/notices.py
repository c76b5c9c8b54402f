"""Notices to people: queued in the commit of what they speak of, sent afterwards by the relay."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from hearing_server.kernel import Clock, PersonId, new_id
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.jobs import JobQueue
from hearing_server.ports.notices import Notice, Notifier, SendResult
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.reminding.letters import Words, open_letter, seal_words

_log = logging.getLogger(__name__)
SEND_JOB = "send_notice"
_SEND_TIMEOUT_S = 15
# A process that died while sending leaves its notice to others after this long.
_LEASE = timedelta(seconds=60)
_BATCH = 200
_MAX_TRIES = 6
# A hint that was given isn't given again for so long, unless its row says otherwise by then.
_HINT_AGAIN_S = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """One place to send to: a phone (`contact_id` None) or a contact of the person."""

    channel: str
    to: str
    contact_id: str | None = None
    origin: str = "given"


async def queue_notice(
    unit: Unit,
    vault: Vault,
    *,
    person_id: PersonId,
    address: Address,
    words: Words,
    dedup_key: str,
    now: datetime,
) -> bool:
    """Queue one message; False when this notice exists already."""
    notice_id = new_id("ntc")
    added = await unit.notices.add(
        Notice(
            id=notice_id,
            dedup_key=dedup_key,
            person_id=person_id,
            channel=address.channel,
            to_sealed=vault.seal(address.to, context=f"notices.to:{notice_id}"),
            body_sealed=seal_words(vault, words, notice_id),
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


async def queue_sms(
    unit: Unit, vault: Vault, *, person_id: PersonId, body: str, dedup_key: str, now: datetime
) -> bool:
    """Queue one SMS; False when the person has no phone or this notice exists already."""
    person = await unit.people.get(person_id)
    if person is None or person.phone_sealed is None:
        return False
    phone = vault.open(person.phone_sealed, context=f"persons.phone:{person.id}")
    return await queue_notice(
        unit,
        vault,
        person_id=person_id,
        address=Address("sms", phone),
        words=Words("", body),
        dedup_key=dedup_key,
        now=now,
    )


class NoticeRelay:
    """Sends what is due. A row is taken right before its call, one per lane and process: a crash repeats at most that
    one, under the same key, and the row then says so (`maybe_twice`)."""

    def __init__(
        self,
        units: Units,
        vault: Vault,
        clock: Clock,
        channels: Mapping[str, Notifier],
        queue: JobQueue,
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._channels = channels
        self._queue = queue
        # A lane that is being sent on, with what waits for it in order.
        self._lanes: dict[str, dict[str, None]] = {}
        self._hinted: dict[str, float] = {}
        # A wall clock that jumps must not make our own call look like a dead one's.
        self._in_hand: set[str] = set()
        queue.serve(SEND_JOB, self.send_one)

    def is_simulated(self, channel: str) -> bool:
        """Whether what goes there reaches nobody."""
        found = self._channels.get(channel)
        return found is None or found.is_simulated

    async def dispatch_due(self) -> int:
        """Hand what is due to the queue; how many were handed over for the first time."""
        async with self._units.read() as unit:
            due = await unit.notices.due(self._clock.utc_now(), _BATCH)
        at = self._clock.monotonic_s()
        self._hinted = {key: then for key, then in self._hinted.items() if at - then < _HINT_AGAIN_S}
        fresh = [one for one in due if one not in self._hinted and one not in self._in_hand]
        for notice_id in fresh:
            self._hinted[notice_id] = at
            try:
                await self._queue.put(SEND_JOB, notice_id)
            except OSError:
                # The queue is away: slower, by ourselves, but sent.
                await self.send_one(notice_id)
        return len(fresh)

    async def send_one(self, notice_id: str) -> None:
        """Send this notice if it is still to be sent: now, or by whoever is sending on its lane, when it is free.

        A job never waits for a lane: a gateway that hangs takes one place of the queue, not all of them.
        """
        async with self._units.read() as unit:
            found = await unit.notices.get(notice_id)
        if found is None or found.settled_at is not None or notice_id in self._in_hand:
            self._hinted.pop(notice_id, None)
            return
        lane = _lane(found)
        waiting = self._lanes.get(lane)
        if waiting is not None:
            # Beyond the bound it is left out: the row is found again.
            if len(waiting) < 2 * _BATCH:
                waiting[notice_id] = None
            return
        self._lanes[lane] = waiting = {notice_id: None}
        try:
            while waiting and not self._queue.is_stopping:
                following = next(iter(waiting))
                del waiting[following]
                await self._take(following)
                self._hinted.pop(following, None)
        finally:
            del self._lanes[lane]

    async def _take(self, notice_id: str) -> None:
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            notice = await unit.notices.begin(notice_id, now=now, lease_until=now + _LEASE)
        if notice is None:
            return
        self._in_hand.add(notice_id)
        try:
            await self._note(notice, await self._call(notice))
        finally:
            self._in_hand.discard(notice_id)

    async def _call(self, notice: Notice) -> SendResult:
        channel = self._channels.get(notice.channel)
        if channel is None:
            return SendResult("failed", "no channel", simulated=False)
        try:
            async with asyncio.timeout(_SEND_TIMEOUT_S):
                return await channel.send(open_letter(self._vault, notice))
        except (TimeoutError, OSError) as error:
            return SendResult("retry", type(error).__name__, simulated=False)

    async def _note(self, notice: Notice, result: SendResult) -> None:
        now, state = self._clock.utc_now(), result.state
        async with self._units.write() as unit:
            if state == "retry" and notice.tries < _MAX_TRIES:
                later = now + timedelta(seconds=5 * 4 ** (notice.tries - 1))
                await unit.notices.retry(notice.id, next_at=later, result=result.detail)
                return
            if state == "gone":
                await _end_contact(unit, notice, now)
            state = "accepted" if state == "accepted" else "failed"
            await unit.notices.settle(
                notice.id,
                state=state,
                at=now,
                result=result.detail,
                simulated=result.simulated,
                provider_id=result.provider_id,
            )
            unit.ring(Doorbell("notice_settled", notice.id, (("key", notice.dedup_key), ("state", state))))
        if state == "failed":
            _log.warning("notice failed", extra={"notice": notice.id, "channel": notice.channel})


def _lane(notice: Notice) -> str:
    """One call at a time on each. Codes have one of their own: who signs in waits for nobody's reminder."""
    return f"{notice.channel}:codes" if notice.dedup_key.startswith("otc_") else notice.channel


async def _end_contact(unit: Unit, notice: Notice, now: datetime) -> None:
    """The address will never work again: it is taken off the person, so that the clerk sees what is left."""
    contact_id = notice.dedup_key.rpartition(":")[2]
    contact = await unit.contacts.get(contact_id) if contact_id.startswith("ctc_") else None
    if contact is not None and contact.person_id == notice.person_id:
        await unit.contacts.end(contact.id, now)
