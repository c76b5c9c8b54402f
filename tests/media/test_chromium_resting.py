"""A real Chromium whose simulcast layers rest while nobody watches them, and come back into a running decoder."""

import asyncio
from collections.abc import Callable

import pytest
from playwright.async_api import Page

from signaling.events import LayersWanted, RoomEvent
from tests.media.notebook import Notebook
from tests.media.test_chromium_room import Desk, desk, seated, sees

pytestmark = pytest.mark.browser

OBEY = """rids => {
  const sender = sending.getTransceivers()[1].sender, parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = rids === null || rids.includes(encoding.rid);
  return sender.setParameters(parameters);
}"""


class Obedient:
    """Passes the room's word about layers on to the page that sends."""

    def __init__(self, page: Page, seat: str) -> None:
        self.told: list[tuple[str, ...] | None] = []
        self._page = page
        self._seat = seat
        self._tasks: set[asyncio.Task[object]] = set()

    def hear(self, event: RoomEvent) -> None:
        if isinstance(event, LayersWanted) and event.seat == self._seat:
            self.told.append(event.rids)
            rids = None if event.rids is None else list(event.rids)
            task: asyncio.Task[object] = asyncio.create_task(self._page.evaluate(OBEY, rids))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)


async def sent_frames(page: Page) -> dict[str, int]:
    return {layer["rid"]: layer["frames"] or 0 for layer in await page.evaluate("sent()")}


async def until_true(condition: Callable[[], object], *, timeout_s: float = 15.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110 - what pages do has no event here
            await asyncio.sleep(0.05)


async def height_becomes(page: Page, height_px: int) -> None:
    async with asyncio.timeout(15):
        while (await page.evaluate("received()")).get("video", {}).get("height") != height_px:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def streams(place: Desk) -> dict[str | None, int]:
    """SSRC of each layer of the party's camera."""
    camera = place.engine._rooms["hearing"].participants["party"].publications["camera"]
    return {rid: layer.stream.ssrc for rid, layer in camera.layers.items()}


async def rests(page: Page) -> bool:
    """Within half a second the small layer is sent and the large one is not. A loaded browser obeys late."""
    before = await sent_frames(page)
    await asyncio.sleep(0.5)
    after = await sent_frames(page)
    return after["f"] - before["f"] <= 2 and after["h"] > before["h"]


async def test_chromium__when_layers_rest_and_are_wanted_again__then_the_picture_goes_on_without_a_hole() -> (
    None
):
    async with desk(layer_pause_s=0.5) as (place, browser):
        party = await seated(place, browser, "party")
        judge = await seated(place, browser, "judge")
        obedient = Obedient(party, await party.evaluate("seat"))
        place.hear = obedient.hear
        await party.evaluate("publish(true)")
        await sees(judge)
        seat = await judge.evaluate("seat")
        await place.engine.prefer(seat, identity="party", source="camera", max_height_px=240)
        await until_true(lambda: obedient.told[-1:] == [("h",)])
        await height_becomes(judge, 240)
        known = streams(place)
        async with asyncio.timeout(15):
            while not await rests(party):  # each look takes half a second
                pass
        found = await sees(judge)

        await place.engine.prefer(seat, identity="party", source="camera", max_height_px=480)
        await until_true(lambda: obedient.told[-1] is None)
        await height_becomes(judge, 480)
        await place.engine.prefer(seat, identity="party", source="camera", max_height_px=0)
        await until_true(lambda: obedient.told[-1] == ())
        await place.engine.prefer(seat, identity="party", source="camera", max_height_px=480)
        await height_becomes(judge, 480)
        found = await sees(judge)
        assert found["video"]["lost"] < 3, "resting left holes in the viewer's sequence"
        assert streams(place) == known, "the layers are the same streams as before"

        # A recorder needs the best, whatever viewers watch; a party at rest is not silent.
        await place.engine.prefer(seat, identity="party", source="camera", max_height_px=240)
        await until_true(lambda: obedient.told[-1] == ("h",))
        notebook = Notebook()
        await place.engine.attach_sink("hearing", notebook)
        await until_true(lambda: obedient.told[-1] is None)
        await sees(judge)
        snapshot = await place.engine.snapshot("hearing")
        assert {person.connection.value for person in snapshot.participants} == {"connected"}
