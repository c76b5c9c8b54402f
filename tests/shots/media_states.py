"""Pictures of what happens to people's media in the room: a shown screen, a weak line, voices alone, a call."""

from __future__ import annotations

import base64
from pathlib import Path

from playwright.async_api import Page, expect

from tests.shots.camera import Camera
from tests.shots.evidence import draw_transfers

SCRIPT = Path(__file__).with_name("media_states.js").read_text()


async def prepare(*pages: Page) -> None:
    """Before the pages open anything: their lines, calls and screens can be played from here."""
    for page in pages:
        await page.context.add_init_script(SCRIPT)


async def show_a_screen(
    camera: Camera, sharer: Page, judge: Page, phones: dict[str, Page], folder: Path
) -> None:
    """The sharer shows a list of transfers; `phones` by the language their people read."""
    drawn = folder / "screen.png"
    draw_transfers(drawn)
    url = "data:image/png;base64," + base64.b64encode(drawn.read_bytes()).decode()
    await sharer.evaluate("url => { window.__states.screen = url; }", url)
    await sharer.get_by_role("button", name="更多", exact=True).click()
    await camera.take(sharer, "room-more", languages=("zh",))
    await sharer.get_by_role("button", name="共享屏幕").click()
    await expect(sharer.get_by_text("您正在共享屏幕")).to_be_visible()
    for page in (judge, *phones.values()):
        video = page.locator("article.screen video")
        await expect(video).to_be_visible()
        await page.wait_for_function(
            "() => document.querySelector('article.screen video').videoHeight >= 720"
        )
    await camera.take(sharer, "room-sharing", languages=("zh",))
    await camera.take(judge, "room-screen")
    for language, phone in phones.items():
        await camera.take(phone, "room-screen", languages=("zh" if language == "zh" else "en",))
    await sharer.get_by_role("button", name="停止共享").click()
    await expect(judge.locator("article.screen")).to_be_hidden()


async def weak_line_and_voices_only(camera: Camera, phone: Page) -> None:
    """The banner of a weak line, what it offers after a while, and what the room looks like then."""
    await phone.evaluate("() => { window.__states.loss = 0.14; }")
    await expect(phone.get_by_role("button", name="只用声音")).to_be_visible(timeout=60_000)
    await camera.take(phone, "room-weak", languages=("zh",))
    await phone.get_by_role("button", name="只用声音").click()
    await expect(phone.get_by_text("现在只用声音")).to_be_visible()
    await camera.take(phone, "room-voices-only", languages=("zh",))
    await phone.evaluate("() => { window.__states.loss = 0; }")
    await phone.get_by_role("button", name="恢复画面").click()
    await expect(phone.get_by_text("现在只用声音")).to_be_hidden()


async def support_sheet(camera: Camera, phones: dict[str, Page]) -> None:
    words = {"zh": ("更多", "连接详情", "关闭"), "en": ("More", "Connection details", "Close")}
    for language, phone in phones.items():
        more, details, close = words[language]
        await phone.get_by_role("button", name=more, exact=True).click()
        await phone.get_by_role("button", name=details).click()
        await phone.wait_for_timeout(2_000)  # a second reading, so that rates are there
        await camera.take(phone, "room-support", languages=("zh" if language == "zh" else "en",))
        await phone.get_by_role("button", name=close, exact=True).last.click()


async def call_comes_in(camera: Camera, judge: Page, phones: dict[str, Page]) -> None:
    """A call takes the microphones; the judge sees it, each phone offers the one tap."""
    words = {"zh": "返回庭审", "en": "Return to the hearing"}
    for phone in phones.values():
        await phone.evaluate("() => window.__states.call()")
    for language, phone in phones.items():
        await expect(phone.get_by_role("button", name=words[language])).to_be_visible()
        await camera.take(phone, "room-return", languages=("zh" if language == "zh" else "en",))
    await expect(judge.get_by_role("list", name="在法庭内").get_by_text("来电").first).to_be_visible()
    await judge.locator("details.line summary").first.click()
    await camera.take(judge, "room-interrupted")
    for language, phone in phones.items():
        await phone.get_by_role("button", name=words[language]).click()
        await expect(phone.get_by_role("button", name=words[language])).to_be_hidden()
