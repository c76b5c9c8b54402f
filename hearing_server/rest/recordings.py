"""Recordings, films, publications, and the public page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from aiohttp import hdrs, web
from pydantic import StringConstraints, TypeAdapter, ValidationError

from hearing_server.domain.recordings import Publication, PublicationState
from hearing_server.errors import Invalid, NotFound
from hearing_server.rest.film_stream import stream_film
from hearing_server.rest.hearings import ReasonBody, hearing_brief
from hearing_server.rest.routing import Body, Call, Moment, Route, Who
from hearing_server.rest.sign_in import Nothing
from hearing_server.services.access import SeenRecording

_PAGE = 30
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


class PublicationBody(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    cause: Annotated[str, StringConstraints(min_length=1, max_length=60)]


async def list_recordings(call: Call) -> object:
    return {"items": [recording_view(seen) for seen in await call.services.recordings.mine(call.actor)]}


async def get_recording(call: Call) -> object:
    return recording_view(await call.services.recordings.get(call.actor, call.part("recording_id")))


async def get_film(call: Call) -> object:
    path = await call.services.recordings.film(
        call.actor, call.part("recording_id"), begins=_begins(call.request)
    )
    return web.FileResponse(path, headers={"Cache-Control": "private, no-store", "Content-Type": "video/mp4"})


async def compose_again(call: Call) -> object:
    return recording_view(await call.services.films.compose_again(call.actor, call.part("recording_id")))


async def submit(call: Call) -> object:
    body = call.body(PublicationBody)
    publication = await call.services.publications.submit(
        call.actor, call.part("recording_id"), title=body.title, cause=body.cause
    )
    return await _publication(call, publication)


async def list_publications(call: Call) -> object:
    word = call.request.query.get("state")
    try:
        states = (PublicationState(word),) if word else tuple(PublicationState)
    except ValueError:
        raise Invalid("query.malformed", zh="没有这种状态", en="There is no such state") from None
    found = await call.services.publications.of_court(call.actor, states)
    return {"items": [await _publication(call, publication) for publication in found]}


async def confirm(call: Call) -> object:
    return await _decide(call, "confirm", "")


async def reject(call: Call) -> object:
    return await _decide(call, "reject", call.body(ReasonBody).reason)


async def withdraw(call: Call) -> object:
    return await _decide(call, "withdraw", call.body(ReasonBody).reason)


async def list_public(call: Call) -> object:
    before = None
    if "before" in call.request.query:
        try:
            before = _MOMENT.validate_python(call.request.query["before"])
        except ValidationError:
            raise Invalid("query.malformed", zh="时间格式不正确", en="That isn't a time") from None
    found = await call.services.publications.public(before=before, limit=_PAGE)
    return {"items": [await _public(call, publication) for publication in found]}


async def get_public(call: Call) -> object:
    return await _public(call, await call.services.publications.public_one(call.part("publication_id")))


async def get_public_film(call: Call) -> object:
    publications, publication_id = call.services.publications, call.part("publication_id")
    path = await publications.public_film(publication_id)

    async def is_public() -> bool:
        try:
            await publications.public_one(publication_id)
        except NotFound:
            return False
        return True

    # Never kept by a cache and cut while it runs: a withdrawal works on who is watching, too.
    return await stream_film(call.request, path, is_open=is_public)


async def get_public_poster(call: Call) -> object:
    path = await call.services.publications.public_poster(call.part("publication_id"))
    return web.FileResponse(path, headers={"Cache-Control": "no-store", "Content-Type": "image/jpeg"})


async def _decide(call: Call, verdict: str, reason: str) -> object:
    publication = await call.services.publications.decide(
        call.actor, call.part("publication_id"), verdict=verdict, reason=reason
    )
    return await _publication(call, publication)


def _begins(request: web.Request) -> bool:
    """A player asks for many ranges; the first one (from byte 0, or none) is the view."""
    asked = request.headers.get(hdrs.RANGE, "")
    return not asked or asked.startswith("bytes=0-")


def recording_view(seen: SeenRecording) -> dict[str, object]:
    """Recording, as in docs/PROTOCOL.md section 1."""
    recording, film = seen.recording, seen.recording.film
    return {
        "id": recording.id,
        "hearing": hearing_brief(seen.hearing, seen.case),
        "state": recording.state,
        "started_at": recording.started_at,
        "closed_at": recording.closed_at,
        "tracks": recording.tracks,
        "segments": recording.segments,
        "bytes": recording.size_bytes,
        "root_sha256": recording.root_sha256,
        "gaps": recording.gaps,
        "film": {
            "state": film.state,
            "progress": film.progress_permille / 1000,
            "duration_s": film.duration_s,
            "size_bytes": film.size_bytes,
            "sha256": film.sha256,
            "error": film.error,
        },
        "openness": seen.case.openness,
        "publication": publication_view(seen.publication, {}) if seen.publication else None,
    }


def publication_view(publication: Publication, names: dict[str, str]) -> dict[str, object]:
    """Publication, as in docs/PROTOCOL.md section 1."""
    decided_by = publication.decided_by
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
        "submitted_by": {
            "id": publication.submitted_by,
            "name": names.get(publication.submitted_by, ""),
        },
        "submitted_at": publication.submitted_at,
        "decided_by": {"id": decided_by, "name": names.get(decided_by, "")} if decided_by else None,
        "decided_at": publication.decided_at,
        "published_at": publication.published_at,
        "reason": publication.reason,
    }


async def _publication(call: Call, publication: Publication) -> dict[str, object]:
    staff = {person["id"]: person["name"] for person in await call.services.sessions.staff(call.actor)}
    return publication_view(publication, staff)


async def _public(call: Call, publication: Publication) -> dict[str, object]:
    court = await call.services.sessions.court()
    here = f"/api/v1/public/recordings/{publication.id}"
    return {
        "id": publication.id,
        "title": publication.title,
        "cause": publication.cause,
        "case_number": publication.case_number,
        "court": {"name": court.name, "name_en": court.name_en},
        "held_on": publication.held_on,
        "duration_s": publication.duration_s,
        "published_at": publication.published_at,
        "film_url": here + "/film",
        "poster_url": here + "/poster",
    }


_R, _P, _O = (
    "/recordings/{recording_id}",
    "/publications/{publication_id}",
    "/public/recordings/{publication_id}",
)
ROUTES = (
    Route("GET", "/recordings", list_recordings, Who.STAFF, "Recordings"),
    Route("GET", _R, get_recording, Who.SIGNED_IN, "One recording"),
    Route("GET", _R + "/film", get_film, Who.SIGNED_IN, "The film, by range"),
    Route("POST", _R + "/film", compose_again, Who.STAFF, "Compose the film again", Nothing, 202),
    Route("POST", _R + "/publications", submit, Who.STAFF, "Ask for publication", PublicationBody, 201),
    Route("GET", "/publications", list_publications, Who.STAFF, "Publications"),
    Route("POST", _P + "/confirm", confirm, Who.STAFF, "Second official confirms", Nothing),
    Route("POST", _P + "/reject", reject, Who.STAFF, "Second official rejects", ReasonBody),
    Route("POST", _P + "/withdraw", withdraw, Who.STAFF, "Withdraw at once", ReasonBody),
    Route("GET", "/public/recordings", list_public, Who.ALL, "Public recordings"),
    Route("GET", _O, get_public, Who.ALL, "One public recording"),
    Route("GET", _O + "/film", get_public_film, Who.ALL, "The public film, by range"),
    Route("GET", _O + "/poster", get_public_poster, Who.ALL, "Its poster"),
)
