"""What a room asks of its publishers, moment by moment, and what its sinks are told of it."""

import struct
from types import SimpleNamespace
from typing import cast

from signaling.events import LayersWanted, RoomEvent
from signaling.forwarder import PythonForwardStep
from signaling.grants import JoinGrant
from signaling.negotiation import AcceptedSection
from signaling.publishing.layer_demand import RETURN_MS, Want, usual_bps
from signaling.publishing.publication import Layer, Publication
from signaling.rooms.participant import Participant
from signaling.rooms.room_demand import REPEATS, RoomDemand
from signaling.rooms.room_sinks import RoomSinks
from signaling.rtp.speaker import SpeakerDetector
from signaling.sink import TrackInfo
from signaling.watching.slot import Slot
from signaling.watching.viewer import Viewer

CAMERA = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, ("q", "h", "f"), (), {})
HEIGHTS = {"q": 180, "h": 360, "f": 720}
PAUSE_MS = 5000.0


class Words:
    """A sink that keeps the words."""

    def __init__(self) -> None:
        self.said: list[tuple[str | None, str]] = []
        self._rids: dict[str, str | None] = {}

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        self._rids[track.track_id] = track.layer

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None: ...

    def sender_report(self, track_id: str, ntp: int, rtp_timestamp: int, at_ns: int) -> None: ...

    def track_event(self, track_id: str, event: str, at_ns: int) -> None:
        self.said.append((self._rids[track_id], event))

    def track_ended(self, track_id: str, at_ns: int, cause: str) -> None: ...


class Scene:
    """A sender with three layers and one viewer whose wants are written by hand."""

    def __init__(self) -> None:
        grant = JoinGrant("room", "per_1", "key", frozenset({"camera"}), True, False, 0.0, "jti")
        self.sender = Participant("per_1", "seat_1", grant)
        self.camera = Publication(
            "per_1", CAMERA, PythonForwardStep(), SpeakerDetector(), keyframe_interval_ms=500
        )
        self.sender.publications["camera"] = self.camera
        self.slot = Slot(mid="0", kind="video", codec="VP8", publication=self.camera)
        watcher = Participant("per_2", "seat_2", grant)
        watcher.viewer = cast(Viewer, SimpleNamespace(slots=[self.slot]))
        self.told: list[tuple[str, ...] | None] = []
        self.asked: list[str | None] = []
        self.words = Words()
        self._sent = 0
        self.sinks = RoomSinks(lambda: list(self.camera.layers.values()), lambda _: None)
        self.demand = RoomDemand(
            "room",
            {"per_1": self.sender, "per_2": watcher},
            self.sinks,
            pause_after_ms=PAUSE_MS,
            emit=self._emit,
            want_keyframe=lambda layer, now_ms: self.asked.append(layer.rid),
        )

    def _emit(self, event: RoomEvent) -> None:
        assert isinstance(event, LayersWanted)
        assert (event.room, event.source) == ("room", "camera")
        self.told.append(event.rids)

    def arrive(self, now_ms: float, *rids: str) -> None:
        """A key frame of these layers."""
        for place, rid in enumerate(HEIGHTS):
            if rid not in rids:
                continue
            layer = self.camera.layers.get(rid)
            if layer is None:
                layer = self.camera.layers[rid] = Layer(self.camera, CAMERA, 10 + place, rid)
                self.sinks.started(layer, 0)
            height_px = HEIGHTS[rid]
            self._sent += 1
            head = struct.pack("!BBHII", 0x80, 0xE0, self._sent, round(now_ms) * 90, 10 + place)
            frame = b"\x10\x10\x00\x00\x9d\x01\x2a" + struct.pack("<HH", height_px * 16 // 9, height_px)
            layer.receive(head + frame, round(now_ms * 1e6))

    def pass_time(self, now_ms: float, until_ms: float, *rids: str) -> float:
        """These layers arrive, the room looks twice a second."""
        while now_ms < until_ms:
            now_ms += 100
            self.arrive(now_ms, *rids)
            self.demand.watch(now_ms)
            if now_ms % 500 == 0:
                self.demand.review(now_ms)
        return now_ms


def test_demand__when_one_layer_is_watched__then_the_others_rest_after_the_while_and_the_smallest_stays() -> (
    None
):
    scene = Scene()
    scene.slot.want = Want("h")
    scene.pass_time(0, PAUSE_MS, "q", "h", "f")
    assert scene.told == []
    scene.pass_time(PAUSE_MS, 2 * PAUSE_MS, "q", "h", "f")
    assert scene.told == [("h", "q")]
    assert scene.camera.layers["f"].rest.is_off
    assert scene.camera.layers["f"].rest.expected_bps >= usual_bps(720)


def test_demand__when_a_resting_layer_is_wanted__then_at_once_with_a_key_frame_and_sinks_hear_when_it_comes() -> (
    None
):
    scene = Scene()
    scene.slot.want = Want("f")
    scene.sinks.attach(scene.words)
    now_ms = scene.pass_time(0, 2 * PAUSE_MS, "q", "h", "f")
    assert scene.told == [("f", "q")]
    assert scene.words.said == [("h", "not_wanted")]
    now_ms = scene.pass_time(now_ms, now_ms + 1000, "q", "f")
    scene.slot.want = Want("h")
    assert scene.demand.review(now_ms), "the room chooses again: the layer can be waited for"
    assert scene.told[-1:] == [None]
    assert scene.asked == ["h"]
    is_here = scene.demand.watch(now_ms + 20)
    assert not is_here
    assert scene.words.said == [("h", "not_wanted")]
    scene.arrive(now_ms + 40, "h")
    assert scene.demand.watch(now_ms + 60)
    assert scene.words.said[1:] == [("h", "wanted")]


def test_demand__when_a_wanted_layer_never_comes__then_sinks_are_told_that_nothing_excuses_it_any_more() -> (
    None
):
    scene = Scene()
    scene.slot.want = Want("q")
    scene.pass_time(0, 2 * PAUSE_MS, "q", "h", "f")
    assert scene.told == [("q",)]
    scene.sinks.attach(scene.words)
    assert ("f", "not_wanted") in scene.words.said
    scene.demand.review(2 * PAUSE_MS)
    assert scene.told[-1] == ("f", "q")
    scene.demand.watch(2 * PAUSE_MS + RETURN_MS - 1)
    assert ("f", "wanted") not in scene.words.said
    before = len(scene.told)
    scene.demand.watch(2 * PAUSE_MS + RETURN_MS + 1)
    assert ("f", "wanted") in scene.words.said
    assert scene.told[before:] == [("f", "q")], "the first word may have been lost"
    now_ms = 2 * PAUSE_MS + RETURN_MS
    while now_ms < 10 * PAUSE_MS:
        now_ms += 100
        scene.demand.watch(now_ms)
    assert scene.told[before:] == [("f", "q")] * REPEATS
    assert scene.words.said.count(("f", "wanted")) == 1
    assert scene.camera.layers["f"].rest.owes(now_ms, RETURN_MS)


def test_demand__when_nobody_watches__then_the_track_rests_and_its_owner_owes_nothing() -> None:
    scene = Scene()
    scene.pass_time(0, 2 * PAUSE_MS, "q", "h", "f")
    assert scene.told == [()]
    assert scene.sender._owed_since_ns() is None
    scene.slot.want = Want()
    scene.demand.review(11_000)
    assert scene.told[-1] == ("q",)
    assert scene.sender._owed_since_ns() == 11_000 * 1_000_000


def test_demand__when_the_sender_starts_anew_or_sits_down_again__then_it_is_told_what_holds() -> None:
    scene = Scene()
    scene.slot.want = Want("q")
    scene.pass_time(0, 2 * PAUSE_MS, "q", "h", "f")
    scene.demand.say_again(scene.sender)
    assert scene.told == [("q",), ("q",)]
    scene.camera.layers.clear()
    scene.demand.offered(scene.sender, scene.camera, ("q", "h", "f"))
    assert scene.told[-1:] == [None]
    scene.demand.offered(scene.sender, scene.camera, ("q", "h", "f"))
    assert len(scene.told) == 3, "who sends everything and was told so hears nothing new"
    scene.pass_time(20_000, 27_000, "q", "h", "f")
    assert scene.told[-1] == ("q",)
    scene.demand.left(scene.sender)
    scene.demand.published(scene.sender, scene.camera)
    assert scene.told[-1] == ("q",)


def test_demand__when_the_browser_holds_the_best_layer_back__then_the_record_asks_for_the_best_that_comes() -> (
    None
):
    scene = Scene()
    scene.sinks.attach(scene.words)
    scene.slot.want = Want("q")
    now_ms = scene.pass_time(0, 2 * PAUSE_MS, "q", "h", "f")
    assert scene.told == [("f", "q")]
    scene.pass_time(now_ms, now_ms + RETURN_MS + 1000, "q")
    assert scene.told[-1:] == [None]
