"""A room that stands otherwise than stored, because somebody died between the decision and the room."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearing_server.kernel import HearingId, PersonId, RecordingId
from hearing_server.services.hearing.room_recovery import RoomRecovery
from hearing_server.services.hearing.room_reports import RoomReports
from tests.court import RunningCourt, running_court
from tests.flows.test_restart import _take_seat


def _recovery(court: RunningCourt) -> RoomRecovery:
    server = court.server
    watch = server.services.courtroom._recorder
    rooms, court_id = server.media.rooms, server.profile.court.id
    reports = RoomReports(server.units, server.clock, server.bus, rooms, watch, court_id)
    return RoomRecovery(server.units, server.clock, rooms, watch, reports, court_id)


@pytest.mark.timeout(120)
async def test_room__that_stands_otherwise_than_stored__is_brought_to_what_the_court_decided(
    tmp_path: Path,
) -> None:
    async with running_court(tmp_path) as court, court.staff("judge") as judge:
        hearing = (await judge.get("/hearings"))["items"][0]
        room = HearingId(hearing["id"])
        await _take_seat(judge, room)
        await judge.post(f"/hearings/{room}/open")
        people = (await judge.get(f"/hearings/{room}"))["people"]
        lin, zhao = (PersonId(one["person_id"]) for one in people if one["role"] == "party")
        await judge.post(f"/hearings/{room}/mutes", {"person_id": lin, "source": "microphone", "muted": True})
        rooms, recorders = court.server.media.rooms, court.server.media.recorders
        (recording,) = await recorders.standing()
        # As if the court had died before it told the room: held though in session, paused, the wrong one muted.
        await rooms.hold_room(room, held=True)
        await recorders.pause(recording.recording_id, code="recess")
        await rooms.set_muted(room, lin, source="microphone", muted=False, by=lin)
        await rooms.set_muted(room, zhao, source="camera", muted=True, by=lin)
        await rooms.remove(room, zhao, reason="removed")

        assert await _recovery(court).recover() == 1
        stands = court.engine._rooms[room]
        assert not stands.held
        assert stands.court_mutes == {(lin, "microphone")}
        assert stands.removed == set()
        (recording,) = await recorders.standing()
        assert not recording.writing.is_paused
        acts = (await judge.get(f"/cases/{hearing['case_id']}/acts"))["items"]
        told = [act["kind"] for act in acts if act["kind"].startswith("recording.")]
        assert told == ["recording.started"], "it ran on: there is nothing to recover"
        await judge.post(f"/hearings/{room}/close")


@pytest.mark.timeout(120)
async def test_recording__of_no_hearing__is_let_go_and_kept(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court:
        recorders = court.server.media.recorders
        await recorders.start(RecordingId("rec_x"), tmp_path / "rec_x", second=None, room=HearingId("hrg_x"))
        await court.server.media.rooms.open_room(HearingId("hrg_x"))
        await _recovery(court).recover()
        assert await recorders.standing() == ()
        assert (tmp_path / "rec_x" / "manifest.json").is_file()
        assert court.engine.rooms() == []
