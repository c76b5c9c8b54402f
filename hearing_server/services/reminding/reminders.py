"""Forced reminders: issued by judge or clerk, pressed by the ladder, ended by the recipient's own acknowledgment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.reminding.obligation_view import obligation_view
from hearing_server.domain.reminding.reminders import (
    DEFAULT_LADDER,
    LadderStep,
    Obligation,
    Reminder,
    Wait,
    acknowledge,
    display,
    issue,
    ladder_from_mapping,
    next_step,
)
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import Invalid, NotFound
from hearing_server.filing.cases import Case, CaseRole
from hearing_server.filing.courts import CourtProfile
from hearing_server.filing.docket import DocketKind
from hearing_server.kernel import Actor, Clock, ObligationId, PersonId, ReminderId, new_id, system_actor
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.lanes import post_card
from hearing_server.services.docket import enter_docket
from hearing_server.services.reminding.ladder import climb, settle_attempts

_BATCH = 50


@dataclass(frozen=True, slots=True)
class SeenReminder:
    """A reminder with the views of its obligations."""

    reminder: Reminder
    obligations: tuple[dict[str, object], ...]


@dataclass(frozen=True, slots=True)
class ObligationNews:
    """Something about an obligation changed: whom it concerns, and its view."""

    view: dict[str, object]
    recipient: PersonId
    court: tuple[PersonId, ...]
    is_open: bool


class Reminding:
    """Use-cases of reminders."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, profile: CourtProfile) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._system = system_actor(profile.court.id)
        rows = profile.reminder_ladder
        self._ladder: tuple[LadderStep, ...] = ladder_from_mapping(rows) if rows else DEFAULT_LADDER

    async def issue(
        self,
        actor: Actor,
        case_id: str,
        *,
        person_ids: Iterable[str],
        title: str,
        text: str,
        due_at: datetime | None,
    ) -> SeenReminder:
        """Errors: NotFound, Forbidden `right.missing`, Invalid `reminder.…`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role), Action.REMINDER_ISSUE)
            return await self.issue_within(
                unit, actor, case, person_ids=person_ids, title=title, text=text, due_at=due_at, now=now
            )

    async def issue_within(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        *,
        person_ids: Iterable[str],
        title: str,
        text: str,
        due_at: datetime | None,
        now: datetime,
    ) -> SeenReminder:
        """A reminder that belongs to somebody else's act, in the same unit; the caller has checked the right to it."""
        recipients = {PersonId(one): ObligationId(new_id("obl")) for one in person_ids}
        if any(case.member(person_id) is None for person_id in recipients):
            raise Invalid("reminder.recipients", zh="接收人不在本案中", en="A recipient is not on this case")
        reminder, obligations = issue(
            reminder_id=ReminderId(new_id("rem")),
            case_id=case.id,
            author_id=actor.person_id,
            recipients=recipients,
            title=title,
            text=text,
            due_at=due_at,
            at=now,
            ladder=self._ladder,
        )
        await unit.reminders.add(reminder)
        await record_act(
            unit,
            actor,
            kind=ActKind.REMINDER_ISSUED,
            chain_id=case.id,
            at=now,
            payload={
                "reminder_id": reminder.id,
                "text_sha256": reminder.text_sha256,
                "person_ids": list(recipients),
            },
        )
        pressed = []
        for obligation in obligations:
            await unit.reminders.add_obligation(obligation, next_at=now)
            pressed.append(await self._climb(unit, actor, case, reminder, obligation, now))
        await enter_docket(unit, actor, case.id, DocketKind.REMINDER_ISSUED, at=now, detail=reminder.title)
        await post_card(
            unit,
            case.id,
            Card.REMINDER_ISSUED,
            {"reminder_id": reminder.id, "title": reminder.title},
            now=now,
        )
        unit.ring(Doorbell("case_changed", case.id))
        return SeenReminder(reminder, tuple(obligation_view(case, reminder, one) for one in pressed))

    async def board(self, actor: Actor, case_id: str) -> list[SeenReminder]:
        """All reminders of a case with each person's state, for its judge and clerk."""
        async with self._units.read() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            require(capacity_of(actor.role, member.role), Action.REMINDERS_SEE)
            found = await unit.reminders.of_case(case.id)
            obligations = await unit.reminders.obligations_of([reminder.id for reminder in found])
        return [
            SeenReminder(
                reminder,
                tuple(
                    obligation_view(case, reminder, one)
                    for one in obligations
                    if one.reminder_id == reminder.id
                ),
            )
            for reminder in found
        ]

    async def open_for(self, actor: Actor) -> list[dict[str, object]]:
        """The actor's own open obligations, oldest first."""
        async with self._units.read() as unit:
            found = await unit.reminders.open_of_person(actor.person_id)
            return [obligation_view(*await self._with_case(unit, one)) for one in found]

    async def displayed(self, actor: Actor, obligation_id: str) -> dict[str, object]:
        """The sheet was on the recipient's screen. Errors: NotFound."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, reminder, before = await self._own(unit, actor, obligation_id)
            after = display(before, at=now)
            if after != before:
                await self._save(unit, actor, case, reminder, after, ActKind.OBLIGATION_DISPLAYED, now)
            return obligation_view(case, reminder, after)

    async def acknowledge(self, actor: Actor, obligation_id: str, *, text_sha256: str) -> dict[str, object]:
        """我已知悉, of exactly this text. Errors: NotFound, Conflict `reminder.other_text`, `.cancelled`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, reminder, before = await self._own(unit, actor, obligation_id)
            after = acknowledge(
                before,
                person_id=actor.person_id,
                text_sha256=text_sha256,
                expected_sha256=reminder.text_sha256,
                session_id=actor.session_id,
                at=now,
            )
            if after != before:
                await self._save(unit, actor, case, reminder, after, ActKind.OBLIGATION_ACKNOWLEDGED, now)
                await enter_docket(
                    unit, actor, case.id, DocketKind.REMINDER_ACKNOWLEDGED, at=now, detail=reminder.title
                )
                unit.ring(Doorbell("case_changed", case.id))
            return obligation_view(case, reminder, after)

    async def news(self, obligation_id: ObligationId) -> ObligationNews | None:
        """For those who tell live pages: the obligation now, and whom it concerns."""
        async with self._units.read() as unit:
            obligation = await unit.reminders.obligation(obligation_id)
            if obligation is None:
                return None
            case, reminder, obligation = await self._with_case(unit, obligation)
        court = [
            member.person_id for member in case.members() if member.role in (CaseRole.JUDGE, CaseRole.CLERK)
        ]
        view = obligation_view(case, reminder, obligation)
        return ObligationNews(view, obligation.person_id, tuple(court), obligation.is_open)

    async def climb_due(self) -> int:
        """Job: take the steps that are due; how many obligations were moved."""
        async with self._units.read() as unit:
            due = await unit.reminders.due(self._clock.utc_now(), _BATCH)
        for obligation_id in due:
            now = self._clock.utc_now()
            async with self._units.write() as unit:
                obligation = await unit.reminders.obligation(obligation_id, lock=True)
                if obligation is not None:
                    case, reminder, obligation = await self._with_case(unit, obligation)
                    await self._climb(unit, self._system, case, reminder, obligation, now)
        return len(due)

    async def settle_due(self) -> int:
        """Job: carry the provider's answers over to the attempts. Always 0: it waits for the next bell or turn."""
        async with self._units.read() as unit:
            waiting = await unit.reminders.awaiting(_BATCH)
        for obligation_id in waiting:
            async with self._units.write() as unit:
                before = await unit.reminders.obligation(obligation_id, lock=True)
                after = await settle_attempts(unit, before) if before is not None else None
                if before is not None and after is not None and after != before:
                    reminder = await unit.reminders.get(after.reminder_id)
                    assert reminder is not None
                    await unit.reminders.save(after, next_at=_next_at(after, reminder, self._clock.utc_now()))
                    unit.ring(Doorbell("obligation_changed", after.id))
        return 0

    async def _climb(
        self, unit: Unit, actor: Actor, case: Case, reminder: Reminder, obligation: Obligation, now: datetime
    ) -> Obligation:
        after, next_at = await climb(unit, self._vault, actor, case, reminder, obligation, now=now)
        await unit.reminders.save(after, next_at=next_at)
        return after

    async def _save(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        reminder: Reminder,
        after: Obligation,
        kind: ActKind,
        now: datetime,
    ) -> None:
        await unit.reminders.save(after, next_at=_next_at(after, reminder, now))
        await record_act(
            unit,
            actor,
            kind=kind,
            chain_id=case.id,
            at=now,
            payload={"obligation_id": after.id, "text_sha256": reminder.text_sha256},
        )
        unit.ring(Doorbell("obligation_changed", after.id))

    async def _own(self, unit: Unit, actor: Actor, obligation_id: str) -> tuple[Case, Reminder, Obligation]:
        """The door: an obligation is there for its recipient alone."""
        obligation = await unit.reminders.obligation(ObligationId(obligation_id), lock=True)
        if obligation is None or obligation.person_id != actor.person_id:
            raise NotFound
        return await self._with_case(unit, obligation)

    async def _with_case(self, unit: Unit, obligation: Obligation) -> tuple[Case, Reminder, Obligation]:
        reminder = await unit.reminders.get(obligation.reminder_id)
        case = await unit.cases.get(obligation.case_id)
        # Foreign keys hold.
        assert reminder is not None
        assert case is not None
        return case, reminder, obligation


def _next_at(obligation: Obligation, reminder: Reminder, now: datetime) -> datetime | None:
    step = next_step(obligation, now, reminder.ladder)
    if step is None:
        return None
    return step.until if isinstance(step, Wait) else now
