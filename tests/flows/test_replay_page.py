"""The replay page in Chromium: a party's film plays with the party's name in it, a tap on a moment goes there, and
single tracks run in step.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt, running_court
from tests.flows.browser_people import DESK, PHONE, browsers, until
from tests.rest.test_replays import watchable
from tests.rest.test_single_tracks import Maker, offered

pytestmark = pytest.mark.browser
# Pictures for a look by eye: `REPLAY_SHOTS=folder pytest tests/flows/test_replay_page.py`.
SHOTS = os.environ.get("REPLAY_SHOTS")


async def _as(client: CourtClient, context: BrowserContext, court: RunningCourt) -> None:
    """The browser goes on with the session of a signed-in client."""
    cookies = [
        {"name": cookie.key, "value": cookie.value, "url": court.url} for cookie in client.http.cookie_jar
    ]
    await context.add_cookies(cookies)  # type: ignore[arg-type]


async def _at_s(page: Page) -> float:
    return float(await page.evaluate("document.querySelector('video').currentTime"))


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def test_replay__on_a_phone_and_at_the_desk__plays_and_jumps_to_a_moment(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, browsers(court.url) as there:
        things = await watchable(court)
        await court.server.services.archives.make_due()
        browser = await there.process("--autoplay-policy=no-user-gesture-required")
        async with court.party("林书瑶") as lin, court.staff("judge") as judge:
            phone = await there.page(browser, PHONE)
            await _as(lin, phone.context, court)
            await phone.goto(f"/recordings/{things.recording_id}")
            moments = phone.get_by_role("list", name="跳转到")
            await expect(moments.get_by_role("button")).to_have_count(2)
            await moments.get_by_role("button", name="恢复开庭").click()
            await until(lambda: _plays_behind(phone, 12.2), "the film goes on behind the moment")
            await expect(moments.get_by_role("button", name="恢复开庭")).to_have_attribute(
                "aria-current", "time"
            )
            await expect(phone.get_by_role("link", name="下载录像文件")).to_have_count(0)
            await _shot(phone, "replay-phone")

            desk = await there.page(browser, DESK, locale="en")
            await _as(judge, desk.context, court)
            await desk.goto(f"/desk/recordings/{things.recording_id}")
            await desk.get_by_role("button", name="Let the parties download it").click()
            await expect(desk.get_by_role("button", name="Stop letting the parties")).to_be_visible()
            await desk.get_by_role("list", name="Jump to").get_by_role("button").first.click()
            await until(lambda: _plays_behind(desk, 0.2), "the film plays")
            archive = desk.get_by_role("region", name="Archive")
            await archive.get_by_role("button", name="Hold: never destroy").click()
            await desk.get_by_label("Reason").fill("The defendant appealed")
            await desk.get_by_role("button", name="Confirm").click()
            await expect(archive.get_by_text("The defendant appealed")).to_be_visible()
            await _shot(desk, "replay-desk")
            await phone.reload()
            await expect(phone.get_by_role("link", name="下载录像文件")).to_be_visible()


async def _plays_behind(page: Page, seconds: float) -> bool:
    return await _at_s(page) > seconds


async def test_single_tracks__chosen_by_a_party__are_made_and_run_on_one_clock(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, browsers(court.url) as there:
        court.server.services.single_tracks._maker = Maker()  # type: ignore[assignment]
        things, ids = await offered(court, "林书瑶", "沈明远")
        browser = await there.process("--autoplay-policy=no-user-gesture-required")
        async with court.party("林书瑶") as lin, court.staff("judge") as judge:
            phone = await there.page(browser, PHONE)
            await _as(lin, phone.context, court)
            await phone.goto(f"/recordings/{things.recording_id}")
            await phone.get_by_text("单独画面").click()
            choice = phone.get_by_role("region", name="选择观看内容")
            await choice.get_by_role("checkbox", name="画面 林书瑶").check(force=True)
            await choice.get_by_role("checkbox", name="仅声音").last.check(force=True)
            player = phone.get_by_role("region", name="同步播放")
            await expect(player.locator("video")).to_have_count(2, timeout=60_000)
            await player.get_by_role("button", name="播放").click()
            await until(lambda: _in_step(phone, behind_s=1.0), "both run, and in step")
            await player.get_by_role("button", name="声音开").first.click()
            assert await _muted(phone) == [True, False]
            await phone.get_by_role("list", name="跳转到").get_by_role("button", name="恢复开庭").click()
            await until(lambda: _in_step(phone, behind_s=12.2), "both go on behind the moment")
            await player.get_by_role("button", name="暂停").click()
            assert await phone.evaluate("[...document.querySelectorAll('video')].every((one) => one.paused)")
            await _shot(phone, "tracks-phone")

            desk = await there.page(browser, DESK, locale="en")
            await _as(judge, desk.context, court)
            await desk.goto(f"/desk/recordings/{things.recording_id}")
            await desk.get_by_text("Single tracks").click()
            await desk.get_by_role("checkbox", name="Camera").first.check(force=True)
            await expect(desk.get_by_role("region", name="Played in step").locator("video")).to_have_count(1)
            await _shot(desk, "tracks-desk")
    assert ids


async def _in_step(page: Page, *, behind_s: float) -> bool:
    """All films are behind a second, and as near to each other as the page promises."""
    at = await page.evaluate("[...document.querySelectorAll('video')].map((one) => one.currentTime)")
    return bool(min(at) > behind_s and max(at) - min(at) < 0.3)


async def _muted(page: Page) -> list[bool]:
    return [
        bool(one)
        for one in await page.evaluate("[...document.querySelectorAll('video')].map((v) => v.muted)")
    ]
