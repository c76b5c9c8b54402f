"""The way through the demo court that passes every page once, with people who hold a hearing on it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Page, expect

from tests.flows.browser_people import DESK, PHONE, Browsers, Source, sees
from tests.flows.browser_steps import (
    Somebody,
    arrive,
    consent,
    issue_reminder,
    open_link,
    order,
    prove_identity,
    send_picture,
    sign_in_staff,
    somebody,
    stands,
    take_the_bench,
    try_devices,
    write_message,
)
from tests.flows.court_story import Story
from tests.shots import media_states
from tests.shots.camera import Camera, speak
from tests.shots.evidence import draw_note

# The demo court's own people (hearing_server/demo_court.py), as they stand in its first case.
PLAINTIFF = Somebody("原告", "林书瑶", "13900000001", "330199198803120023")
AGENT = Somebody("原告诉讼代理人", "徐静", "13900000003", "330199198306180025")
DEFENDANT = Somebody("被告", "赵建国", "13900000002", "330199197511050014")
# Entered at the counter on the way.
SELLER = somebody("原告", "方晴", "13900000101", "33019919900214002")
BUYER = somebody("被告", "陆远", "13900000102", "33019919851123001")


def _face(pitch_hz: int, colour: str, skin: str, size: tuple[int, int] = (640, 480)) -> Source:
    return Source(pitch_hz, colour, skin=skin, size=size, rate_hz=10, beat_s=0.85, has_flash=False)


@dataclass
class Walkers:
    """Everybody's page. The defendant reads English in the hearing room: its phone form has no switch in sight."""

    judge: Page
    clerk: Page
    plaintiff: Page
    agent: Page
    defendant: Page
    president: Page
    anybody: Page
    visitor: Page


async def walk(camera: Camera, told: Story, there: Browsers, folder: Path) -> None:
    """Take every picture. Fails like the browser story when a step is not possible."""
    bench, phones = await there.process(), await there.process()
    people = Walkers(
        judge=await there.page(bench, DESK, source=_face(440, "#33516f", "#d8b394")),
        clerk=await there.page(bench, DESK, source=_face(550, "#4d5a52", "#e0bd9c")),
        plaintiff=await there.page(phones, PHONE, source=_face(660, "#6f8579", "#e3c1a2", (480, 640))),
        agent=await there.page(phones, PHONE, source=_face(880, "#6d6a86", "#d4ab86")),
        defendant=await there.page(phones, PHONE, source=_face(1030, "#8a7263", "#cfa47c", (480, 640))),
        president=await there.page(bench, DESK),
        anybody=await there.page(phones, PHONE),
        visitor=await there.page(bench, DESK),
    )
    await media_states.prepare(people.plaintiff, people.agent, people.defendant)
    await _doors(camera, people)
    await _counter(camera, people.clerk)
    await _on_the_way(camera, people)
    number = await _lobby(camera, people)
    await _in_session(camera, people)
    await _media(camera, people, folder)
    await _case_space(camera, people, folder)
    await _reminder(camera, people)
    await _recess_and_close(camera, people)
    await _film(camera, people, told, number)


async def _doors(camera: Camera, people: Walkers) -> None:
    """What anybody sees without signing in."""
    phone, desk = people.anybody, people.visitor
    for page in (phone, desk):
        await page.goto("/")
        await camera.take(page, "home")
        await page.goto("/demo")
        await expect(page.get_by_role("heading", name="当事人和代理人")).to_be_visible()
        await camera.take(page, "demo")
        await page.goto("/sign-in")
        await camera.take(page, "sign-in")
    await desk.goto("/sign-in?as=staff")
    await camera.take(desk, "sign-in-staff")
    await phone.goto("/demo/outbox")
    await expect(phone.get_by_role("list", name="模拟短信").get_by_role("listitem").first).to_be_visible()
    await camera.take(phone, "outbox")
    await phone.goto("/public")
    await expect(phone.get_by_text("还没有公开的录像")).to_be_visible()
    await camera.take(phone, "public-empty")
    await phone.goto("/j/unknown-link")
    await expect(phone.get_by_text("链接无效")).to_be_visible()
    await camera.take(phone, "join-unknown")


async def _counter(camera: Camera, clerk: Page) -> None:
    """The clerk's desk: cases, filing, a case, a hearing."""
    await sign_in_staff(clerk, "clerk")
    await expect(clerk.get_by_role("table", name="案件")).to_be_visible()
    await camera.take(clerk, "cases")
    await clerk.get_by_role("button", name="批量导入").click()
    await camera.take(clerk, "import")
    await clerk.get_by_role("link", name="案件").first.click()
    await clerk.get_by_role("button", name="立案登记").click()
    await clerk.get_by_label("案由", exact=True).fill("买卖合同纠纷")
    await clerk.get_by_label("承办法官").select_option(label="沈明远")
    for number, party in enumerate((SELLER, BUYER), start=1):
        card = clerk.get_by_role("region", name=f"当事人 {number} · {party.standing}")
        await card.get_by_label("姓名或名称").fill(party.name)
        await card.get_by_label("手机号码").fill(party.phone)
        await card.get_by_label("身份证号码").fill(party.id_number)
    await camera.take(clerk, "filing", whole=True)
    await clerk.get_by_role("button", name="登记立案").click()
    await expect(clerk.get_by_role("button", name="安排开庭")).to_be_visible()
    await clerk.get_by_role("button", name="安排开庭").click()
    await camera.take(clerk, "schedule")
    await clerk.get_by_role("dialog").get_by_role("button", name="安排开庭").click()
    await expect(clerk.get_by_role("link", name="进入法庭")).to_be_visible()
    await camera.take(clerk, "case", whole=True)


async def _on_the_way(camera: Camera, people: Walkers) -> None:
    """From the message to the waiting room, on the plaintiff's phone."""
    phone = people.plaintiff
    await open_link(phone, PLAINTIFF.name)
    await camera.take(phone, "join")
    await prove_identity(phone, PLAINTIFF)
    await expect(phone.get_by_role("button", name="已阅读并同意")).to_be_visible()
    await camera.take(phone, "consent")
    await consent(phone)
    await expect(phone.get_by_role("button", name="开始检测")).to_be_visible()
    await camera.take(phone, "self-test-start")
    await try_devices(phone, before_the_end=lambda: camera.take(phone, "self-test", whole=True))
    await expect(phone.get_by_text("候场时，您的画面和声音不会发送")).to_be_visible()
    await camera.take(phone, "waiting", whole=True)
    await arrive(people.defendant, DEFENDANT)
    await arrive(people.agent, AGENT)
    await people.agent.goto("/cases")
    await expect(people.agent.get_by_role("heading", name="最近一次开庭")).to_be_visible()
    await camera.take(people.agent, "my-cases")
    await people.agent.get_by_role("button", name="进入候场").tap()
    await expect(people.agent.get_by_text("候场时，您的画面和声音不会发送")).to_be_visible()
    await speak(people.defendant, "en")


async def _lobby(camera: Camera, people: Walkers) -> str:
    """The bench before the opening; the clerk looks at who is ready."""
    clerk, judge = people.clerk, people.judge
    await clerk.get_by_role("link", name="庭审日程").click()
    hearing = clerk.get_by_role("listitem").filter(has_text="民间借贷纠纷")
    await expect(hearing.get_by_text("到场 3/3")).to_be_visible()
    await camera.take(clerk, "day")
    number = (await hearing.get_by_role("link").first.inner_text()).strip()
    await hearing.get_by_role("button", name="开庭准备").click()
    await expect(clerk.get_by_role("table", name="人员准备情况")).to_be_visible()
    await camera.take(clerk, "readiness")
    await sign_in_staff(judge, "judge")
    await take_the_bench(judge, number)
    await expect(judge.get_by_role("list", name="候场").get_by_role("listitem")).to_have_count(3)
    await camera.take(judge, "room-lobby")
    await judge.get_by_role("button", name="全部准许进入").click()
    await expect(people.plaintiff.get_by_role("alertdialog")).to_be_visible()
    await camera.take(people.plaintiff, "called", languages=("zh",))
    return number


async def _in_session(camera: Camera, people: Walkers) -> None:
    """Everybody in their seats; the judge's desk, a party's phone, an order."""
    judge = people.judge
    # One speaks, the others are nearly silent: the stage stands still.
    for page in (judge, people.plaintiff, people.defendant):
        await page.evaluate("() => window.__source.speak(0.002)")
    inside = judge.get_by_role("list", name="在法庭内").get_by_role("listitem")
    await expect(inside.filter(has_text="在庭")).to_have_count(4)
    await order(judge, "开庭")
    await stands(judge, "开庭中", "录像中")
    for party in (PLAINTIFF, DEFENDANT):
        await sees(judge, party.plate)
    await sees(people.plaintiff, "审判长 沈明远")
    await asyncio.sleep(3)  # the first seconds on disk are confirmed, the counters stand at a figure
    await camera.take(judge, "room")
    await _both_phones(camera, people, "room")
    await people.plaintiff.get_by_role("button", name="法庭人员").tap()
    await people.defendant.get_by_role("button", name="People").tap()
    await _both_phones(camera, people, "room-people")
    for phone, back in ((people.plaintiff, "回到法庭"), (people.defendant, "Back to the courtroom")):
        await phone.get_by_role("button", name=back).tap()
    row = inside.filter(has_text=DEFENDANT.name)
    await row.get_by_role("button", name="静音", exact=True).click()
    await expect(people.defendant.get_by_text("has muted you")).to_be_visible()
    await camera.take(judge, "room-muted")
    await camera.take(people.defendant, "room-muted", languages=("en",))
    await row.get_by_role("button", name="解除静音").click()
    own = inside.filter(has_text=PLAINTIFF.name).first
    await own.get_by_role("button", name="静音", exact=True).click()
    await expect(people.plaintiff.get_by_text("已将您静音")).to_be_visible()
    await camera.take(people.plaintiff, "room-muted", languages=("zh",))
    await own.get_by_role("button", name="解除静音").click()


async def _media(camera: Camera, people: Walkers, folder: Path) -> None:
    """What phones go through: a shown screen, a weak line, a call."""
    phones = {"zh": people.plaintiff, "en": people.defendant}
    watching = {"zh": people.agent, "en": people.defendant}
    await media_states.show_a_screen(camera, people.plaintiff, people.judge, watching, folder)
    await media_states.weak_line_and_voices_only(camera, people.plaintiff)
    await media_states.support_sheet(camera, phones)
    await media_states.call_comes_in(camera, people.judge, phones)


async def _both_phones(camera: Camera, people: Walkers, name: str) -> None:
    await camera.take(people.plaintiff, name, languages=("zh",))
    await camera.take(people.defendant, name, languages=("en",))


async def _case_space(camera: Camera, people: Walkers, folder: Path) -> None:
    """Talk around a case, with a picture, on a phone and on the clerk's desk."""
    note = folder / "借条.png"
    draw_note(note)
    await people.agent.get_by_role("button", name="案件空间").tap()
    await write_message(people.agent, "请法庭核对借条原件，照片附后。")
    await send_picture(people.agent, note)
    clerk = people.clerk
    await clerk.get_by_role("link", name=re.compile("号$")).first.click()
    await clerk.get_by_role("link", name="案件空间").click()
    await write_message(clerk, "已收到。请原告方庭后三日内把原件交到立案窗口。")
    await people.agent.get_by_role("button", name="回到法庭").tap()
    await people.plaintiff.get_by_role("button", name="案件空间").tap()
    await write_message(people.plaintiff, "好的，明天上午送到。")
    await camera.take(people.plaintiff, "case-space-in-room", languages=("zh",))
    await people.plaintiff.get_by_role("button", name="回到法庭").tap()
    await camera.take(clerk, "case-space")


async def _reminder(camera: Camera, people: Walkers) -> None:
    """A forced reminder: issued, over the hearing on both phones, acknowledged by one."""
    clerk, title = people.clerk, "庭后三日内提交借条原件"
    await clerk.get_by_role("button", name="发出强制提醒").click()
    await camera.take(clerk, "reminder-issue")
    await clerk.get_by_role("dialog").get_by_role("button", name="取消").click()
    text = (
        "请在庭审结束后三日内，将借条原件交到本院立案窗口（云河区法院路 1 号）。逾期提交的，由法庭依法处理。"
    )
    await issue_reminder(clerk, [PLAINTIFF, DEFENDANT], title, text)
    for phone in (people.plaintiff, people.defendant):
        await expect(phone.get_by_role("dialog", name=title)).to_be_visible()
    await _both_phones(camera, people, "reminder")
    await people.plaintiff.get_by_role("button", name="我已知悉").tap()
    await expect(clerk.get_by_text("已知悉 1/2")).to_be_visible()
    await camera.take(clerk, "reminder-board")
    await people.defendant.get_by_role("dialog").get_by_role("button").last.tap()
    await clerk.get_by_role("button", name="返回").click()


async def _recess_and_close(camera: Camera, people: Walkers) -> None:
    judge = people.judge
    await order(judge, "休庭")
    sheet = judge.get_by_role("dialog", name="宣布休庭")
    await expect(sheet).to_be_visible()
    await camera.take(judge, "recess-order")
    await sheet.get_by_role("button", name="宣布休庭").click()
    await stands(people.plaintiff, "休庭", "录像暂停")
    await camera.take(judge, "room-recess")
    await _both_phones(camera, people, "room-recess")
    await order(judge, "恢复庭审")
    await stands(judge, "开庭中", "录像中")
    await asyncio.sleep(3)  # a second sitting worth looking at
    await order(judge, "闭庭")
    await camera.take(judge, "close-order")
    await judge.get_by_role("dialog").get_by_role("button", name="确认闭庭").click()
    await expect(judge.get_by_text("已闭庭。")).to_be_visible()
    await camera.take(judge, "room-closed")


async def _film(camera: Camera, people: Walkers, told: Story, number: str) -> None:
    """The recording on the clerk's desk, its publication, the public pages, and a party's own cases."""
    told.clock.ahead += timedelta(seconds=61)
    clerk, president, anybody = people.clerk, people.president, people.anybody
    await clerk.get_by_role("link", name="庭审录像").click()
    row = clerk.get_by_role("row").filter(has_text=number)
    await expect(row.get_by_text("可播放")).to_be_visible(timeout=300_000)
    await camera.take(clerk, "recordings")
    await row.get_by_role("link").first.click()
    await _show_frame(clerk, "庭审录像播放")
    await camera.take(clerk, "recording", whole=True)
    await clerk.get_by_role("button", name="申请公开").click()
    await camera.take(clerk, "publish")
    await clerk.get_by_role("dialog").get_by_role("button", name="申请公开").click()
    await expect(clerk.get_by_role("link", name="到公开审核")).to_be_visible()
    await sign_in_staff(president, "president")
    await president.get_by_role("link", name="公开审核").click()
    review = president.get_by_role("link", name="审核", exact=True)
    await expect(review).to_be_visible()
    await camera.take(president, "publications")
    address = str(await review.get_attribute("href")).removeprefix("/desk")
    for page in (people.plaintiff, people.defendant):
        await _accept_publication(camera, page, address)
    await review.click()
    await _show_frame(president, "公开版预览")
    await camera.take(president, "publication", whole=True)
    await president.get_by_role("button", name="确认公开").click()
    await president.get_by_role("dialog").get_by_role("button", name="确认公开").click()
    await expect(president.get_by_role("link", name="查看公开页")).to_be_visible()
    for page in (anybody, people.visitor):
        await page.goto("/public")
        link = page.get_by_role("link", name=re.compile("^播放"))
        await expect(link).to_be_visible()
        await camera.take(page, "public")
        await link.click()
        await _show_frame(page, "庭审录像")
        await camera.take(page, "public-film")
    await clerk.goto("/desk/cases")
    await clerk.get_by_role("link", name=number).click()
    await expect(clerk.get_by_text("链条完整")).to_be_visible()
    await camera.take(clerk, "case-after", whole=True)
    await people.plaintiff.goto("/cases")
    await expect(people.plaintiff.get_by_role("heading", name=re.compile("您好"))).to_be_visible()
    await people.plaintiff.get_by_role("link", name=re.compile("案件空间")).first.click()
    await expect(people.plaintiff.get_by_role("log", name="消息")).to_be_visible()
    await camera.take(people.plaintiff, "case-space")


async def _accept_publication(camera: Camera, page: Page, address: str) -> None:
    """A party reads the forced reminder, then says on the page it speaks of that it has no objection."""
    await page.goto(address)
    await page.get_by_role("button", name=re.compile("我已知悉|I have read this")).click()
    agree = page.get_by_role("button", name=re.compile("^无异议|^No objection"))
    await expect(agree).to_be_visible()
    await camera.take(page, "publication-notice")
    await agree.click()
    await expect(page.get_by_text(re.compile("您已确认无异议|You have confirmed"))).to_be_visible()


async def _show_frame(page: Page, name: str) -> None:
    """A moment of the film with everybody in it, stopped."""
    video = page.get_by_label(name, exact=True)
    await expect(video).to_be_visible()
    await video.evaluate(
        """video => new Promise((shown) => {
            video.muted = true;
            video.addEventListener("seeked", () => setTimeout(shown, 1500), { once: true });
            const seek = () => (video.currentTime = video.duration * 0.4);
            video.readyState > 0 ? seek() : video.addEventListener("loadedmetadata", seek, { once: true });
        })"""
    )
