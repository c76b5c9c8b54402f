"""What a room says about itself while real connections publish and watch in it."""

import pytest

from signaling.events import ConnectionFacts, ConnectionState, PathsMeasured
from signaling.rooms.measures import PersonMeasures, RoomMeasures
from tests.media.robots import House, Tone, house, until


def person(measures: RoomMeasures, identity: str) -> PersonMeasures:
    return next(each for each in measures.people if each.identity == identity)


def told(built: House, identity: str) -> list[ConnectionFacts]:
    """What was said of somebody's path so far."""
    return [facts for each in built.of(PathsMeasured) for name, facts in each.paths if name == identity]


async def seated(built: House) -> None:
    """A judge who watches, a party who speaks and shows."""
    party, judge = await built.join("party"), await built.join("judge")
    await party.publish()
    await judge.sees("party", "camera", "microphone", more=2)


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
async def test_room__when_one_publishes_and_one_watches__then_measured_down_to_the_track(
    native: bool,
) -> None:
    async with house(native=native, residence_sample=3, facts_interval_s=0.5) as built:
        await seated(built)
        await until(lambda: any(each.down_height_px for each in told(built, "judge")))
        await until(lambda: built.engine.stats().residence.total >= 20)
        await until(lambda: any(each.up_bps for each in told(built, "party")))
        measures = await built.engine.measures("hearing")
        party, judge = person(measures, "party"), person(measures, "judge")
        camera = next(track for track in party.published if track.source == "camera")
        assert camera.flows
        assert camera.codec == "VP8"
        assert camera.layers[0].height_px == 120
        assert camera.layers[0].packets > 0
        assert camera.layers[0].bps > 0
        watched = {track.source: track for track in judge.watched}
        assert watched["camera"].sending
        assert watched["camera"].height_px == 120
        assert 0 < watched["microphone"].packets <= built.engine.stats().forwarded_packets
        assert party.facts.up_bps > 0
        assert party.facts.up_height_px == 120
        assert party.facts.jitter_ms is not None
        assert judge.facts.down_height_px == 120
        assert party.state is ConnectionState.CONNECTED


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
async def test_residence__when_packets_are_forwarded__then_the_paced_reading_is_inside_it(
    native: bool,
) -> None:
    async with house(native=native, residence_sample=3, read_pause_s=0.02, native_read_pause_s=0.02) as built:
        await seated(built)
        await until(lambda: built.engine.stats().residence.total >= 50)
        stats = built.engine.stats()
        slowest_ms = stats.residence.quantile_ms(0.99)
        assert slowest_ms is not None
        assert slowest_ms > 5, (
            "packets wait up to 20 ms to be read; a clock that starts after reading hides it"
        )
        assert stats.worst_room_ms is not None


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
async def test_residence__when_nobody_watches__then_nothing_is_counted(native: bool) -> None:
    async with house(native=native, residence_sample=1) as built:
        party = await built.join("party")
        await party.publish(audio=Tone())
        await until(lambda: built.engine.stats().traffic.packets_in > 30)
        assert built.engine.stats().residence.total == 0


@pytest.mark.parametrize("native", [False, True], ids=["pure", "native"])
async def test_totals__when_a_room_closes__then_the_engine_keeps_counting_from_there(native: bool) -> None:
    async with house(native=native, residence_sample=3) as built:
        await seated(built)
        await until(lambda: built.engine.stats().traffic.packets_out > 30)
        await until(lambda: built.engine.stats().residence.total > 5)
        measures = await built.engine.measures("hearing")
        assert {each.identity for each in measures.totals} == {"party", "judge"}
        assert sum(each.traffic.packets_in for each in measures.totals) == measures.traffic.packets_in
        before = built.engine.stats()
        await built.engine.close_room("hearing", reason="closed")
        after = built.engine.stats()
        assert after.residence.total >= before.residence.total
        assert after.traffic.packets_in >= before.traffic.packets_in
        assert native or after.worst_room_ms is None, "the thread keeps one histogram for all rooms"
        assert after.people == {}
