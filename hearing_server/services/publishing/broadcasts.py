"""Delayed live: applied for, told, heard and approved before a hearing; shown some time later; cut with one tap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.hearing.hearings import RUNNING, Hearing
from hearing_server.domain.publishing import broadcasts as domain
from hearing_server.domain.publishing.broadcasts import Broadcast, BroadcastState
from hearing_server.domain.publishing.open_court import is_in_open_court
from hearing_server.domain.roles import Action, require
from hearing_server.errors import Conflict, NotFound
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, BroadcastId, Clock, PersonId, new_id, to_wire
from hearing_server.ports.broadcasts import LiveSegment, SegmentMaker
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenHearing, access_hearing
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.docket import enter_docket
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.reminding.reminders import Reminding

_SIDES = (CaseRole.PARTY, CaseRole.REPRESENTATIVE)
# What a player may go back: enough to join and to bridge a bad line, and little to take back after a cut.
WINDOW_SEGMENTS = 6
# After the closing the rest of the delay is shown, then the page closes; what stays public is a publication.
_AFTER_CLOSING = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class SeenBroadcast:
    """A broadcast with its hearing and case; `is_staff`: sees everybody's words."""

    broadcast: Broadcast
    hearing: Hearing
    case: Case
    is_staff: bool


@dataclass(frozen=True, slots=True)
class LiveList:
    """What a player is told: segments in order; `is_over`: no more will come."""

    segments: tuple[LiveSegment, ...]
    is_over: bool


class Broadcasts:
    """Use-cases of delayed live."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        folders: RecordFolders,
        maker: SegmentMaker,
        reminders: Reminding,
        *,
        delay_s: float,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._folders = folders
        self._maker = maker
        self._reminders = reminders
        self._delay = timedelta(seconds=delay_s)

    # --- the decision --------------------------------------------------------------------------

    async def submit(self, actor: Actor, hearing_id: str, *, title: str) -> SeenBroadcast:
        """申请直播 by the clerk of the case, before the opening. Errors as domain.submit_broadcast."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            require(seen.capacity(actor), Action.PUBLICATION_SUBMIT)
            broadcast = domain.submit_broadcast(
                seen.hearing,
                seen.case,
                id=BroadcastId(new_id("brd")),
                title=title,
                existing=await unit.broadcasts.of_hearing(seen.hearing.id),
                by=actor.person_id,
                at=now,
                held_on=self._profile.local_day(seen.hearing.starts_at),
                objections_until=now + timedelta(hours=self._profile.publication_objection_h),
            )
            await unit.broadcasts.add(broadcast)
            await self._tell_parties(unit, actor, seen.case, broadcast, now)
            await self._enter(
                unit, actor, seen, broadcast, ActKind.BROADCAST_SUBMITTED, DocketKind.BROADCAST_SUBMITTED
            )
        return SeenBroadcast(broadcast, seen.hearing, seen.case, is_staff=True)

    async def respond(self, actor: Actor, hearing_id: str, *, objects: bool, reason: str) -> SeenBroadcast:
        line = DocketKind.BROADCAST_OBJECTED if objects else DocketKind.BROADCAST_ACCEPTED
        return await self._change(
            actor, hearing_id, Action.PUBLICATION_RESPOND, ActKind.BROADCAST_RESPONDED, line,
            lambda one, _, at: one.responded(actor.person_id, objects=objects, reason=reason, at=at),
        )  # fmt: skip

    async def answer(
        self, actor: Actor, hearing_id: str, person_id: str, *, upheld: bool, text: str
    ) -> SeenBroadcast:
        return await self._change(
            actor, hearing_id, Action.PUBLICATION_DECIDE,
            ActKind.BROADCAST_OBJECTION_ANSWERED, DocketKind.BROADCAST_OBJECTION_ANSWERED,
            lambda one, _, at: one.answered(
                PersonId(person_id), by=actor.person_id, upheld=upheld, text=text, at=at
            ),
        )  # fmt: skip

    async def approve(self, actor: Actor, hearing_id: str) -> SeenBroadcast:
        return await self._change(
            actor, hearing_id, Action.PUBLICATION_DECIDE, ActKind.BROADCAST_APPROVED, DocketKind.BROADCAST_APPROVED,
            lambda one, seen, at: one.approved(actor.person_id, case=seen.case, hearing=seen.hearing, at=at),
        )  # fmt: skip

    async def reject(self, actor: Actor, hearing_id: str, *, reason: str) -> SeenBroadcast:
        return await self._change(
            actor, hearing_id, Action.PUBLICATION_DECIDE, ActKind.BROADCAST_REJECTED, DocketKind.BROADCAST_REJECTED,
            lambda one, _, at: one.rejected(actor.person_id, at=at, reason=reason),
        )  # fmt: skip

    async def cut(self, actor: Actor, hearing_id: str, *, reason: str) -> SeenBroadcast:
        """One tap: from this commit on nothing leaves, not even what waits for its delay."""
        return await self._change(
            actor, hearing_id, Action.PUBLICATION_WITHDRAW, ActKind.BROADCAST_CUT, DocketKind.BROADCAST_CUT,
            lambda one, _, at: one.cut(actor.person_id, at=at, reason=reason),
        )  # fmt: skip

    async def get(self, actor: Actor, hearing_id: str) -> SeenBroadcast | None:
        """A hearing's broadcast, for those who may look at the hearing; None where nobody asked for one."""
        async with self._units.read() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.PUBLICATION_SEE)
            broadcast = await unit.broadcasts.of_hearing(seen.hearing.id)
        if broadcast is None:
            return None
        return SeenBroadcast(broadcast, seen.hearing, seen.case, is_staff=actor.is_staff)

    # --- the public ----------------------------------------------------------------------------

    async def running(self, *, number: str = "", held_on: date | None = None) -> list[SeenBroadcast]:
        """What is shown now: approved, in open court, and running."""
        found = []
        async with self._units.read() as unit:
            for broadcast in await unit.broadcasts.in_state(
                BroadcastState.APPROVED, number=number, held_on=held_on
            ):
                shown = await self._shown(unit, broadcast)
                if shown is not None:
                    found.append(shown)
        return found

    async def one(self, broadcast_id: str) -> SeenBroadcast:
        """NotFound for whatever is not shown now."""
        async with self._units.read() as unit:
            broadcast = await unit.broadcasts.get(BroadcastId(broadcast_id))
            shown = await self._shown(unit, broadcast) if broadcast is not None else None
        if shown is None:
            raise NotFound
        return shown

    async def live(self, broadcast_id: str) -> LiveList:
        """The newest segments whose delay is over. Errors: NotFound."""
        shown = await self.one(broadcast_id)
        segments = await self._due(shown)
        is_over = shown.hearing.state not in RUNNING and bool(segments) and segments[1]
        return LiveList(segments[0][-WINDOW_SEGMENTS:], bool(is_over))

    async def segment(self, broadcast_id: str, name: str) -> LiveSegment:
        """One that is in the list now. Errors: NotFound."""
        for segment in (await self.live(broadcast_id)).segments:
            if segment.path.name == name:
                return segment
        raise NotFound

    async def make_due(self) -> int:
        """Job: segments of everything that is shown now. Always 0: a look, no queue."""
        for shown in await self.running():
            async with self._units.read() as unit:
                recording = await unit.recordings.of_hearing(shown.hearing.id)
            if recording is not None:
                await self._maker.make(self._folders.of(recording.id))
        return 0

    async def _due(self, shown: SeenBroadcast) -> tuple[tuple[LiveSegment, ...], bool]:
        """(segments whose delay is over, whether that is all there is)."""
        async with self._units.read() as unit:
            recording = await unit.recordings.of_hearing(shown.hearing.id)
        if recording is None:
            return (), False
        ready = await self._maker.ready(self._folders.of(recording.id))
        until_ns = int((self._clock.utc_now() - self._delay).timestamp() * 1_000_000_000)
        due = []
        for segment in ready:
            if segment.until_utc_ns > until_ns:
                break
            due.append(segment)
        return tuple(due), len(due) == len(ready)

    async def _shown(self, unit: Unit, broadcast: Broadcast) -> SeenBroadcast | None:
        hearing = await unit.hearings.get(broadcast.hearing_id)
        case = await unit.cases.get(hearing.case_id) if hearing is not None else None
        if hearing is None or case is None or not broadcast.is_on or not is_in_open_court(case, hearing):
            return None
        closed_at = hearing.closed_at
        is_near = closed_at is not None and self._clock.utc_now() < closed_at + self._delay + _AFTER_CLOSING
        if hearing.state not in RUNNING and not is_near:
            return None
        return SeenBroadcast(broadcast, hearing, case, is_staff=False)

    # --- inside --------------------------------------------------------------------------------

    async def _change(
        self,
        actor: Actor,
        hearing_id: str,
        action: Action,
        kind: ActKind,
        line: DocketKind,
        change: Callable[[Broadcast, SeenHearing, datetime], Broadcast],
    ) -> SeenBroadcast:
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            require(seen.capacity(actor), action)
            newest = await unit.broadcasts.of_hearing(seen.hearing.id)
            if newest is None:
                raise Conflict(
                    "broadcast.none", zh="该庭审没有直播申请", en="Nobody has asked for a broadcast"
                )
            after = change(newest, seen, self._clock.utc_now())
            if after != newest:
                await unit.broadcasts.save(after)
                await self._enter(unit, actor, seen, after, kind, line)
        return SeenBroadcast(after, seen.hearing, seen.case, is_staff=actor.is_staff)

    async def _enter(
        self,
        unit: Unit,
        actor: Actor,
        seen: SeenHearing,
        broadcast: Broadcast,
        kind: ActKind,
        line: DocketKind,
    ) -> None:
        now = self._clock.utc_now()
        await enter_docket(unit, actor, seen.case.id, line, at=now, detail=broadcast.title)
        await record_act(
            unit, actor, kind=kind, chain_id=seen.case.id, at=now,
            payload={
                "broadcast_id": broadcast.id, "hearing_id": broadcast.hearing_id, "reason": broadcast.reason or "",
            },
        )  # fmt: skip
        unit.ring(Doorbell("case_changed", seen.case.id))

    async def _tell_parties(
        self, unit: Unit, actor: Actor, case: Case, broadcast: Broadcast, now: datetime
    ) -> None:
        until = broadcast.objections_until
        people = [member.person_id for member in case.members() if member.role in _SIDES]
        there = until.astimezone(self._profile.time_zone)
        if people:
            await self._reminders.issue_within(
                unit, actor, case, person_ids=people, due_at=until, now=now,
                title="拟对庭审进行网络直播，可提出异议",
                text=(
                    f"法院拟对本案庭审《{broadcast.title}》进行网络直播。如有异议，请于{there:%Y年%m月%d日 %H:%M}前、"
                    "且在开庭前提出并说明理由；没有异议的，也请确认。"
                ),
            )  # fmt: skip
        body = {
            "hearing_id": broadcast.hearing_id,
            "title": broadcast.title,
            "objections_until": to_wire(until),
        }
        await post_card(unit, case.id, Card.BROADCAST_APPLIED, body, now=now)
