"""A page on another network restarts its seat's links beside its socket, which is still on the way back."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hearing_server.kernel import HearingId
from hearing_server.rest.routing import Body, Call, Route, Who

Sdp = Annotated[str, StringConstraints(min_length=1, max_length=128 * 1024)]
Seat = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class MovedBody(Body):
    seat: Seat
    sdp: Sdp | None = None
    sources: dict[Word, Word] = Field(default_factory=dict, max_length=16)


class MovedAnswerBody(Body):
    seat: Seat
    version: int = Field(ge=0)
    sdp: Sdp


async def moved(call: Call) -> object:
    body, hearing_id = call.body(MovedBody), HearingId(call.part("hearing_id"))
    courtroom = call.services.courtroom
    await courtroom.require_place(call.actor, hearing_id)
    sdp, offer = await courtroom.moved_seats.lead(
        call.actor,
        hearing_id,
        body.seat,
        sdp=body.sdp or "",
        sources=body.sources,
    )
    return {"sdp": sdp, "offer": None if offer is None else offer.as_said()}


async def moved_answer(call: Call) -> object:
    body, hearing_id = call.body(MovedAnswerBody), HearingId(call.part("hearing_id"))
    courtroom = call.services.courtroom
    await courtroom.require_place(call.actor, hearing_id)
    await courtroom.moved_seats.answer(call.actor, hearing_id, body.seat, version=body.version, sdp=body.sdp)
    return {}


_S = "/hearings/{hearing_id}/seat"
ROUTES = (
    Route("POST", _S + "/moved", moved, Who.SIGNED_IN, "Lead one's links to another network", MovedBody),
    Route("POST", _S + "/moved/answer", moved_answer, Who.SIGNED_IN, "Answer the way down", MovedAnswerBody),
)
