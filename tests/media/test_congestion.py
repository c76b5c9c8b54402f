"""A real Chromium on lines that are thin or lose packets: what it sends, what it is sent, what is recorded."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page

from hearing_server.robots.network.conditions import TRANSPARENT, OneWay
from hearing_server.robots.network.relay import Relay
from recorder.codecs.frame_formats import red_blocks
from signaling.rtp.header import parse_header
from signaling.rtp.rewriter import ALL_TEMPORAL_LAYERS
from signaling.sink import TrackInfo
from signaling.watching.viewer import Viewer
from tests.media.notebook import Notebook
from tests.media.robots import until
from tests.media.test_chromium_room import Desk, desk, seated, sees

pytestmark = pytest.mark.browser

FRAME_TICKS = 960  # 20 ms of Opus
FIGURES = """async () => {
  const found = {};
  for (const [side, connection] of [["up", sending], ["down", watching]])
    if (connection) for (const report of (await connection.getStats()).values()) {
      if (report.type === "candidate-pair" && report.nominated) found[`${side}_bps`] = report.availableOutgoingBitrate;
      if (report.type === "outbound-rtp" && report.kind === "audio") found.repeated = report.retransmittedPacketsSent;
      if (report.type === "inbound-rtp" && report.kind === "audio") found.asked = report.nackCount;
    }
  return found;
}"""


@asynccontextmanager
async def two_pages(**changes: Any) -> AsyncIterator[tuple[Desk, Relay, Page, Page]]:
    """A party in two layers and a judge who sees it, on one line."""
    async with desk(**changes) as (place, browser):
        relay = Relay(seed=5)
        await relay.start(place.engine.udp_port)
        place.alter = relay.through
        try:
            party = await seated(place, browser, "party")
            judge = await seated(place, browser, "judge")
            await party.evaluate("publish(true)")
            await sees(judge)
            yield place, relay, party, judge
        finally:
            await relay.stop()


async def becomes(
    page: Page, ask: str, is_so: Callable[[dict[str, Any]], bool], *, timeout_s: float
) -> dict[str, Any]:
    """Wait until what the page says of itself satisfies."""
    found: dict[str, Any] = {}
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                found = await page.evaluate(ask)
                if is_so(found):
                    return found
                await asyncio.sleep(0.25)
    except TimeoutError:
        pytest.fail(f"it never came so far: {found}")


def viewer_of(place: Desk, identity: str) -> Viewer:
    viewer = place.engine._rooms["hearing"].participants[identity].viewer
    assert viewer is not None
    return viewer


@pytest.mark.parametrize("native", [False, True])
async def test_line_of_a_viewer__when_it_becomes_thin__then_the_picture_shrinks_and_voices_go_on(
    native: bool,
) -> None:
    async with two_pages(native=native) as (place, relay, _party, judge):
        await becomes(judge, "received()", lambda it: it["video"]["height"] == 480, timeout_s=15)
        estimate = viewer_of(place, "judge").estimate
        assert estimate.is_live, "no feedback came from the browser"
        relay.change(down=OneWay(rate_bps=400_000, buffer_ms=400))
        await becomes(judge, "received()", lambda it: it["video"]["height"] == 240, timeout_s=15)
        assert estimate.limit_bps < 600_000
        before = (await judge.evaluate("received()"))["audio"]
        await asyncio.sleep(3)
        after = (await judge.evaluate("received()"))["audio"]
        heard = after["samples"] - before["samples"]
        assert after["concealed"] - before["concealed"] < 0.2 * heard, "the voice suffers from the picture"
        await until(lambda: estimate.path.queue_ms < 150)  # it swings; what must not be is that it stands


@pytest.mark.slow
async def test_line_of_a_viewer__when_it_recovers__then_probes_bring_the_better_picture_back() -> None:
    async with two_pages() as (place, relay, _party, judge):
        await becomes(judge, "received()", lambda it: it["video"]["height"] == 480, timeout_s=15)
        relay.change(down=OneWay(rate_bps=400_000))
        await becomes(judge, "received()", lambda it: it["video"]["height"] == 240, timeout_s=15)
        relay.change(down=TRANSPARENT)
        viewer = viewer_of(place, "judge")
        slot = next(slot for slot in viewer.slots if slot.kind == "video")
        # Every picture per second of the large layer is more than half as much again as what was sent before.
        await until(lambda: slot.height_px == 480 and slot.max_temporal == ALL_TEMPORAL_LAYERS, timeout_s=60)
        assert viewer.estimate.path.probes.passed > 0


async def test_line_of_a_publisher__when_it_becomes_thin__then_the_browser_sends_less() -> None:
    async with two_pages() as (_place, relay, party, judge):
        await becomes(party, FIGURES, lambda it: (it.get("up_bps") or 0) >= 800_000, timeout_s=15)
        relay.change(up=OneWay(rate_bps=300_000))
        await becomes(party, FIGURES, lambda it: it.get("up_bps", 1e9) < 600_000, timeout_s=20)
        await sees(judge)


class Listener(Notebook):
    """Which 20 ms frames of a voice reached the record, RED included."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: set[int] = set()
        self.voice: TrackInfo | None = None

    def track_started(self, track: TrackInfo, at_ns: int) -> None:
        super().track_started(track, at_ns)
        if track.source == "microphone":
            self.voice = track

    def packet(self, track_id: str, packet: bytes, at_ns: int) -> None:
        super().packet(track_id, packet, at_ns)
        header = parse_header(packet)
        if self.voice is None or track_id != self.voice.track_id or header is None:
            return
        self.frames.add(header.timestamp)
        if header.payload_type == self.voice.red_payload_type:
            blocks = red_blocks(packet[header.payload_start : header.payload_end]) or []
            self.frames |= {header.timestamp - back for back, data in blocks if data}

    @property
    def share(self) -> float:
        """Of the frames between the first and the last heard."""
        expected = (max(self.frames) - min(self.frames)) // FRAME_TICKS + 1
        return len(self.frames) / expected


async def test_voice__when_a_tenth_and_bursts_of_300_ms_are_lost__then_it_is_recorded_and_repaired() -> None:
    async with two_pages() as (place, relay, party, judge):
        listener = Listener()
        await place.engine.attach_sink("hearing", listener)
        bad = OneWay(loss_share=0.1, burst_ms=300, burst_every_ms=4000, is_media_only=True)
        relay.change(up=bad, down=bad)
        await asyncio.sleep(12)
        relay.change(up=TRANSPARENT, down=TRANSPARENT)
        await asyncio.sleep(1.5)
        assert relay.counts("up")["burst"] > 0
        assert len(listener.frames) > 500
        assert listener.share >= 0.99
        assert (await party.evaluate(FIGURES))["repeated"] > 0, "the browser answered no request for a voice"
        assert (await judge.evaluate(FIGURES))["asked"] > 0, "the browser asked for no lost voice"
        leg = place.engine._rooms["hearing"].participants["party"].publications["microphone"].legs[0]
        assert leg.rewriter.retransmitted > 0
