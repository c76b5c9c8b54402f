"""The ports of rooms and recordings, on both of their twins: in this process, and over the wire in one of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest
from aiortc import RTCPeerConnection
from aiortc.mediastreams import AudioStreamTrack

from hearing_server.adapters.media_plane import MediaPlane, media_plane
from hearing_server.errors import HearingError
from hearing_server.kernel import HearingId, PersonId, RecordingId
from hearing_server.ports.media import NodeListener, RoomListener, SeatListener, SeatTaken
from recorder.union.union import open_union
from signaling.settings import MediaSettings

ROOM, LIN, ZHAO = HearingId("hrg_1"), PersonId("per_lin"), PersonId("per_zhao")
REC = RecordingId("rec_1")


class Heard:
    """Every listener at once: what was told, in order."""

    def __init__(self) -> None:
        self.news: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def tell(*places: Any, **words: Any) -> None:
            self.news.append((name, (*places, *words.values())))

        return tell

    async def until(self, name: str, *words: Any) -> tuple[Any, ...]:
        """Wait for news of this name that begin with these words."""
        async with asyncio.timeout(15):
            while True:
                for told, arguments in self.news:
                    if told == name and arguments[: len(words)] == words:
                        return arguments
                await asyncio.sleep(0.02)


def settings() -> MediaSettings:
    return MediaSettings(announced_addresses=("127.0.0.1",), grant_keys=(b"k" * 32,), host="127.0.0.1")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(params=[0, 1], ids=["in-process", "own-process"])
async def plane(request: pytest.FixtureRequest, tmp_path: Path, heard: Heard) -> AsyncIterator[MediaPlane]:
    made = media_plane(settings(), tmp_path / "media", processes=request.param, orphan_s=5.0)
    async with made.running():
        made.tell(rooms=cast(RoomListener, heard), nodes=cast(NodeListener, heard))
        made.tell_seats(cast(SeatListener, heard))
        yield made
        for room in await made.rooms.standing():
            await made.rooms.close_room(room.room, reason="closed")
        for recording in await made.recorders.standing():
            await made.recorders.let_go(recording.recording_id)


async def refused(awaitable: Any) -> str:
    with pytest.raises(HearingError) as error:
        await awaitable
    return error.value.code


async def proven(plane: MediaPlane, *, advancing: bool = True) -> None:
    """Wait until the proof says that bytes advance, or that they don't."""
    async with asyncio.timeout(15):
        while True:
            proof = plane.recorders.writing(REC)
            if proof is not None and proof.is_advancing is advancing:
                return
            await asyncio.sleep(0.05)


async def both_proven(plane: MediaPlane) -> None:
    """Wait until each of the two recorders says that its bytes advance."""
    async with asyncio.timeout(15):
        while True:
            proof = plane.recorders.writing(REC)
            if proof is not None and [part.is_advancing for part in proof.recorders] == [True, True]:
                return
            await asyncio.sleep(0.05)


async def seat(plane: MediaPlane, person: PersonId) -> SeatTaken:
    grant = plane.rooms.grant(ROOM, person, seat_key=f"key-{person}", may_moderate=False, standing="party")
    return await plane.rooms.join(grant, room=ROOM, person=person)


async def test_room__with_people_in_it__is_told_about_and_stands(plane: MediaPlane, heard: Heard) -> None:
    rooms = plane.rooms
    assert await refused(rooms.hold_room(ROOM, held=True)) == "room.unknown"
    await rooms.open_room(ROOM)
    await rooms.open_room(ROOM)
    stolen = rooms.grant(ROOM, LIN, seat_key="k", may_moderate=False, standing="party")
    assert await refused(rooms.join(stolen, room=ROOM, person=ZHAO)) == "grant.not_yours"
    lin = await seat(plane, LIN)
    await heard.until("seat_taken", ROOM, LIN)
    zhao = await seat(plane, ZHAO)
    assert [person.identity for person in zhao.participants] == [LIN, ZHAO]
    await rooms.hold_room(ROOM, held=True)
    (standing,) = await rooms.standing()
    assert (standing.room, standing.held) == (ROOM, True)
    assert {person.identity: person.seat for person in standing.people} == {LIN: lin.seat, ZHAO: zhao.seat}
    assert {person.seat_key for person in standing.people} == {f"key-{LIN}", f"key-{ZHAO}"}
    await rooms.leave(lin.seat, reason="left")
    await heard.until("seat_left", ROOM, LIN, "left")
    await heard.until("seat_ended", lin.seat, "left")
    assert await refused(rooms.restart_subscription(lin.seat)) == "seat.unknown"
    await rooms.remove(ROOM, ZHAO, reason="removed")
    assert await refused(seat(plane, ZHAO)) == "seat.removed"
    await rooms.readmit(ROOM, ZHAO)
    await seat(plane, ZHAO)
    seats = [m.value for m in await plane.measures(per_hearing=True) if m.name == "hearing_seats"]
    assert seats == [1]


async def test_track__published_and_muted__is_answered_and_told(plane: MediaPlane, heard: Heard) -> None:
    rooms = plane.rooms
    await rooms.open_room(ROOM)
    taken, watching = await seat(plane, LIN), await seat(plane, ZHAO)
    peer = RTCPeerConnection()
    peer.addTransceiver(AudioStreamTrack(), direction="sendonly")
    await peer.setLocalDescription(await peer.createOffer())
    sources = {str(peer.getTransceivers()[0].mid): "microphone"}
    answer = await rooms.publish(taken.seat, sdp=peer.localDescription.sdp, sources=sources)
    assert "a=recvonly" in answer
    await heard.until("device_changed", ROOM, LIN, "microphone", "on")
    (offer,) = await heard.until("offered")
    assert (offer.seat, offer.tracks[0][1:]) == (watching.seat, (LIN, "microphone", "audio"))
    await rooms.set_self_muted(taken.seat, source="microphone", muted=True)
    await heard.until("device_changed", ROOM, LIN, "microphone", "muted")
    await rooms.set_muted(ROOM, LIN, source="microphone", muted=True, by=ZHAO)
    people = {person.identity: person for person in (await rooms.standing())[0].people}
    (track,) = people[LIN].tracks
    assert (track.source, track.muted, track.by_court) == ("microphone", True, True)
    assert await refused(rooms.publish(taken.seat, sdp="nonsense", sources={})) == "sdp.malformed"
    assert {person.person_id for person in (await rooms.media(ROOM)).people} == {LIN, ZHAO}
    await peer.close()


async def test_recording__from_start_to_seal__is_proven_paused_and_sealed(
    plane: MediaPlane, tmp_path: Path
) -> None:
    recorders, folder, second = plane.recorders, tmp_path / "rec_1", tmp_path / "second" / "rec_1"
    assert recorders.writing(REC) is None
    assert await refused(recorders.mark(REC, kind="opened", text="开庭")) == "recording.not_here"
    await recorders.start(REC, folder, second=second, room=ROOM)
    await recorders.start(REC, folder, second=second, room=ROOM)
    assert await refused(recorders.listen(REC, ROOM)) == "room.unknown"
    await plane.rooms.open_room(ROOM)
    await recorders.listen(REC, ROOM)
    await recorders.mark(REC, kind="opened", text="开庭")
    await proven(plane)
    await recorders.pause(REC, code="recess")
    paused = recorders.writing(REC)
    assert paused is not None
    assert paused.is_paused
    await recorders.resume(REC)
    resumed = recorders.writing(REC)
    assert resumed is not None
    assert not resumed.is_paused
    (standing,) = await recorders.standing()
    assert (standing.recording_id, standing.room) == (REC, ROOM)
    await both_proven(plane)
    sealed = await recorders.seal(REC)
    assert sealed.segments >= 2
    union = open_union(folder).union
    assert [each.side for each in union.recorders] == ["first", "second"]
    assert sealed.root_sha256 == union.root_sha256
    assert recorders.writing(REC) is None
    assert (folder / "manifest.json").is_file()


async def test_recording__let_go_or_abandoned__keeps_or_loses_its_folder(
    plane: MediaPlane, tmp_path: Path
) -> None:
    recorders, folder, second = plane.recorders, tmp_path / "rec_1", tmp_path / "second" / "rec_1"
    await recorders.start(REC, folder, second=second, room=ROOM)
    await recorders.let_go(REC)
    assert recorders.writing(REC) is None
    assert folder.is_dir()
    await recorders.start(REC, folder, second=second, room=ROOM)
    await both_proven(plane)
    await recorders.abandon(REC)
    assert not folder.exists()
    assert not second.exists()
    assert recorders.writing(REC) is None
