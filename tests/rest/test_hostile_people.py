"""What people with an account, a link or only a keyboard try, and what they get."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt


async def hearing_of(person: CourtClient) -> dict[str, Any]:
    """The person's next hearing."""
    found: dict[str, Any] = (await person.get("/hearings"))["items"][0]
    return found


async def test_moment__at_the_end_of_the_calendar__is_a_wrong_field(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        hearing = await hearing_of(clerk)
        people = (await judge.get(f"/hearings/{hearing['id']}"))["people"]
        recipient = people[2]["person_id"]
        for moment in ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"):
            reminder = {"person_ids": [recipient], "title": "举证", "text": "请提交", "due_at": moment}
            for who, path, body in (
                (clerk, f"/cases/{hearing['case_id']}/hearings", {"title": "续庭", "starts_at": moment}),
                (clerk, f"/cases/{hearing['case_id']}/reminders", reminder),
                (judge, f"/hearings/{hearing['id']}/recess", {"reason": "合议", "resumes_at": moment}),
            ):
                with pytest.raises(Problem) as refused:
                    await who.post(path, body)
                assert (refused.value.status, refused.value.code) == (422, "body.invalid"), (path, moment)
        assert await hearing_of(clerk) == hearing


async def test_title__that_reads_other_than_it_is__is_refused(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        hearing = await hearing_of(clerk)
        for trick in ("\u202e庭审", "\u2066x", "\x1b[2J", "\x07", "a\u0085b", "\x00"):
            with pytest.raises(Problem) as refused:
                await clerk.post(
                    f"/cases/{hearing['case_id']}/hearings",
                    {"title": f"第{trick}次庭审", "starts_at": "2190-01-01T09:00:00+08:00"},
                )
            assert refused.value.body["errors"][0]["code"] == "field.control_character"


async def test_page__with_a_path_that_is_no_text__is_not_found(court: RunningCourt) -> None:
    async with court.client() as client:
        for path in ("/j/%00", "/%ff%fe", "/assets/%00", "/..%2f..%2fetc%2fpasswd"):
            async with client.http.get(court.url + path) as answer:
                assert answer.status in (200, 404), path
                assert "root:" not in await answer.text()


async def test_acts__read_by_a_party_outside__do_not_tell_who_came_nor_what_the_bench_writes(
    court: RunningCourt,
) -> None:
    async with court.staff("judge") as judge, court.client() as lin, court.client() as zhao:
        for person, name in ((lin, "林书瑶"), (zhao, "赵建国")):
            about = await court.person(name)
            sign_in = about["sign_in"]
            await person.enter_by_link(await court.join_token(name), sign_in["phone"], sign_in["id_last4"])
        hearing = await hearing_of(lin)
        for text in (await zhao.get("/config"))["consents"]:
            await zhao.put(
                f"/hearings/{hearing['id']}/consents/{text['stage']}",
                {"decision": "granted", "text_version": text["version"]},
            )
        await judge.post(
            f"/cases/{hearing['case_id']}/reminders",
            {"person_ids": [zhao.me["id"]], "title": "举证", "text": "请提交证据"},
        )
        theirs = await lin.get(f"/cases/{hearing['case_id']}/acts")
        whole = await judge.get(f"/cases/{hearing['case_id']}/acts")
    assert theirs["intact"]
    assert [act["entry_sha256"] for act in theirs["items"]] == [act["entry_sha256"] for act in whole["items"]]
    shown = json.dumps([act for act in theirs["items"] if act["kind"] != "case.filed"], ensure_ascii=False)
    assert "赵建国" not in shown
    assert zhao.me["id"] not in shown
    own = [act for act in theirs["items"] if act["actor"]["id"] == lin.me["id"]]
    assert [act["kind"] for act in own] == ["participant.identity_checked"]
    kept = {act["kind"] for act in theirs["items"] if act["withheld"]}
    assert kept == {"participant.identity_checked", "participant.consent_decided", "reminder.issued"} | (
        kept & {"obligation.attempted"}
    )
    assert any(act["actor"]["name"] == "赵建国" for act in whole["items"])


_HANDS = {
    "content": "UPDATE acts SET payload = json_set(payload, '$.note', 'x') WHERE chain_id = ? AND case_seq = ?",
    "actor": "UPDATE acts SET actor_id = 'per_x' WHERE chain_id = ? AND case_seq = ?",
    "time": "UPDATE acts SET at = '2020-01-01 00:00:00.000000' WHERE chain_id = ? AND case_seq = ?",
    "kind": "UPDATE acts SET kind = 'case.imported' WHERE chain_id = ? AND case_seq = ?",
    "deleted": "DELETE FROM acts WHERE chain_id = ? AND case_seq = ?",
}


@pytest.mark.sqlite_file
async def test_acts__after_a_hand_in_the_database__name_the_first_broken_number(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        case_id = (await hearing_of(clerk))["case_id"]
        acts = await clerk.get(f"/cases/{case_id}/acts")
        assert acts["intact"]
        file = court.server.settings.database_url.split(":///")[-1]
        with sqlite3.connect(file, timeout=20) as database:
            kept = database.execute("SELECT * FROM acts WHERE chain_id = ?", (case_id,)).fetchall()
        for hand in _HANDS:
            for number in (acts["items"][0]["case_seq"], acts["items"][-1]["case_seq"]):
                with sqlite3.connect(file, timeout=20) as database:
                    assert database.execute(_HANDS[hand], (case_id, number)).rowcount == 1
                told = await clerk.get(f"/cases/{case_id}/acts")
                assert (told["intact"], told["broken_seq"]) == (False, number), hand
                with sqlite3.connect(file, timeout=20) as database:
                    database.execute("DELETE FROM acts WHERE chain_id = ?", (case_id,))
                    database.executemany(f"INSERT INTO acts VALUES ({','.join('?' * len(kept[0]))})", kept)
        assert (await clerk.get(f"/cases/{case_id}/acts"))["intact"]


@pytest.mark.sqlite_file
async def test_storage__locked_by_another_hand__is_said_and_nothing_is_lost(court: RunningCourt) -> None:
    file = court.server.settings.database_url.split(":///")[-1]
    async with court.staff("clerk") as clerk:
        hearing = await hearing_of(clerk)
        holder = sqlite3.connect(file, timeout=20, isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
            with pytest.raises(Problem) as refused:
                await clerk.post(f"/hearings/{hearing['id']}/cancel", {"reason": "测试"})
            assert (refused.value.status, refused.value.code) == (503, "storage.busy")
            assert (await hearing_of(clerk))["state"] == "scheduled", "reading goes on"
        finally:
            holder.execute("ROLLBACK")
            holder.close()
        assert (await clerk.post(f"/hearings/{hearing['id']}/cancel", {"reason": "测试"}))[
            "state"
        ] == "cancelled"
