"""Nodes, timeline, things to do; contacts, wishes and pushes over HTTP."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import Problem
from tests.contract.push_twin import BrowserTwin, PushService, push_service
from tests.court import RunningCourt, running_court
from tests.rest.test_reminders import case_and_parties, remind, until


@pytest.fixture
async def service() -> AsyncIterator[PushService]:
    async with push_service() as opened:
        yield opened


@pytest.fixture
async def pushing(tmp_path: Path, service: PushService) -> AsyncIterator[RunningCourt]:
    """A court that may call the push service on loopback."""
    async with running_court(tmp_path, channels={"push_hosts": [service.origin]}) as running:
        yield running


async def pushed(service: PushService, browser: BrowserTwin, count: int) -> list[dict[str, Any]]:
    async def so_far() -> list[Any]:
        return service.pushes

    await until(so_far, lambda all_: len(all_) >= count)
    return [browser.open(body) for _, _, body in service.pushes]


async def test_node__hearing_moved__is_one_card_one_line_and_one_push_that_tells_nothing(
    pushing: RunningCourt, service: PushService
) -> None:
    async with pushing.staff("clerk") as clerk, pushing.party("赵建国") as zhao:
        case_id, _, _ = await case_and_parties(pushing, clerk)
        hearing = (await clerk.get(f"/cases/{case_id}"))["hearings"][0]
        browser = BrowserTwin(service.endpoint("zhao"))
        added = await zhao.post(
            "/me/contacts", {"channel": "web_push", "address": browser.subscription, "label": "Chrome"}
        )
        again = await zhao.post("/me/contacts", {"channel": "web_push", "address": browser.subscription})
        assert again == added, "the same browser is one contact"
        moved = {"starts_at": "2199-05-01T01:00:00Z", "duration_min": 90}
        for _ in range(2):
            await clerk.post(f"/hearings/{hearing['id']}/move", moved)
        (push,) = await pushed(service, browser, 1)
        assert await pushing.server.services.telling.nodes.push_due() == 0, "told once"
        assert (push["link"], push["title"]) == (f"/hearings/{hearing['id']}/lobby", "法院通知")
        for secret in ("赵建国", "民间借贷", "第一次庭审", "林书瑶"):
            assert secret not in push["text"] + push["title"]
        progress = await zhao.get(f"/cases/{case_id}/progress")
        kinds = [node["kind"] for node in progress["timeline"]]
        assert kinds.count("hearing_moved") == 1
        assert kinds[:2] == ["case_filed", "hearing_scheduled"]
        assert [node["is_ahead"] for node in progress["timeline"]][-1] is True
        lane = (await clerk.get(f"/cases/{case_id}/space"))["lanes"][0]
        events = (await clerk.get(f"/lanes/{lane['lane']}/events?before={lane['head_seq'] + 1}"))["items"]
        assert [event["body"].get("card") for event in events].count("hearing_moved") == 1
        # The browser says what became of it; nobody else can.
        for spoiled in ({"token": "0" * 32}, {"notice": "ntc_none"}):
            with pytest.raises(Problem) as refused:
                await zhao.post(
                    "/push/receipts",
                    {"notice": push["notice"], "token": push["token"], "state": "opened"} | spoiled,
                )
            assert refused.value.status == 404
        await zhao.post(
            "/push/receipts", {"notice": push["notice"], "token": push["token"], "state": "displayed"}
        )
        contacts = (await zhao.get("/me/contacts"))["contacts"]
    assert contacts[0]["last_proof_at"] is not None


async def test_push__browser_gone__its_contact_ends_and_the_reminder_says_so(
    pushing: RunningCourt, service: PushService
) -> None:
    service.status = 410
    async with pushing.staff("clerk") as clerk, pushing.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(pushing, clerk)
        browser = BrowserTwin(service.endpoint("zhao"))
        await zhao.post("/me/contacts", {"channel": "web_push", "address": browser.subscription})
        await remind(clerk, case_id, defendant, ground="document_served")

        async def board() -> Any:
            found = (await clerk.get(f"/cases/{case_id}/reminders"))["items"][0]["obligations"][0]
            return {try_["channel"]: try_["state"] for try_ in found["attempts"]}

        tries = await until(board, lambda now: now["web_push"] != "queued")
        assert tries["web_push"] == "failed"
        assert (await zhao.get("/me/contacts"))["contacts"] == []


async def test_reminder_push__displayed_and_opened__raise_the_attempt_and_not_the_reading(
    pushing: RunningCourt, service: PushService
) -> None:
    async with pushing.staff("clerk") as clerk, pushing.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(pushing, clerk)
        browser = BrowserTwin(service.endpoint("zhao"))
        await zhao.post("/me/contacts", {"channel": "web_push", "address": browser.subscription})
        made = await remind(clerk, case_id, defendant, ground="document_served", title="判决书送达")
        (push,) = await pushed(service, browser, 1)
        assert "判决书" not in push["text"] + push["title"]
        await zhao.post(
            "/push/receipts", {"notice": push["notice"], "token": push["token"], "state": "opened"}
        )
        one = (await clerk.get(f"/cases/{case_id}/reminders"))["items"][0]["obligations"][0]
    states = {try_["channel"]: try_["state"] for try_ in one["attempts"]}
    assert made["obligations"][0]["id"] == one["id"]
    assert (states["web_push"], one["grade"], one["state"]) == ("opened", "on_device", "active")


async def test_wishes__switched_off__no_news_but_the_forced_reminder_comes(
    pushing: RunningCourt, service: PushService
) -> None:
    async with pushing.staff("clerk") as clerk, pushing.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(pushing, clerk)
        browser = BrowserTwin(service.endpoint("zhao"))
        await zhao.post("/me/contacts", {"channel": "web_push", "address": browser.subscription})
        assert (await zhao.put("/me/wishes", {"wishes": {"web_push": False}}))["wishes"]["web_push"] is False
        with pytest.raises(Problem) as unknown:
            await zhao.put("/me/wishes", {"wishes": {"pigeon": True}})
        assert unknown.value.code == "contact.wish"
        hearing = (await clerk.get(f"/cases/{case_id}"))["hearings"][0]
        moved = {"starts_at": "2199-05-01T01:00:00Z", "duration_min": 90}
        await clerk.post(f"/hearings/{hearing['id']}/move", moved)
        while await pushing.server.services.telling.nodes.push_due():
            pass
        await remind(clerk, case_id, defendant, ground="document_served")
        (push,) = await pushed(service, browser, 1)
    assert push["title"] == "法院提醒"


async def test_email__given__counts_after_its_code(court: RunningCourt) -> None:
    async with court.party("赵建国") as zhao, court.party("林书瑶") as lin:
        made = await zhao.post("/me/contacts", {"channel": "email", "address": "Zhao@Example.ORG"})
        contact = (await zhao.get("/me/contacts"))["contacts"][0]
        assert (contact["label"], contact["is_confirmed"]) == ("Zh…@example.org", False)
        body = next(item for item in await court.messages("Zhao@example.org"))
        code = re.search(r"\d{6}", body)
        assert code is not None
        wrong = "000000" if code[0] != "000000" else "000001"
        with pytest.raises(Problem) as refused:
            await zhao.post(f"/me/contacts/{made['id']}/confirmation", {"code": wrong})
        assert refused.value.code == "code.wrong"
        with pytest.raises(Problem) as foreign:
            await lin.post(f"/me/contacts/{made['id']}/confirmation", {"code": code[0]})
        assert foreign.value.status == 404
        await zhao.post(f"/me/contacts/{made['id']}/confirmation", {"code": code[0]})
        assert (await zhao.get("/me/contacts"))["contacts"][0]["is_confirmed"] is True
        await zhao.call("DELETE", f"/me/contacts/{made['id']}")
        assert (await zhao.get("/me/contacts"))["contacts"] == []
        for channel, address in (
            ("email", "no address"),
            ("wechat", "x"),
            ("web_push", "{}"),
            (
                "web_push",
                '{"endpoint": 1, "keys": {"p256dh": "AAAAAAAAAAAAAAAAAAAA", "auth": "AAAAAAAAAAAAAAAA"}}',
            ),
        ):
            with pytest.raises(Problem) as malformed:
                await zhao.post("/me/contacts", {"channel": channel, "address": address})
            assert malformed.value.code == "contact.address"


async def test_todos__of_a_party__are_in_order_of_their_deadlines(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(court, clerk)
        await remind(clerk, case_id, defendant, due_at="2199-01-01T00:00:00Z")
        todos = (await zhao.get("/me/todos"))["items"]
        kinds = [todo["kind"] for todo in todos]
        assert {"attend_hearing", "decide_consent", "run_self_test", "acknowledge_reminder"} <= set(kinds)
        dues = [todo["due_at"] for todo in todos if todo["due_at"]]
        assert dues == sorted(dues)
        assert kinds.index("acknowledge_reminder") > kinds.index("attend_hearing")
        of_case = await zhao.get(f"/cases/{case_id}/progress")
        assert [todo["kind"] for todo in of_case["todos"]] == kinds
    async with court.staff("clerk2") as stranger:
        progress = await stranger.get(f"/cases/{case_id}/progress")
        assert progress["todos"] == [], "a colleague looks, and has nothing to do here"
