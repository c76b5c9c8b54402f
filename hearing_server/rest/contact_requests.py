"""联系法院 over HTTP: asking to be contacted, and the clerks' queue; what was taken out of sight, for the court."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from hearing_server.domain.case_space.contact_requests import (
    MAX_ANSWER_CHARS,
    MAX_TEXT_CHARS,
    ContactTopic,
    ContactWay,
)
from hearing_server.errors import NotFound
from hearing_server.rest.routing import Body, Call, Moment, Route, Who
from hearing_server.rest.sign_in import Nothing


class ContactBody(Body):
    topic: ContactTopic
    text: Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)] = ""
    way: ContactWay
    from_at: Moment | None = None
    until_at: Moment | None = None


class ContactAnswerBody(Body):
    text: Annotated[str, StringConstraints(min_length=1, max_length=MAX_ANSWER_CHARS)]
    way: ContactWay


async def ask(call: Call) -> object:
    body = call.body(ContactBody)
    return await call.services.talk.contact_desk.ask(
        call.actor,
        call.part("case_id"),
        topic=body.topic,
        text=body.text,
        way=body.way,
        from_at=body.from_at,
        until_at=body.until_at,
    )


async def of_case(call: Call) -> object:
    return {"items": await call.services.talk.contact_desk.of_case(call.actor, call.part("case_id"))}


async def queue(call: Call) -> object:
    return {"items": await call.services.talk.contact_desk.queue(call.actor)}


async def take(call: Call) -> object:
    return await call.services.talk.contact_desk.take(call.actor, call.part("request_id"))


async def phone(call: Call) -> object:
    return {"phone": await call.services.talk.contact_desk.phone(call.actor, call.part("request_id"))}


async def answer(call: Call) -> object:
    body = call.body(ContactAnswerBody)
    return await call.services.talk.contact_desk.answer(
        call.actor, call.part("request_id"), text=body.text, way=body.way
    )


async def finish(call: Call) -> object:
    return await call.services.talk.contact_desk.finish(call.actor, call.part("request_id"))


async def withdraw(call: Call) -> object:
    return await call.services.talk.contact_desk.withdraw(call.actor, call.part("request_id"))


async def withheld_content(call: Call) -> object:
    seq = call.part("seq")
    if not seq.isascii() or not seq.isdigit() or len(seq) > 16:
        raise NotFound
    return await call.services.talk.withheld.content(call.actor, call.part("lane"), int(seq))


ROUTES = (
    Route(
        "POST", "/cases/{case_id}/contact-requests", ask, Who.SIGNED_IN, "Ask the court to be contacted",
        body=ContactBody, status=201,
    ),
    Route("GET", "/cases/{case_id}/contact-requests", of_case, Who.SIGNED_IN, "Own requests; all for clerks"),
    Route("GET", "/contact-requests", queue, Who.STAFF, "What waits for the clerks of the court"),
    Route(
        "POST", "/contact-requests/{request_id}/take", take, Who.STAFF, "I do it", body=Nothing
    ),
    Route(
        "POST", "/contact-requests/{request_id}/phone", phone, Who.STAFF, "The number to call", body=Nothing
    ),
    Route(
        "POST", "/contact-requests/{request_id}/answer", answer, Who.STAFF, "What the asker was told",
        body=ContactAnswerBody,
    ),
    Route(
        "POST", "/contact-requests/{request_id}/done", finish, Who.STAFF, "Nothing is left to do", body=Nothing
    ),
    Route(
        "POST", "/contact-requests/{request_id}/withdraw", withdraw, Who.SIGNED_IN, "No longer needed",
        body=Nothing,
    ),
    Route(
        "POST", "/lanes/{lane}/events/{seq}/withheld", withheld_content, Who.STAFF,
        "What was taken out of sight; an act", body=Nothing,
    ),
)  # fmt: skip
