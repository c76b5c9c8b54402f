"""Delayed live in Chromium with the page's own reader: it plays what is due, and closes when the court cuts it."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from recorder.delivery.live_hls import INDEX_NAME, make_segments
from recorder.film.compose import compose_film
from tests.court import running_court
from tests.flows.browser_people import CHROMIUM, FLAGS
from tests.recorder.test_nothing_withheld_is_shown import LABELS, Case, record
from tests.rest.test_broadcasts import WHY, _approved, _open


def _film(folder: Path, out: Path) -> None:
    """Real segments of a short film, old enough to be shown."""
    film = folder / "film" / "film.mp4"
    film.parent.mkdir(parents=True)
    record(folder / "rec", Case(orders=(), redactions=()))
    compose_film(folder / "rec", film, LABELS)
    make_segments(folder / "rec", film, out)
    index = json.loads((out / INDEX_NAME).read_text())
    for segment in index["segments"]:
        segment["until_utc_ns"] = str(time.time_ns() - 3600 * 1_000_000_000)
    (out / INDEX_NAME).write_text(json.dumps(index))


@pytest.mark.browser
@pytest.mark.timeout(240)
async def test_public_live__in_chromium__plays_and_closes_at_the_cut(tmp_path: Path) -> None:
    async with running_court(tmp_path / "court") as court, court.staff("judge") as judge:
        hearing_id, live_id = await _approved(court, judge)
        await _open(judge, hearing_id)
        recording = next((tmp_path / "court" / "recordings").iterdir())
        await asyncio.to_thread(_film, tmp_path / "made", recording / "live")
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = await browser.new_page(base_url=court.url, locale="zh-CN")
            await page.goto("/public")
            await page.get_by_role("link", name="民间借贷纠纷庭审直播").click()
            await page.wait_for_url(f"**/public/live/{live_id}")
            video = page.locator("video")
            await video.evaluate("video => { video.muted = true; return video.play(); }")
            async with asyncio.timeout(60):
                # The page's policy allows no script of a test inside it to wait with.
                while await video.evaluate("video => video.currentTime") < 1:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            assert await video.evaluate("video => [video.videoWidth, video.error]") == [1280, None]
            # By media sources, not natively: the address of the video is the page's own.
            assert str(await video.evaluate("video => video.src")).startswith("blob:")
            await judge.post(f"/hearings/{hearing_id}/broadcast/cut", WHY)
            await page.get_by_text("直播已结束", exact=True).first.wait_for(timeout=30_000)
            assert await video.count() == 0, "what was buffered is gone with the player"
            await browser.close()
