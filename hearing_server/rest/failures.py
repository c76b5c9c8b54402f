"""故障说明: what went wrong with a recording, read by the court's staff and signed by the judge."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from hearing_server.domain.recording.failures import MAX_REMARKS_CHARS
from hearing_server.rest.routing import Body, Call, Route, Who
from hearing_server.services.recording.failures import FailureShown


class SignatureBody(Body):
    remarks: Annotated[str, StringConstraints(max_length=MAX_REMARKS_CHARS)] = ""


async def list_of_hearing(call: Call) -> object:
    found = await call.services.failures.of_hearing(
        call.actor, call.part("hearing_id"), language=call.language
    )
    return {"items": [failure_view(one) for one in found]}


async def list_of_recording(call: Call) -> object:
    found = await call.services.failures.of_recording(
        call.actor, call.part("recording_id"), language=call.language
    )
    return {"items": [failure_view(one) for one in found]}


async def sign(call: Call) -> object:
    remarks = call.body(SignatureBody).remarks
    return failure_view(
        await call.services.failures.sign(
            call.actor, call.part("failure_id"), remarks=remarks, language=call.language
        )
    )


def failure_view(shown: FailureShown) -> dict[str, object]:
    """Failure, as in docs/PROTOCOL.md section 1."""
    failure = shown.failure
    return {
        "id": failure.id,
        "hearing_id": failure.hearing_id,
        "recording_id": failure.recording_id,
        "kind": failure.kind,
        "person_id": failure.person_id,
        "source": failure.source,
        "title": shown.title,
        "cause": shown.cause,
        "draft": shown.draft,
        "began_at": failure.began_at,
        "noticed_at": failure.noticed_at,
        "ended_at": failure.ended_at,
        "remarks": failure.remarks,
        "signed_by": shown.signed_by,
        "signed_at": failure.signed_at,
    }


ROUTES = (
    Route("GET", "/hearings/{hearing_id}/failures", list_of_hearing, Who.STAFF, "Failures of its recording"),
    Route(
        "GET", "/recordings/{recording_id}/failures", list_of_recording, Who.STAFF, "The same by recording"
    ),
    Route("POST", "/failures/{failure_id}/signature", sign, Who.STAFF, "Sign the statement", SignatureBody),
)
