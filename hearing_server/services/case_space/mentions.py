"""Who was mentioned and hasn't read it after a while is told outside the page, once an hour and case at most."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from hearing_server.domain.case_space.amendments import amendments_of
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock
from hearing_server.ports.messages import Mention
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.reminding.notices import queue_sms

_BATCH = 50


class MentionNotices:
    """A job over the rows that messages left behind."""

    def __init__(
        self,
        units: Units,
        vault: Vault,
        clock: Clock,
        profile: CourtProfile,
        site: Callable[[], str],
        *,
        after_s: int,
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._profile = profile
        self._site = site
        self._after = timedelta(seconds=after_s)

    async def tell_due(self) -> int:
        """Settle a batch; how many were looked at."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            due = await unit.messages.untold_mentions(until=now - self._after, limit=_BATCH)
        for mention in due:
            async with self._units.write() as unit:
                if await unit.messages.settle_mention(mention, at=now):
                    await self._tell(unit, mention)
        return len(due)

    async def _tell(self, unit: Unit, mention: Mention) -> None:
        """An SMS without a word of the message, unless it was read, hidden, or isn't for this person any more."""
        receipt = await unit.space.receipt(mention.lane, mention.person_id)
        lane = await unit.space.lane(mention.lane)
        case = await unit.cases.get(mention.case_id)
        if lane is None or case is None or receipt.read_seq >= mention.seq:
            return
        if mention.person_id not in lane.readers(case):
            return
        amended = amendments_of(await unit.messages.amending(mention.lane, (mention.seq,)))
        if mention.seq in amended.tombstones:
            return
        hour = mention.at.strftime("%Y%m%d%H")
        await queue_sms(
            unit,
            self._vault,
            person_id=mention.person_id,
            body=(
                f"【{self._profile.court.name}】您在{case.number}案件空间中被提及，请登录查看："
                f"{self._site()}/cases/{case.id}/space"
            ),
            # One an hour: a lively talk is no reason to ring all day.
            dedup_key=f"mention:{case.id}:{mention.person_id}:{hour}",
            now=self._clock.utc_now(),
        )
