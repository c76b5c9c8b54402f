"""People of the browser story: real Chromium processes with a camera and a microphone of our own making."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Locator, Page, Playwright, async_playwright

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
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
DEVICES = Path(__file__).with_name("synthetic_devices.js")

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PATIENCE_MS = 45_000


@dataclass(frozen=True, slots=True)
class Source:
    """What a person's camera and microphone deliver: a bust before a colour, and beeps of one pitch on its flashes."""

    pitch_hz: int
    colour: str
    skin: str = "#d9b08c"
    size: tuple[int, int] = (320, 240)
    rate_hz: int = 15
    beat_s: float = 0.2
    has_flash: bool = True

    def script(self) -> str:
        """The init script of a page that shall have this camera and microphone."""
        values = {
            "pitchHz": self.pitch_hz,
            "colour": self.colour,
            "skin": self.skin,
            "width": self.size[0],
            "height": self.size[1],
            "rateHz": self.rate_hz,
            "beatS": self.beat_s,
            "hasFlash": self.has_flash,
        }
        return f"window.__source = {json.dumps(values)};\n{DEVICES.read_text()}"

    @property
    def rgb(self) -> tuple[int, int, int]:
        return int(self.colour[1:3], 16), int(self.colour[3:5], 16), int(self.colour[5:7], 16)


class Browsers:
    """Chromium processes; each `process()` is one of its own, as on three machines."""

    def __init__(self, playwright: Playwright, url: str) -> None:
        self._playwright = playwright
        self._url = url
        self._processes: list[Browser] = []

    async def process(self, *flags: str) -> Browser:
        browser = await self._playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        self._processes.append(browser)
        return browser

    async def page(
        self, browser: Browser, form: dict[str, Any], *, source: Source | None = None, locale: str = "zh-CN"
    ) -> Page:
        """A page of its own session (cookies, storage), as large as a phone or a desk."""
        context: BrowserContext = await browser.new_context(
            base_url=self._url,
            locale=locale,
            timezone_id="Asia/Shanghai",
            permissions=["camera", "microphone"],
            **form,
        )
        context.set_default_timeout(PATIENCE_MS)
        if source is not None:
            await context.add_init_script(source.script())
        return await context.new_page()

    async def close(self) -> None:
        await asyncio.gather(*(browser.close() for browser in self._processes))


@asynccontextmanager
async def browsers(url: str) -> AsyncIterator[Browsers]:
    async with async_playwright() as playwright:
        built = Browsers(playwright, url)
        try:
            yield built
        finally:
            await built.close()


async def until(condition: Callable[[], Awaitable[Any]], what: str, *, timeout_s: float = 45.0) -> Any:
    """Ask again until the awaited answer is true; the answer. A sentence says what was waited for in vain."""
    last: Any = None
    try:
        async with asyncio.timeout(timeout_s):
            while not (last := await condition()):  # noqa: ASYNC110 - the browser is asked, nothing rings here
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(
            f"waited {timeout_s:.0f} s in vain for: {what} (last answer: {last!r})"
        ) from None
    return last


def person(page: Page, plate: str) -> Locator:
    """The tile of a person on the stage, by role and name, e.g. `原告 方晴`."""
    return page.get_by_role("article", name=plate, exact=True)


_LOOK = """(video, wanted) => new Promise((resolve) => {
    const seen = [];
    const pen = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
    const look = () => {
        pen.drawImage(video, 0, 0, 8, 8);
        seen.push([...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
        if (seen.length < wanted) video.requestVideoFrameCallback(look);
        else resolve({ width: video.videoWidth, height: video.videoHeight, corner: seen });
    };
    video.requestVideoFrameCallback(look);
})"""


@dataclass(frozen=True, slots=True)
class Look:
    """What a page really decoded of somebody: size in pixels and the usual colour of the picture's corner."""

    width: int
    height: int
    corner: tuple[int, int, int]


async def sees(page: Page, plate: str, *, frames: int = 8) -> Look:
    """Wait for that many further decoded frames of a person's tile."""
    video = person(page, plate).locator("video")
    found = await asyncio.wait_for(video.evaluate(_LOOK, frames), PATIENCE_MS / 1000)
    corners = sorted(tuple(corner) for corner in found["corner"])
    return Look(found["width"], found["height"], corners[len(corners) // 4])  # flashes sort last


_HEAR = """async ({ pitches, forMs }) => {
    const context = new AudioContext();
    await context.resume();
    const ears = [...document.querySelectorAll("audio")].filter((one) => one.srcObject && !one.paused).map((one) => {
        const ear = new AnalyserNode(context, { fftSize: 2048, smoothingTimeConstant: 0 });
        context.createMediaStreamSource(one.srcObject).connect(ear);
        return ear;
    });
    const loudest = pitches.map(() => -120);
    const until = performance.now() + forMs;
    while (performance.now() < until) {
        for (const ear of ears) {
            const bins = new Float32Array(ear.frequencyBinCount);
            ear.getFloatFrequencyData(bins);
            pitches.forEach((pitch, n) => {
                const bin = Math.round((pitch * ear.fftSize) / context.sampleRate);
                loudest[n] = Math.max(loudest[n], bins[bin]);
            });
        }
        await new Promise((resume) => setTimeout(resume, 20));
    }
    await context.close();
    return loudest;
}"""
# A voice through Opus lies around -25 dB in its bin, an empty line below -90.
AUDIBLE_DB = -60.0


async def hears(page: Page, pitches: list[int], *, for_s: float = 1.3) -> set[int]:
    """The pitches that sound in the page's playing voices within a little more than one beat."""
    loudest = await page.evaluate(_HEAR, {"pitches": pitches, "forMs": for_s * 1000})
    return {pitch for pitch, level in zip(pitches, loudest, strict=True) if level > AUDIBLE_DB}
