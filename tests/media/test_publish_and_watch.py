"""The trunk of the media plane: one robot publishes, another one sees and hears it."""

import pytest
from aiortc import RTCRtpSender
from aiortc.mediastreams import AudioStreamTrack

from signaling.engine import MediaEngine
from signaling.errors import SignalingError
from signaling.events import (
    ConnectionState,
    ParticipantJoined,
    ParticipantLeft,
    SpeakerChanged,
    SubscriptionOffered,
    TrackPublished,
)
from tests.media.robots import Picture, Tone, both_paths, grant, house, settings, until


@both_paths
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


async def test_robots__when_all_see_all__then_everybody_decodes_everybody_and_the_loud_one_is_the_speaker() -> (
    None
):
    async with house() as place:
        people = [await place.join(name) for name in ("judge", "plaintiff", "defendant")]
        for person in people:
            await person.publish(
                audio=Tone() if person.identity == "plaintiff" else AudioStreamTrack(), video=Picture()
            )
        for person in people:
            for other in people:
                if other is not person:
                    await person.sees(other.identity, "microphone", "camera", more=3)
        await until(lambda: [event.identity for event in place.of(SpeakerChanged)][-1:] == ["plaintiff"])
        snapshot = await place.engine.snapshot("hearing")
        assert {person.connection for person in snapshot.participants} == {ConnectionState.CONNECTED}
        assert snapshot.speaker == "plaintiff"
        await until(lambda: place.engine._rooms["hearing"].participants["judge"].facts.rtt_ms is not None)


async def test_robots__when_a_phone_sends_h264_only__then_it_is_forwarded_as_h264() -> None:
    async with house() as place:
        viewer, phone = await place.join("judge"), await place.join("phone")
        h264 = [
            codec for codec in RTCRtpSender.getCapabilities("video").codecs if codec.mimeType == "video/H264"
        ]
        await phone.publish(video=Picture(), codecs=h264)
        await viewer.sees("phone", "camera", more=10)
        assert "H264/90000" in place.of(SubscriptionOffered)[-1].sdp
        assert "VP8" not in place.of(SubscriptionOffered)[-1].sdp


async def test_engine__when_the_udp_port_is_taken__then_starting_says_so() -> None:
    async with house() as place:
        for port in ({"udp_port": place.engine.udp_port}, {"tcp_port": place.engine.tcp_port}):
            with pytest.raises(OSError, match="in use"):
                await MediaEngine.start(settings(**port), on_event=place._on_event)


async def test_engine__when_stopped__then_rooms_are_closed_and_everything_is_given_back() -> None:
    async with house() as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "camera")
        await place.engine.stop()
        assert {event.reason for event in place.of(ParticipantLeft)} == {"stopped"}
        assert place.engine.stats().transports == 0
        with pytest.raises(SignalingError) as refused:
            await place.engine.join(grant("late"))
        assert refused.value.code == "engine.stopped"
