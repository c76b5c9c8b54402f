"""Searching over HTTP: in one case, or in all of one's own."""

from __future__ import annotations

from hearing_server.errors import Invalid
from hearing_server.ports.search import Source
from hearing_server.rest.routing import Call, Route, Who


async def get_found(call: Call) -> object:
    query = call.request.query
    return await call.services.talk.search.search(
        call.actor,
        query.get("q", ""),
        case_id=query.get("case_id"),
        sources=_sources(query.get("in")),
        after=query.get("after"),
    )


def _sources(text: str | None) -> tuple[Source, ...]:
    """`in=message,exhibit`; everything without it. Errors: Invalid `search.in`."""
    if text is None:
        return tuple(Source)
    try:
        return tuple(dict.fromkeys(Source(part) for part in text.split(",")))
    except ValueError as error:
        raise Invalid(
            "search.in",
            zh="查找范围应为 message、document、exhibit",
            en="Search in message, document or exhibit",
        ) from error


ROUTES = (
    Route("GET", "/search", get_found, Who.SIGNED_IN, "Messages, documents and exhibits by their words"),
)
