"""The case space over HTTP: the snapshot and the history."""

from __future__ import annotations

from hearing_server.rest.routing import Call, Route, Who
from hearing_server.services.case_space.case_space import PAGE_EVENTS

_MAX_SEQ = 2**53


async def get_space(call: Call) -> object:
    return await call.services.space.space(call.actor, call.part("case_id"))


async def get_events(call: Call) -> object:
    before = call.request.query.get("before")
    page = await call.services.space.history(
        call.actor,
        call.part("lane"),
        after=call.whole_number("after", 0, at_most=_MAX_SEQ),
        before=call.whole_number("before", 0, at_most=_MAX_SEQ) if before is not None else None,
        limit=max(1, call.whole_number("limit", 50, at_most=PAGE_EVENTS)),
    )
    return {
        "items": list(page.events),
        "head_seq": page.lane.head_seq,
        "epoch": page.lane.epoch,
        "first_seq": page.first_seq,
    }


ROUTES = (
    Route("GET", "/cases/{case_id}/space", get_space, Who.SIGNED_IN, "Lanes, members, receipts of a case"),
    Route("GET", "/lanes/{lane}/events", get_events, Who.SIGNED_IN, "A page of a lane"),
)
