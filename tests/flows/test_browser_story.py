"""The whole story in real browsers: three Chromium processes, two phones, from the counter to the public film."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from PIL import Image
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator, Page, expect

from recorder.film.grid import Box, fit, grid_cells
from tests.flows.browser_people import DESK, PHONE, Browsers, Source, browsers, hears, sees, until
from tests.flows.browser_steps import (
    admit_all,
    arrive,
    file_case,
    is_covered,
    issue_reminder,
    order,
    read_picture,
    schedule,
    send_picture,
    sign_in_staff,
    somebody,
    stands,
    take_the_bench,
    write_message,
)
from tests.flows.court_story import Story, story
from tests.recorder.film_probe import FilmProbe

pytestmark = pytest.mark.browser

JUDGE = "审判员 沈明远"
PLAINTIFF = somebody("原告", "方晴", "13900000101", "33019919900214002")
DEFENDANT = somebody("被告", "陆远", "13900000102", "33019919851123001")
# Pitches more than 200 Hz apart and no multiples: the film's probe looks through windows 100 Hz wide.
SOURCES = {
    JUDGE: Source(440, "#1d4f91"),
    PLAINTIFF.plate: Source(660, "#2f7d4f", skin="#c99a72", size=(240, 320)),
    DEFENDANT.plate: Source(1030, "#96403a", skin="#e0bd9c"),
}
PITCHES = [source.pitch_hz for source in SOURCES.values()]


@dataclass
class Cast:
    """Everybody's page."""

    judge: Page
    plaintiff: Page
    defendant: Page
    clerk: Page
    president: Page
    anybody: Page
    errors: list[str] = field(default_factory=list)

    @property
    def seated(self) -> dict[str, Page]:
        return {JUDGE: self.judge, PLAINTIFF.plate: self.plaintiff, DEFENDANT.plate: self.defendant}


async def _cast(there: Browsers) -> Cast:
    bench, phone, laptop = [await there.process() for _ in range(3)]
    cast = Cast(
        judge=await there.page(bench, DESK, source=SOURCES[JUDGE]),
        plaintiff=await there.page(phone, PHONE, source=SOURCES[PLAINTIFF.plate]),
        defendant=await there.page(laptop, PHONE, source=SOURCES[DEFENDANT.plate]),
        clerk=await there.page(bench, DESK),
        president=await there.page(bench, DESK),
        anybody=await there.page(phone, PHONE),
    )
    for name, page in vars(cast).items():
        if isinstance(page, Page):
            page.on("pageerror", partial(_note_error, cast.errors, name))
    return cast


def _note_error(errors: list[str], name: str, error: PlaywrightError) -> None:
    errors.append(f"{name}: {error}")


@pytest.mark.timeout(600)
async def test_story__in_real_browsers__from_the_counter_to_the_public_film(tmp_path: Path) -> None:
    async with story(tmp_path / "court") as told, browsers(told.url) as there:
        cast = await _cast(there)
        async with _pictures_on_failure(cast, tmp_path):
            await _play(told, cast, tmp_path)


async def _play(told: Story, cast: Cast, folder: Path) -> None:
    number = await _prepare(cast)
    await _open(cast, number)
    await _everybody_sees_and_hears_everybody(cast)
    await _mute_one(cast)
    await _write_in_the_case_space(cast, number, folder)
    await _remind(cast)
    await _recess(cast)
    await _close(cast)
    film = await _publish(cast, told, number, folder)
    await _check_film(cast, film, number)
    assert cast.errors == []


@asynccontextmanager
async def _pictures_on_failure(cast: Cast, folder: Path) -> AsyncIterator[None]:
    """When the story breaks, what everybody had before them is left in the test's folder."""
    try:
        yield
    except BaseException:
        for name, page in vars(cast).items():
            if isinstance(page, Page) and not page.is_closed():
                with suppress(PlaywrightError):
                    await page.screenshot(path=folder / f"{name}.png", timeout=5000)
        raise


async def _prepare(cast: Cast) -> str:
    """The clerk files and schedules; the parties come by their links."""
    await sign_in_staff(cast.clerk, "clerk")
    number = await file_case(cast.clerk, "买卖合同纠纷", "沈明远", [PLAINTIFF, DEFENDANT])
    await schedule(cast.clerk)
    await asyncio.gather(
        sign_in_staff(cast.judge, "judge"),
        arrive(cast.plaintiff, PLAINTIFF),
        arrive(cast.defendant, DEFENDANT),
    )
    return number


async def _open(cast: Cast, number: str) -> None:
    await take_the_bench(cast.judge, number)
    await stands(cast.judge, "尚未开庭", "未录像")
    await admit_all(cast.judge, [PLAINTIFF, DEFENDANT])
    await order(cast.judge, "开庭")
    for page in cast.seated.values():
        await stands(page, "开庭中", "录像中")


async def _everybody_sees_and_hears_everybody(cast: Cast) -> None:
    for me, page in cast.seated.items():
        others = [plate for plate in SOURCES if plate != me]
        for plate in others:
            look = await sees(page, plate)
            assert (look.width > look.height) == (SOURCES[plate].size[0] > SOURCES[plate].size[1])
            assert _nearest(look.corner) == plate, f"{me} sees somebody else in the tile of {plate}"
        voices = {SOURCES[plate].pitch_hz for plate in others}
        await until(partial(_hears_exactly, page, voices), f"{me} hears the others and not themselves")


async def _hears_exactly(page: Page, voices: set[int]) -> bool:
    return await hears(page, PITCHES) == voices


def _nearest(corner: tuple[int, int, int]) -> str:
    return min(SOURCES, key=lambda plate: math.dist(corner, SOURCES[plate].rgb))


async def _mute_one(cast: Cast) -> None:
    row = cast.judge.get_by_role("list", name="在法庭内").get_by_role("listitem", name=PLAINTIFF.plate)
    await row.get_by_role("button", name="静音", exact=True).click()
    await expect(cast.plaintiff.get_by_text("法庭已将您静音")).to_be_visible()
    await expect(cast.plaintiff.get_by_role("button", name="已被法庭静音")).to_be_disabled()
    silent = SOURCES[PLAINTIFF.plate].pitch_hz
    for me, page in cast.seated.items():
        if me != PLAINTIFF.plate:
            others = {source.pitch_hz for plate, source in SOURCES.items() if plate != me}
            await until(partial(_hears_exactly, page, others - {silent}), f"{me} hears no muted voice")
    await row.get_by_role("button", name="解除静音").click()
    everybody_else = {source.pitch_hz for plate, source in SOURCES.items() if plate != DEFENDANT.plate}
    await until(partial(_hears_exactly, cast.defendant, everybody_else), "the voice is back")


async def _write_in_the_case_space(cast: Cast, number: str, folder: Path) -> None:
    """Both parties from their seats, the clerk from the desk; the hearing goes on behind."""
    said = "原告已收到被告提交的送货单。"
    for phone in (cast.plaintiff, cast.defendant):
        await phone.get_by_role("button", name="案件空间").tap()
    await write_message(cast.plaintiff, said)
    await expect(cast.defendant.get_by_role("log", name="消息").get_by_text(said)).to_be_visible()
    picture = folder / "送货单.png"
    Image.new("RGB", (640, 480), "#e8e2d0").save(picture)
    await send_picture(cast.defendant, picture)
    for phone in (cast.plaintiff, cast.defendant):
        await phone.get_by_role("button", name="回到法庭").tap()
    await cast.clerk.get_by_role("link", name="案件空间").click()
    await expect(cast.clerk.get_by_role("heading", level=1, name=number)).to_be_attached()
    await expect(cast.clerk.get_by_role("log", name="消息").get_by_text(said)).to_be_visible()
    width, height = await read_picture(cast.clerk, picture.name)
    assert (width * 3, width > 100) == (height * 4, True)


async def _remind(cast: Cast) -> None:
    """A forced reminder lies over the plaintiff's hearing until acknowledged; seat, picture and voice stay."""
    title = "庭后三日内提交原件"
    await issue_reminder(cast.clerk, [PLAINTIFF], title, "请在庭审结束后三日内，把送货单原件交到立案窗口。")
    sheet = cast.plaintiff.get_by_role("dialog", name=title)
    await expect(sheet).to_be_visible()
    assert await is_covered(cast.plaintiff, title)
    await cast.plaintiff.keyboard.press("Escape")
    assert await is_covered(cast.plaintiff, title), "only the acknowledgment takes it away"
    board = cast.clerk.get_by_role("listitem").filter(has=cast.clerk.get_by_role("heading", name=title))
    await expect(board).to_contain_text("已知悉 0/1")
    await expect(board).to_contain_text("已显示，未确认")
    await sees(cast.judge, PLAINTIFF.plate)
    await sheet.get_by_role("button", name="我已知悉").tap()
    await expect(sheet).to_be_hidden()
    await expect(board).to_contain_text("已知悉 1/1")
    await cast.clerk.get_by_role("button", name="返回").click()


async def _recess(cast: Cast) -> None:
    await order(cast.judge, "休庭")
    sheet = cast.judge.get_by_role("dialog", name="宣布休庭")
    await sheet.get_by_label("休庭理由").fill("合议庭评议")
    await sheet.get_by_role("button", name="宣布休庭").click()
    for page in cast.seated.values():
        await stands(page, "休庭", "录像暂停")
        await expect(page.get_by_text("休庭中：合议庭评议")).to_be_visible()
    await until(partial(_hears_exactly, cast.defendant, set()), "nothing is heard in a recess")
    await order(cast.judge, "恢复庭审")
    for page in cast.seated.values():
        await stands(page, "开庭中", "录像中")
    await _everybody_sees_and_hears_everybody(cast)


async def _close(cast: Cast) -> None:
    await order(cast.judge, "闭庭")
    sheet = cast.judge.get_by_role("dialog", name="宣布闭庭？")
    await expect(sheet).to_contain_text("现有 3 人在庭")
    await sheet.get_by_role("button", name="确认闭庭").click()
    await expect(cast.judge.get_by_text(re.compile(r"已闭庭。\d+ 秒内可以撤销"))).to_be_visible()
    await expect(cast.plaintiff.get_by_text("法庭已宣布闭庭")).to_be_visible()


async def _publish(cast: Cast, told: Story, number: str, folder: Path) -> Path:
    told.clock.ahead += timedelta(seconds=61)  # the minute to undo the closing
    clerk = cast.clerk
    await clerk.get_by_role("link", name="庭审录像").click()
    row = clerk.get_by_role("row").filter(has_text=number)
    await expect(row.get_by_text("可播放")).to_be_visible()
    await row.get_by_role("link").first.click()
    await _plays(clerk.get_by_label("庭审录像播放"))
    address = str(await clerk.get_by_role("link", name="下载录像文件").get_attribute("href"))
    answer = await clerk.request.get(address)
    assert answer.ok
    film = folder / "film.mp4"
    film.write_bytes(await answer.body())
    await clerk.get_by_role("button", name="申请公开").click()
    sheet = clerk.get_by_role("dialog", name="申请公开")
    await sheet.get_by_label("公开标题").fill("买卖合同纠纷庭审")
    await sheet.get_by_role("button", name="申请公开").click()
    await expect(clerk.get_by_role("link", name="到公开审核")).to_be_visible()

    await sign_in_staff(cast.president, "president")
    await cast.president.get_by_role("link", name="公开审核").click()
    review = cast.president.get_by_role("link", name="审核", exact=True)
    notice = str(await review.get_attribute("href")).removeprefix("/desk")
    for party in (cast.plaintiff, cast.defendant):
        await _agree(party, notice)
    await review.click()
    await _plays(cast.president.locator("video").and_(cast.president.get_by_label("公开版预览", exact=True)))
    await cast.president.get_by_role("button", name="确认公开").click()
    await cast.president.get_by_role("dialog").get_by_role("button", name="确认公开").click()
    await expect(cast.president.get_by_role("link", name="查看公开页")).to_be_visible()

    await cast.anybody.goto("/")
    await cast.anybody.get_by_role("link", name=re.compile("公开庭审录像")).tap()
    await cast.anybody.get_by_role("link", name="播放《买卖合同纠纷庭审》").tap()
    await _plays(cast.anybody.get_by_label("庭审录像", exact=True))
    return film


async def _agree(party: Page, notice: str) -> None:
    """A party reads the forced reminder and says on the page it speaks of that nothing stands against it."""
    await party.goto(notice)
    await party.get_by_role("button", name="我已知悉").click()
    await party.get_by_role("button", name=re.compile("^无异议")).click()
    await expect(party.get_by_text("您已确认无异议")).to_be_visible()


async def _plays(video: Locator) -> None:
    """The film runs in the page's own player: decoded frames, 720 lines, time that moves."""
    await expect(video).to_be_visible()
    await video.evaluate("video => { video.muted = true; return video.play(); }")
    await until(
        lambda: video.evaluate(
            "v => v.videoHeight === 720 && v.currentTime > 0.5 && v.getVideoPlaybackQuality().totalVideoFrames > 5"
        ),
        "the film plays",
    )


async def _check_film(cast: Cast, path: Path, number: str) -> None:
    probe = await asyncio.to_thread(FilmProbe, path)
    sat_s = await _sat_s(cast, number)
    print(f"film {probe.duration_s:.2f} s, sittings {sat_s:.2f} s")
    assert abs(probe.duration_s - (sat_s + 3)) <= 0.5, "sittings and the recess's card of three seconds"
    seen = {plate: _place(probe, source) for plate, source in SOURCES.items()}
    assert None not in seen.values(), f"three different pictures, found {seen}"
    for plate, box in seen.items():
        assert box is not None
        pitch_hz = SOURCES[plate].pitch_hz
        assert len(probe.beeps(pitch_hz)) >= 5, f"the voice of {plate}"
        offsets = probe.offsets_ms(box, pitch_hz)
        assert len(offsets) >= 5, f"flashes of {plate}"
        print(f"{plate}: {len(offsets)} beats, sound after picture {median(offsets):+.0f} ms (median)")
        assert abs(median(offsets)) <= 80, f"{plate}: {offsets}"


def _place(probe: FilmProbe, source: Source) -> Box | None:
    """Where in the grid a person's colour is behind the bust, looked at all through the last sitting."""
    moments = [probe.duration_s - 0.5 - 0.19 * n for n in range(16)]
    for cell in grid_cells(len(SOURCES)):
        box = _background(cell.picture, source)
        # A flash a second hides a fifth of the moments.
        near = [at for at in moments if math.dist(_rgb(probe.colour(box, at)), source.rgb) < 60]
        if len(near) > len(moments) / 2:
            return box
    return None


def _background(cell: Box, source: Source) -> Box:
    """The upper left of a picture as laid into its cell: the colour behind the bust."""
    picture = fit(*source.size, cell)
    return Box(picture.x, picture.y, picture.width // 4 & ~1, picture.height // 4 & ~1)


def _rgb(yuv: tuple[float, float, float]) -> tuple[int, int, int]:
    """BT.601, studio range, to RGB."""
    y, u, v = (yuv[0] - 16) * 1.164, yuv[1] - 128, yuv[2] - 128
    red, green, blue = y + 1.596 * v, y - 0.392 * u - 0.813 * v, y + 2.017 * u
    return round(red), round(green), round(blue)


async def _sat_s(cast: Cast, number: str) -> float:
    """Seconds in session, to the millisecond, from the case's acts."""
    api = cast.clerk.request
    cases: Any = (await (await api.get("/api/v1/cases")).json())["items"]
    case_id = next(case["id"] for case in cases if case["number"] == number)
    log: Any = await (await api.get(f"/api/v1/cases/{case_id}/acts")).json()
    assert log["intact"]
    at = {act["kind"]: datetime.fromisoformat(act["at"]) for act in log["items"]}
    first = at["hearing.recessed"] - at["hearing.opened"]
    second = at["hearing.closed"] - at["hearing.resumed"]
    return (first + second).total_seconds()
