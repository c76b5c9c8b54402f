"""Sealed lanes, mediations, and who acts for a party."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from hearing_server.domain.case_space.lanes import MAX_LANE_TITLE_CHARS, SealedGround
from hearing_server.filing.cases import MAX_REPRESENTATIVES
from hearing_server.filing.intake import MAX_PARTIES, Faults, read_representative
from hearing_server.kernel import PersonId
from hearing_server.rest.cases import RepresentativeBody, whole_case
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.rest.sign_in import Nothing

# Everybody of the largest case with two agents each.
_MAX_PEOPLE = MAX_PARTIES * (1 + MAX_REPRESENTATIVES)
_Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class SealedBody(Body):
    ground: SealedGround


class MediationBody(Body):
    person_ids: Annotated[tuple[_Id, ...], Field(min_length=1, max_length=_MAX_PEOPLE)]
    title: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LANE_TITLE_CHARS)]
    agreed: bool = False


class LanePersonBody(Body):
    with_history: bool = True


async def open_sealed(call: Call) -> object:
    ground = call.body(SealedBody).ground
    return await call.services.talk.private_lanes.open_sealed(call.actor, call.part("case_id"), ground=ground)


async def open_mediation(call: Call) -> object:
    body = call.body(MediationBody)
    return await call.services.talk.private_lanes.open_mediation(
        call.actor,
        call.part("case_id"),
        person_ids=[PersonId(person_id) for person_id in body.person_ids],
        title=body.title,
        is_agreed=body.agreed,
    )


async def let_in(call: Call) -> object:
    return await call.services.talk.private_lanes.let_in(
        call.actor,
        call.part("lane"),
        PersonId(call.part("person_id")),
        with_history=call.body(LanePersonBody).with_history,
    )


async def let_out(call: Call) -> object:
    person_id = PersonId(call.part("person_id"))
    return await call.services.talk.private_lanes.let_out(call.actor, call.part("lane"), person_id)


async def close_lane(call: Call) -> object:
    return await call.services.talk.private_lanes.close(call.actor, call.part("lane"))


async def add_representative(call: Call) -> object:
    faults = Faults()
    agent = read_representative(call.body(RepresentativeBody).model_dump(mode="json"), faults)
    faults.raise_if_any("body.invalid")
    assert agent is not None
    case = await call.services.representatives.add(
        call.actor, call.part("case_id"), call.part("party_id"), agent
    )
    return await whole_case(call, case.id)


async def end_representation(call: Call) -> object:
    case = await call.services.representatives.end(
        call.actor, call.part("case_id"), call.part("representative_id")
    )
    return await whole_case(call, case.id)


ROUTES = (
    Route(
        "POST", "/cases/{case_id}/sealed-lane", open_sealed, Who.SIGNED_IN,
        "My side's lane with the court alone", SealedBody, 201,
    ),
    Route(
        "POST", "/cases/{case_id}/mediations", open_mediation, Who.SIGNED_IN,
        "Open a mediation with named people", MediationBody, 201,
    ),
    Route("PUT", "/lanes/{lane}/people/{person_id}", let_in, Who.SIGNED_IN, "Let somebody in", LanePersonBody),
    Route("DELETE", "/lanes/{lane}/people/{person_id}", let_out, Who.SIGNED_IN, "Let somebody out"),
    Route("POST", "/lanes/{lane}/close", close_lane, Who.SIGNED_IN, "Close a mediation", Nothing),
    Route(
        "POST", "/cases/{case_id}/parties/{party_id}/representatives", add_representative, Who.STAFF,
        "Add a representative", RepresentativeBody, 201,
    ),
    Route(
        "DELETE", "/cases/{case_id}/representatives/{representative_id}", end_representation, Who.STAFF,
        "End an agency",
    ),
)  # fmt: skip
