"""An obligation as clients get it (docs/PROTOCOL.md section 1)."""

from __future__ import annotations

from datetime import datetime

from hearing_server.domain.reminding.reminders import Obligation, Reminder
from hearing_server.filing.cases import Case
from hearing_server.kernel import PersonId, to_wire


def obligation_view(case: Case, reminder: Reminder, obligation: Obligation) -> dict[str, object]:
    """The object `Obligation`."""
    return {
        "id": obligation.id,
        "reminder_id": reminder.id,
        "case_id": case.id,
        "case_number": str(case.number),
        "author": _person(case, reminder.author_id),
        "title": reminder.title,
        "text": reminder.text,
        "text_sha256": reminder.text_sha256,
        "due_at": _moment(reminder.due_at),
        "issued_at": to_wire(reminder.issued_at),
        "person": {"id": obligation.person_id, **_person(case, obligation.person_id)},
        "state": obligation.state.value,
        "displayed_at": _moment(obligation.displayed_at),
        "acknowledged_at": _moment(obligation.acknowledged_at),
        "attempts": [
            {
                "channel": attempt.channel.value,
                "level": attempt.level,
                "at": to_wire(attempt.at),
                "state": attempt.state.value,
                "simulated": attempt.simulated,
            }
            for attempt in obligation.attempts
        ],
    }


def _person(case: Case, person_id: PersonId) -> dict[str, object]:
    member = case.member(person_id)
    if member is None:
        return {"name": "", "label": "", "label_en": ""}
    return {"name": member.name, "label": member.label.zh, "label_en": member.label.en}


def _moment(at: datetime | None) -> str | None:
    return to_wire(at) if at is not None else None
