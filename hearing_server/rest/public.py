"""The public page: list, search, film, poster. Open to everybody, kept by nobody's cache."""

from __future__ import annotations

from datetime import date, datetime

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from hearing_server.domain.publishing.publications import Publication
from hearing_server.domain.publishing.redactions import redacted_title
from hearing_server.errors import Invalid, NotFound
from hearing_server.rest.film_stream import stream_film
from hearing_server.rest.routing import Call, Moment, Route, Who

_PAGE = 30
_MAX_SEARCH_CHARS = 60
_MOMENT: TypeAdapter[datetime] = TypeAdapter(Moment)


async def list_public(call: Call) -> object:
    query = call.request.query
    before = held_on = None
    try:
        if "before" in query:
            before = _MOMENT.validate_python(query["before"])
        if query.get("held_on"):
            held_on = date.fromisoformat(query["held_on"])
    except (ValidationError, ValueError):
        raise Invalid("query.malformed", zh="时间格式不正确", en="That isn't a time") from None
    number, court = query.get("number", "").strip(), query.get("court", "").strip()
    if len(number) > _MAX_SEARCH_CHARS or not number.isprintable():
        raise Invalid("query.malformed", zh="案号格式不正确", en="That isn't a case number")
    if court and court != call.services.profile.court.id:
        return {"items": []}
    found = await call.services.public_films.list(number=number, held_on=held_on, before=before, limit=_PAGE)
    return {"items": [await _public(call, publication) for publication in found]}


async def get_public(call: Call) -> object:
    return await _public(call, await call.services.public_films.one(call.part("publication_id")))


async def get_public_film(call: Call) -> object:
    films, publication_id = call.services.public_films, call.part("publication_id")
    path = await films.film(publication_id)

    async def is_public() -> bool:
        try:
            await films.one(publication_id)
        except NotFound:
            return False
        return True

    # Never kept by a cache and cut while it runs: a withdrawal works on who is watching, too.
    return await stream_film(call.request, path, is_open=is_public)


async def get_public_poster(call: Call) -> object:
    path = await call.services.public_films.poster(call.part("publication_id"))
    return web.FileResponse(path, headers={"Cache-Control": "no-store", "Content-Type": "image/jpeg"})


async def _public(call: Call, publication: Publication) -> dict[str, object]:
    court = await call.services.sessions.court()
    here = f"/api/v1/public/recordings/{publication.id}"
    rows = publication.redactions
    return {
        "id": publication.id,
        "title": redacted_title(publication.title, rows),
        "cause": redacted_title(publication.cause, rows),
        "case_number": publication.case_number,
        "court": {"id": call.services.profile.court.id, "name": court.name, "name_en": court.name_en},
        "held_on": publication.held_on,
        "duration_s": publication.copy.duration_s or publication.duration_s,
        "published_at": publication.published_at,
        "film_url": here + "/film",
        "poster_url": here + "/poster",
    }


_O = "/public/recordings/{publication_id}"
ROUTES = (
    Route(
        "GET", "/public/recordings", list_public, Who.ALL, "Public recordings, searched by number, court, day"
    ),
    Route("GET", _O, get_public, Who.ALL, "One public recording"),
    Route("GET", _O + "/film", get_public_film, Who.ALL, "The public film, by range"),
    Route("GET", _O + "/poster", get_public_poster, Who.ALL, "Its poster"),
)
