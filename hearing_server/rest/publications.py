"""Publications on their way: application, list of redactions, the parties' word, preview, decision."""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import hdrs, web
from pydantic import Field, StringConstraints

from hearing_server.domain.publishing.objections import Response
from hearing_server.domain.publishing.publications import Publication, PublicationState
from hearing_server.domain.publishing.redactions import MAX_REDACTIONS, Redaction, RedactionKind
from hearing_server.errors import Invalid
from hearing_server.kernel import PersonId
from hearing_server.rest.hearings import Id, ReasonBody
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.publishing.publications import SeenPublication

_Name = Annotated[str, StringConstraints(min_length=1, max_length=60)]
_Text = Annotated[str, StringConstraints(max_length=200)]
# A day of film; NaN and infinity are no seconds.
_Seconds = Annotated[float, Field(ge=0, le=86400, allow_inf_nan=False)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RedactionBody(Body):
    kind: Literal["mute", "mask", "region", "cut", "name"]
    from_s: _Seconds | None = None
    until_s: _Seconds | None = None
    person_id: Id | None = None
    x: _Share | None = None
    y: _Share | None = None
    width: _Share | None = None
    height: _Share | None = None
    name: _Name | None = None
    substitute: _Name | None = None

    def redaction(self) -> Redaction:
        given = self.model_dump(exclude={"kind", "person_id"})
        person_id = PersonId(self.person_id) if self.person_id else None
        return Redaction(RedactionKind(self.kind), person_id=person_id, **given)


class PublicationBody(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    cause: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    redactions: tuple[RedactionBody, ...] = Field((), max_length=MAX_REDACTIONS)


class RedactionsBody(Body):
    redactions: tuple[RedactionBody, ...] = Field(max_length=MAX_REDACTIONS)


class ResponseBody(Body):
    objects: bool
    reason: _Text = ""


class AnswerBody(Body):
    upheld: bool
    answer: Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ConfirmBody(Body):
    """The hash of the copy that was looked at."""

    copy_sha256: _Sha256


async def submit(call: Call) -> object:
    body = call.body(PublicationBody)
    return await _view(
        call,
        await call.services.publications.submit(
            call.actor,
            call.part("recording_id"),
            title=body.title,
            cause=body.cause,
            redactions=[row.redaction() for row in body.redactions],
        ),
    )


async def list_publications(call: Call) -> object:
    word = call.request.query.get("state")
    try:
        states = (PublicationState(word),) if word else tuple(PublicationState)
    except ValueError:
        raise Invalid("query.malformed", zh="没有这种状态", en="There is no such state") from None
    found = await call.services.publications.of_court(call.actor, states)
    names = await _staff_names(call)
    return {"items": [publication_view(publication, names) for publication in found]}


async def list_of_case(call: Call) -> object:
    found = await call.services.publications.of_case(call.actor, call.part("case_id"))
    return {"items": [await _view(call, seen) for seen in found]}


async def get_publication(call: Call) -> object:
    return await _view(call, await call.services.publications.get(call.actor, call.part("publication_id")))


async def get_preview(call: Call) -> object:
    path = await call.services.publications.preview(
        call.actor, call.part("publication_id"), begins=begins(call.request)
    )
    return web.FileResponse(path, headers={"Cache-Control": "private, no-store", "Content-Type": "video/mp4"})


async def redact(call: Call) -> object:
    rows = [row.redaction() for row in call.body(RedactionsBody).redactions]
    return await _view(
        call, await call.services.publications.redact(call.actor, call.part("publication_id"), rows)
    )


async def respond(call: Call) -> object:
    body = call.body(ResponseBody)
    return await _view(
        call,
        await call.services.publications.respond(
            call.actor, call.part("publication_id"), objects=body.objects, reason=body.reason
        ),
    )


async def answer(call: Call) -> object:
    body = call.body(AnswerBody)
    return await _view(
        call,
        await call.services.publications.answer(
            call.actor,
            call.part("publication_id"),
            call.part("person_id"),
            upheld=body.upheld,
            text=body.answer,
        ),
    )


async def confirm(call: Call) -> object:
    sha256 = call.body(ConfirmBody).copy_sha256
    return await _view(
        call,
        await call.services.publications.confirm(call.actor, call.part("publication_id"), copy_sha256=sha256),
    )


async def reject(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return await _view(
        call, await call.services.publications.reject(call.actor, call.part("publication_id"), reason=reason)
    )


async def withdraw(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return await _view(
        call,
        await call.services.publications.withdraw(call.actor, call.part("publication_id"), reason=reason),
    )


def begins(request: web.Request) -> bool:
    """A player asks for many ranges; the first one (from byte 0, or none) is the view."""
    asked = request.headers.get(hdrs.RANGE, "")
    return not asked or asked.startswith("bytes=0-")


async def _staff_names(call: Call) -> dict[str, str]:
    return {person["id"]: person["name"] for person in await call.services.sessions.staff(call.actor)}


async def _view(call: Call, seen: SeenPublication) -> dict[str, object]:
    people: dict[str, str] = {member.person_id: member.name for member in seen.case.members()}
    if seen.is_staff:
        return publication_view(seen.publication, people | await _staff_names(call))
    view = publication_view(seen.publication, people)
    # A party sees its own word and what became of it; the list says what others want hidden.
    own = [one for one in seen.publication.responses if one.person_id == call.actor.person_id]
    return view | {"redactions": [], "responses": [response_view(one, people) for one in own]}


def publication_view(publication: Publication, names: dict[str, str] | None) -> dict[str, object]:
    """Publication, as in docs/PROTOCOL.md section 1. `names` None: without list and words, for who may not see them."""
    known = names or {}
    decided_by, copy = publication.decided_by, publication.copy
    return {
        "id": publication.id,
        "recording_id": publication.recording_id,
        "state": publication.state,
        "title": publication.title,
        "cause": publication.cause,
        "case_number": publication.case_number,
        "court_name": publication.court_name,
        "held_on": publication.held_on,
        "duration_s": publication.duration_s,
        "submitted_by": {"id": publication.submitted_by, "name": known.get(publication.submitted_by, "")},
        "submitted_at": publication.submitted_at,
        "decided_by": {"id": decided_by, "name": known.get(decided_by, "")} if decided_by else None,
        "decided_at": publication.decided_at,
        "published_at": publication.published_at,
        "reason": publication.reason,
        "objections_until": publication.objections_until,
        "responses": [response_view(one, known) for one in publication.responses]
        if names is not None
        else [],
        "redactions": publication.redactions if names is not None else [],
        "copy": {
            "state": copy.state,
            "sha256": copy.sha256,
            "size_bytes": copy.size_bytes,
            "duration_s": copy.duration_s,
            "source_sha256": copy.source_sha256,
            "redactions_sha256": copy.redactions_sha256,
            "error": copy.error,
        },
        "approved_sha256": publication.approved_sha256,
    }


def response_view(one: Response, names: dict[str, str]) -> dict[str, object]:
    """A party's word, as in docs/PROTOCOL.md section 1."""
    return {
        "person_id": one.person_id,
        "name": names.get(one.person_id, ""),
        "objects": one.objects,
        "reason": one.reason,
        "at": one.at,
        "upheld": one.upheld,
        "answer": one.answer,
        "answered_by": names.get(one.answered_by or "", "") or None,
        "answered_at": one.answered_at,
    }


_P = "/publications/{publication_id}"
ROUTES = (
    Route(
        "POST",
        "/recordings/{recording_id}/publications",
        submit,
        Who.STAFF,
        "Ask for publication",
        PublicationBody,
        201,
    ),
    Route("GET", "/publications", list_publications, Who.STAFF, "Publications"),
    Route("GET", "/cases/{case_id}/publications", list_of_case, Who.SIGNED_IN, "Publications of a case"),
    Route("GET", _P, get_publication, Who.SIGNED_IN, "One publication"),
    Route("GET", _P + "/film", get_preview, Who.STAFF, "The copy as it would be public, by range"),
    Route("PUT", _P + "/redactions", redact, Who.STAFF, "What the copy leaves out", RedactionsBody),
    Route("PUT", _P + "/response", respond, Who.SIGNED_IN, "A party's word", ResponseBody),
    Route("PUT", _P + "/responses/{person_id}/answer", answer, Who.STAFF, "Answer an objection", AnswerBody),
    Route("POST", _P + "/confirm", confirm, Who.STAFF, "Second official confirms what was seen", ConfirmBody),
    Route("POST", _P + "/reject", reject, Who.STAFF, "Second official rejects", ReasonBody),
    Route("POST", _P + "/withdraw", withdraw, Who.STAFF, "Withdraw at once", ReasonBody),
)
