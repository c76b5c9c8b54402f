"""Cost grows with what is watched: pictures by attention, layers at rest, and what seats are told of both."""

import asyncio

from recorder.writing.session import RecordingSession
from signaling.grants import Standing
from signaling.sink import TrackInfo
from tests.media.robots import both_paths, until
from tests.media.watching import ROOM, hall

QUICK = {"layer_pause_s": 0.4}


class Notes:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.packets: dict[str | None, int] = {}
        self.events: list[tuple[str | None, str]] = []
        self._layers: dict[str, str | None] = {}

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        if track.kind == "video":
            self._layers[track.track_id] = track.layer

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        if track_id in self._layers:
            layer = self._layers[track_id]
            self.packets[layer] = self.packets.get(layer, 0) + 1

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None: ...

    def track_event(self, track_id: str, event: str, at_ns: int) -> None:
        if track_id in self._layers:
            self.events.append((self._layers[track_id], event))

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None: ...


@both_paths
async def test_layers__when_wishes_change__then_only_what_is_watched_is_sent_and_it_comes_back_at_once() -> (
    None
):
    async with hall(**QUICK) as place:
        sender = await place.join("sender")
        viewer = await place.join("viewer")
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=180)
        await until(lambda: sender.active == {"q"})
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=360)
        assert sender.active == {"q"} or sender.active == {"q", "h"}
        await until(lambda: sender.active == {"q", "h"})
        await until(lambda: _sent_height(place, "viewer", "sender") == 360)
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=720)
        await until(lambda: sender.active == {"q", "f"})
        await until(lambda: _sent_height(place, "viewer", "sender") == 720)
        # Nobody watches at all: the track rests; a wish wakes it.
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=0)
        await until(lambda: sender.active == set())
        assert place.told("sender")[-1] == ()
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=720)
        await until(lambda: _sent_height(place, "viewer", "sender") == 720)


def _sent_height(place: object, viewer: str, identity: str) -> int:
    """Height of the picture of one person that a viewer is sent now."""
    room = place.engine._rooms[ROOM]  # type: ignore[attr-defined]
    slots = room.participants[viewer].viewer.slots
    return int(
        next(
            (
                slot.height_px
                for slot in slots
                if slot.publication is not None
                and slot.publication.is_video
                and slot.publication.identity == identity
            ),
            0,
        )
    )


async def test_layers__when_a_recorder_comes__then_the_best_is_sent_and_the_idle_one_is_no_silence() -> None:
    async with hall(**QUICK, silence_s=1.5) as place:
        sender = await place.join("sender")
        await until(lambda: sender.active == set())
        notes = Notes()
        await place.engine.attach_sink(ROOM, notes)
        await until(lambda: sender.active == {"q", "f"})
        before = dict(notes.packets)
        await until(lambda: notes.packets.get("f", 0) > before.get("f", 0) + 50)
        await asyncio.sleep(2.0)  # longer than silence_s
        assert ("h", "not_wanted") in notes.events
        assert not [event for event in notes.events if event[1] == "silent"]
        assert place.engine._rooms[ROOM].participants["sender"].state == "connected"
        viewer = await place.join("viewer")
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=360)
        await until(lambda: ("h", "wanted") in notes.events)
        assert notes.events.index(("h", "wanted")) > notes.events.index(("h", "not_wanted"))


async def test_layers__when_the_sender_does_not_listen__then_everything_still_works() -> None:
    async with hall(**QUICK) as place:
        await place.join("sender", obeys=False)
        viewer = await place.join("viewer")
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=180)
        await until(lambda: place.told("sender")[-1:] == [("q",)])
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=720)
        await until(lambda: _sent_height(place, "viewer", "sender") == 720)


async def test_layers__when_a_seat_is_taken_again_or_muted_and_held__then_the_word_is_said_again_and_stays_right() -> (
    None
):
    async with hall(**QUICK) as place:
        sender = await place.join("sender")
        viewer = await place.join("viewer")
        await place.engine.prefer(viewer.seat, identity="sender", source="camera", max_height_px=180)
        await until(lambda: sender.active == {"q"})
        await place.rejoin("sender")
        await until(lambda: place.told("sender") == [("q",)])
        await place.engine.hold_room(ROOM, held=True)
        await until(lambda: sender.active == set())
        await place.engine.hold_room(ROOM, held=False)
        await until(lambda: _sent_height(place, "viewer", "sender") == 180)
        await place.engine.set_muted(ROOM, identity="sender", source="camera", muted=True, by="viewer")
        await until(lambda: sender.active == set())
        await place.engine.set_muted(ROOM, identity="sender", source="camera", muted=False, by="viewer")
        await until(lambda: _sent_height(place, "viewer", "sender") == 180)
        # A fresh connection sends everything again, whatever was said before.
        seat = place.members["sender"].seat
        await place.engine.unpublish(seat, source="camera")
        sdp = sender.offer()
        await place.engine.publish(seat, sdp=sdp, sources={"0": "microphone", "1": "camera"})
        await until(lambda: None in place.told("sender"))


async def test_pictures__when_there_are_too_many__then_bench_and_speaker_are_shown_and_seats_are_told() -> (
    None
):
    async with hall(**QUICK, last_n=3) as place:
        place.quiet |= {"judge", "a", "b", "c", "d"}
        await place.join("judge", standing=Standing.BENCH)
        for name in ("a", "b", "c", "d"):
            await place.join(name)
        await until(lambda: place.seen("d") == {"judge", "a", "b"})
        assert place.shown["d"].because == "count"
        await until(lambda: place.seen("a") == {"judge", "b", "c"})
        place.quiet.discard("d")
        await until(lambda: "d" in place.seen("a"))
        assert "judge" in place.seen("a")
        assert len(place.seen("a")) == 3
        await until(lambda: _sent_height(place, "a", "d") == 720)
        # d is silent again: recency keeps it; whom a viewer looks at on purpose comes back.
        place.quiet.add("d")
        await place.engine.prefer(place.members["a"].seat, identity="c", source="camera", max_height_px=720)
        await until(lambda: "c" in place.seen("a"))
        assert {"judge", "c", "d"} <= place.seen("a")
        await place.engine.limit_pictures(place.members["a"].seat, max_pictures=0)
        await until(lambda: place.seen("a") == set())
        assert place.shown["a"].because is None
        await place.engine.limit_pictures(place.members["a"].seat, max_pictures=None)
        await until(lambda: len(place.seen("a")) == 3)


async def test_voices__when_too_many_microphones_are_open__then_who_talks_passes_and_the_record_has_all() -> (
    None
):
    names = [f"v{number}" for number in range(6)]
    async with hall(**QUICK, max_voices=4) as place:
        place.quiet |= set(names[3:])
        for name in names:
            await place.join(name)
        room = place.engine._rooms[ROOM]
        await until(lambda: room.attention.silenced and room.attention.silenced <= set(names[3:]))
        place.quiet.discard("v5")
        place.quiet.add("v0")
        await until(lambda: "v5" not in room.attention.silenced and len(room.attention.silenced) == 2)
        heard_by = room.participants["v1"].viewer
        assert heard_by is not None
        voice = next(
            slot
            for slot in heard_by.slots
            if slot.publication is not None and slot.publication.identity == "v5" and slot.kind == "audio"
        )
        assert voice.leg is not None
        before = voice.leg.rewriter.packets_sent
        await until(lambda: voice.leg is not None and voice.leg.rewriter.packets_sent > before + 10)


async def test_record__when_the_middle_layer_rests__then_the_line_has_no_gap_for_it(tmp_path: object) -> None:
    async with hall(**QUICK) as place:
        session = RecordingSession.create(tmp_path / "recording", recording_id="rec_1")  # type: ignore[operator]
        await place.engine.attach_sink(ROOM, session)
        sender = await place.join("sender")
        await until(lambda: sender.active == {"q", "f"})
        await asyncio.sleep(1.5)
        manifest = await session.close()
    middle = next(track for track in manifest.tracks if track.info.layer == "h")
    causes = {gap.cause.value for gap in manifest.gaps if gap.track == middle.number}
    assert "not_wanted" in causes
    assert "sender_stall" not in causes
    best = next(track for track in manifest.tracks if track.info.layer == "f")
    longest = [
        gap for gap in manifest.gaps if gap.track == best.number and gap.cause.value not in ("absent",)
    ]
    assert not longest


async def test_sink__going_on_after_a_pause_of_its_own__is_given_whole_pictures() -> None:
    async with hall(**QUICK) as place:
        sender = await place.join("sender")
        await place.engine.attach_sink(ROOM, Notes())
        await until(lambda: sender.active == {"q", "f"})
        layers = [layer for layer in place.engine._rooms[ROOM].layers() if layer.rid in ("q", "f")]
        await until(lambda: not any(layer.stream.keyframes.is_wanted for layer in layers))
        came_ms = {layer.rid: layer.keyframe_ms for layer in layers}
        await asyncio.sleep(0.6)  # longer than two key frames may be apart
        await place.engine.renew_pictures(ROOM)
        await until(lambda: all(layer.keyframe_ms > came_ms[layer.rid] for layer in layers))
