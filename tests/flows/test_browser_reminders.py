"""The sheet and the push worker in Chromium: nothing passes it, and what was out of sight was not displayed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from hearing_server.robots.court_client import CourtClient
from tests.contract.push_twin import BrowserTwin, push_service
from tests.court import running_court
from tests.flows.browser_people import PHONE, browsers
from tests.flows.test_replay_page import _as
from tests.rest.test_reminders import case_and_parties, remind, until

pytestmark = pytest.mark.browser


async def one_of(client: CourtClient, case_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/cases/{case_id}/reminders"))["items"][0]["obligations"][0]
    return found


async def test_sheet__covers_every_page__until_it_is_acknowledged(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, browsers(court.url) as there, court.staff("clerk") as clerk:
        case_id, _, defendant = await case_and_parties(court, clerk)
        hearing = (await clerk.get(f"/cases/{case_id}"))["hearings"][0]["id"]
        async with court.party("赵建国") as zhao:
            page = await there.page(await there.process(), PHONE)
            await _as(zhao, page.context, court)
            await page.goto(f"{court.url}/hearings/{hearing}/lobby")
            await expect(page.get_by_role("heading").first).to_be_visible()
            # Out of sight: the sheet is in the page, and before nobody's eyes.
            await page.add_init_script(
                "Object.defineProperty(document, 'visibilityState',"
                " {get: () => window.__hidden ? 'hidden' : 'visible'})"
            )
            await page.reload()
            await page.evaluate("window.__hidden = true")
            await remind(clerk, case_id, defendant, text="请携带借条原件。\n" * 60)
            sheet = page.get_by_role("dialog", name="携带原件")
            await expect(sheet).to_be_visible()
            await asyncio.sleep(2.5)
            assert (await one_of(clerk, case_id))["displayed_at"] is None
            await page.evaluate("window.__hidden = false")
            seen = await until(lambda: one_of(clerk, case_id), lambda one: one["displayed_at"] is not None)
            assert seen["opened_at"] is None, "its end is below the fold"
            # Neither the keyboard nor another page leads past it.
            await page.keyboard.press("Escape")
            await expect(sheet).to_be_visible()
            await page.goto(f"{court.url}/cases")
            await expect(sheet).to_be_visible()
            await page.get_by_role("region", name="提醒内容").evaluate(
                "one => one.scrollTo(0, one.scrollHeight)"
            )
            await until(lambda: one_of(clerk, case_id), lambda one: one["opened_at"] is not None)
            await page.get_by_role("button", name="我已知悉").click()
            await expect(sheet).to_be_hidden()
        done = await until(lambda: one_of(clerk, case_id), lambda one: one["state"] == "acknowledged")
        assert done["grade"] == "acknowledged"


async def deliver(page: Page, url: str, said: dict[str, Any]) -> None:
    """A push as the browser's own push service would hand it to the worker."""
    cdp = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def registered(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if not found.done():
                found.set_result(one["registrationId"])

    cdp.on("ServiceWorker.workerRegistrationUpdated", registered)
    await cdp.send("ServiceWorker.enable")
    async with asyncio.timeout(20):
        registration = await found
    await cdp.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": url, "registrationId": registration, "data": json.dumps(said, ensure_ascii=False)},
    )


async def test_push_worker__shows_and_is_tapped__the_court_knows(tmp_path: Path) -> None:
    async with (
        push_service() as service,
        running_court(tmp_path, channels={"push_hosts": [service.origin]}) as court,
        browsers(court.url) as there,
        court.staff("clerk") as clerk,
        court.party("赵建国") as zhao,
    ):
        case_id, _, defendant = await case_and_parties(court, clerk)
        twin = BrowserTwin(service.endpoint("zhao"))
        await zhao.post("/me/contacts", {"channel": "web_push", "address": twin.subscription})
        await remind(clerk, case_id, defendant, ground="document_served")

        async def pushes() -> list[Any]:
            return service.pushes

        said = twin.open((await until(pushes, bool))[0][2])
        page = await there.page(await there.process(), PHONE)
        await _as(zhao, page.context, court)
        await page.context.grant_permissions(["notifications"], origin=court.url)
        await page.goto(f"{court.url}/public")
        await page.evaluate(
            "navigator.serviceWorker.register('/push_worker.js').then(() => navigator.serviceWorker.ready)"
        )
        await deliver(page, court.url, said)

        async def shown() -> Any:
            one = await one_of(clerk, case_id)
            return next(try_["state"] for try_ in one["attempts"] if try_["channel"] == "web_push")

        assert await until(shown, lambda state: state == "displayed") == "displayed"
        notes = await page.evaluate(
            "navigator.serviceWorker.ready.then(one => one.getNotifications())"
            ".then(all => all.map(one => [one.title, one.body]))"
        )
        assert notes == [[said["title"], said["text"]]]
        assert "携带原件" not in str(notes), "a lock screen learns nothing"
