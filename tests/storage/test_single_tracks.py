"""On both databases: single tracks by key, a hearing's acts by its index, the order that closed a case's doors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hearing_server.domain.acts import ActKind
from hearing_server.domain.hearing.doors import hold_behind_closed_doors
from hearing_server.domain.recording.recordings import Recording, RecordingState
from hearing_server.domain.recording.single_tracks import Shown, SingleTrack, TrackKey, TrackState, ask
from hearing_server.filing.cases import Openness
from hearing_server.filing.closed_doors import Ground, close_doors
from hearing_server.kernel import PersonId, RecordingId, system_actor
from hearing_server.ports.people import Person
from hearing_server.services.acts import record_act
from hearing_server.storage.unit_of_work import SqlUnits
from tests.unit.court_pieces import (
    AGENT,
    CLERK,
    DEFENDANT,
    JUDGE,
    NOW,
    PLAINTIFF,
    at,
    case,
    profile,
    scheduled,
)

RECORDING = Recording(RecordingId("rec_1"), scheduled().id, RecordingState.RECORDING, NOW)


@pytest.fixture
async def filed(units: SqlUnits) -> SqlUnits:
    """The case, its hearing and its recording."""
    async with units.write() as unit:
        for one in (JUDGE, CLERK, PLAINTIFF, DEFENDANT, AGENT):
            await unit.people.add(
                Person(
                    PersonId(one), profile().court.id, "natural", one, None, None, None, None, None, None, NOW
                )
            )
        await unit.cases.add(case())
        await unit.hearings.add(scheduled())
        await unit.recordings.add(RECORDING, case().id)
    return units


def key(shown: Shown = Shown.CAMERA) -> TrackKey:
    return TrackKey(RECORDING.id, PLAINTIFF, shown)


def asked(shown: Shown, *, at_s: float) -> SingleTrack:
    return ask(key(shown), None, film_attempt=1, waiting=0, at=at(at_s))


async def test_tracks__asked_for__wait_in_order_and_are_forgotten_when_nobody_watches(
    filed: SqlUnits,
) -> None:
    later, sooner = asked(Shown.VOICE, at_s=9), asked(Shown.CAMERA, at_s=2)
    async with filed.write() as unit:
        for track in (later, sooner, sooner):
            await unit.single_tracks.save(track)
    async with filed.read() as unit:
        assert await unit.single_tracks.waiting() == [sooner, later]
    made = sooner.composing(300).ready(duration_s=60.0, film_s=60.02)
    async with filed.write() as unit:
        await unit.single_tracks.save(made)
    async with filed.read() as unit:
        assert await unit.single_tracks.get(key()) == made
        assert made.state is TrackState.READY
        assert await unit.single_tracks.waiting() == [later]
        assert await unit.single_tracks.unused_since(at(3)) == [made]
        assert await unit.single_tracks.unused_since(at(2)) == []
        assert len(await unit.single_tracks.of_recording(RECORDING.id)) == 2
    async with filed.write() as unit:
        await unit.single_tracks.remove(key())
    async with filed.read() as unit:
        assert await unit.single_tracks.get(key()) is None


async def test_acts__of_a_hearing__are_found_by_kind_in_their_order(filed: SqlUnits) -> None:
    court, hearing = system_actor(profile().court.id), scheduled()
    kinds = [ActKind.HEARING_OPENED, ActKind.FILM_VIEWED, ActKind.HEARING_CLOSED, ActKind.CASE_FILED]
    async with filed.write() as unit:
        for number, kind in enumerate(kinds):
            payload = {} if kind is ActKind.CASE_FILED else {"hearing_id": hearing.id}
            when = NOW + timedelta(seconds=number)
            await record_act(unit, court, kind=kind, chain_id=case().id, at=when, payload=payload)
    wanted = (ActKind.HEARING_CLOSED, ActKind.HEARING_OPENED, ActKind.CASE_FILED)
    async with filed.read() as unit:
        found = await unit.acts.of_hearing(hearing.id, wanted, 10)
        assert [act.kind for act in found] == [ActKind.HEARING_OPENED, ActKind.HEARING_CLOSED]
        assert found == [act for act in await unit.acts.after(case().id, 0, 10) if act.kind in wanted[:2]]
        assert len(await unit.acts.of_hearing(hearing.id, wanted, 1)) == 1
        assert await unit.acts.of_hearing("hrg_other", wanted, 10) == []


async def test_doors__closed_by_an_order__come_back_as_they_were_ordered(filed: SqlUnits) -> None:
    doors = close_doors(Ground.DIVORCE, reason="离婚", request="原告申请", by=JUDGE, at=NOW)
    async with filed.read() as unit:
        before = await unit.cases.get(case().id)
        assert before is not None
        assert before.closed_doors is None
    hearing = hold_behind_closed_doors(scheduled(), doors)[0]
    async with filed.write() as unit:
        await unit.cases.close_doors(case().id, doors)
        await unit.hearings.save(hearing, read_version=scheduled().version)
    async with filed.read() as unit:
        after = await unit.cases.get(case().id)
        assert after is not None
        assert (after.openness, after.closed_doors) == (Openness.CLOSED, doors)
        assert await unit.hearings.get(hearing.id) == hearing
