"""What people do in the browser story, through roles and accessible names alone: counter, door, bench, case space."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from playwright.async_api import Page, expect
from stdnum.cn import ric

from hearing_server.demo_court import PASSWORD

COURT_ZONE = ZoneInfo("Asia/Shanghai")
WAIT_MS = 45_000
expect.set_options(timeout=WAIT_MS)


@dataclass(frozen=True, slots=True)
class Somebody:
    """A party as the clerk enters it."""

    standing: str
    name: str
    phone: str
    id_number: str

    @property
    def plate(self) -> str:
        return f"{self.standing} {self.name}"


def somebody(standing: str, name: str, phone: str, first17: str) -> Somebody:
    """An invented person with a right check digit; the area code 330199 is assigned to no place."""
    return Somebody(standing, name, phone, first17 + str(ric.calc_check_digit(first17 + "0")))


async def sign_in_staff(page: Page, username: str) -> None:
    """From the court's front page to the desk."""
    await page.goto("/")
    await page.get_by_role("button", name="工作人员登录").click()
    await page.get_by_label("用户名").fill(username)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录", exact=True).click()
    await expect(page.get_by_role("navigation", name="主菜单")).to_be_visible()


async def file_case(clerk: Page, cause: str, judge: str, parties: list[Somebody]) -> str:
    """Counter filing; the case number the court gave."""
    await clerk.get_by_role("button", name="立案登记").click()
    await clerk.get_by_label("案由", exact=True).fill(cause)
    await clerk.get_by_label("承办法官").select_option(label=judge)
    for number, party in enumerate(parties, start=1):
        card = clerk.get_by_role("region", name=f"当事人 {number} · {party.standing}")
        await card.get_by_label("姓名或名称").fill(party.name)
        await card.get_by_label("手机号码").fill(party.phone)
        await card.get_by_label("身份证号码").fill(party.id_number)
    await clerk.get_by_role("button", name="登记立案").click()
    heading = clerk.get_by_role("heading", level=1, name=re.compile("号$"))
    await expect(heading).to_be_visible()
    return (await heading.inner_text()).strip()


async def schedule(clerk: Page, *, in_minutes: int = 2) -> None:
    """A hearing that soon begins, from the case's page."""
    await clerk.get_by_role("button", name="安排开庭").click()
    sheet = clerk.get_by_role("dialog", name="安排开庭")
    starts_at = datetime.now(UTC).astimezone(COURT_ZONE) + timedelta(minutes=in_minutes)
    await sheet.get_by_label("开庭时间").fill(starts_at.strftime("%Y-%m-%dT%H:%M"))
    await sheet.get_by_role("button", name="安排开庭").click()
    await expect(sheet).to_be_hidden()
    await expect(clerk.get_by_role("link", name="进入法庭")).to_be_visible()


async def open_link(phone: Page, name: str) -> None:
    """The person taps the link in the newest message (the demo's outbox stands for the phone's messages)."""
    await phone.goto("/demo/outbox")
    message = phone.get_by_role("list", name="模拟短信").get_by_role("listitem").filter(has_text=name).first
    await message.get_by_role("link").tap()
    await expect(phone.get_by_role("button", name="核验并进入候场")).to_be_visible()


async def prove_identity(phone: Page, person: Somebody) -> None:
    """Phone code, read in another tab, and the last four of the ID number."""
    await phone.get_by_role("button", name="获取验证码").tap()
    messages = await phone.context.new_page()
    await messages.goto("/demo/outbox")
    newest = messages.get_by_role("listitem").filter(has_text=person.name).filter(has_text="验证码").first
    found = re.search(r"\b(\d{6})\b", await newest.inner_text())
    assert found is not None
    await messages.close()
    await phone.get_by_label("短信验证码").fill(found[1])
    await phone.get_by_label("身份证号码后四位").fill(person.id_number[-4:])
    await phone.get_by_role("button", name="核验并进入候场").tap()


async def consent(phone: Page) -> None:
    """Both consents, one after the other."""
    for question in ("是否同意在线开庭", "是否知悉并同意庭审录音录像"):
        await phone.get_by_role("region", name=question).get_by_role("button", name="已阅读并同意").tap()


async def try_devices(phone: Page, *, before_the_end: Callable[[], Awaitable[None]] | None = None) -> None:
    """Own picture, own voice, one sentence recorded and heard back; then on to the waiting room."""
    await phone.get_by_role("button", name="开始检测").tap()
    await expect(phone.get_by_role("region", name="画面").get_by_text("通过", exact=True)).to_be_visible()
    await expect(phone.get_by_role("region", name="声音").get_by_text("通过", exact=True)).to_be_visible()
    await phone.get_by_role("button", name="开始录音").tap()
    await asyncio.sleep(1)  # a sentence takes its time
    await phone.get_by_role("button", name=re.compile("^停止")).tap()
    await phone.get_by_role("button", name="播放录音").tap()
    await phone.get_by_role("button", name="听清了", exact=True).tap()
    if before_the_end is not None:
        await before_the_end()
    await phone.get_by_role("button", name="进入候场").tap()
    await expect(phone.get_by_text("候场时，您的画面和声音不会发送")).to_be_visible()


async def arrive(phone: Page, person: Somebody) -> None:
    """From the message to the waiting room."""
    await open_link(phone, person.name)
    await prove_identity(phone, person)
    await consent(phone)
    await try_devices(phone)


async def take_the_bench(judge: Page, number: str) -> None:
    """Today's hearings, the room, the seat."""
    await judge.get_by_role("link", name="庭审日程").click()
    hearing = judge.get_by_role("listitem").filter(has_text=number)
    await hearing.get_by_role("button", name="进入法庭").click()
    entrance = judge.get_by_role("region", name="进入法庭")
    await entrance.get_by_role("button", name="进入法庭").click()
    await expect(judge.get_by_role("region", name="庭审指令")).to_be_visible()


async def admit_all(judge: Page, parties: list[Somebody]) -> None:
    """Everybody waits, with the door's three checks behind them; then all are called in."""
    waiting = judge.get_by_role("list", name="候场")
    for party in parties:
        row = waiting.get_by_role("listitem", name=party.plate)
        await expect(row).to_contain_text("身份已核验 · 已同意 · 自检通过")
    await judge.get_by_role("button", name="全部准许进入").click()
    for party in parties:
        row = judge.get_by_role("list", name="在法庭内").get_by_role("listitem", name=party.plate)
        await expect(row).to_contain_text("在庭")


async def order(judge: Page, name: str) -> None:
    await judge.get_by_role("region", name="庭审指令").get_by_role("button", name=name, exact=True).click()


async def stands(page: Page, state: str, recording: str) -> None:
    """The bar above the pictures says so: state of the hearing and of the recording."""
    await expect(page.get_by_role("status", name="庭审状态")).to_have_text(state)
    await expect(page.get_by_role("status", name="录像状态")).to_contain_text(recording)


async def write_message(page: Page, text: str) -> None:
    """In an open case space."""
    await page.get_by_label("写消息").fill(text)
    await page.get_by_role("button", name="发送", exact=True).click()
    await expect(page.get_by_role("log", name="消息").get_by_text(text)).to_be_visible()


async def send_picture(page: Page, picture: Path) -> None:
    """Chosen as from the phone's album; it is sent when it has an address of its own."""
    # The composer's: the room's bar has one of this name, too.
    await (
        page.get_by_role("button", name="更多", exact=True)
        .and_(page.locator("[aria-haspopup=dialog]"))
        .click()
    )
    async with page.expect_file_chooser() as chooser:
        await page.get_by_role("dialog").get_by_role("button", name="相册").click()
    await (await chooser.value).set_files(picture)
    await expect(page.get_by_role("button", name=f"查看图片 {picture.name}")).to_be_visible()


async def read_picture(page: Page, name: str) -> tuple[int, int]:
    """The picture as the reader's browser decoded it: width and height in pixels."""
    image = page.get_by_role("img", name=f"图片 {name}")
    await image.scroll_into_view_if_needed()
    await expect(image).to_be_visible()
    size = await image.evaluate("one => one.decode().then(() => [one.naturalWidth, one.naturalHeight])")
    return size[0], size[1]


async def issue_reminder(clerk: Page, people: list[Somebody], title: str, text: str) -> None:
    """A forced reminder, from the case space on the clerk's desk."""
    await clerk.get_by_role("button", name="发出强制提醒").click()
    sheet = clerk.get_by_role("dialog", name="发出强制提醒")
    for one in people:
        await sheet.get_by_label(one.name).check()
    await sheet.get_by_label("标题").fill(title)
    await sheet.get_by_label("内容").fill(text)
    await sheet.get_by_role("button", name="发出", exact=True).click()
    await expect(sheet).to_be_hidden()


async def is_covered(page: Page, title: str) -> bool:
    """Whether a tap anywhere on the screen, edges included, would only meet the reminder of this title."""
    sheet = page.get_by_role("dialog", name=title)
    return bool(
        await sheet.evaluate(
            """sheet => [0.02, 0.25, 0.5, 0.75, 0.98].every((x) => [0.02, 0.25, 0.5, 0.75, 0.98].every((y) => {
                const hit = document.elementFromPoint(x * innerWidth, y * innerHeight);
                return hit !== null && (hit === sheet || sheet.contains(hit));
            }))"""
        )
    )
