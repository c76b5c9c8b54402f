"""Delayed live: the decision for the court and the parties; list, playlist and segments for everybody."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from aiohttp import web
from pydantic import StringConstraints

from hearing_server.errors import Invalid
from hearing_server.rest.hearings import ReasonBody
from hearing_server.rest.publications import AnswerBody, ResponseBody, response_view
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.rest.sign_in import Nothing
from hearing_server.services.publishing.broadcasts import LiveList, SeenBroadcast

_KEPT_NOWHERE = {"Cache-Control": "no-store"}
_MAX_SEARCH_CHARS = 60
# Pieces of the film are 16 s long; a card may lengthen one.
_MIN_TARGET_S = 16


class BroadcastBody(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]


async def submit(call: Call) -> object:
    title = call.body(BroadcastBody).title
    return _view(
        call, await call.services.broadcasts.submit(call.actor, call.part("hearing_id"), title=title)
    )


async def get_broadcast(call: Call) -> object:
    seen = await call.services.broadcasts.get(call.actor, call.part("hearing_id"))
    return {"broadcast": _view(call, seen) if seen is not None else None}


async def respond(call: Call) -> object:
    body = call.body(ResponseBody)
    seen = await call.services.broadcasts.respond(
        call.actor, call.part("hearing_id"), objects=body.objects, reason=body.reason
    )
    return _view(call, seen)


async def answer(call: Call) -> object:
    body = call.body(AnswerBody)
    seen = await call.services.broadcasts.answer(
        call.actor, call.part("hearing_id"), call.part("person_id"), upheld=body.upheld, text=body.answer
    )
    return _view(call, seen)


async def approve(call: Call) -> object:
    return _view(call, await call.services.broadcasts.approve(call.actor, call.part("hearing_id")))


async def reject(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return _view(
        call, await call.services.broadcasts.reject(call.actor, call.part("hearing_id"), reason=reason)
    )


async def cut(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return _view(call, await call.services.broadcasts.cut(call.actor, call.part("hearing_id"), reason=reason))


async def list_live(call: Call) -> object:
    query = call.request.query
    number, court = query.get("number", "").strip(), query.get("court", "").strip()
    try:
        held_on = date.fromisoformat(query["held_on"]) if query.get("held_on") else None
    except ValueError:
        raise Invalid("query.malformed", zh="时间格式不正确", en="That isn't a time") from None
    if len(number) > _MAX_SEARCH_CHARS or not number.isprintable():
        raise Invalid("query.malformed", zh="案号格式不正确", en="That isn't a case number")
    if court and court != call.services.profile.court.id:
        return {"items": []}
    found = await call.services.broadcasts.running(number=number, held_on=held_on)
    return {"items": [_public(seen) for seen in found]}


async def get_live(call: Call) -> object:
    return _public(await call.services.broadcasts.one(call.part("broadcast_id")))


async def get_playlist(call: Call) -> object:
    live = await call.services.broadcasts.live(call.part("broadcast_id"))
    return web.Response(
        text=playlist(live), content_type="application/vnd.apple.mpegurl", headers=_KEPT_NOWHERE
    )


async def get_segment(call: Call) -> object:
    segment = await call.services.broadcasts.segment(call.part("broadcast_id"), call.part("name") + ".ts")
    return web.FileResponse(segment.path, headers={**_KEPT_NOWHERE, "Content-Type": "video/mp2t"})


def playlist(live: LiveList) -> str:
    """RFC 8216, version 6: a sliding window without caching; the end when there is one."""
    longest = max((segment.duration_s for segment in live.segments), default=0.0)
    first = live.segments[0].number if live.segments else 0
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:6",
        f"#EXT-X-TARGETDURATION:{max(_MIN_TARGET_S, round(longest + 0.499))}",
        f"#EXT-X-MEDIA-SEQUENCE:{first}",
        "#EXT-X-INDEPENDENT-SEGMENTS",
    ]
    for segment in live.segments:
        lines += [f"#EXTINF:{segment.duration_s:.3f},", segment.path.name]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if live.is_over else []), ""])


def _view(call: Call, seen: SeenBroadcast) -> dict[str, object]:
    """Broadcast, as in docs/PROTOCOL.md section 1. A party sees its own word."""
    one = seen.broadcast
    names: dict[str, str] = {member.person_id: member.name for member in seen.case.members()}
    said = [word for word in one.responses if seen.is_staff or word.person_id == call.actor.person_id]
    return {
        "id": one.id,
        "hearing_id": one.hearing_id,
        "state": one.state,
        "title": one.title,
        "cause": one.cause,
        "case_number": one.case_number,
        "held_on": one.held_on,
        "submitted_by": {"id": one.submitted_by, "name": names.get(one.submitted_by, "")},
        "submitted_at": one.submitted_at,
        "objections_until": one.objections_until,
        "responses": [response_view(word, names) for word in said],
        "decided_at": one.decided_at,
        "cut_at": one.cut_at,
        "reason": one.reason,
    }


def _public(seen: SeenBroadcast) -> dict[str, object]:
    one, court = seen.broadcast, seen.case.court
    return {
        "id": one.id,
        "title": one.title,
        "cause": one.cause,
        "case_number": one.case_number,
        "court": {"id": court.id, "name": court.name, "name_en": court.name_en},
        "held_on": one.held_on,
        "playlist_url": f"/api/v1/public/live/{one.id}/live.m3u8",
    }


_H, _L = "/hearings/{hearing_id}/broadcast", "/public/live"
ROUTES = (
    Route("POST", _H, submit, Who.STAFF, "Ask for a delayed live broadcast", BroadcastBody, 201),
    Route("GET", _H, get_broadcast, Who.SIGNED_IN, "The hearing's broadcast"),
    Route("PUT", _H + "/response", respond, Who.SIGNED_IN, "A party's word", ResponseBody),
    Route("PUT", _H + "/responses/{person_id}/answer", answer, Who.STAFF, "Answer an objection", AnswerBody),
    Route(
        "POST", _H + "/approve", approve, Who.STAFF, "Second official approves, before the opening", Nothing
    ),
    Route("POST", _H + "/reject", reject, Who.STAFF, "Second official refuses", ReasonBody),
    Route("POST", _H + "/cut", cut, Who.STAFF, "Nothing leaves any more", ReasonBody),
    Route("GET", _L, list_live, Who.ALL, "What is shown live, with its delay"),
    Route("GET", _L + "/{broadcast_id}", get_live, Who.ALL, "One live broadcast"),
    Route("GET", _L + "/{broadcast_id}/live.m3u8", get_playlist, Who.ALL, "Its newest segments (HLS)"),
    Route("GET", _L + "/{broadcast_id}/{name}.ts", get_segment, Who.ALL, "One segment"),
)
