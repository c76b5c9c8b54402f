"""The same seat again: reloaded pages, fresh connections, grants that may be used once."""

import asyncio

import pytest

from signaling.errors import SignalingError
from signaling.events import (
    ConnectionChanged,
    ConnectionState,
    SeatReplaced,
    SubscriptionOffered,
    TrackPublished,
)
from tests.media.robots import Robot, both_paths, grant, house, until


@both_paths
async def test_publish__when_the_connection_is_made_anew__then_viewers_go_on_without_negotiating() -> None:
    async with house() as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "microphone", "camera")
        offers = len(place.of(SubscriptionOffered))
        await party.publish()
        await judge.sees("party", "microphone", "camera", more=15)
        assert len(place.of(SubscriptionOffered)) == offers
        assert len(place.of(TrackPublished)) == 2


@both_paths
async def test_join__when_the_same_browser_comes_back__then_it_gets_its_seat_its_tracks_and_its_pictures() -> (
    None
):
    async with house() as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.publish()
        await judge.sees("party", "microphone", "camera")
        await party.sees("judge", "microphone", "camera")

        again = Robot(place, "party")  # the page was reloaded: new connections, same seat key
        place.robots.append(again)
        old_seat = party.seat
        await again.join()
        await again.publish()
        await again.sees("judge", "microphone", "camera")
        await judge.sees("party", "microphone", "camera")
        assert [(event.seat, event.by_seat) for event in place.of(SeatReplaced)] == [(old_seat, again.seat)]
        with pytest.raises(SignalingError) as refused:
            await place.engine.leave(old_seat, reason="late goodbye of the old page")
        assert refused.value.code == "seat.unknown"
        assert len((await place.engine.snapshot("hearing")).participants) == 2


async def test_join__when_another_browser_claims_the_identity__then_the_seat_is_taken() -> None:
    async with house() as place:
        await place.join("party")
        with pytest.raises(SignalingError) as refused:
            await place.engine.join(grant("party", seat_key="another-key"))
        assert refused.value.code == "seat.taken"


async def test_join__when_the_browser_died_and_another_signs_in__then_the_deserted_seat_is_taken_over() -> (
    None
):
    async with house(lost_s=1.0) as place:
        judge = await place.join("judge")
        dead = await place.join("party")
        await dead.publish()
        await judge.sees("party", "camera")
        assert dead.sending is not None
        await dead.close()
        with pytest.raises(SignalingError) as refused:
            await place.engine.join(grant("party", seat_key="the-new-browser"))
        assert refused.value.code == "seat.taken"
        await until(
            lambda: any(
                event.identity == "party" and event.state == ConnectionState.LOST
                for event in place.of(ConnectionChanged)
            )
        )
        await place.engine.join(grant("party", seat_key="the-new-browser"))
        assert len((await place.engine.snapshot("hearing")).participants) == 2


async def test_join__when_a_grant_is_used_twice__then_the_second_is_refused() -> None:
    async with house() as place:
        token = grant("party")
        await place.engine.join(token)
        with pytest.raises(SignalingError) as refused:
            await place.engine.join(token)
        assert refused.value.code == "grant.used"


@both_paths
async def test_watch__when_the_subscription_is_restarted_on_a_fresh_connection__then_pictures_come_back() -> (
    None
):
    async with house() as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "camera")
        assert judge.watching is not None
        await judge.watching.close()
        judge.watching = None
        judge.watched.clear()
        await place.engine.restart_subscription(judge.seat)
        await judge.sees("party", "microphone", "camera")


async def test_sections__when_people_come_and_go__then_m_lines_are_used_again() -> None:
    async with house() as place:
        judge = await place.join("judge")
        for name in ("first", "second", "third"):
            party = await place.join(name)
            await party.publish()
            await judge.sees(name, "camera")
            await place.engine.leave(party.seat, reason="left")
            await until(lambda: place.of(SubscriptionOffered)[-1].tracks == ())
            await until(judge.offers.empty)
            await asyncio.sleep(0.1)
            judge.watched.clear()
        last = place.of(SubscriptionOffered)[-1]
        assert last.sdp.count("m=") == 2


async def test_unpublish__when_one_source_stops__then_the_other_goes_on() -> None:
    async with house() as place:
        judge, party = await place.join("judge"), await place.join("party")
        await party.publish()
        await judge.sees("party", "microphone", "camera")
        await place.engine.unpublish(party.seat, source="camera")
        before = judge.frames("party", "camera")
        await judge.sees("party", "microphone", more=20)
        assert judge.frames("party", "camera") - before <= 2
