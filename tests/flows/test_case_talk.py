"""The talk of a case in Chromium: a voice recorded on a phone is heard at the desk; words are quoted, corrected, taken
down; the clerk is asked for and answers.
"""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt, running_court
from tests.flows.browser_people import DESK, PHONE, browsers, until

pytestmark = pytest.mark.browser
# Pictures for a look by eye: `TALK_SHOTS=folder pytest tests/flows/test_case_talk.py`.
SHOTS = os.environ.get("TALK_SHOTS")
# The machine is shared: a voice is uploaded and looked into while others work.
expect.set_options(timeout=45_000)


async def _as(client: CourtClient, context: BrowserContext, court: RunningCourt) -> None:
    """The browser goes on with the session of a signed-in client."""
    cookies = [
        {"name": cookie.key, "value": cookie.value, "url": court.url} for cookie in client.http.cookie_jar
    ]
    await context.add_cookies(cookies)  # type: ignore[arg-type]


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await asyncio.sleep(0.5)
        await page.screenshot(path=Path(SHOTS) / f"{name}.png")


def _talk(page: Page, name: str) -> Locator:
    return page.get_by_role("log", name=name)


async def _menu(page: Page, message: Locator, button: str, way: str) -> None:
    await message.get_by_role("button", name=button).last.click()
    await page.get_by_role("dialog").get_by_role("button", name=way, exact=True).click()


async def test_talk__voice_words_and_a_call_for_the_clerk__reach_the_other_side(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, browsers(court.url) as there:
        browser = await there.process()
        async with court.party("林书瑶") as lin, court.staff("judge") as judge, court.staff("clerk") as clerk:
            case_id = (await lin.get("/cases"))["items"][0]["id"]
            phone, desk, counter = (
                await there.page(browser, PHONE),
                await there.page(browser, DESK, locale="en"),
                await there.page(browser, DESK),
            )
            for client, page in ((lin, phone), (judge, desk), (clerk, counter)):
                await _as(client, page.context, court)
            for page in (phone, desk):
                await page.goto(f"/cases/{case_id}/space")
            await _record_and_hear(phone, desk)
            await _words(phone, desk)
            await _ask_and_answer(phone, counter)


async def _record_and_hear(phone: Page, desk: Page) -> None:
    await phone.get_by_role("button", name="语音", exact=True).tap()
    panel = phone.get_by_role("group", name="录制语音")
    await expect(panel.get_by_role("button", name="说完了")).to_be_enabled()
    await asyncio.sleep(2.2)  # a sentence takes its time
    await _shot(phone, "voice-recording")
    await panel.get_by_role("button", name="说完了").tap()
    await expect(panel.get_by_role("button", name="发送语音")).to_be_visible()
    await _shot(phone, "voice-preview")
    await panel.get_by_role("button", name="发送语音").tap()
    own = _talk(phone, "消息").get_by_role("button", name=re.compile("播放林书瑶的语音"))
    await expect(own).to_be_visible()
    theirs = _talk(desk, "Messages").get_by_role("button", name=re.compile("Play voice message of 林书瑶"))
    await expect(theirs).to_be_visible()
    await expect(_talk(desk, "Messages").get_by_text("Not heard yet")).to_have_count(1)
    await desk.evaluate(
        "(() => { const play = HTMLMediaElement.prototype.play;"
        " HTMLMediaElement.prototype.play = function () { window.__played = this; return play.call(this); }; })()"
    )
    await theirs.click()
    # Decoded and running, not only loaded.
    await until(
        lambda: desk.evaluate("window.__played !== undefined && window.__played.currentTime > 0.4"),
        "the voice plays at the desk",
    )
    await expect(_talk(desk, "Messages").get_by_text("Not heard yet")).to_have_count(0)
    await _shot(desk, "voice-desk")


async def _words(phone: Page, desk: Page) -> None:
    await phone.get_by_label("写消息").fill("借款金额为十万元。")
    await phone.get_by_role("button", name="发送", exact=True).tap()
    said = _talk(phone, "消息").get_by_role("listitem").filter(has_text="借款金额为")
    await expect(said).to_be_visible()
    await _menu(phone, said, "更多操作", "更正")
    await phone.get_by_label("写消息").fill("借款金额为一万元。")
    await phone.get_by_role("button", name="更正", exact=True).tap()
    message = _talk(desk, "Messages").get_by_role("listitem").filter(has_text="借款金额为一万元。").first
    await message.get_by_role("button", name="Corrected", exact=True).click()
    await expect(message.get_by_role("list", name="Earlier words")).to_contain_text("借款金额为十万元。")
    await expect(_talk(desk, "Messages").get_by_text("林书瑶 corrected a message")).to_be_visible()

    await _menu(desk, message, "More", "Reply")
    await desk.get_by_label("Write a message").fill("Noted. @林")
    await desk.get_by_role("option", name=re.compile("林书瑶")).click()
    await desk.keyboard.type("please bring the receipt.")
    await _shot(desk, "quote-desk")
    await desk.keyboard.press("Enter")
    answer = _talk(phone, "消息").get_by_role("listitem").filter(has_text="please bring the receipt.")
    await expect(answer.get_by_role("button", name=re.compile("查看所引用的"))).to_contain_text(
        "借款金额为一万元。"
    )
    await _shot(phone, "talk-phone")

    await _menu(desk, message, "More", "Take out of sight (court)")
    await desk.get_by_role("button", name="Take out of sight", exact=True).click()
    await expect(_talk(phone, "消息").get_by_text("撤下了这条消息")).to_be_visible()
    await expect(_talk(phone, "消息").get_by_text("一万元")).to_have_count(0)
    await expect(_talk(desk, "Messages").get_by_text("一万元")).to_have_count(0)
    await _shot(phone, "withheld-phone")

    await phone.get_by_role("button", name="更多", exact=True).tap()
    await _shot(phone, "add-phone")
    await phone.get_by_role("dialog").get_by_role("button", name=re.compile("^诉讼行为")).tap()
    await phone.get_by_label("写消息").fill("我方变更诉讼请求，将本金减为一万元。")
    await phone.get_by_role("button", name="发送", exact=True).tap()
    await _shot(phone, "litigation-phone")
    await phone.get_by_role("button", name="核对无误，发出").tap()
    await expect(_talk(desk, "Messages").get_by_text("Litigation act", exact=True)).to_be_visible()


async def _ask_and_answer(phone: Page, counter: Page) -> None:
    await counter.goto("/desk/contacts")
    await expect(counter.get_by_text("没有待办的联系请求")).to_be_visible()
    await phone.get_by_role("button", name="更多", exact=True).tap()
    await phone.get_by_role("dialog").get_by_role("button", name=re.compile("联系书记员")).tap()
    sheet = phone.get_by_role("dialog", name="联系书记员")
    await sheet.get_by_label("要联系的事由").select_option(label="材料提交")
    await sheet.get_by_label("补充说明（可不填）").fill("收据原件能否当庭提交？")
    await _shot(phone, "contact-phone")
    await sheet.get_by_role("button", name="提交联系请求").tap()
    await expect(sheet.get_by_text("等待接单")).to_be_visible()
    request = counter.get_by_role("article", name=re.compile("林书瑶"))
    await request.get_by_role("button", name="接单").click()
    await expect(sheet.get_by_text("已接单", exact=True)).to_be_visible()
    await request.get_by_role("button", name="查看电话").click()
    await expect(request.get_by_text(re.compile(r"^1\d{10}$"))).to_be_visible()
    await _shot(counter, "queue-desk")
    await request.get_by_role("button", name="答复").click()
    await counter.get_by_label("答复内容").fill("可以，请庭前十分钟到。")
    await counter.get_by_role("button", name="答复并办结").click()
    await expect(sheet.get_by_text("可以，请庭前十分钟到。")).to_be_visible()
    await _shot(phone, "answered-phone")
    await expect(counter.get_by_text("没有待办的联系请求")).to_be_visible()
