"""The judge's real page in Chromium for `bench.join`: from the click on 进入法庭 to the first painted picture."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Page, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
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
PATIENCE_MS = 20_000
DOOR_MS = 2_000  # somebody at a door looks at it; meanwhile the page has opened its sockets

# Notes the last click, and the first frame painted afterwards in the tile of the person asked for.
_WATCH = """name => {
    window.__seen = new Promise((resolve) => {
        let clicked = 0;
        document.addEventListener("click", () => { clicked = performance.now(); }, true);
        const known = new WeakSet();
        const look = () => {
            for (const tile of document.querySelectorAll("article")) {
                const label = tile.getAttribute("aria-label") ?? tile.textContent ?? "";
                const video = tile.querySelector("video");
                if (!label.includes(name) || !video || known.has(video)) continue;
                known.add(video);
                video.requestVideoFrameCallback((now) => resolve(now - clicked));
            }
            requestAnimationFrame(look);
        };
        look();
    });
}"""

# Every description of the server leads the page to another port of this machine, and to no TCP unless it is kept.
_DETOUR = """([port, keepsTcp]) => {
    const original = RTCPeerConnection.prototype.setRemoteDescription;
    RTCPeerConnection.prototype.setRemoteDescription = function (description) {
        const sdp = (keepsTcp ? description.sdp : description.sdp.replace(/a=candidate:\\S+ \\d+ tcp [^\\n]*\\n/gi, ""))
            .replace(/(a=candidate:\\S+ \\d+ udp \\d+) \\S+ \\d+ typ host/gi, `$1 127.0.0.1 ${port} typ host`);
        return original.call(this, { type: description.type, sdp });
    };
}"""


@asynccontextmanager
async def judge_page(
    url: str, username: str, password: str, media_port: int | None = None, *, keeps_tcp: bool = False
) -> AsyncIterator[Page]:
    """A signed-in judge with a synthetic camera and microphone; `media_port`: where its UDP goes instead."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            context = await browser.new_context(
                base_url=url, locale="zh-CN", permissions=["camera", "microphone"]
            )
            context.set_default_timeout(PATIENCE_MS)
            page = await context.new_page()
            if media_port is not None:
                await page.add_init_script(f"({_DETOUR})([{media_port}, {str(keeps_tcp).lower()}])")
            await page.goto("/")
            await page.get_by_role("button", name="工作人员登录").click()
            await page.get_by_label("用户名").fill(username)
            await page.get_by_label("密码").fill(password)
            await page.get_by_role("button", name="登录", exact=True).click()
            await page.get_by_role("navigation", name="主菜单").wait_for()
            yield page
        finally:
            await browser.close()


async def to_the_door(page: Page, case_number: str) -> str:
    """From the desk to the door of the hearing; its address."""
    await page.get_by_role("link", name="庭审日程").click()
    hearing = page.get_by_role("listitem").filter(has_text=case_number)
    await hearing.get_by_role("button", name=re.compile("^(进入|返回)")).first.click()
    await page.get_by_role("region", name="进入法庭").wait_for()
    return page.url


async def click_to_picture(page: Page, door: str, name: str) -> float:
    """ms from the click at the door until a picture of `name` is painted."""
    await page.goto(door)
    entrance = page.get_by_role("region", name="进入法庭").get_by_role("button", name="进入法庭")
    await entrance.wait_for()
    await page.wait_for_timeout(DOOR_MS)
    await page.evaluate(_WATCH, name)
    await entrance.click()
    return float(await page.evaluate("window.__seen"))
