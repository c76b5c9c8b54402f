"""Sign-in, join links, the session, socket tickets."""

from __future__ import annotations

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from hearing_server.kernel import Actor
from hearing_server.rest.answers import json_answer
from hearing_server.rest.cookies import clear_session, set_session
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.identity.sessions import TICKET_LIFE, SignedIn

Code = Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
Phone = Annotated[str, StringConstraints(min_length=6, max_length=24)]


class StaffSignIn(Body):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class CodeRequest(Body):
    phone: Phone


class PhoneSignIn(Body):
    phone: Phone
    code: Code


class LinkEntry(Body):
    code: Code
    id_last4: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{4}$")]


class Nothing(Body):
    """An empty object."""


async def sign_in_staff(call: Call) -> object:
    body = call.body(StaffSignIn)
    signed_in = await call.services.sessions.sign_in_staff(
        username=body.username, password=body.password, network=call.network
    )
    return await _welcome(call, signed_in)


async def request_code(call: Call) -> object:
    retry_after_s = await call.services.sessions.request_code(
        phone=call.body(CodeRequest).phone, network=call.network
    )
    return {"retry_after_s": retry_after_s}


async def sign_in_phone(call: Call) -> object:
    body = call.body(PhoneSignIn)
    signed_in = await call.services.sessions.sign_in_phone(
        phone=body.phone, code=body.code, network=call.network
    )
    return await _welcome(call, signed_in)


async def look_at_link(call: Call) -> object:
    view = await call.services.invitations.look(call.part("token"))
    return {
        "court": {"name": view.court.name, "name_en": view.court.name_en},
        "starts_at": view.starts_at,
        "phone_masked": view.phone_masked,
        "state": view.state,
    }


async def send_link_code(call: Call) -> object:
    return {
        "retry_after_s": await call.services.invitations.send_code(call.part("token"), network=call.network)
    }


async def enter_by_link(call: Call) -> object:
    body = call.body(LinkEntry)
    signed_in, hearing_id = await call.services.invitations.enter(
        call.part("token"), code=body.code, id_last4=body.id_last4, network=call.network
    )
    await _end_former(call)
    response = json_answer({"me": await me_view(call, signed_in.actor), "hearing_id": hearing_id})
    set_session(call.request, response, signed_in)
    return response


async def me(call: Call) -> object:
    return await me_view(call, call.actor)


async def sign_out(call: Call) -> object:
    await call.services.sessions.end(call.actor)
    response = web.Response(status=204)
    clear_session(call.request, response)
    return response


async def new_ticket(call: Call) -> object:
    ticket = await call.services.sessions.new_ticket(call.actor)
    return {"ticket": ticket, "expires_in_s": int(TICKET_LIFE.total_seconds())}


async def staff(call: Call) -> object:
    return {"items": await call.services.sessions.staff(call.actor)}


async def me_view(call: Call, actor: Actor) -> dict[str, object]:
    """Me, as in docs/PROTOCOL.md section 1."""
    court = await call.services.sessions.court()
    return {
        "id": actor.person_id,
        "kind": "staff" if actor.is_staff else "party",
        "role": actor.role,
        "name": actor.name,
        "court": {"id": court.id, "name": court.name, "name_en": court.name_en},
    }


async def _welcome(call: Call, signed_in: SignedIn) -> object:
    await _end_former(call)
    response = json_answer(await me_view(call, signed_in.actor))
    set_session(call.request, response, signed_in)
    return response


async def _end_former(call: Call) -> None:
    """Whoever was signed in in this browser before is not any more (ASVS 7.2.4)."""
    if call.actor_or_none is not None:
        await call.services.sessions.end(call.actor)


ROUTES = (
    Route("POST", "/sign-in/staff", sign_in_staff, Who.ALL, "Sign in with a password", StaffSignIn),
    Route("POST", "/sign-in/codes", request_code, Who.ALL, "Ask for a sign-in code", CodeRequest, 202),
    Route("POST", "/sign-in/phone", sign_in_phone, Who.ALL, "Sign in with a phone code", PhoneSignIn),
    Route("GET", "/join-links/{token}", look_at_link, Who.ALL, "What a join link opens"),
    Route(
        "POST", "/join-links/{token}/codes", send_link_code, Who.ALL, "Send the code of a link", Nothing, 202
    ),
    Route(
        "POST",
        "/join-links/{token}/sessions",
        enter_by_link,
        Who.ALL,
        "Enter by link, code and ID",
        LinkEntry,
    ),
    Route("GET", "/me", me, Who.SIGNED_IN, "Who is signed in"),
    Route("DELETE", "/me/session", sign_out, Who.SIGNED_IN, "Sign out", None, 204),
    Route("POST", "/socket-tickets", new_ticket, Who.SIGNED_IN, "A ticket for one socket", Nothing),
    Route("GET", "/staff", staff, Who.STAFF, "Judges and clerks of the court"),
)
