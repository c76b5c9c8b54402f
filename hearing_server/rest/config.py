"""What a page needs to know before anybody signs in; in a demo court also its people and the simulator's outbox."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from hearing_server.domain.hearing.consents import ConsentStage, current_text
from hearing_server.errors import NotFound
from hearing_server.rest.middlewares import SETTINGS
from hearing_server.rest.routing import Call, Route, Who

VERSION = "0.1.0"


class DemoPage(Protocol):
    """What the demo court tells about itself: people, cases, hearings."""

    async def describe(self) -> dict[str, object]: ...


DEMO: web.AppKey[DemoPage] = web.AppKey("demo", DemoPage)


async def config(call: Call) -> object:
    settings = call.request.app[SETTINGS]
    court = call.services.profile.court
    texts = [current_text(stage) for stage in ConsentStage]
    return {
        "court": {"id": court.id, "name": court.name, "name_en": court.name_en},
        "time_zone": court.time_zone,
        "demo": settings.demo,
        "simulated": ["sms"],
        "version": VERSION,
        "case_types": [
            {"code": kind.code, "name": kind.name, "name_en": kind.name_en}
            for kind in call.services.profile.scheme.types
        ],
        "limits": {
            "attachment_bytes": settings.limits.attachment_bytes,
            "upload_bytes": call.services.uploads.max_bytes,
            "text_chars": settings.limits.text_chars,
            "correction_s": settings.space.correction_s,
            "withdraw_s": settings.space.withdraw_s,
            "contact_requests_per_day": settings.space.contact_requests_per_day,
        },
        "consents": [
            {
                "stage": text.stage,
                "version": text.version,
                "sha256": text.sha256,
                "text": text.text,
                "text_en": text.text_en,
            }
            for text in texts
        ],
    }


async def demo(call: Call) -> object:
    _require_demo(call)
    page = call.request.app.get(DEMO)
    if page is None:
        raise NotFound
    return await page.describe()


async def outbox(call: Call) -> object:
    _require_demo(call)
    return {"items": await call.services.outbox.newest()}


def _require_demo(call: Call) -> None:
    if not call.request.app[SETTINGS].demo:
        raise NotFound


ROUTES = (
    Route("GET", "/config", config, Who.ALL, "The court, its limits and texts"),
    Route("GET", "/demo", demo, Who.ALL, "Demo court only: its people and hearings"),
    Route("GET", "/demo/outbox", outbox, Who.ALL, "Demo court only: simulated messages"),
)
