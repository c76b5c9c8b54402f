"""Asking to be contacted over HTTP: honest to who asks, the clerks' alone to answer, each step an act."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hearing_server.robots.court_client import Problem
from tests.court import RunningCourt
from tests.sockets.devices import device

ASKED = {"topic": "materials", "text": "能否当庭提交原件？", "way": "phone"}


async def test_request__asked_taken_answered_closed__is_seen_by_who_may_and_nobody_else(
    court: RunningCourt,
) -> None:
    async with (
        court.party("林书瑶") as lin, court.party("赵建国") as other, court.staff("judge") as judge,
        court.staff("clerk") as clerk, court.staff("clerk2") as colleague, device(lin) as phone,
    ):  # fmt: skip
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        path = f"/cases/{case_id}/contact-requests"
        made = await lin.post(path, ASKED)
        assert (made["state"], made["taken"], made["asker"]["label"]) == ("waiting", None, "原告")
        assert (await other.get(path))["items"] == [], "the other side learns nothing of it"
        for person, door in ((judge, path), (judge, "/contact-requests"), (other, "/contact-requests")):
            with pytest.raises(Problem) as refused:
                await person.get(door)
            assert refused.value.status == 403
        with pytest.raises(Problem) as hidden:
            await other.post(f"/contact-requests/{made['id']}/withdraw", {})
        assert hidden.value.code == "not_found"
        assert [one["id"] for one in (await colleague.get("/contact-requests"))["items"]] == [made["id"]]

        with pytest.raises(Problem) as early:
            await clerk.post(f"/contact-requests/{made['id']}/phone", {})
        assert early.value.code == "contact.not_taken"
        taken = await clerk.post(f"/contact-requests/{made['id']}/take", {})
        assert taken["taken"]["name"] == "顾小雨"
        number = (await clerk.post(f"/contact-requests/{made['id']}/phone", {}))["phone"]
        assert number == (await court.person("林书瑶"))["sign_in"]["phone"]
        await phone.until(lambda: len(phone.events("contact_changed")) >= 2)
        assert phone.events("contact_changed")[-1] == {"request_id": made["id"], "case_id": case_id}
        todos = (await clerk.get("/me/todos"))["items"]
        assert [one["key"] for one in todos if one["kind"] == "answer_contact"] == [made["id"]]

        answer = {"text": "可以，请提前十分钟到。", "way": "phone"}
        await clerk.post(f"/contact-requests/{made['id']}/answer", answer)
        await clerk.post(f"/contact-requests/{made['id']}/done", {})
        (seen,) = (await lin.get(path))["items"]
        assert (seen["state"], seen["answer"], seen["answered_way"]) == ("done", answer["text"], "phone")
        with pytest.raises(Problem) as closed:
            await clerk.post(f"/contact-requests/{made['id']}/take", {})
        assert closed.value.code == "contact.not_open"
        assert (await clerk.get("/contact-requests"))["items"] == []
        log = await clerk.get(f"/cases/{case_id}/acts?after=0")
        kinds = [act["kind"] for act in log["items"] if act["kind"].startswith("contact.")]
        assert log["intact"]
        assert kinds == [f"contact.{step}" for step in ("asked", "taken", "phone_seen", "answered", "done")]


async def test_request__a_fourth_within_a_day_or_without_words__is_refused(court: RunningCourt) -> None:
    async with court.party("林书瑶") as lin:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        path = f"/cases/{case_id}/contact-requests"
        for body, code in (
            ({"topic": "other", "way": "phone"}, "contact.text"),
            ({"topic": "weather", "way": "phone"}, "body.invalid"),
            ({**ASKED, "from_at": "2099-01-01T00:00:00Z"}, "contact.times"),
        ):
            with pytest.raises(Problem) as refused:
                await lin.post(path, body)
            assert refused.value.code == code
        for _ in range(3):
            await lin.post(path, ASKED)
        with pytest.raises(Problem) as over:
            await lin.post(path, ASKED)
        assert (over.value.status, over.value.code) == (429, "contact.too_many")


async def test_request__nobody_answers_in_time__gets_a_clerks_name_once(court: RunningCourt) -> None:
    async with court.party("林书瑶") as lin, court.staff("clerk") as clerk:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        made = await lin.post(f"/cases/{case_id}/contact-requests", ASKED)
        desk = court.server.services.talk.contact_desk
        assert await desk.run_late_due() == 0
        clock = desk._clock

        class Tomorrow:
            """The same clock a day and an hour later."""

            monotonic_s = staticmethod(clock.monotonic_s)

            @staticmethod
            def utc_now() -> object:
                return clock.utc_now() + timedelta(hours=25)

        desk._clock = Tomorrow()  # type: ignore[assignment]
        assert [await desk.run_late_due() for _ in range(2)] == [1, 0]
        (late,) = (await clerk.get("/contact-requests"))["items"]
        assert (late["id"], late["assigned_to"]) == (made["id"], "顾小雨")
        assert late["overdue_at"] is not None
