"""The trunk of the media plane: one robot publishes, another one sees and hears it."""

from signaling.events import ParticipantJoined, TrackPublished
from tests.media.robots import house


async def test_robots__when_one_publishes__then_the_other_decodes_picture_and_voice() -> None:
    async with house() as place:
        viewer = await place.join("judge")
        speaker = await place.join("party")
        await speaker.publish()
        await viewer.sees("party", "microphone", "camera", more=10)
        frame = viewer.watched["party", "camera"].last
        assert (frame.width, frame.height) == (160, 120)
        assert [event.identity for event in place.of(ParticipantJoined)] == ["judge", "party"]
        assert {event.source for event in place.of(TrackPublished)} == {"microphone", "camera"}
        assert place.engine.stats().forwarded_packets > 20
