"""Rights are the routing table: what the court stops does not leave the server, whatever a client does."""

import asyncio

import pytest

from signaling.errors import SignalingError
from signaling.events import ParticipantLeft, TrackMuted, TrackUnpublished
from tests.media.notebook import Notebook
from tests.media.robots import House, Robot, both_paths, house, until


async def in_session(place: House) -> tuple[Robot, Robot, Notebook]:
    notebook = Notebook()
    await place.engine.attach_sink("hearing", notebook)
    judge, party = await place.join("judge"), await place.join("party")
    await party.publish()
    await judge.sees("party", "microphone", "camera")
    return judge, party, notebook


async def stands_still(judge: Robot, notebook: Notebook, source: str) -> None:
    """Nothing of a source reaches viewer or sink any more (what is in flight gets 300 ms)."""
    await asyncio.sleep(0.3)
    before = judge.frames("party", source), notebook.count(source)
    await asyncio.sleep(0.5)
    now = judge.frames("party", source), notebook.count(source)
    assert now[1] == before[1]
    assert now[0] - before[0] <= 25, "only what the jitter buffer conceals or still held"


@both_paths
async def test_mute__when_the_court_mutes__then_neither_viewers_nor_sinks_get_a_packet() -> None:
    async with house() as place:
        judge, party, notebook = await in_session(place)
        await place.engine.set_muted("hearing", identity="party", source="microphone", muted=True, by="judge")
        await stands_still(judge, notebook, "microphone")
        await judge.sees("party", "camera")
        await place.engine.set_self_muted(party.seat, source="microphone", muted=False)
        await stands_still(judge, notebook, "microphone")  # the person cannot lift it
        await place.engine.set_muted(
            "hearing", identity="party", source="microphone", muted=False, by="judge"
        )
        await judge.sees("party", "microphone")
        told = [(event.muted, event.by_court, event.by) for event in place.of(TrackMuted)]
        assert told == [(True, True, "judge"), (False, True, "judge")]
        assert ("microphone", "muted") in notebook.events
        assert ("microphone", "unmuted") in notebook.events


async def test_mute__when_published_later_or_anew__then_the_courts_mute_still_holds() -> None:
    async with house() as place:
        judge, party, notebook = await in_session(place)
        await place.engine.set_muted("hearing", identity="party", source="camera", muted=True, by="judge")
        await party.publish()
        await judge.sees("party", "microphone")
        await stands_still(judge, notebook, "camera")


@both_paths
async def test_hold__when_the_room_is_held__then_nothing_leaves_it_until_it_is_released() -> None:
    async with house() as place:
        judge, _party, notebook = await in_session(place)
        await place.engine.hold_room("hearing", held=True)
        for source in ("microphone", "camera"):
            await stands_still(judge, notebook, source)
        await place.engine.hold_room("hearing", held=False)
        await judge.sees("party", "microphone", "camera")
        assert notebook.events.count(("camera", "held")) == 1
        assert notebook.events.count(("camera", "released")) == 1


@both_paths
async def test_remove__when_an_identity_is_removed__then_it_is_cut_and_refused_until_readmitted() -> None:
    async with house() as place:
        judge, party, notebook = await in_session(place)
        await place.engine.remove("hearing", identity="party", reason="disorder")
        await stands_still(judge, notebook, "camera")
        assert [event.reason for event in place.of(ParticipantLeft)] == ["disorder"]
        assert {event.reason for event in place.of(TrackUnpublished)} == {"disorder"}
        assert set(notebook.ended) == {"disorder"}
        with pytest.raises(SignalingError) as refused:
            await place.engine.publish(party.seat, sdp="v=0", sources={})
        assert refused.value.code == "seat.unknown"
        with pytest.raises(SignalingError) as refused:
            await party.join()
        assert refused.value.code == "seat.removed"
        await place.engine.readmit("hearing", identity="party")
        await party.join()


async def test_prefer__when_a_viewer_wants_no_picture__then_only_its_voice_comes() -> None:
    async with house() as place:
        judge, _party, _notebook = await in_session(place)
        await place.engine.prefer(judge.seat, identity="party", source="camera", max_height_px=0)
        await asyncio.sleep(0.3)
        before = judge.frames("party", "camera")
        await judge.sees("party", "microphone", more=20)
        assert judge.frames("party", "camera") - before <= 1
        await place.engine.prefer(judge.seat, identity="party", source="camera", max_height_px=360)
        await judge.sees("party", "camera")


async def test_sink__when_a_party_publishes__then_every_track_is_named_and_reported() -> None:
    async with house() as place:
        _judge, _party, notebook = await in_session(place)
        tracks = {track.source: track for track in notebook.tracks.values()}
        assert (tracks["camera"].codec, tracks["camera"].clock_rate_hz) == ("VP8", 90000)
        assert (tracks["microphone"].codec, tracks["microphone"].layer) == ("opus", None)
        await until(lambda: notebook.reports > 0)


async def test_grant__when_a_source_is_not_granted__then_publishing_it_is_refused() -> None:
    async with house() as place:
        party = await place.join("party", may_publish=frozenset({"microphone"}))
        with pytest.raises(SignalingError) as refused:
            await party.publish()
        assert refused.value.code == "publish.not_allowed"
