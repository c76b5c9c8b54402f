"""Forced reminders over HTTP."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hearing_server.domain.reminding.reminders import MAX_RECIPIENTS, MAX_TEXT_CHARS, MAX_TITLE_CHARS
from hearing_server.rest.routing import Body, Call, Moment, Route, Who
from hearing_server.rest.sign_in import Nothing


class ReminderBody(Body):
    person_ids: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=64)], ...],
        Field(min_length=1, max_length=MAX_RECIPIENTS),
    ]
    title: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE_CHARS)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
    due_at: Moment | None = None


class AcknowledgmentBody(Body):
    text_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


async def issue_reminder(call: Call) -> object:
    body = call.body(ReminderBody)
    made = await call.services.reminders.issue(
        call.actor,
        call.part("case_id"),
        person_ids=body.person_ids,
        title=body.title,
        text=body.text,
        due_at=body.due_at,
    )
    return {"id": made.reminder.id, "obligations": made.obligations}


async def list_reminders(call: Call) -> object:
    found = await call.services.reminders.board(call.actor, call.part("case_id"))
    return {
        "items": [
            {
                "id": seen.reminder.id,
                "title": seen.reminder.title,
                "text": seen.reminder.text,
                "issued_at": seen.reminder.issued_at,
                "due_at": seen.reminder.due_at,
                "obligations": seen.obligations,
            }
            for seen in found
        ]
    }


async def my_obligations(call: Call) -> object:
    return {"items": await call.services.reminders.open_for(call.actor)}


async def displayed(call: Call) -> object:
    return await call.services.reminders.displayed(call.actor, call.part("obligation_id"))


async def acknowledgment(call: Call) -> object:
    return await call.services.reminders.acknowledge(
        call.actor, call.part("obligation_id"), text_sha256=call.body(AcknowledgmentBody).text_sha256
    )


ROUTES = (
    Route(
        "POST", "/cases/{case_id}/reminders", issue_reminder, Who.STAFF, "Remind people by force",
        body=ReminderBody, status=201,
    ),
    Route("GET", "/cases/{case_id}/reminders", list_reminders, Who.STAFF, "Each person's state"),
    Route("GET", "/me/obligations", my_obligations, Who.SIGNED_IN, "What I must still acknowledge"),
    Route(
        "POST", "/obligations/{obligation_id}/displayed", displayed, Who.SIGNED_IN,
        "The sheet was on the screen", body=Nothing,
    ),
    Route(
        "POST", "/obligations/{obligation_id}/acknowledgment", acknowledgment, Who.SIGNED_IN,
        "我已知悉, of exactly this text", body=AcknowledgmentBody,
    ),
)  # fmt: skip
