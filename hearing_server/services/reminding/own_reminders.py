"""What a recipient does with a forced reminder: see it, read it, put it off, acknowledge it, object to it."""

from __future__ import annotations

from dataclasses import replace

from hearing_server.domain.acts import ActKind
from hearing_server.domain.reminding import endings
from hearing_server.domain.reminding.endings import CANCELLED_BY_COLLEAGUE, cancel, released_by
from hearing_server.domain.reminding.obligation_view import obligation_view
from hearing_server.errors import Conflict, NotFound
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.docket import enter_docket
from hearing_server.services.reminding.holding import Held, hold, keep, store
from hearing_server.services.reminding.ladder import clerk_of
from hearing_server.services.reminding.reminders import Reminding
from hearing_server.services.reminding.rules import ReminderRules


class OwnReminders:
    """Use-cases of the sheet."""

    def __init__(self, units: Units, clock: Clock, rules: ReminderRules, reminding: Reminding) -> None:
        self._units = units
        self._clock = clock
        self._rules = rules
        self._reminding = reminding

    async def open_for(self, actor: Actor) -> list[dict[str, object]]:
        """The actor's own open obligations, oldest first."""
        async with self._units.read() as unit:
            found = await unit.reminders.open_of_person(actor.person_id)
            held = [await hold(unit, one.id, lock=False) for one in found]
        return [self._view(one) for one in held if one is not None]

    async def displayed(self, actor: Actor, obligation_id: str) -> dict[str, object]:
        """The sheet was on the recipient's screen. Errors: NotFound."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._own(unit, actor, obligation_id)
            after = held.now_is(endings.display(held.obligation, at=now))
            if after != held:
                await self._keep(unit, actor, after, ActKind.OBLIGATION_DISPLAYED)
            return self._view(after)

    async def opened(self, actor: Actor, obligation_id: str, *, document_id: str | None) -> dict[str, object]:
        """The text was read to its end, or one of its documents opened. Errors: NotFound."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._own(unit, actor, obligation_id)
            if document_id is not None and all(one.id != document_id for one in held.reminder.documents):
                raise NotFound
            after = held.now_is(endings.open_text(held.obligation, at=now, document_id=document_id))
            if after != held:
                await self._keep(unit, actor, after, ActKind.OBLIGATION_OPENED, document_id=document_id or "")
            return self._view(after)

    async def put_off(self, actor: Actor, obligation_id: str) -> dict[str, object]:
        """稍后, as often as the ground allows. Errors: NotFound, Conflict `reminder.no_later`, `.ended`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._own(unit, actor, obligation_id)
            after = held.now_is(endings.put_off(held.obligation, held.reminder, at=now))
            if after != held:
                await self._keep(unit, actor, after, ActKind.OBLIGATION_PUT_OFF)
            return self._view(after)

    async def acknowledge(self, actor: Actor, obligation_id: str, *, text_sha256: str) -> dict[str, object]:
        """我已知悉, of exactly this text and its documents as they are now.

        A document that has changed is asked for anew. Errors: NotFound, Conflict `reminder.other_text`, `.cancelled`,
        `.ended`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._own(unit, actor, obligation_id)
            is_stale = held.obligation.is_open and await self._ask_again(unit, actor, held)
            if not is_stale:
                session = await unit.people.session(actor.session_id)
                after = held.now_is(
                    endings.acknowledge(
                        held.obligation,
                        person_id=actor.person_id,
                        text_sha256=text_sha256,
                        expected_sha256=held.reminder.text_sha256,
                        session_id=actor.session_id,
                        at=now,
                        identity=session.method if session is not None else "",
                    )
                )
                if after != held:
                    await self._settle(unit, actor, after)
                return self._view(after)
        # Raised outside: what was asked anew must be committed.
        raise Conflict(
            "reminder.other_text", zh="提醒内容不一致，请刷新后确认", en="The text differs; please reload"
        )

    async def object_to(self, actor: Actor, obligation_id: str, *, text: str) -> dict[str, object]:
        """我有异议: a clerk has to answer. Errors: NotFound, Invalid `reminder.objection`, Conflict `.ended`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._own(unit, actor, obligation_id)
            after = held.now_is(
                endings.object_to(
                    held.obligation,
                    text=text,
                    session_id=actor.session_id,
                    at=now,
                    clerk_id=clerk_of(held.case),
                )
            )
            if after != held:
                await self._keep(unit, actor, after, ActKind.OBLIGATION_OBJECTED, text=text.strip())
                unit.ring(Doorbell("case_changed", held.case.id))
            return self._view(after)

    async def _settle(self, unit: Unit, actor: Actor, after: Held) -> None:
        now = self._clock.utc_now()
        await self._keep(unit, actor, after, ActKind.OBLIGATION_ACKNOWLEDGED)
        await enter_docket(
            unit, actor, after.case.id, DocketKind.REMINDER_ACKNOWLEDGED, at=now, detail=after.reminder.title
        )
        for other in released_by(after.obligation, await unit.reminders.obligations_of([after.reminder.id])):
            released = replace(after, obligation=cancel(other, at=now, reason=CANCELLED_BY_COLLEAGUE))
            await self._keep(
                unit, actor, released, ActKind.OBLIGATION_CANCELLED, reason=CANCELLED_BY_COLLEAGUE
            )
        unit.ring(Doorbell("case_changed", after.case.id))

    async def _ask_again(self, unit: Unit, actor: Actor, held: Held) -> bool:
        if not await self._reminding.is_stale(unit, held.case, held.reminder):
            return False
        for one in held.reminder.documents:
            await self._reminding.document_changed(
                unit, actor, held.case, one.kind, one.id, now=self._clock.utc_now()
            )
        still = await hold(unit, held.obligation.id)
        if still is not None and still.obligation.is_open:
            # Nobody could be asked anew (a document is gone): what stands is answered as it was shown.
            await store(unit, still, now=self._clock.utc_now(), quiet=self._rules.quiet)
            return False
        return True

    async def _keep(self, unit: Unit, actor: Actor, held: Held, kind: ActKind, **facts: str) -> None:
        await keep(
            unit, actor, held, kind, now=self._clock.utc_now(), quiet=self._rules.quiet, facts=dict(facts)
        )

    async def _own(self, unit: Unit, actor: Actor, obligation_id: str) -> Held:
        """The door: an obligation is there for its recipient alone."""
        held = await hold(unit, obligation_id)
        if held is None or held.obligation.person_id != actor.person_id:
            raise NotFound
        return held

    def _view(self, held: Held) -> dict[str, object]:
        return obligation_view(held.case, held.reminder, held.obligation, grounds=self._rules.grounds)
