"""Forced reminders: issued by judge or clerk, or by the court's own acts, and pressed by the ladder until they end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.case_space.messages import Card
from hearing_server.domain.reminding.addressees import obliged_people
from hearing_server.domain.reminding.endings import CANCELLED_BY_CHANGE, cancel
from hearing_server.domain.reminding.grounds import GENERAL
from hearing_server.domain.reminding.obligation_view import obligation_view
from hearing_server.domain.reminding.reminders import (
    Obligation,
    ObligationState,
    Reminder,
    ReminderDocument,
    invalid,
    issue,
)
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import Invalid
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
from hearing_server.services.reminding.holding import hold, store
from hearing_server.services.reminding.ladder import climb, settle_attempts
from hearing_server.services.reminding.rules import ReminderRules
from hearing_server.services.reminding.steady_time import SteadyTime

_BATCH = 50
DocumentRef = tuple[str, str]


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
    """Issuing, and the jobs that press."""

    def __init__(
        self, units: Units, vault: Vault, clock: Clock, profile: CourtProfile, rules: ReminderRules
    ) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._system = system_actor(profile.court.id)
        self._rules = rules
        self._steady = SteadyTime(clock)

    async def issue(
        self,
        actor: Actor,
        case_id: str,
        *,
        person_ids: Iterable[str],
        title: str,
        text: str,
        due_at: datetime | None,
        ground: str = GENERAL.code,
        documents: Sequence[DocumentRef] = (),
        urgent: bool = False,
    ) -> SeenReminder:
        """`urgent` rings at night too: the judge's to order. Errors: NotFound, Forbidden, Invalid `reminder.…`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, case_id)
            capacity = capacity_of(actor.role, member.role)
            require(capacity, Action.REMINDER_ISSUE)
            if urgent:
                require(capacity, Action.REMINDER_URGENT)
            return await self.issue_within(
                unit, actor, case, person_ids=person_ids, title=title, text=text, due_at=due_at, now=now,
                ground=ground, documents=documents, urgent=urgent,
            )  # fmt: skip

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
        ground: str = GENERAL.code,
        documents: Sequence[DocumentRef] = (),
        urgent: bool = False,
    ) -> SeenReminder:
        """A reminder that belongs to somebody else's act, in the same unit; the caller has checked the right to it."""
        chosen = [PersonId(one) for one in person_ids]
        if any(case.member(person_id) is None for person_id in chosen):
            raise Invalid("reminder.recipients", zh="接收人不在本案中", en="A recipient is not on this case")
        found = await self._documents(unit, case, documents)
        kind = self._rules.ground(ground)
        obliged = obliged_people(case, chosen, kind.addressee)
        reminder, obligations = issue(
            reminder_id=ReminderId(new_id("rem")), case_id=case.id, author_id=actor.person_id,
            recipients={person_id: ObligationId(new_id("obl")) for person_id in obliged},
            title=title, text=text, due_at=due_at, at=now, ground=kind, documents=found,
            on_behalf_of=obliged, urgent=urgent,
        )  # fmt: skip
        return await self._enter(unit, actor, case, reminder, obligations, now)

    async def document_changed(
        self, unit: Unit, actor: Actor, case: Case, kind: str, document_id: str, *, now: datetime
    ) -> int:
        """Ask again wherever this document was named and its content is another now; in the caller's unit.

        Open obligations end as replaced, acknowledged ones stay as evidence; both get one for what stands now.
        """
        reminders = await unit.reminders.naming(kind, document_id)
        replaced = {reminder.replaces for reminder in reminders}
        asked = 0
        for reminder in reminders:
            if reminder.id in replaced:
                continue
            refs = [(one.kind, one.id) for one in reminder.documents]
            stands = await self._documents(unit, case, refs)
            if {one.sha256 for one in stands} != {one.sha256 for one in reminder.documents}:
                await self._replace(unit, actor, case, reminder, stands, now)
                asked += 1
        return asked

    async def is_stale(self, unit: Unit, case: Case, reminder: Reminder) -> bool:
        """Whether a document it names has another content by now, or is gone."""
        if not reminder.documents:
            return False
        for one in reminder.documents:
            source = self._rules.documents.get(one.kind)
            found = await source.find(unit, case, one.id) if source is not None else None
            if found is not None and found.sha256 != one.sha256:
                return True
        return False

    async def news(self, obligation_id: ObligationId) -> ObligationNews | None:
        """For those who tell live pages: the obligation now, and whom it concerns."""
        async with self._units.read() as unit:
            held = await hold(unit, obligation_id, lock=False)
        if held is None:
            return None
        court = [
            member.person_id
            for member in held.case.members()
            if member.role in (CaseRole.JUDGE, CaseRole.CLERK)
        ]
        view = obligation_view(held.case, held.reminder, held.obligation, grounds=self._rules.grounds)
        return ObligationNews(view, held.obligation.person_id, tuple(court), held.obligation.is_open)

    async def climb_due(self) -> int:
        """Job: take the steps that are due; how many obligations were moved."""
        now = self._steady.now()
        async with self._units.read() as unit:
            due = await unit.reminders.due(now, _BATCH)
        for obligation_id in due:
            async with self._units.write() as unit:
                held = await hold(unit, obligation_id)
                if held is None:
                    continue
                after, next_at = await climb(
                    unit, self._vault, self._system, held.case, held.reminder, held.obligation,
                    now=now, rules=self._rules,
                )  # fmt: skip
                await unit.reminders.save(after, next_at=next_at)
        return len(due)

    async def settle_due(self) -> int:
        """Job: carry the provider's answers over to the attempts. Always 0: it waits for the next bell or turn."""
        async with self._units.read() as unit:
            waiting = await unit.reminders.awaiting(_BATCH)
        for obligation_id in waiting:
            async with self._units.write() as unit:
                await self.settle_within(unit, obligation_id)
        return 0

    async def settle_within(self, unit: Unit, obligation_id: str) -> None:
        """As `settle_due`, for one obligation in the caller's unit."""
        held = await hold(unit, obligation_id)
        after = await settle_attempts(unit, held.obligation) if held is not None else None
        if held is not None and after is not None and after != held.obligation:
            await store(unit, held.now_is(after), now=self._steady.now(), quiet=self._rules.quiet)

    async def _documents(
        self, unit: Unit, case: Case, refs: Sequence[DocumentRef]
    ) -> tuple[ReminderDocument, ...]:
        found = []
        for kind, document_id in refs:
            source = self._rules.documents.get(kind)
            document = await source.find(unit, case, document_id) if source is not None else None
            if document is None:
                raise invalid(
                    "documents",
                    "所附材料不存在或对接收人不可见",
                    "A document is not there for the recipients",
                )
            found.append(ReminderDocument(kind, document_id, document.title, document.sha256))
        return tuple(found)

    async def _replace(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        reminder: Reminder,
        documents: tuple[ReminderDocument, ...],
        now: datetime,
    ) -> None:
        recipients: dict[PersonId, tuple[PersonId, ...]] = {}
        for obligation in await unit.reminders.obligations_of([reminder.id]):
            if obligation.state is not ObligationState.CANCELLED and case.member(obligation.person_id):
                recipients[obligation.person_id] = obligation.on_behalf_of
            if obligation.is_open:
                ended = cancel(obligation, at=now, reason=CANCELLED_BY_CHANGE)
                await unit.reminders.save(ended, next_at=None)
                unit.ring(Doorbell("obligation_changed", obligation.id))
        recipients.pop(reminder.author_id, None)
        if not recipients:
            return
        due = reminder.due_at if reminder.due_at is not None and reminder.due_at > now else None
        kind = self._rules.grounds.get(reminder.ground, GENERAL)
        again, obligations = issue(
            reminder_id=ReminderId(new_id("rem")), case_id=case.id, author_id=reminder.author_id,
            recipients={person_id: ObligationId(new_id("obl")) for person_id in recipients},
            title=reminder.title, text=reminder.text, due_at=due, at=now, ground=kind, documents=documents,
            on_behalf_of=recipients, urgent=reminder.urgent, replaces=reminder.id,
        )  # fmt: skip
        await self._enter(unit, actor, case, again, obligations, now)

    async def _enter(
        self,
        unit: Unit,
        actor: Actor,
        case: Case,
        reminder: Reminder,
        obligations: tuple[Obligation, ...],
        now: datetime,
    ) -> SeenReminder:
        await unit.reminders.add(reminder)
        await record_act(
            unit, actor, kind=ActKind.REMINDER_ISSUED, chain_id=case.id, at=now,
            payload={
                "reminder_id": reminder.id, "text_sha256": reminder.text_sha256, "ground": reminder.ground,
                "urgent": reminder.urgent, "replaces": reminder.replaces,
                "person_ids": [one.person_id for one in obligations],
            },
        )  # fmt: skip
        pressed = []
        for obligation in obligations:
            await unit.reminders.add_obligation(obligation, next_at=now)
            after, next_at = await climb(
                unit, self._vault, actor, case, reminder, obligation, now=now, rules=self._rules
            )
            await unit.reminders.save(after, next_at=next_at)
            pressed.append(after)
        await enter_docket(unit, actor, case.id, DocketKind.REMINDER_ISSUED, at=now, detail=reminder.title)
        card = {"reminder_id": reminder.id, "title": reminder.title}
        await post_card(unit, case.id, Card.REMINDER_ISSUED, card, now=now)
        unit.ring(Doorbell("case_changed", case.id))
        grounds = self._rules.grounds
        views = (obligation_view(case, reminder, one, grounds=grounds) for one in pressed)
        return SeenReminder(reminder, tuple(views))
