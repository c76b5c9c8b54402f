"""The log of acts over HTTP: receipts for who may read an act, its state for staff, checkpoint and tiles for all."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from hearing_server.domain.trust.act_receipts import SUFFIX
from hearing_server.domain.trust.tiles import TilePath
from hearing_server.errors import NotFound
from hearing_server.rest.routing import SERVICES, Call, Route, Who
from hearing_server.services.trust.public_log import PublicLog

# The checkpoint changes every few seconds, a tile of a given width never.
_FOR_SECONDS = {"Cache-Control": "public, max-age=2", "Access-Control-Allow-Origin": "*"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Access-Control-Allow-Origin": "*"}


async def proof(call: Call) -> object:
    act_id = call.part("act_id")
    receipt = await call.services.log.receipts.of_act(call.actor, act_id)
    return web.Response(
        body=receipt,
        content_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{act_id}{SUFFIX}"',
        },
    )


async def log_status(call: Call) -> object:
    keeping = call.services.log
    view = asdict(await keeping.checkpoints.status())
    stamps = keeping.time_stamps.status()
    view["time_stamps"] = asdict(stamps) if stamps is not None else None
    return view


def mount_log(app: web.Application) -> None:
    """`/log/…`: what outsiders need, without sign-in and without personal data."""
    app.router.add_get("/log/checkpoint", _checkpoint)
    app.router.add_get("/log/policy", _policy)
    app.router.add_get("/log/tile/{level}/{path:.+}", _tile)


async def _checkpoint(request: web.Request) -> web.Response:
    return web.Response(text=await _public(request).checkpoint(), headers=_FOR_SECONDS)


async def _policy(request: web.Request) -> web.Response:
    return web.Response(text=await _public(request).policy(), headers=_FOR_SECONDS)


async def _tile(request: web.Request) -> web.Response:
    level, path = request.match_info["level"], TilePath.parse(request.match_info["path"])
    if path is None or path.number >= 1 << 55:
        raise NotFound
    if level == "entries":
        data = await _public(request).entries(path)
    elif level.isascii() and level.isdigit() and str(int(level[:3])) == level:
        data = await _public(request).tile(int(level), path)
    else:
        raise NotFound
    return web.Response(body=data, content_type="application/octet-stream", headers=_FOR_EVER)


def _public(request: web.Request) -> PublicLog:
    return request.app[SERVICES].log.public


ROUTES = (
    Route(
        "GET", "/acts/{act_id}/proof", proof, Who.SIGNED_IN, "The receipt of an act, to be checked offline"
    ),
    Route("GET", "/log", log_status, Who.STAFF, "How far the log of acts is signed, and who vouches for it"),
)
