"""`/api/v1/openapi.json`: the route table as OpenAPI 3.1, made once at the start."""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson
from aiohttp import web
from pydantic.json_schema import models_json_schema

from hearing_server.rest.config import VERSION
from hearing_server.rest.mount import PREFIX
from hearing_server.rest.routing import Route, Who

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457; `code` is stable and listed in docs/ERRORS.md.",
    "required": ["type", "title", "status", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "title"],
                "properties": {
                    "field": {"type": "string"},
                    "line": {"type": "integer"},
                    "code": {"type": "string"},
                    "title": {"type": "string"},
                },
            },
        },
    },
}
_WHO = {
    Who.ALL: "Anybody.",
    Who.SIGNED_IN: "Whoever is signed in and may see the object.",
    Who.STAFF: "Court staff with the right to it.",
}


def describe(routes: Iterable[Route]) -> dict[str, object]:
    """The whole document."""
    table = tuple(routes)
    models = sorted({route.body for route in table if route.body}, key=lambda model: model.__name__)
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    paths: dict[str, dict[str, object]] = {}
    for route in table:
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hearing server",
            "version": VERSION,
            "description": "Bodies here; shapes of answers, sockets and errors in docs/PROTOCOL.md.",
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas.get("$defs", {}), "Problem": _PROBLEM},
            "securitySchemes": {"session": {"type": "apiKey", "in": "cookie", "name": "hs_session"}},
        },
    }


def mount_description(app: web.Application, routes: Iterable[Route]) -> None:
    """Serve the document."""
    content = orjson.dumps(describe(routes))

    async def answer(request: web.Request) -> web.Response:
        del request
        return web.Response(body=content, content_type="application/json")

    app.router.add_get(PREFIX + "/openapi.json", answer)


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        # Two nouns may have the same verb: a recording's playlist, a broadcast's.
        "operationId": f"{route.handler.__module__.rpartition('.')[2]}_{route.handler.__name__}",
        "summary": route.summary,
        "description": _WHO[route.who],
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"\{(\w+)\}", route.path)
        ],
        "responses": {
            str(route.status): {"description": "Done"},
            "default": {
                "description": "Refused",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if route.who is not Who.ALL:
        operation["security"] = [{"session": []}]
    if route.body is not None:
        schema: dict[str, object] = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif route.file_limit is not None:
        operation["requestBody"] = {"required": True, "content": {kind: {} for kind in route.content_types}}
    return operation
