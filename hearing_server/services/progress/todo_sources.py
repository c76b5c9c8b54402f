"""What hearings, reminders and publications want of a person. Exhibits and transcripts have sources of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hearing_server.domain.hearing.consents import REQUIRED_STAGES
from hearing_server.domain.hearing.hearings import RUNNING, Hearing, HearingState
from hearing_server.domain.hearing.participants import Participant
from hearing_server.domain.progress.todos import Todo, TodoKind
from hearing_server.domain.reminding.reminders import TaskKind
from hearing_server.domain.roles import Action, can, capacity_of
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, CaseId
from hearing_server.ports.units import Unit

# A hearing further ahead is on the timeline, not yet something to do.
_SOON = timedelta(days=14)
_BOARD_LIMIT = 500


class HearingTodos:
    """Consent, try the devices, attend."""

    async def todos(self, unit: Unit, actor: Actor, cases: Sequence[Case], *, now: datetime) -> list[Todo]:
        hearings = await unit.hearings.of_cases([case.id for case in cases])
        found: list[Todo] = []
        for hearing in hearings:
            me = hearing.find(actor.person_id)
            if me is None or not _is_coming(hearing, now):
                continue
            found += _before(hearing, me)
            found.append(
                Todo(
                    TodoKind.ATTEND_HEARING, hearing.id, hearing.case_id, _door(hearing), hearing.title,
                    due_at=hearing.starts_at, from_at=hearing.lobby_opens_at(),
                )
            )  # fmt: skip
        return found


def _is_coming(hearing: Hearing, now: datetime) -> bool:
    if hearing.state in RUNNING:
        return True
    is_open = hearing.state in (HearingState.SCHEDULED, HearingState.LOBBY)
    # One that never took place is the clerk's to cancel or to move; it stays for a day.
    return is_open and now - timedelta(days=1) < hearing.starts_at < now + _SOON


def _before(hearing: Hearing, me: Participant) -> list[Todo]:
    if hearing.state in RUNNING:
        return []
    found = []
    if not me.is_court and any(stage not in me.consents for stage in REQUIRED_STAGES):
        found.append(TodoKind.DECIDE_CONSENT)
    if me.self_test is None:
        found.append(TodoKind.RUN_SELF_TEST)
    return [
        Todo(kind, hearing.id, hearing.case_id, _door(hearing), hearing.title, due_at=hearing.starts_at)
        for kind in found
    ]


def _door(hearing: Hearing) -> str:
    return f"/hearings/{hearing.id}/lobby"


class ReminderTodos:
    """Acknowledge one's own; for the court, what others have left behind."""

    async def todos(self, unit: Unit, actor: Actor, cases: Sequence[Case], *, now: datetime) -> list[Todo]:
        del now
        ids = {case.id for case in cases}
        own = [one for one in await unit.reminders.open_of_person(actor.person_id) if one.case_id in ids]
        ours = await unit.reminders.on_board(_followed(actor, cases), _BOARD_LIMIT)
        tasks = [
            one
            for one in ours
            if one.task is not None and one.has_task and one.task.clerk_id in (None, actor.person_id)
        ]
        reminders = await unit.reminders.many([one.reminder_id for one in (*own, *tasks)])
        found = [
            Todo(
                TodoKind.ACKNOWLEDGE_REMINDER, one.id, one.case_id, f"/cases/{one.case_id}/progress",
                reminders[one.reminder_id].title, due_at=reminders[one.reminder_id].due_at,
            )
            for one in own
        ]  # fmt: skip
        names = {member.person_id: member.name for case in cases for member in case.members()}
        for one in tasks:
            assert one.task is not None
            is_objection = one.task.kind is TaskKind.OBJECTION
            kind = TodoKind.ANSWER_OBJECTION if is_objection else TodoKind.HAND_OVER_REMINDER
            found.append(
                Todo(
                    kind, one.id, one.case_id, f"/desk/reminders?case={one.case_id}",
                    reminders[one.reminder_id].title, due_at=one.task.raised_at,
                    people=(names.get(one.person_id, ""),),
                )
            )  # fmt: skip
        return found


def _followed(actor: Actor, cases: Sequence[Case]) -> list[CaseId]:
    found = []
    for case in cases:
        member = case.member(actor.person_id)
        # The judge sees the board; the work on it is the clerk's.
        if member is not None and can(capacity_of(actor.role, member.role), Action.HEARING_SCHEDULE):
            found.append(case.id)
    return found
