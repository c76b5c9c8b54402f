"""Timeline and things to do; contacts and wishes; what gateways and browsers report of a message."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from hearing_server.domain.reminding.signed_calls import NONCE, SIGNATURE, TIMESTAMP
from hearing_server.kernel import to_wire
from hearing_server.ports.contacts import ServiceConsent
from hearing_server.rest.routing import Body, Call, Route, Who


class AddressBody(Body):
    channel: Literal["email", "wechat", "web_push"]
    address: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    label: Annotated[str, StringConstraints(max_length=60)] = ""


class AddressCodeBody(Body):
    code: Annotated[str, StringConstraints(min_length=1, max_length=16)]


class WishesBody(Body):
    wishes: Annotated[dict[Annotated[str, StringConstraints(max_length=32)], bool], Field(max_length=16)]


class ServiceConsentBody(Body):
    granted: bool
    text_version: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class PushReceiptBody(Body):
    notice: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    token: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    state: Literal["displayed", "opened"]


async def my_todos(call: Call) -> object:
    return {"items": await call.services.todos.mine(call.actor)}


async def case_progress(call: Call) -> object:
    found = await call.services.todos.of_case(call.actor, call.part("case_id"))
    return {
        "case": {"id": found.case.id, "number": str(found.case.number), "cause": found.case.cause},
        "timeline": found.timeline,
        "todos": found.todos,
    }


async def my_contacts(call: Call) -> object:
    services = call.services
    return {
        **await services.telling.contacts.of(call.actor),
        "push_key": services.telling.push_key,
        "simulated": [
            channel for channel in ("sms", "wechat", "email") if services.telling.relay.is_simulated(channel)
        ],
    }


async def add_contact(call: Call) -> object:
    body = call.body(AddressBody)
    made = await call.services.telling.contacts.add(
        call.actor, channel=body.channel, address=body.address, label=body.label
    )
    return {"id": made}


async def confirm_contact(call: Call) -> object:
    await call.services.telling.contacts.confirm(
        call.actor, call.part("contact_id"), call.body(AddressCodeBody).code
    )
    return {}


async def end_contact(call: Call) -> object:
    await call.services.telling.contacts.end(call.actor, call.part("contact_id"))
    return {}


async def wish(call: Call) -> object:
    await call.services.telling.contacts.wish(call.actor, call.body(WishesBody).wishes)
    return await call.services.telling.contacts.of(call.actor)


async def service_consent(call: Call) -> object:
    text, decided = await call.services.telling.contacts.service_consent(call.actor, call.part("case_id"))
    return {
        "text": {
            "version": text.version, "text": text.text, "text_en": text.text_en, "sha256": text.sha256,
        },
        "decided": None if decided is None else _consent_view(decided),
    }  # fmt: skip


async def decide_service(call: Call) -> object:
    body = call.body(ServiceConsentBody)
    return _consent_view(
        await call.services.telling.contacts.decide_service(
            call.actor, call.part("case_id"), granted=body.granted, text_version=body.text_version
        )
    )


def _consent_view(consent: ServiceConsent) -> dict[str, object]:
    return {
        "granted": consent.granted,
        "text_version": consent.text_version,
        "text_sha256": consent.text_sha256,
        "at": to_wire(consent.at),
    }


async def gateway_report(call: Call) -> object:
    headers = call.request.headers
    return await call.services.telling.reports.take(
        call.part("channel"),
        timestamp=headers.get(TIMESTAMP, ""),
        nonce=headers.get(NONCE, ""),
        signature=headers.get(SIGNATURE, ""),
        body=call.content,
    )


async def push_receipt(call: Call) -> object:
    body = call.body(PushReceiptBody)
    await call.services.telling.reports.browser_said(body.notice, body.token, body.state)
    return {}


ROUTES = (
    Route("GET", "/me/todos", my_todos, Who.SIGNED_IN, "What I must do next, over all cases"),
    Route("GET", "/cases/{case_id}/progress", case_progress, Who.SIGNED_IN, "Timeline, and what I must do"),
    Route("GET", "/me/contacts", my_contacts, Who.SIGNED_IN, "Where and how I am told of news"),
    Route("POST", "/me/contacts", add_contact, Who.SIGNED_IN, "Add an address", body=AddressBody, status=201),
    Route(
        "POST", "/me/contacts/{contact_id}/confirmation", confirm_contact, Who.SIGNED_IN,
        "The code that was sent there", body=AddressCodeBody,
    ),
    Route("DELETE", "/me/contacts/{contact_id}", end_contact, Who.SIGNED_IN, "Nothing goes there any more"),
    Route("PUT", "/me/wishes", wish, Who.SIGNED_IN, "Ways of news on or off", body=WishesBody),
    Route(
        "GET", "/cases/{case_id}/service-consent", service_consent, Who.SIGNED_IN,
        "Electronic service: the text, and what I decided",
    ),
    Route(
        "POST", "/cases/{case_id}/service-consent", decide_service, Who.SIGNED_IN,
        "Agree to electronic service, or refuse it", body=ServiceConsentBody,
    ),
    Route(
        "POST", "/channels/{channel}/reports", gateway_report, Who.ALL,
        "A gateway's signed report of what became of a message", file_limit="report_bytes",
    ),
    Route("POST", "/push/receipts", push_receipt, Who.ALL, "A push was shown or tapped", body=PushReceiptBody),
)  # fmt: skip
