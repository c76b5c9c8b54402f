"""Exhibits in Chromium: a party submits on a phone, the clerk exchanges, the other side answers, the judge rules."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext, Page, expect

from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt, running_court
from tests.flows.browser_people import DESK, PHONE, browsers
from tests.sample_files import photo

pytestmark = pytest.mark.browser
# Pictures for a look by eye: `EXHIBIT_SHOTS=folder pytest tests/flows/test_exhibits_page.py`.
SHOTS = os.environ.get("EXHIBIT_SHOTS")


async def _as(client: CourtClient, context: BrowserContext, court: RunningCourt) -> None:
    """The browser goes on with the session of a signed-in client."""
    cookies = [
        {"name": cookie.key, "value": cookie.value, "url": court.url} for cookie in client.http.cookie_jar
    ]
    await context.add_cookies(cookies)  # type: ignore[arg-type]


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def _submit(page: Page, case_id: str) -> None:
    """The three steps, with a reload in the middle: nothing that was written is lost."""
    await page.goto(f"/cases/{case_id}/exhibits")
    await _shot(page, "party-empty")
    await page.get_by_role("button", name="提交新证据").click()
    for name in ("借条正面.jpg", "借条背面.jpg"):
        chooser = page.get_by_label("从手机选择", exact=True)
        file = {"name": name, "mimeType": "image/jpeg", "buffer": photo(600, 800)}
        await chooser.set_input_files(file)  # type: ignore[arg-type]
        await expect(page.get_by_role("button", name=f"移除 {name}")).to_be_visible()
    await _shot(page, "party-files")
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_label("证据名称").fill("2025年3月2日借条")
    await page.get_by_label("来源").fill("被告出具，原告保管")
    await page.reload()
    await expect(page.get_by_label("证据名称")).to_have_value("2025年3月2日借条")
    await page.get_by_label("证明对象").fill("被告向原告借款人民币五万元，约定一年内归还")
    await page.get_by_text("原件", exact=True).click()
    await _shot(page, "party-about")
    await page.get_by_role("button", name="下一步").click()
    send = page.get_by_role("button", name="提交给法院")
    await expect(send).to_be_disabled()
    await page.get_by_label("我确认提交的材料真实、完整，来源合法").check()
    await _shot(page, "party-review")
    await send.click()
    await expect(page.get_by_role("status")).to_contain_text("已送达法院")
    await _shot(page, "party-sent")


async def _exchange(page: Page, case_id: str) -> None:
    await page.goto(f"/desk/cases/{case_id}/exhibits")
    await expect(page.get_by_role("link", name="2025年3月2日借条")).to_be_visible()
    await _shot(page, "clerk-check")
    await page.get_by_role("button", name="退回补正").click()
    await page.get_by_role("button", name="缺页，请补齐全部页面").click()
    await _shot(page, "clerk-return")
    await page.get_by_role("button", name="取消").click()
    await page.get_by_role("button", name="审核通过").click()
    await page.get_by_text("待交换", exact=True).first.click()
    await page.get_by_label("全选").check()
    await _shot(page, "clerk-exchange")
    await page.get_by_role("button", name="交换所选证据").click()
    await _shot(page, "clerk-exchange-sheet")
    await page.get_by_role("button", name="交换证据", exact=True).click()
    await expect(page.get_by_text("没有待交换的证据")).to_be_visible()


async def _answer(page: Page, case_id: str) -> None:
    await page.goto(f"/cases/{case_id}/exhibits")
    await page.get_by_role("link", name=re.compile("2025年3月2日借条")).click()
    await _shot(page, "other-exhibit")
    await page.get_by_role("button", name="发表质证意见").click()
    for point, answer in (
        ("真实性", "不认可"),
        ("合法性", "认可"),
        ("关联性", "认可"),
        ("证明目的", "部分认可"),
    ):
        row = page.get_by_role("group", name=re.compile(f"^{point}"))
        await row.get_by_text(answer, exact=True).click()
    await page.get_by_role("button", name="提交意见").click()
    await expect(page.get_by_role("alert")).to_have_text("请写明不认可的理由")
    await page.get_by_label("理由和说明").fill("落款签名不是本人所写，申请笔迹鉴定；实际只收到三万元")
    await page.get_by_label("要求核对原件").check()
    await _shot(page, "other-opinion")
    await page.get_by_role("button", name="提交意见").click()
    await expect(page.get_by_role("button", name="补充意见")).to_be_visible()
    await _shot(page, "other-done")


async def _rule(page: Page, case_id: str) -> None:
    await page.goto(f"/desk/cases/{case_id}/exhibits")
    table = page.get_by_role("region", name="质证表")
    await expect(table.get_by_role("columnheader", name="被告 赵建国")).to_be_visible()
    await expect(table.get_by_text("落款签名不是本人所写")).to_be_visible()
    await _shot(page, "judge-table")
    await table.get_by_role("button", name="作出认定 原告证1").click()
    await page.get_by_text("部分采信", exact=True).click()
    await page.get_by_label("认定理由").fill("笔迹经核对原件一致；借款数额以实际交付三万元为准")
    await _shot(page, "judge-ruling")
    await page.get_by_role("button", name="确认认定").click()
    await expect(table.get_by_text("部分采信")).to_be_visible()
    await _shot(page, "judge-ruled")


async def test_exhibit__submitted_on_a_phone__is_exchanged_answered_and_ruled_on(tmp_path: Path) -> None:
    async with (
        running_court(tmp_path) as court,
        browsers(court.url) as there,
        court.party("林书瑶") as lin,
        court.party("赵建国") as zhao,
        court.staff("clerk") as clerk,
        court.staff("judge") as judge,
    ):
        browser = await there.process()
        pages: dict[str, Page] = {}
        for name, client, form in (
            ("lin", lin, PHONE), ("clerk", clerk, DESK), ("zhao", zhao, PHONE), ("judge", judge, DESK),
        ):  # fmt: skip
            pages[name] = await there.page(browser, form)
            await _as(client, pages[name].context, court)
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        await _submit(pages["lin"], case_id)
        await _exchange(pages["clerk"], case_id)
        for one in (await zhao.get("/me/obligations"))["items"]:
            await zhao.post(f"/obligations/{one['id']}/acknowledgment", {"text_sha256": one["text_sha256"]})
        await _answer(pages["zhao"], case_id)
        # The submitter's page learns of it by itself.
        await expect(pages["lin"].get_by_text("落款签名不是本人所写")).to_be_visible()
        await _rule(pages["judge"], case_id)
        await expect(pages["lin"].get_by_text("借款数额以实际交付三万元为准").first).to_be_visible()
        await _shot(pages["lin"], "party-ruled")
