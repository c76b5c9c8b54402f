"""What a newcomer waits for before the first picture, and what not."""

import asyncio

from signaling.engine import MediaEngine
from signaling.events import ParticipantJoined, RoomEvent, SubscriptionOffered, TrackPublished
from tests.media.robots import House, Robot, both_paths, house, settings


async def test_offer__when_the_court_still_writes_down_who_came__then_it_does_not_wait() -> None:
    place, is_written = House(), asyncio.Event()
    words: asyncio.Queue[SubscriptionOffered] = asyncio.Queue()

    async def slow_court(event: RoomEvent) -> None:
        if isinstance(event, ParticipantJoined | TrackPublished):
            await is_written.wait()
        elif isinstance(event, SubscriptionOffered):
            words.put_nowait(event)

    place.engine = await MediaEngine.start(settings(), on_event=slow_court)
    try:
        await place.engine.open_room("hearing")
        speaker, watcher = Robot(place, "speaker"), Robot(place, "watcher")
        await speaker.join()
        await speaker.publish()
        await watcher.join()
        async with asyncio.timeout(5):
            while (await words.get()).seat != watcher.seat:
                continue
        assert not is_written.is_set()
    finally:
        is_written.set()
        await asyncio.gather(*(each.close() for each in (speaker, watcher)))
        await place.engine.stop()


@both_paths
async def test_first_picture__when_a_key_frame_came_a_moment_ago__then_the_cache_begins_it(path: str) -> None:
    async with house() as place:
        speaker = await place.join("speaker")
        first = await place.join("first")
        await speaker.publish()
        await first.sees("speaker", "camera")
        before = place.engine.stats().starts
        second = await place.join("second")
        await second.sees("speaker", "camera", more=1)
        after = place.engine.stats().starts
        assert (after.cached - before.cached, after.asked - before.asked) == (1, 0)
