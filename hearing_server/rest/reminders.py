"""Forced reminders over HTTP: issued and followed by the court, answered by their recipients."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hearing_server.domain.reminding.channels import Channel
from hearing_server.domain.reminding.endings import MAX_NOTE_CHARS
from hearing_server.domain.reminding.grounds import GENERAL
from hearing_server.domain.reminding.reminders import (
    MAX_DOCUMENTS,
    MAX_RECIPIENTS,
    MAX_TEXT_CHARS,
    MAX_TITLE_CHARS,
)
from hearing_server.rest.routing import Body, Call, Moment, Route, Who
from hearing_server.rest.sign_in import Nothing
from hearing_server.services.reminding.reminders import SeenReminder

Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NOTE_CHARS)]


class NamedDocumentBody(Body):
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,32}$")]
    id: Id


class ReminderBody(Body):
    person_ids: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=64)], ...],
        Field(min_length=1, max_length=MAX_RECIPIENTS),
    ]
    title: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TITLE_CHARS)]
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
    due_at: Moment | None = None
    ground: Annotated[str, StringConstraints(pattern=r"^\w{1,64}$")] = GENERAL.code
    documents: Annotated[tuple[NamedDocumentBody, ...], Field(max_length=MAX_DOCUMENTS)] = ()
    urgent: bool = False


class AcknowledgmentBody(Body):
    text_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class OpenedBody(Body):
    document_id: Id | None = None


class ObjectionBody(Body):
    text: Note


class HandOverBody(Body):
    note: Note


class AttemptBody(Body):
    channel: Channel


class ReminderWithdrawalBody(Body):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


async def issue_reminder(call: Call) -> object:
    body = call.body(ReminderBody)
    made = await call.services.reminders.issue(
        call.actor,
        call.part("case_id"),
        person_ids=body.person_ids,
        title=body.title,
        text=body.text,
        due_at=body.due_at,
        ground=body.ground,
        documents=[(one.kind, one.id) for one in body.documents],
        urgent=body.urgent,
    )
    return {"id": made.reminder.id, "obligations": made.obligations}


def _reminder_view(seen: SeenReminder) -> dict[str, object]:
    reminder = seen.reminder
    return {
        "id": reminder.id,
        "title": reminder.title,
        "text": reminder.text,
        "ground": reminder.ground,
        "urgent": reminder.urgent,
        "issued_at": reminder.issued_at,
        "due_at": reminder.due_at,
        "obligations": seen.obligations,
    }


async def list_reminders(call: Call) -> object:
    found = await call.services.telling.board.of_case(call.actor, call.part("case_id"))
    return {"items": [_reminder_view(seen) for seen in found]}


async def grounds(call: Call) -> object:
    return {"items": call.services.telling.board.grounds()}


async def unfinished(call: Call) -> object:
    return {"items": await call.services.telling.board.unfinished(call.actor)}


async def withdraw(call: Call) -> object:
    reason = call.body(ReminderWithdrawalBody).reason
    board = call.services.telling.board
    return _reminder_view(await board.withdraw(call.actor, call.part("reminder_id"), reason=reason))


async def make_urgent(call: Call) -> object:
    return _reminder_view(await call.services.telling.board.make_urgent(call.actor, call.part("reminder_id")))


async def send_again(call: Call) -> object:
    channel = call.body(AttemptBody).channel
    return await call.services.telling.board.send_again(
        call.actor, call.part("obligation_id"), channel=channel
    )


async def hand_over(call: Call) -> object:
    note = call.body(HandOverBody).note
    return await call.services.telling.board.hand_over(call.actor, call.part("obligation_id"), note=note)


async def proof(call: Call) -> object:
    return await call.services.telling.proofs.of_obligation(call.actor, call.part("obligation_id"))


async def my_obligations(call: Call) -> object:
    return {"items": await call.services.telling.own.open_for(call.actor)}


async def displayed(call: Call) -> object:
    return await call.services.telling.own.displayed(call.actor, call.part("obligation_id"))


async def opened(call: Call) -> object:
    document_id = call.body(OpenedBody).document_id
    own = call.services.telling.own
    return await own.opened(call.actor, call.part("obligation_id"), document_id=document_id)


async def put_off(call: Call) -> object:
    return await call.services.telling.own.put_off(call.actor, call.part("obligation_id"))


async def object_to(call: Call) -> object:
    text = call.body(ObjectionBody).text
    return await call.services.telling.own.object_to(call.actor, call.part("obligation_id"), text=text)


async def acknowledgment(call: Call) -> object:
    return await call.services.telling.own.acknowledge(
        call.actor, call.part("obligation_id"), text_sha256=call.body(AcknowledgmentBody).text_sha256
    )


_O = "/obligations/{obligation_id}"
ROUTES = (
    Route(
        "POST", "/cases/{case_id}/reminders", issue_reminder, Who.STAFF, "Remind people by force",
        body=ReminderBody, status=201,
    ),
    Route("GET", "/cases/{case_id}/reminders", list_reminders, Who.STAFF, "Each person's state"),
    Route("GET", "/reminder-grounds", grounds, Who.STAFF, "What the court may remind of, and how"),
    Route("GET", "/reminders/unfinished", unfinished, Who.STAFF, "Who has not acknowledged, over all cases"),
    Route(
        "POST", "/reminders/{reminder_id}/withdrawal", withdraw, Who.STAFF, "Withdraw, with the reason",
        body=ReminderWithdrawalBody,
    ),
    Route(
        "POST", "/reminders/{reminder_id}/urgent", make_urgent, Who.STAFF, "Let it ring at night: the judge's",
        body=Nothing,
    ),
    Route("POST", _O + "/attempts", send_again, Who.STAFF, "One more try, by hand", body=AttemptBody),
    Route("POST", _O + "/hand-over", hand_over, Who.STAFF, "A clerk reached the person", body=HandOverBody),
    Route("GET", _O + "/proof", proof, Who.SIGNED_IN, "送达回证: attempts, grades, acts, effect"),
    Route("GET", "/me/obligations", my_obligations, Who.SIGNED_IN, "What I must still acknowledge"),
    Route("POST", _O + "/displayed", displayed, Who.SIGNED_IN, "The sheet was on the screen", body=Nothing),
    Route("POST", _O + "/opened", opened, Who.SIGNED_IN, "Read to its end, or a document of it", body=OpenedBody),
    Route("POST", _O + "/later", put_off, Who.SIGNED_IN, "Put the sheet off, where the ground allows", body=Nothing),
    Route("POST", _O + "/objection", object_to, Who.SIGNED_IN, "我有异议", body=ObjectionBody),
    Route(
        "POST", _O + "/acknowledgment", acknowledgment, Who.SIGNED_IN,
        "我已知悉, of exactly this text", body=AcknowledgmentBody,
    ),
)  # fmt: skip
