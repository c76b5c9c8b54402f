"""故障说明 as people read and sign them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from hearing_server.domain.acts import ActKind
from hearing_server.domain.canonical_json import JsonObject
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.recording.failures import Failure, cause_of, draft_of, title_of
from hearing_server.domain.roles import Action, require
from hearing_server.errors import NotFound
from hearing_server.kernel import Actor, Clock, FailureId, HearingId, PersonId, to_wire
from hearing_server.ports.bus import Doorbell, EventBus
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_hearing, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.recording.recorder_watch import RecorderWatch


@dataclass(frozen=True, slots=True)
class FailureShown:
    """A failure with its words in one language."""

    failure: Failure
    title: str
    cause: str
    draft: str
    signed_by: str | None


class FailureStatements:
    """Reading and signing. What there is to read is written by the content watch."""

    def __init__(self, units: Units, clock: Clock, watch: RecorderWatch, bus: EventBus, zone: tzinfo) -> None:
        self._units = units
        self._clock = clock
        self._watch = watch
        self._bus = bus
        self._zone = zone

    async def of_hearing(self, actor: Actor, hearing_id: str, *, language: str) -> list[FailureShown]:
        """Oldest first. Errors: NotFound for strangers, Forbidden `right.missing`."""
        async with self._units.read() as unit:
            seen = await access_hearing(unit, actor, hearing_id)
            require(seen.capacity(actor), Action.FAILURES_SEE)
            found = await unit.failures.of_hearing(seen.hearing.id)
        return [shown(one, seen.hearing, self._zone, language=language) for one in found]

    async def of_recording(self, actor: Actor, recording_id: str, *, language: str) -> list[FailureShown]:
        """The same from the recording's page."""
        async with self._units.read() as unit:
            seen = await access_recording(unit, actor, recording_id)
            require(seen.capacity(actor), Action.FAILURES_SEE)
            found = await unit.failures.of_recording(seen.recording.id)
        return [shown(one, seen.hearing, self._zone, language=language) for one in found]

    async def sign(self, actor: Actor, failure_id: str, *, remarks: str, language: str) -> FailureShown:
        """The judge's signature: an act that holds the statement's whole text.

        Errors: NotFound, Forbidden `right.missing`, Conflict `failure.signed`, Invalid `failure.remarks`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            failure = await unit.failures.get(FailureId(failure_id), lock=True)
            if failure is None:
                raise NotFound
            seen = await access_hearing(unit, actor, failure.hearing_id)
            require(seen.capacity(actor), Action.FAILURE_SIGN)
            signed = failure.signed(actor.person_id, at=now, remarks=remarks)
            await unit.failures.save(signed)
            text = shown(signed, seen.hearing, self._zone, language="zh-CN")
            await record_act(
                unit, actor, kind=ActKind.RECORDING_FAILURE_SIGNED, chain_id=failure.case_id, at=now,
                payload={**facts_of(signed), "statement": text.draft, "remarks": signed.remarks},
            )  # fmt: skip
        await show_failures(self._units, self._watch, self._bus, failure.hearing_id)
        return shown(signed, seen.hearing, self._zone, language=language)


def shown(failure: Failure, hearing: Hearing, zone: tzinfo, *, language: str) -> FailureShown:
    """With names and words."""
    who = name_in(hearing, failure.person_id) if failure.person_id is not None else ""
    signer = name_in(hearing, failure.signed_by) if failure.signed_by is not None else None
    return FailureShown(
        failure,
        title_of(failure, who, language=language),
        cause_of(failure, language=language),
        draft_of(failure, who, zone=zone, language=language),
        signer,
    )


def name_in(hearing: Hearing, person_id: PersonId) -> str:
    """A participant's name; the id of somebody who is none any more."""
    person = hearing.find(person_id)
    return person.name if person is not None else person_id


def facts_of(failure: Failure) -> JsonObject:
    """What the log keeps of a failure."""
    return {
        "hearing_id": failure.hearing_id,
        "recording_id": failure.recording_id,
        "failure_id": failure.id,
        "kind": failure.kind.value,
        "person_id": failure.person_id,
        "source": failure.source,
        "began_at": to_wire(failure.began_at),
        "noticed_at": to_wire(failure.noticed_at),
        "ended_at": _moment(failure.ended_at),
        "cause": failure.cause,
    }


def _moment(moment: datetime | None) -> str | None:
    return to_wire(moment) if moment is not None else None


async def note_failure(unit: Unit, actor: Actor, failure: Failure, *, kind: ActKind, at: datetime) -> None:
    """The act of a failure that was noticed or is over, in the unit that stores it."""
    await record_act(unit, actor, kind=kind, chain_id=failure.case_id, at=at, payload=facts_of(failure))


async def show_failures(units: Units, watch: RecorderWatch, bus: EventBus, hearing_id: HearingId) -> None:
    """Lay the failures that are open or unsigned over the hearing's view, and tell whoever looks at it."""
    async with units.read() as unit:
        found = await unit.failures.of_hearing(hearing_id)
    live = watch.live(hearing_id)
    before, live.failures = live.failures, tuple(one for one in found if one.is_open or not one.is_signed)
    if live.failures != before:
        await bus.publish(Doorbell("hearing_changed", hearing_id))
