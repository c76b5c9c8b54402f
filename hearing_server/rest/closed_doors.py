"""Holding a case or a hearing behind closed doors, and how that order looks."""

from __future__ import annotations

from pydantic import Field

from hearing_server.filing.closed_doors import MAX_REASON_CHARS, ClosedDoors, Ground
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.publishing.closed_doors import DoorsOrder


class DoorsBody(Body):
    ground: Ground
    reason: str = Field(min_length=1, max_length=MAX_REASON_CHARS)
    request: str = Field("", max_length=MAX_REASON_CHARS)


async def close_case(call: Call) -> object:
    case = await call.services.closing_doors.case(call.actor, call.part("case_id"), _order(call))
    return {"closed_doors": doors_view(case.closed_doors)}


async def close_hearing(call: Call) -> object:
    seen = await call.services.closing_doors.hearing(call.actor, call.part("hearing_id"), _order(call))
    return {"closed_doors": doors_view(seen.hearing.closed_doors)}


def _order(call: Call) -> DoorsOrder:
    body = call.body(DoorsBody)
    return DoorsOrder(body.ground, body.reason, body.request)


def doors_view(doors: ClosedDoors | None) -> dict[str, object] | None:
    """ClosedDoors, as in docs/PROTOCOL.md section 1."""
    if doors is None:
        return None
    return {
        "ground": doors.ground,
        "law": doors.rule.law,
        "law_en": doors.rule.law_en,
        "reason": doors.reason,
        "request": doors.request,
        "at": doors.at,
    }


ROUTES = (
    Route(
        "POST",
        "/cases/{case_id}/closed-doors",
        close_case,
        Who.STAFF,
        "Hear a case behind closed doors",
        DoorsBody,
    ),
    Route(
        "POST",
        "/hearings/{hearing_id}/closed-doors",
        close_hearing,
        Who.STAFF,
        "Hold a hearing behind closed doors",
        DoorsBody,
    ),
)
