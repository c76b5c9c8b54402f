"""The API's description: everything that is served, nothing that dangles."""

from __future__ import annotations

import re
from typing import Any

from hearing_server.app import ROUTES
from tests.court import RunningCourt


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {str(value["$ref"])} if "$ref" in value else set()
        return own.union(*(references(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(references(item) for item in value))
    return set()


async def test_openapi__fetched__holds_every_route_and_only_known_schemas(court: RunningCourt) -> None:
    async with court.client() as client:
        document = await client.get("/openapi.json")
    served = {(route.method.lower(), f"/api/v1{route.path}") for route in ROUTES}
    described = {(verb, path) for path, verbs in document["paths"].items() for verb in verbs}
    assert described == served
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known
    operations = [one for verbs in document["paths"].values() for one in verbs.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    for path, verbs in document["paths"].items():
        for one in verbs.values():
            assert [part["name"] for part in one["parameters"]] == re.findall(r"\{(\w+)\}", path)


async def test_openapi__body_schemas__refuse_unknown_fields_as_the_server_does(court: RunningCourt) -> None:
    async with court.client() as client:
        schemas = (await client.get("/openapi.json"))["components"]["schemas"]
    bodies = {route.body.__name__ for route in ROUTES if route.body}
    assert all(schemas[name]["additionalProperties"] is False for name in bodies)
