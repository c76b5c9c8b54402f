"""Hangs the route tables into aiohttp: body, session, first door, answer."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from hearing_server.rest.answers import json_answer
from hearing_server.rest.cookies import session_token
from hearing_server.rest.middlewares import SETTINGS, language_of
from hearing_server.rest.routing import SERVICES, Call, Route, check_who, read_body

PREFIX = "/api/v1"


def mount(app: web.Application, routes: Iterable[Route]) -> None:
    """Add every route under `/api/v1`."""
    for route in routes:
        app.router.add_route(route.method, PREFIX + route.path, _handler(route))


def _handler(route: Route):  # type: ignore[no-untyped-def]
    async def handle(request: web.Request) -> web.StreamResponse:
        token = session_token(request)
        actor = await request.app[SERVICES].sessions.actor_of(token) if token else None
        check_who(route, actor)
        body = await read_body(request, route, request.app[SETTINGS].limits)
        result = await route.handler(Call(request, actor, body, language_of(request)))
        if isinstance(result, web.StreamResponse):
            return result
        return json_answer(result, status=route.status)

    return handle
