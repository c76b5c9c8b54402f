"""Hearings: schedule, door, judge's orders."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints, model_validator

from hearing_server.domain.hearing.consents import ConsentStage, Decision
from hearing_server.domain.hearing.hearings import Hearing, PauseKind
from hearing_server.domain.hearing.participants import Source
from hearing_server.domain.publishing.open_court import doors_of, is_in_open_court
from hearing_server.filing.cases import Case, Openness
from hearing_server.kernel import PersonId
from hearing_server.rest.closed_doors import doors_view
from hearing_server.rest.routing import Body, Call, Moment, Route, Who
from hearing_server.rest.sign_in import Nothing
from hearing_server.services.access import SeenHearing

Reason = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class ScheduleBody(Body):
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    starts_at: Moment
    duration_min: int = Field(60, ge=5, le=1440)


class MoveBody(Body):
    starts_at: Moment
    duration_min: int = Field(60, ge=5, le=1440)


class ReasonBody(Body):
    reason: Reason


class PersonBody(Body):
    person_id: Id


class IdentityBody(Body):
    id_last4: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{4}$")]


class ConsentBody(Body):
    decision: Decision
    text_version: Annotated[str, StringConstraints(min_length=1, max_length=32)]


class SelfTestBody(Body):
    camera: bool
    microphone: bool
    playback: bool
    details: dict[str, str | int | float | bool | None] = Field(default_factory=dict, max_length=32)


class AdmissionBody(Body):
    person_ids: tuple[Id, ...] = Field((), max_length=100)
    all: bool = False

    @model_validator(mode="after")
    def _one_of_both(self) -> AdmissionBody:
        if self.all == bool(self.person_ids):
            raise ValueError("either person_ids or all")
        return self


class OpeningBody(Body):
    one_recorder_reason: Reason | None = None


class RecessBody(Body):
    reason: Reason
    resumes_at: Moment | None = None
    kind: PauseKind = PauseKind.RECESS


class MuteBody(Body):
    person_id: Id | None = None
    all: bool = False
    source: Literal["microphone", "camera", "screen"] = "microphone"
    muted: bool

    @model_validator(mode="after")
    def _one_of_both(self) -> MuteBody:
        if self.all == (self.person_id is not None):
            raise ValueError("either person_id or all")
        return self


class RemovalBody(Body):
    person_id: Id
    reason: Reason


async def schedule(call: Call) -> object:
    body = call.body(ScheduleBody)
    seen = await call.services.hearings.schedule(
        call.actor,
        call.part("case_id"),
        title=body.title,
        starts_at=body.starts_at,
        duration_min=body.duration_min,
    )
    return hearing_brief(seen.hearing, seen.case)


async def list_hearings(call: Call) -> object:
    day = call.request.query.get("day")
    found = await call.services.hearings.mine(call.actor)
    zone = call.services.profile.time_zone
    return {
        "items": [
            hearing_brief(hearing, case)
            for hearing, case in found
            if day is None or hearing.starts_at.astimezone(zone).date().isoformat() == day
        ]
    }


async def get_hearing(call: Call) -> object:
    return await call.services.courtroom.view(call.actor, call.part("hearing_id"), language=call.language)


async def get_media(call: Call) -> object:
    media = await call.services.courtroom.media(call.actor, call.part("hearing_id"))
    return asdict(media)


async def move(call: Call) -> object:
    body = call.body(MoveBody)
    seen = await call.services.hearings.move(
        call.actor, call.part("hearing_id"), starts_at=body.starts_at, duration_min=body.duration_min
    )
    return hearing_brief(seen.hearing, seen.case)


async def cancel(call: Call) -> object:
    seen = await call.services.hearings.cancel(
        call.actor, call.part("hearing_id"), reason=call.body(ReasonBody).reason
    )
    await call.services.courtroom.empty(seen.hearing.id)
    return await _view(call, seen)


async def invite_again(call: Call) -> object:
    await call.services.hearings.invite_again(
        call.actor, call.part("hearing_id"), call.body(PersonBody).person_id
    )
    return {"ok": True}


async def check_identity(call: Call) -> object:
    seen = await call.services.invitations.check_identity(
        call.actor, call.part("hearing_id"), id_last4=call.body(IdentityBody).id_last4
    )
    return await _view(call, seen)


async def decide_consent(call: Call) -> object:
    try:
        stage = ConsentStage(call.part("stage"))
    except ValueError:
        raise web.HTTPNotFound from None
    body = call.body(ConsentBody)
    seen = await call.services.hearings.decide_consent(
        call.actor,
        call.part("hearing_id"),
        stage=stage,
        decision=body.decision,
        text_version=body.text_version,
    )
    return await _view(call, seen)


async def note_self_test(call: Call) -> object:
    body = call.body(SelfTestBody)
    seen = await call.services.hearings.note_self_test(
        call.actor,
        call.part("hearing_id"),
        camera=body.camera,
        microphone=body.microphone,
        playback=body.playback,
    )
    return await _view(call, seen)


async def grant(call: Call) -> object:
    token, seat_key = await call.services.courtroom.grant(call.actor, call.part("hearing_id"))
    return {"grant": token, "seat_key": seat_key, "expires_in_s": 60}


async def admit(call: Call) -> object:
    body = call.body(AdmissionBody)
    chosen = None if body.all else [PersonId(person_id) for person_id in body.person_ids]
    return await _view(call, await call.services.courtroom.admit(call.actor, call.part("hearing_id"), chosen))


async def open_hearing(call: Call) -> object:
    seen = await call.services.courtroom.open(
        call.actor, call.part("hearing_id"), one_recorder_reason=call.body(OpeningBody).one_recorder_reason
    )
    return await _view(call, seen)


async def recess(call: Call) -> object:
    body = call.body(RecessBody)
    resumes_at: datetime | None = body.resumes_at
    seen = await call.services.courtroom.recess(
        call.actor,
        call.part("hearing_id"),
        reason=body.reason,
        resumes_at=resumes_at,
        kind=body.kind,
    )
    return await _view(call, seen)


async def resume(call: Call) -> object:
    return await _view(call, await call.services.courtroom.resume(call.actor, call.part("hearing_id")))


async def seal(call: Call) -> object:
    reason = call.body(ReasonBody).reason
    return await _view(
        call, await call.services.courtroom.seal(call.actor, call.part("hearing_id"), reason=reason)
    )


async def unseal(call: Call) -> object:
    return await _view(call, await call.services.courtroom.unseal(call.actor, call.part("hearing_id")))


async def close(call: Call) -> object:
    return await _view(call, await call.services.courtroom.close(call.actor, call.part("hearing_id")))


async def reopen(call: Call) -> object:
    return await _view(call, await call.services.courtroom.reopen(call.actor, call.part("hearing_id")))


async def mute(call: Call) -> object:
    body = call.body(MuteBody)
    seen = await call.services.courtroom.mute(
        call.actor,
        call.part("hearing_id"),
        person_id=PersonId(body.person_id) if body.person_id else None,
        source=Source(body.source),
        muted=body.muted,
    )
    return await _view(call, seen)


async def remove(call: Call) -> object:
    body = call.body(RemovalBody)
    seen = await call.services.courtroom.remove(
        call.actor, call.part("hearing_id"), PersonId(body.person_id), reason=body.reason
    )
    return await _view(call, seen)


async def lift_removal(call: Call) -> object:
    seen = await call.services.courtroom.lift_removal(
        call.actor, call.part("hearing_id"), PersonId(call.part("person_id"))
    )
    return await _view(call, seen)


async def _view(call: Call, seen: SeenHearing) -> object:
    return call.services.courtroom.view_of(seen, call.actor.person_id, language=call.language)


def hearing_brief(hearing: Hearing, case: Case) -> dict[str, object]:
    """HearingBrief, as in docs/PROTOCOL.md section 1."""
    return {
        "id": hearing.id,
        "case_id": case.id,
        "case_number": str(case.number),
        "cause": case.cause,
        "title": hearing.title,
        "state": hearing.state,
        "starts_at": hearing.starts_at,
        "duration_min": hearing.duration_min,
        "openness": Openness.OPEN if is_in_open_court(case, hearing) else Openness.CLOSED,
        "closed_doors": doors_view(doors_of(case, hearing)),
    }


_H = "/hearings/{hearing_id}"
ROUTES = (
    Route("POST", "/cases/{case_id}/hearings", schedule, Who.STAFF, "Schedule a hearing", ScheduleBody, 201),
    Route("GET", "/hearings", list_hearings, Who.SIGNED_IN, "My hearings"),
    Route("GET", _H, get_hearing, Who.SIGNED_IN, "One hearing as I may see it"),
    Route("GET", _H + "/media", get_media, Who.STAFF, "What is measured of the room, for support"),
    Route("POST", _H + "/move", move, Who.STAFF, "Another time, before opening", MoveBody),
    Route("POST", _H + "/cancel", cancel, Who.STAFF, "Cancel before opening", ReasonBody),
    Route("POST", _H + "/invitations", invite_again, Who.STAFF, "Send a new link", PersonBody, 202),
    Route("POST", _H + "/identity", check_identity, Who.SIGNED_IN, "Identity at the door", IdentityBody),
    Route("PUT", _H + "/consents/{stage}", decide_consent, Who.SIGNED_IN, "Agree or refuse", ConsentBody),
    Route("PUT", _H + "/self-test", note_self_test, Who.SIGNED_IN, "Result of the self-test", SelfTestBody),
    Route("POST", _H + "/grants", grant, Who.SIGNED_IN, "A join grant for the room", Nothing),
    Route("POST", _H + "/admissions", admit, Who.STAFF, "Let people in", AdmissionBody),
    Route("POST", _H + "/open", open_hearing, Who.STAFF, "Open the hearing", OpeningBody),
    Route(
        "POST", _H + "/recess", recess, Who.STAFF, "Pause the record: recess, exhibit, mediation", RecessBody
    ),
    Route("POST", _H + "/resume", resume, Who.STAFF, "Resume", Nothing),
    Route("POST", _H + "/seal", seal, Who.STAFF, "From here on for the court's original alone", ReasonBody),
    Route("POST", _H + "/unseal", unseal, Who.STAFF, "End the sealed span", Nothing),
    Route("POST", _H + "/close", close, Who.STAFF, "Close the hearing", Nothing),
    Route("POST", _H + "/reopen", reopen, Who.STAFF, "Undo the closing", Nothing),
    Route("POST", _H + "/mutes", mute, Who.STAFF, "Mute or unmute", MuteBody),
    Route("POST", _H + "/removals", remove, Who.STAFF, "Order somebody out", RemovalBody),
    Route("DELETE", _H + "/removals/{person_id}", lift_removal, Who.STAFF, "Lift the order"),
)
