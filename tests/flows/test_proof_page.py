"""The proof page in Chromium: a party and the judge check an act in their own browsers, and a changed receipt fails."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

from hearing_server.domain.trust.act_receipts import SUFFIX
from tests.court import running_court
from tests.flows.browser_people import DESK, PHONE, browsers
from tests.flows.test_replay_page import _as
from tests.rest.recorded import recorded
from tests.rest.test_archives import until_signed

pytestmark = pytest.mark.browser
# Pictures for a look by eye: `PROOF_SHOTS=folder pytest tests/flows/test_proof_page.py`.
SHOTS = os.environ.get("PROOF_SHOTS")


async def _shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


async def _outcomes(page: Page) -> dict[str, str]:
    steps = page.locator("[data-step]")
    return {
        str(await step.get_attribute("data-step")): str(await step.get_attribute("data-outcome"))
        for step in await steps.all()
    }


async def _tamper(route: Route) -> None:
    """What a court could do that shows other words than were logged."""
    answer = await route.fetch()
    body = await answer.body()
    changed = body.replace(
        b'"body":{"salt":"', b'"body":{"salt":"f' if b'"salt":"0' in body else b'"body":{"salt":"0'
    )
    place = changed.index(b'"body":{"salt":"') + 17
    await route.fulfill(response=answer, body=changed[: place + 63] + changed[place + 64 :])


async def test_proof__of_an_act__is_checked_in_the_browser(tmp_path: Path) -> None:
    async with (
        running_court(tmp_path, trust={"checkpoint_every_s": 0.2}) as court,
        browsers(court.url) as there,
    ):
        things = await recorded(court)
        await until_signed(court)
        browser = await there.process()
        async with court.party("林书瑶") as lin, court.staff("judge") as judge:
            phone = await there.page(browser, PHONE)
            await _as(lin, phone.context, court)
            await phone.goto("/cases")
            await phone.get_by_role("link", name="行为存证").first.click()
            await expect(phone.get_by_text("链条完整")).to_be_visible()
            await _shot(phone, "acts-phone")
            await phone.get_by_role("link", name="登记立案").click()
            await phone.get_by_role("button", name="开始核验").click()
            await expect(phone.get_by_text("核验通过")).to_be_visible()
            steps = {
                "form": "holds", "content": "holds", "place": "holds", "signature": "holds",
                "witnesses": "open", "time": "open",
            }  # fmt: skip
            assert await _outcomes(phone) == steps
            await _shot(phone, "proof-phone")
            async with phone.expect_download() as taken:
                await phone.get_by_role("link", name="下载凭证").click()
            assert (await taken.value).suggested_filename.endswith(SUFFIX)

            await phone.route("**/proof", _tamper)
            await phone.reload()
            await phone.get_by_role("button", name="开始核验").click()
            await expect(phone.get_by_text("核验不通过")).to_be_visible()
            assert await _outcomes(phone) == steps | {"content": "fails"}
            await _shot(phone, "tampered-phone")

            desk = await there.page(browser, DESK, locale="en")
            await _as(judge, desk.context, court)
            await desk.goto(f"/desk/cases/{things.case_id}")
            log = desk.get_by_role("region", name="Log of acts")
            await expect(log.get_by_text("All signed")).to_be_visible()
            await expect(desk.get_by_role("table", name="Act log")).to_be_visible()
            await _shot(desk, "case-desk")
            await desk.get_by_role("table", name="Act log").get_by_role("link").first.click()
            await desk.get_by_role("button", name="Check now").click()
            await expect(desk.get_by_text("It holds", exact=True)).to_be_visible()
            assert await _outcomes(desk) == steps
            await _shot(desk, "proof-desk")
