"""What one viewer is shown, and what it is told about it."""

from signaling.forwarder import PythonForwardStep
from signaling.grants import Standing
from signaling.negotiation import AcceptedSection
from signaling.publishing.publication import Publication
from signaling.rooms.attention import Attention, PictureKey
from signaling.rtp.speaker import SpeakerDetector
from signaling.watching.showing import DEFAULT_HEIGHT_PX, Showing

CAMERA = AcceptedSection("0", "camera", "video", "VP8", 90000, 96, 97, None, {}, (), (), {})
SCREEN = AcceptedSection("2", "screen", "video", "VP8", 90000, 96, 97, None, {}, (), (), {})
VOICE = AcceptedSection("1", "microphone", "audio", "opus", 48000, 111, None, None, {}, (), (), {})


def publication(identity: str, section: AcceptedSection = CAMERA) -> Publication:
    return Publication(identity, section, PythonForwardStep(), SpeakerDetector(), keyframe_interval_ms=500)


class Scene:
    """A viewer of some publications."""

    def __init__(self, *publications: Publication, last_n: int = 2) -> None:
        self.attention = Attention(last_n=last_n)
        self.told: list[tuple[tuple[PictureKey, ...], str | None]] = []
        self.showing = Showing(self.attention, lambda shown, why: self.told.append((shown, why)))
        self.publications = list(publications)

    def look(self, now_ms: float = 0.0, *starved: PictureKey) -> dict[str, int]:
        """Choose, tell; the heights by identity and source."""
        self.showing.choose(self.publications, now_ms)
        self.showing.tell(self.publications, frozenset(starved))
        return {f"{each.identity} {each.source}": self.showing.wish_px(each) for each in self.publications}


def test_showing__when_more_are_there_than_places__then_the_rest_is_dropped_and_told_once() -> None:
    scene = Scene(publication("a"), publication("b"), publication("c"))
    heights = scene.look()
    assert heights == {"a camera": DEFAULT_HEIGHT_PX, "b camera": DEFAULT_HEIGHT_PX, "c camera": 0}
    assert scene.told == [((("a", "camera"), ("b", "camera")), "count")]
    scene.look(100)
    assert len(scene.told) == 1
    scene.showing.forget_told()
    scene.look(200)
    assert len(scene.told) == 2


def test_showing__when_a_picture_is_muted__then_it_takes_no_place_and_counts_as_shown() -> None:
    muted = publication("a")
    muted.stop_flow()
    scene = Scene(muted, publication("b"), publication("c"))
    assert scene.look()["c camera"] == DEFAULT_HEIGHT_PX
    assert scene.told == [((("a", "camera"), ("b", "camera"), ("c", "camera")), None)]
    muted.start_flow()
    scene.look(6000)
    assert scene.told[-1][1] == "count"


def test_showing__when_a_wish_is_nought__then_the_picture_is_not_sent_and_its_place_is_another_ones() -> None:
    scene = Scene(publication("a"), publication("b"), publication("c"))
    scene.showing.prefer("a", "camera", 0)
    assert scene.look() == {"a camera": 0, "b camera": DEFAULT_HEIGHT_PX, "c camera": DEFAULT_HEIGHT_PX}
    assert scene.told == [((("b", "camera"), ("c", "camera")), None)]


def test_showing__when_one_is_shown_larger_than_all__then_it_is_never_dropped() -> None:
    scene = Scene(*(publication(name) for name in "abcd"))
    for name in "abcd":
        scene.showing.prefer(name, "camera", 720 if name == "d" else 180)
    assert scene.look()["d camera"] == 720


def test_showing__when_the_viewer_limits_itself__then_fewer_and_at_nought_none_but_voices() -> None:
    scene = Scene(
        publication("judge"),
        publication("a"),
        publication("a", SCREEN),
        publication("b"),
        publication("b", VOICE),
        last_n=8,
    )
    scene.attention.seated("judge", Standing.BENCH)
    scene.showing.limit(1)
    assert {name for name, px in scene.look().items() if px} == {
        "judge camera",
        "a screen",
        "b microphone",
    }
    scene.showing.limit(0)
    assert {name for name, px in scene.look().items() if px} == {"b microphone"}
    assert scene.told[-1] == ((), None)
    scene.showing.limit(None)
    assert all(scene.look().values())


def test_showing__when_the_line_has_no_room__then_that_is_the_reason() -> None:
    scene = Scene(publication("a"), publication("b"), publication("c"))
    scene.look(0, ("b", "camera"))
    assert scene.told == [((("a", "camera"),), "network")]


def test_showing__when_a_voice_is_silenced__then_only_it_is_not_sent() -> None:
    scene = Scene(publication("a", VOICE), publication("b", VOICE), publication("a"))
    scene.attention.silenced = frozenset({"a"})
    assert {name for name, px in scene.look().items() if px} == {"b microphone", "a camera"}
    assert scene.showing.is_vital(scene.publications[1])


def test_urgency__when_pictures_compete__then_voices_first_and_the_unseen_last() -> None:
    screen, face, voice, unseen = (
        publication("a", SCREEN),
        publication("a"),
        publication("a", VOICE),
        publication("z"),
    )
    scene = Scene(screen, face, voice)
    scene.look()
    order = [scene.showing.urgency(each) for each in (voice, screen, face, unseen)]
    assert order == sorted(set(order))
