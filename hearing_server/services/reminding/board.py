"""The court's board: who has not acknowledged, why, when the ladder goes on, and one tap to the next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hearing_server.domain.acts import ActKind
from hearing_server.domain.reminding.channels import OUTSIDE_CHANNELS, Channel
from hearing_server.domain.reminding.climbing import Attempt, step_key
from hearing_server.domain.reminding.endings import cancel, hand_over, require_open
from hearing_server.domain.reminding.grounds import LadderStep
from hearing_server.domain.reminding.obligation_view import obligation_view, task_view
from hearing_server.domain.reminding.reminders import Obligation, Reminder, next_manual_level
from hearing_server.domain.roles import Action, can, capacity_of, require
from hearing_server.errors import Conflict, Invalid, NotFound
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, Clock, ReminderId
from hearing_server.ports.units import Unit, Units
from hearing_server.ports.vault import Vault
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.reminding.holding import Held, hold, keep, next_time, store
from hearing_server.services.reminding.ladder import take_step
from hearing_server.services.reminding.reminders import SeenReminder
from hearing_server.services.reminding.rules import ReminderRules

BOARD_LIMIT = 500
# A clerk who presses twice doesn't ring a phone twice.
_AGAIN_AFTER_S = 60


class ReminderBoard:
    """Use-cases of judge and clerk after issuing."""

    def __init__(self, units: Units, vault: Vault, clock: Clock, rules: ReminderRules) -> None:
        self._units = units
        self._vault = vault
        self._clock = clock
        self._rules = rules

    def grounds(self) -> list[dict[str, object]]:
        """The court's grounds in their order, for the form."""
        return [
            {
                "code": one.code, "name": one.name, "name_en": one.name_en, "addressee": one.addressee.value,
                "later_times": one.later_times, "expires_h": one.expires_h, "serves": one.serves,
            }
            for one in self._rules.grounds.values()
        ]  # fmt: skip

    async def of_case(self, actor: Actor, case_id: str) -> list[SeenReminder]:
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
                    self._view(Held(case, reminder, one))
                    for one in obligations
                    if one.reminder_id == reminder.id
                ),
            )
            for reminder in found
        ]

    async def unfinished(self, actor: Actor) -> list[dict[str, object]]:
        """Over all cases the actor sits on: what is open or waits for a clerk; overdue and tasks first."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            cases = {
                case.id: case for case in await unit.cases.of_person(actor.person_id) if _sees(actor, case)
            }
            found = await unit.reminders.on_board(list(cases), BOARD_LIMIT)
            reminders = await unit.reminders.many([one.reminder_id for one in found])
        held = [Held(cases[one.case_id], reminders[one.reminder_id], one) for one in found]
        held.sort(key=lambda one: _urgency(one.reminder, one.obligation, now))
        return [self._view(one) for one in held]

    async def send_again(self, actor: Actor, obligation_id: str, *, channel: Channel) -> dict[str, object]:
        """One more try on a channel, by hand, quiet hours or not.

        Errors: NotFound, Forbidden, Invalid `reminder.channel`, Conflict `reminder.ended`, `.just_sent`.
        """
        if channel not in OUTSIDE_CHANNELS:
            raise Invalid(
                "reminder.channel", zh="不能通过该渠道发送", en="Nothing can be sent on this channel"
            )
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._followed(unit, actor, obligation_id)
            require_open(held.obligation)
            if any(
                one.channel is channel and (now - one.at).total_seconds() < _AGAIN_AFTER_S
                for one in held.obligation.attempts
            ):
                raise Conflict(
                    "reminder.just_sent", zh="刚刚已通过该渠道发送", en="That was sent a moment ago"
                )
            step = LadderStep(next_manual_level(held.obligation), 0, channel)
            after = held.now_is(
                await take_step(
                    unit, self._vault, actor, held.case, held.reminder, held.obligation,
                    Attempt(step, step_key(held.obligation, step)), now=now, rules=self._rules,
                    by=actor.person_id,
                )
            )  # fmt: skip
            await store(unit, after, now=now, quiet=self._rules.quiet)
            return self._view(after)

    async def hand_over(self, actor: Actor, obligation_id: str, *, note: str) -> dict[str, object]:
        """A person of the court reached the recipient. Errors: NotFound, Forbidden, Invalid, Conflict `.ended`."""
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            held = await self._followed(unit, actor, obligation_id)
            after = held.now_is(hand_over(held.obligation, clerk_id=actor.person_id, note=note, at=now))
            await self._keep(unit, actor, after, ActKind.OBLIGATION_HANDED_OVER, note=note.strip())
            return self._view(after)

    async def withdraw(self, actor: Actor, reminder_id: str, *, reason: str) -> SeenReminder:
        """撤回: open obligations end, with the reason. Errors: NotFound, Forbidden, Invalid `reminder.reason`."""
        reason = reason.strip()
        if not 1 <= len(reason) <= 200:
            raise Invalid("reminder.reason", zh="请写明撤回理由", en="Say why it is withdrawn")
        async with self._units.write() as unit:
            case, reminder, obligations = await self._reminder(
                unit, actor, reminder_id, Action.REMINDER_ISSUE
            )
            now, views = self._clock.utc_now(), []
            await record_act(
                unit, actor, kind=ActKind.REMINDER_CANCELLED, chain_id=case.id, at=now,
                payload={"reminder_id": reminder.id, "reason": reason},
            )  # fmt: skip
            for one in obligations:
                held = Held(case, reminder, cancel(one, at=now, reason=reason))
                if held.obligation != one:
                    await self._keep(unit, actor, held, ActKind.OBLIGATION_CANCELLED, reason=reason)
                views.append(self._view(held))
        return SeenReminder(reminder, tuple(views))

    async def make_urgent(self, actor: Actor, reminder_id: str) -> SeenReminder:
        """加急: the judge lets it ring at night and on holidays. Errors: NotFound, Forbidden."""
        async with self._units.write() as unit:
            case, reminder, obligations = await self._reminder(
                unit, actor, reminder_id, Action.REMINDER_URGENT
            )
            now = self._clock.utc_now()
            urgent = replace(reminder, urgent=True)
            if urgent != reminder:
                await unit.reminders.save_reminder(urgent)
                await record_act(
                    unit, actor, kind=ActKind.REMINDER_MADE_URGENT, chain_id=case.id, at=now,
                    payload={"reminder_id": reminder.id},
                )  # fmt: skip
                for one in obligations:
                    if one.is_open:
                        await store(unit, Held(case, urgent, one), now=now, quiet=self._rules.quiet)
        return SeenReminder(urgent, tuple(self._view(Held(case, urgent, one)) for one in obligations))

    async def _reminder(
        self, unit: Unit, actor: Actor, reminder_id: str, action: Action
    ) -> tuple[Case, Reminder, Sequence[Obligation]]:
        reminder = await unit.reminders.get(ReminderId(reminder_id))
        if reminder is None:
            raise NotFound
        case, member = await access_member_case(unit, actor, reminder.case_id)
        require(capacity_of(actor.role, member.role), action)
        # Everybody who changes an obligation of the case locks its act chain first.
        await unit.acts.lock_head(case.id)
        return case, reminder, await unit.reminders.obligations_of([reminder.id])

    async def _followed(self, unit: Unit, actor: Actor, obligation_id: str) -> Held:
        held = await hold(unit, obligation_id)
        if held is None:
            raise NotFound
        _, member = await access_member_case(unit, actor, held.case.id)
        require(capacity_of(actor.role, member.role), Action.REMINDER_FOLLOW)
        return held

    async def _keep(self, unit: Unit, actor: Actor, held: Held, kind: ActKind, **facts: str) -> None:
        await keep(
            unit, actor, held, kind, now=self._clock.utc_now(), quiet=self._rules.quiet, facts=dict(facts)
        )

    def _view(self, held: Held) -> dict[str, object]:
        now = self._clock.utc_now()
        next_at = next_time(held.reminder, held.obligation, now, self._rules.quiet)
        shown = obligation_view(held.case, held.reminder, held.obligation, grounds=self._rules.grounds)
        overdue = is_overdue(held.reminder, held.obligation, now)
        return shown | task_view(held.case, held.obligation, next_at) | {"is_overdue": overdue}


def is_overdue(reminder: Reminder, obligation: Obligation, now: datetime) -> bool:
    """Its time is over, or a clerk's task stands."""
    return obligation.has_task or (obligation.is_open and now >= reminder.expires_at)


def _sees(actor: Actor, case: Case) -> bool:
    member = case.member(actor.person_id)
    return member is not None and can(capacity_of(actor.role, member.role), Action.REMINDERS_SEE)


def _urgency(reminder: Reminder, obligation: Obligation, now: datetime) -> tuple[bool, bool, datetime]:
    return (
        not is_overdue(reminder, obligation, now),
        not reminder.urgent,
        reminder.expires_at,
    )
