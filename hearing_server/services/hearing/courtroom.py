"""The running hearing: who comes in, and what the judge orders.

Orders change the stored hearing first (with their acts) and the room after it; the room's state is rebuilt from the
stored hearing whenever a node takes it up, so a crash between the two heals.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearing import attendance, hearings, sealed_spans
from hearing_server.domain.hearing.hearing_view import hearing_view
from hearing_server.domain.hearing.hearings import Change, Hearing, HearingState, PauseKind
from hearing_server.domain.hearing.participants import Page, Source, Stage
from hearing_server.domain.publishing.open_court import doors_of, is_in_open_court
from hearing_server.domain.roles import Action, require
from hearing_server.errors import Conflict, HearingError, NotFound
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, Clock, HearingId, PersonId
from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.ports.media import RoomEngine
from hearing_server.ports.room_media import RoomMedia
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenHearing, access_hearing, seen_by
from hearing_server.services.acts import record_act
from hearing_server.services.hearing.changes import save_change
from hearing_server.services.hearing.closed_sources import close_sources
from hearing_server.services.hearing.door_rate import DoorRate
from hearing_server.services.hearing.moved_seats import MovedSeats
from hearing_server.services.hearing.room_reports import hold_room, take_up_room
from hearing_server.services.recording.recorder_watch import RecorderWatch
from hearing_server.services.write_up import write_up

Transition = Callable[[Hearing, datetime], Change]


class Courtroom:
    """Use-cases of the running hearing: the door and the judge's orders."""

    def __init__(
        self, units: Units, clock: Clock, bus: EventBus, rooms: RoomEngine, recorder: RecorderWatch
    ) -> None:
        self._units = units
        self._clock = clock
        self._bus = bus
        self._rooms = rooms
        self._recorder = recorder
        self._door_rate = DoorRate(clock)
        self.moved_seats = MovedSeats(rooms)
        # One order at a time per hearing: two judges' buttons must not race the recorder.
        self._turns: dict[HearingId, asyncio.Lock] = defaultdict(asyncio.Lock)

    # --- looking -----------------------------------------------------------------------------

    async def view(self, actor: Actor, hearing_id: str, *, language: str) -> dict[str, object]:
        """The hearing as the actor may see it now."""
        hearing, case = await self.read(hearing_id)
        return self.view_of(seen_by(actor, hearing, case), actor.person_id, language=language)

    async def read(self, hearing_id: str) -> tuple[Hearing, Case]:
        """The stored hearing and its case, for those who show it to many. NotFound."""
        async with self._units.read() as unit:
            hearing = await unit.hearings.get(HearingId(hearing_id))
            case = await unit.cases.get(hearing.case_id) if hearing else None
        if hearing is None or case is None:
            raise NotFound
        return hearing, case

    def view_of(self, seen: SeenHearing, viewer: PersonId, *, language: str) -> dict[str, object]:
        """The view for one person of a hearing that was fetched already."""
        now = self._clock.utc_now()
        live = self._recorder.live(seen.hearing.id)
        if live.view_version == 0:
            live.next_version(now)
        shown = live.laid_over(seen.hearing)
        is_colleague = shown.find(viewer) is None
        eyes = next(person.person_id for person in shown.participants if person.is_court)
        view = hearing_view(
            shown,
            viewer=eyes if is_colleague else viewer,
            case_number=str(seen.case.number),
            cause=seen.case.cause,
            court=seen.case.court,
            recording=live.recording,
            now=now,
            failures=live.failures,
            is_open=is_in_open_court(seen.case, shown),
            doors=doors_of(seen.case, shown),
            language=language,
        )
        if is_colleague:
            # A colleague of the court sees what the bench sees, and orders nothing there.
            view["me"] = {"person_id": viewer, "may": []}
        return view

    async def media(self, actor: Actor, hearing_id: str) -> RoomMedia:
        """What is measured of the room now. Errors: Conflict `hearing.no_room` while none is open on this node."""
        async with self._units.read() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
        require(seen.capacity(actor), Action.MEDIA_SEE)
        try:
            return await self._rooms.media(seen.hearing.id)
        except HearingError as error:
            if error.code != "room.unknown":
                raise
            # For a seat that is a fault which passes; for somebody who only looks there is nothing to see.
            raise Conflict(
                "hearing.no_room", zh="该庭审当前没有开放的法庭", en="No room of this hearing is open now"
            ) from error

    def renew(self, hearing_id: HearingId) -> None:
        """Something in the view changed: the next one gets a higher version."""
        self._recorder.live(hearing_id).next_version(self._clock.utc_now())

    # --- the door ----------------------------------------------------------------------------

    async def report_page(self, actor: Actor, hearing_id: str, *, stage: Stage, page: Page) -> None:
        """A person's page is there, and how. The first one opens the lobby. Errors: RateLimited `door.too_fast`."""
        self._door_rate.spend(actor.person_id)
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            hearing = await _with_open_lobby(unit, actor, seen.hearing, now)
            if hearing.find(actor.person_id) is not None and hearing.state in hearings.BEFORE_THE_END:
                change = attendance.report_page(hearing, actor.person_id, stage=stage, page=page, at=now)
                await save_change(unit, actor, hearing, change, at=now)

    async def page_gone(self, actor: Actor, hearing_id: str) -> None:
        """The last socket of a person in the lobby closed: they are not waiting any more."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            change = attendance.note_page_gone(seen.hearing, actor.person_id, at=now)
            await save_change(unit, actor, seen.hearing, change, at=now)

    async def admit(self, actor: Actor, hearing_id: str, person_ids: list[PersonId] | None) -> SeenHearing:
        """准入: these people, or all who are ready (None)."""

        def transition(hearing: Hearing, now: datetime) -> Change:
            if person_ids is None:
                return attendance.admit_all(hearing, at=now)
            return attendance.admit(hearing, person_ids, at=now)

        return await self._order(actor, hearing_id, Action.ADMIT, transition)

    async def grant(self, actor: Actor, hearing_id: str) -> tuple[str, str]:
        """(join grant, seat key) for somebody the court has let in.

        Errors as attendance.require_may_enter; RateLimited `door.too_fast`.
        """
        self._door_rate.spend(actor.person_id)
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            require(seen.capacity(actor), Action.ROOM_ENTER)
            hearing = await _with_open_lobby(unit, actor, seen.hearing, now)
            person = attendance.require_may_enter(hearing, actor.person_id)
            await record_act(
                unit, actor, kind=ActKind.GRANT_ISSUED, chain_id=seen.case.id, at=now,
                payload={"hearing_id": hearing.id},
            )  # fmt: skip
        await take_up_room(self._rooms, self._recorder, hearing)
        # The same session always takes its own seat over, another device of the same person does not.
        seat_key = seat_key_of(hearing.id, actor.session_id)
        token = self._rooms.grant(
            hearing.id,
            actor.person_id,
            seat_key=seat_key,
            may_moderate=person.is_court,
            standing=person.room_standing,
        )
        return token, seat_key

    async def require_place(self, actor: Actor, hearing_id: str) -> None:
        """Somebody is about to sit down: may they still? Errors as attendance.require_may_enter."""
        async with self._units.read() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
        require(seen.capacity(actor), Action.ROOM_ENTER)
        attendance.require_may_enter(seen.hearing, actor.person_id)

    async def empty(self, hearing_id: HearingId) -> None:
        """The hearing was cancelled: whoever sits in its room already is sent home."""
        self._recorder.live(hearing_id).is_taken_up = False
        await self._rooms.close_room(hearing_id, reason="closed")

    # --- the judge's orders ------------------------------------------------------------------

    async def open(self, actor: Actor, hearing_id: str, *, one_recorder_reason: str | None) -> SeenHearing:
        """开庭: only when both recorders are proven to write, or one where the judge gives a reason to do with one.

        Errors: Unavailable `recording.one_recorder`, `recording.not_proven`, `disk.…`.
        """
        async with self._turns[HearingId(hearing_id)]:
            async with self._units.read() as unit:
                seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.OPEN)
            hearing = seen.hearing
            # Refused in the wrong state before a recorder is started for nothing.
            hearings.open_session(hearing, at=self._clock.utc_now(), recording_is_proven=True)
            await take_up_room(self._rooms, self._recorder, hearing)
            recording_id = await self._recorder.begin(hearing, by_one=one_recorder_reason is not None)
            try:
                opened = await self._commit(
                    actor, hearing_id, Action.OPEN,
                    lambda h, now: hearings.open_session(
                        h, at=now, recording_is_proven=self._recorder.is_proven(h.id)
                    ),
                    also=lambda unit, at: self._recorder.enter(
                        unit, actor, recording_id, hearing, at=at, one_reason=one_recorder_reason
                    ),
                )  # fmt: skip
            except BaseException:
                await self._recorder.give_up(hearing.id)
                raise
            await self._recorder.mark(hearing.id, kind="opened", text="开庭")
            if one_recorder_reason is not None and self._recorder.missing(hearing.id):
                await self._recorder.mark(hearing.id, kind="one_recorder", text=one_recorder_reason)
            await self._recorder.listen(hearing.id)
            return opened

    async def recess(
        self,
        actor: Actor,
        hearing_id: str,
        *,
        reason: str,
        resumes_at: datetime | None,
        kind: PauseKind = PauseKind.RECESS,
    ) -> SeenHearing:
        """休庭, closed exhibit or mediation: the record is paused, with its reason; a recess holds the room as well."""
        seen = await self._order(
            actor, hearing_id, Action.RECESS,
            lambda h, now: hearings.take_recess(h, at=now, reason=reason, resumes_at=resumes_at, kind=kind),
        )  # fmt: skip
        await self._recorder.pause(seen.hearing.id, kind)
        await hold_room(self._rooms, self._recorder, seen.hearing.id, held=seen.hearing.is_room_held)
        return seen

    async def seal(self, actor: Actor, hearing_id: str, *, reason: str) -> SeenHearing:
        """封闭: recorded from here on for the court's original alone. The record knows before anybody is told."""
        async with self._turns[HearingId(hearing_id)]:
            async with self._units.read() as unit:
                seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.SEAL)
            sealed_spans.begin_sealing(seen.hearing, at=self._clock.utc_now(), reason=reason)
            await self._recorder.seal_from_here(seen.hearing.id)
            try:
                return await self._commit(
                    actor, hearing_id, Action.SEAL,
                    lambda h, now: sealed_spans.begin_sealing(h, at=now, reason=reason),
                )  # fmt: skip
            except BaseException:
                await self._recorder.unseal_from_here(seen.hearing.id)
                raise

    async def unseal(self, actor: Actor, hearing_id: str) -> SeenHearing:
        """解除封闭. Where the record isn't told, what follows stays sealed."""
        seen = await self._order(
            actor, hearing_id, Action.UNSEAL, lambda h, now: sealed_spans.end_sealing(h, at=now)
        )
        await self._recorder.unseal_from_here(seen.hearing.id)
        return seen

    async def resume(self, actor: Actor, hearing_id: str) -> SeenHearing:
        """恢复庭审: again only with proof of writing."""
        async with self._turns[HearingId(hearing_id)]:
            async with self._units.read() as unit:
                seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.RESUME)
            hearings.resume(seen.hearing, at=self._clock.utc_now(), recording_is_proven=True)
            await self._recorder.prove_again(seen.hearing.id)
            resumed = await self._commit(
                actor, hearing_id, Action.RESUME,
                lambda h, now: hearings.resume(h, at=now, recording_is_proven=self._recorder.is_proven(h.id)),
            )  # fmt: skip
            await self._recorder.resume(resumed.hearing.id)
            await hold_room(self._rooms, self._recorder, resumed.hearing.id, held=False)
            return resumed

    async def close(self, actor: Actor, hearing_id: str) -> SeenHearing:
        """闭庭: nothing is heard or recorded any more; a minute to undo, then the record is sealed."""
        seen = await self._order(actor, hearing_id, Action.CLOSE, lambda h, now: hearings.close(h, at=now))
        await self._recorder.mark(seen.hearing.id, kind="closed", text="闭庭")
        await hold_room(self._rooms, self._recorder, seen.hearing.id, held=True)
        return seen

    async def reopen(self, actor: Actor, hearing_id: str) -> SeenHearing:
        """Undo a closing within its minute."""
        seen = await self._order(actor, hearing_id, Action.REOPEN, lambda h, now: hearings.reopen(h, at=now))
        await self._recorder.mark(seen.hearing.id, kind="reopened", text="撤销闭庭")
        await hold_room(self._rooms, self._recorder, seen.hearing.id, held=seen.hearing.is_room_held)
        return seen

    async def mute(
        self, actor: Actor, hearing_id: str, *, person_id: PersonId | None, source: Source, muted: bool
    ) -> SeenHearing:
        """One person's microphone, camera or shared screen, or everybody's but the court's (None)."""

        def transition(hearing: Hearing, now: datetime) -> Change:
            if person_id is None:
                return attendance.mute_all(hearing, source=source, muted=muted, at=now)
            return attendance.mute(hearing, [person_id], source=source, muted=muted, at=now)

        seen = await self._order(actor, hearing_id, Action.MUTE, transition)
        for person in seen.hearing.participants:
            if not person.is_court and person_id in (None, person.person_id):
                await close_sources(self._rooms, seen.hearing.id, person, by=actor.person_id)
        return seen

    async def remove(self, actor: Actor, hearing_id: str, person_id: PersonId, *, reason: str) -> SeenHearing:
        """责令退出: cut at once, and no grant any more until the order is lifted."""
        seen = await self._order(
            actor, hearing_id, Action.REMOVE,
            lambda h, now: attendance.remove(h, person_id, at=now, reason=reason),
        )  # fmt: skip
        await self._rooms.remove(seen.hearing.id, person_id, reason="removed")
        await self._recorder.mark(seen.hearing.id, kind="removed", text=person_id)
        await self._bus.publish(Doorbell("person_removed", seen.hearing.id, (("person_id", person_id),)))
        return seen

    async def lift_removal(self, actor: Actor, hearing_id: str, person_id: PersonId) -> SeenHearing:
        """The order is lifted; the person waits at the door again."""
        seen = await self._order(
            actor, hearing_id, Action.REMOVE,
            lambda h, now: attendance.lift_removal(h, person_id, at=now),
        )  # fmt: skip
        await self._rooms.readmit(seen.hearing.id, person_id)
        return seen

    async def _order(
        self, actor: Actor, hearing_id: str, action: Action, transition: Transition
    ) -> SeenHearing:
        async with self._turns[HearingId(hearing_id)]:
            return await self._commit(actor, hearing_id, action, transition)

    async def _commit(
        self,
        actor: Actor,
        hearing_id: str,
        action: Action,
        transition: Transition,
        *,
        also: Callable[[Unit, datetime], Awaitable[None]] | None = None,
    ) -> SeenHearing:
        """Right, transition, acts, docket, card in one commit; `also` adds to the same unit."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen = await access_hearing(unit, actor, hearing_id, lock=True)
            require(seen.capacity(actor), action)
            after = await save_change(unit, actor, seen.hearing, transition(seen.hearing, now), at=now)
            if (after.state, after.sealed_spans) != (seen.hearing.state, seen.hearing.sealed_spans):
                await write_up(unit, actor, after, action, now=now)
            if also is not None:
                await also(unit, now)
        return SeenHearing(after, seen.case, seen.member)


def seat_key_of(hearing_id: HearingId, session_id: str) -> str:
    """One session's key to its seat in one hearing; tells nothing of the session."""
    return hashlib.sha256(f"{hearing_id}:{session_id}".encode()).hexdigest()[:32]


async def _with_open_lobby(unit: Unit, actor: Actor, hearing: Hearing, now: datetime) -> Hearing:
    """The first arrival in the hour before a hearing opens its lobby."""
    if hearing.state is not HearingState.SCHEDULED or now < hearing.lobby_opens_at():
        return hearing
    return await save_change(unit, actor, hearing, hearings.open_lobby(hearing, at=now), at=now)
