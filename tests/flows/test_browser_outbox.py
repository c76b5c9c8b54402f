"""Messages on their way in a real browser: server, page and browser killed, two tabs; each arrives once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections import Counter
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, Playwright, WebSocket, async_playwright
from playwright.async_api import Error as BrowserError

from hearing_server.demo_court import PASSWORD
from hearing_server.robots.court_client import CourtClient
from tests.flows.browser_people import CHROMIUM, FLAGS, PATIENCE_MS, PHONE, until
from tests.flows.demo_process import demo_process

pytestmark = pytest.mark.browser


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Court:
    """A demo court as a process of its own, on one port and one folder through all its lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._media_port = free_port(), free_port()
        self._life = AsyncExitStack()
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"http://127.0.0.1:{self._port}"

    async def serve(self) -> None:
        living = demo_process(self._folder, port=self._port, media_port=self._media_port)
        self._process, _ = await self._life.enter_async_context(living)

    async def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
        await self._life.aclose()


class Phone:
    """A browser with a profile on the disk: what is killed comes back with what was kept there."""

    def __init__(self, playwright: Playwright, court: Court, profile: Path) -> None:
        self._playwright = playwright
        self._court = court
        self._profile = profile
        self.context: BrowserContext | None = None
        # client id → how many sockets' worth of posts were seen, per page.
        self.posted: Counter[tuple[int, str]] = Counter()

    async def start(self) -> BrowserContext:
        self.context = await self._playwright.chromium.launch_persistent_context(
            str(self._profile),
            executable_path=CHROMIUM,
            args=FLAGS,
            base_url=self._court.url,
            locale="zh-CN",
            **PHONE,
        )
        self.context.set_default_timeout(PATIENCE_MS)
        answer = await self.context.request.post(
            "/api/v1/sign-in/staff", data={"username": "clerk", "password": PASSWORD}
        )
        assert answer.ok
        return self.context

    async def open(self, case_id: str) -> Page:
        assert self.context is not None
        page = await self.context.new_page()
        page.on("websocket", lambda ws: self._watch(page, ws))
        await page.goto(f"/cases/{case_id}/space")
        await page.get_by_role("textbox", name="写消息").wait_for()
        return page

    def kill(self) -> None:
        """As the system kills an app: no goodbye, no last write."""
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                if f"--user-data-dir={self._profile}".encode() in words:
                    os.kill(int(folder.name), signal.SIGKILL)

    def _watch(self, page: Page, ws: WebSocket) -> None:
        def sent(frame: str | bytes) -> None:
            text = frame if isinstance(frame, str) else frame.decode()
            if '"message_post"' in text:
                body = json.loads(text[text.index("[") :])[1]
                self.posted[id(page), body["client_id"]] += 1

        ws.on("framesent", sent)


async def write(page: Page, *texts: str) -> None:
    for text in texts:
        await page.get_by_role("textbox", name="写消息").fill(text)
        await page.get_by_role("button", name="发送", exact=True).click()


async def shows(page: Page, texts: list[str]) -> None:
    """All of them, and none is on its way any more."""

    async def arrived() -> bool:
        said = await page.locator("[data-seq]").all_inner_texts()
        found = [text for text in texts if any(text in one for one in said)]
        return found == texts and await page.get_by_text("发送中…").count() == 0

    await until(arrived, f"{texts} in the lane")


async def kept(page: Page) -> list[str]:
    """The words that wait in the browser's own database, in their order."""
    rows: list[Any] = await page.evaluate(
        """() => new Promise((resolve, reject) => {
            const opening = indexedDB.open("hearing_outbox");
            opening.onerror = () => reject(opening.error);
            opening.onsuccess = () => {
                const asked = opening.result.transaction("entries").objectStore("entries").getAll();
                asked.onsuccess = () => { opening.result.close(); resolve(asked.result); };
            };
        })"""
    )
    return [row["body"]["text"] for row in sorted(rows, key=lambda row: row["order"])]


@pytest.mark.timeout(240)
async def test_messages__server_page_and_browser_killed__arrive_once_and_in_order(tmp_path: Path) -> None:
    court = Court(tmp_path / "court")
    await court.serve()
    try:
        async with async_playwright() as playwright, CourtClient(court.url) as clerk:
            await clerk.sign_in_staff("clerk", PASSWORD)
            case_id = (await clerk.get("/cases"))["items"][0]["id"]
            phone = Phone(playwright, court, tmp_path / "profile")
            await phone.start()
            page = await phone.open(case_id)
            await write(page, "网络正常")
            await shows(page, ["网络正常"])

            await court.kill()
            first = ["断线一", "断线二", "断线三"]
            await write(page, *first)
            await until(lambda: _equal(kept(page), first), "three messages on the disk")
            assert await page.get_by_text("发送中…").count() == 3
            with suppress(BrowserError):
                await page.reload()
            await court.serve()
            await page.goto(f"/cases/{case_id}/space")
            await shows(page, first)
            await until(lambda: _equal(kept(page), []), "nothing left on the disk")

            await court.kill()
            second = ["关机前一", "关机前二"]
            await write(page, *second)
            await until(lambda: _equal(kept(page), second), "two messages on the disk")
            phone.kill()
            await court.serve()
            phone = Phone(playwright, court, tmp_path / "profile")
            await phone.start()
            page = await phone.open(case_id)
            await shows(page, second)

            other = await phone.open(case_id)
            await court.kill()
            await write(page, "标签甲一")
            await write(other, "标签乙一")
            await write(page, "标签甲二")
            third = ["标签甲一", "标签乙一", "标签甲二"]
            await until(lambda: _equal(kept(other), third), "three messages of two tabs on the disk")
            phone.posted.clear()
            await court.serve()
            for tab in (page, other):
                await shows(tab, third)
            by_client: Counter[str] = Counter()
            for _, client_id in phone.posted:
                by_client[client_id] += 1
            assert phone.posted, "they were sent"
            assert set(by_client.values()) == {1}, "no message was sent by both tabs"
            lane = (await clerk.get(f"/cases/{case_id}/space"))["lanes"][0]["lane"]
            events = (await clerk.get(f"/lanes/{lane}/events?limit=200"))["items"]
            assert phone.context is not None
            await phone.context.close()
    finally:
        await court.kill()
    texts = [event["body"]["text"] for event in events if event["type"] == "text"]
    assert texts[-9:] == ["网络正常", *first, *second, *third]


async def _equal(asking: Any, wanted: list[str]) -> bool:
    return bool(await asking == wanted)
