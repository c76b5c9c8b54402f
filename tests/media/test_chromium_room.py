"""Two pages of a real Chromium in one room: simulcast out, decoded pictures in, through the real engine."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from signaling.engine import MediaEngine
from signaling.events import RoomEvent, SubscriptionOffered
from signaling.negotiation import OFFERED_RED
from signaling.paths.ice import IceAgent
from tests.media.notebook import Notebook
from tests.media.robots import both_paths, grant, settings, until

pytestmark = pytest.mark.browser

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
PAGE = Path(__file__).with_name("chromium_room.html")


class Desk:
    """HTTP in front of one engine: the smallest signalling that works."""

    def __init__(self) -> None:
        self.engine: MediaEngine
        self.offers: dict[str, asyncio.Queue[SubscriptionOffered]] = {}
        self.url = ""
        self.alter: Callable[[str], str] = lambda sdp: sdp  # what reaches the browsers
        self.hear: Callable[[RoomEvent], object] = lambda event: None

    async def on_event(self, event: RoomEvent) -> None:
        self.hear(event)
        if isinstance(event, SubscriptionOffered):
            self.offers.setdefault(event.seat, asyncio.Queue()).put_nowait(event)

    async def join(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        joined = await self.engine.join(grant(body["identity"]))
        return web.json_response({"seat": joined.seat})

    async def publish(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        sdp = await self.engine.publish(body["seat"], sdp=body["sdp"], sources=body["sources"])
        return web.json_response({"sdp": self.alter(sdp)})

    async def next_offer(self, request: web.Request) -> web.Response:
        queue = self.offers.setdefault(json.loads(await request.text())["seat"], asyncio.Queue())
        try:
            offer = await asyncio.wait_for(queue.get(), 1.0)
        except TimeoutError:
            return web.json_response({})
        return web.json_response(
            {
                "version": offer.version,
                "sdp": self.alter(offer.sdp),
                "tracks": [asdict(track) for track in offer.tracks],
            }
        )

    async def answer(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        await self.engine.answer(body["seat"], version=body["version"], sdp=body["sdp"])
        return web.json_response({})


@asynccontextmanager
async def desk(*flags: str, **changes: Any) -> AsyncIterator[tuple[Desk, Browser]]:
    """`flags` for the browser, `changes` to the engine's settings."""
    built = Desk()
    built.engine = await MediaEngine.start(settings(**changes), on_event=built.on_event)
    await built.engine.open_room("hearing")
    app = web.Application()
    app.router.add_get("/", _page)
    for path, handler in (("/join", built.join), ("/publish", built.publish), ("/offers", built.next_offer)):
        app.router.add_post(path, handler)
    app.router.add_post("/answer", built.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    built.url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
            try:
                yield built, browser
            finally:
                await browser.close()
    finally:
        await runner.cleanup()
        await built.engine.stop()


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text=PAGE.read_text(), content_type="text/html")


async def seated(place: Desk, browser: Browser, identity: str) -> Page:
    page = await browser.new_page()
    await page.goto(place.url)
    await page.evaluate("identity => join(identity)", identity)
    return page


async def sees(page: Page, *, frames: int = 15, timeout_s: float = 30.0) -> dict[str, Any]:
    """Wait for that many further decoded pictures and for sound; returns the receiving side's figures."""
    before = (await page.evaluate("received()")).get("video", {}).get("frames", 0)
    async with asyncio.timeout(timeout_s):
        while True:
            found: dict[str, Any] = await page.evaluate("received()")
            video, audio = found.get("video", {}), found.get("audio", {})
            if (video.get("frames") or 0) >= before + frames and (audio.get("energy") or 0) > 0:
                return found
            await asyncio.sleep(0.2)


@both_paths
async def test_chromium__when_a_page_publishes_simulcast__then_another_decodes_it_and_ice_restart_keeps_it() -> (
    None
):
    async with desk() as (place, browser):
        party = await seated(place, browser, "party")
        judge = await seated(place, browser, "judge")
        await party.evaluate("publish(true)")
        found = await sees(judge)
        assert found["audio"]["packets"] > 10
        assert found["video"]["height"] in (240, 480)
        layers = await party.evaluate("sent()")
        assert {layer["rid"] for layer in layers} == {"h", "f"}

        seat = await judge.evaluate("seat")
        for height_px in (240, 480, 240):  # layers are switched under one running decoder
            await place.engine.prefer(seat, identity="party", source="camera", max_height_px=height_px)
            async with asyncio.timeout(20):
                while (await judge.evaluate("received()"))["video"]["height"] != height_px:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            found = await sees(judge)
            assert found["video"]["height"] == height_px
        assert found["video"]["lost"] < 3, "the switches left holes in the viewer's sequence"

        await party.evaluate("restartSending()")
        await sees(judge)

        await place.engine.restart_subscription(await judge.evaluate("seat"))
        await asyncio.sleep(1)
        await sees(judge)
        agent = _agent(place, "judge")
        assert agent.credentials.ufrag in await judge.evaluate("watching.remoteDescription.sdp")
        assert agent.previous is None, "the old credentials must die once the new ones were used"
        await _proves_its_address(agent)
        publisher = place.engine._rooms["hearing"].participants["party"].publisher
        assert publisher is not None
        await _proves_its_address(publisher.transport.agent)

        seat = await party.evaluate("seat")
        await place.engine.unpublish(seat, source="camera")
        await party.evaluate("restartSending()")  # published again: the judge's m-line is used a second time
        await sees(judge)
        assert await judge.evaluate("watching.getTransceivers().length") == 2
        assert place.engine.stats().failed_packets < 50


def _agent(place: Desk, identity: str) -> IceAgent:
    viewer = place.engine._rooms["hearing"].participants[identity].viewer
    assert viewer is not None
    return viewer.transport.agent


async def _proves_its_address(agent: IceAgent) -> None:
    """The browser answers a check of ours, as it must before media follows it to another network."""
    path = agent.selected
    assert path is not None
    assert path.is_proven
    path.is_proven = False
    agent.follow(path, time.monotonic_ns())
    await until(lambda: path.is_proven, timeout_s=5)


def _publisher_rtt_ms(place: Desk, identity: str) -> float | None:
    publisher = place.engine._rooms["hearing"].participants[identity].publisher
    return publisher.rtt_ms if publisher is not None else None


async def test_chromium__when_udp_is_blocked_and_voices_are_redundant__then_all_comes_over_tcp() -> None:
    async with desk(accept_red=True) as (place, browser):
        notebook = Notebook()
        await place.engine.attach_sink("hearing", notebook)
        place.alter = lambda sdp: re.sub(r"a=candidate:\S+ 1 udp [^\r]*\r\n", "", sdp)
        party = await seated(place, browser, "party")
        judge = await seated(place, browser, "judge")
        await party.evaluate("publish(false)")
        await sees(judge)
        snapshot = await place.engine.snapshot("hearing")
        assert {person.facts.transport for person in snapshot.participants} == {"tcp"}
        await until(lambda: _publisher_rtt_ms(place, "party") is not None)  # who only sends is measured, too
        voice = next(track for track in notebook.tracks.values() if track.source == "microphone")
        assert voice.red_payload_type is not None
        assert notebook.payload_types["microphone"] == {voice.red_payload_type}
        # The judge's browser takes RED as well; nothing else goes out, and it is heard.
        leg = place.engine._rooms["hearing"].participants["party"].publications["microphone"].legs[0]
        assert leg.rewriter.redundancy == OFFERED_RED
        packets = leg.rewriter.packets_sent
        heard = await sees(judge)
        assert leg.rewriter.packets_sent > packets
        assert heard["audio"]["concealed"] < 0.2 * heard["audio"]["samples"]
