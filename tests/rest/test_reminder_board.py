"""The court's board over HTTP: by hand, by a judge's order, by a gateway's report; what a changed document does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from tests.contract.gateway_twin import SECRET, GatewayTwin, gateway_twin
from tests.court import RunningCourt, running_court
from tests.rest.test_reminders import case_and_parties, remind, until


@pytest.fixture
async def twin() -> AsyncIterator[GatewayTwin]:
    async with gateway_twin() as opened:
        yield opened


@pytest.fixture
async def reached(tmp_path: Path, twin: GatewayTwin) -> AsyncIterator[RunningCourt]:
    """A court whose SMS go through a gateway."""
    secret = tmp_path / "sms.secret"
    secret.write_bytes(SECRET)
    async with running_court(
        tmp_path / "court", channels={"sms_url": twin.url, "sms_secret_file": secret}
    ) as running:
        yield running


async def one_of(client: CourtClient, case_id: str, person_id: str) -> dict[str, Any]:
    items = (await client.get(f"/cases/{case_id}/reminders"))["items"]
    found: dict[str, Any] = next(
        one for item in items for one in item["obligations"] if one["person"]["id"] == person_id
    )
    return found


async def test_gateway_reports__late_double_forged_and_replayed__only_what_is_signed_and_new_counts(
    reached: RunningCourt, twin: GatewayTwin
) -> None:
    async with reached.staff("clerk") as clerk:
        case_id, _, defendant = await case_and_parties(reached, clerk)
        made = (await remind(clerk, case_id, defendant))["obligations"][0]
        key = f"{made['id']}:0:sms"
        await until(lambda: _calls(twin, key), bool)

        async def state() -> str:
            one = await one_of(clerk, case_id, defendant)
            return str(next(try_["state"] for try_ in one["attempts"] if try_["channel"] == "sms"))

        await until(state, lambda now: now == "accepted")
        said = {"key": key, "state": "delivered"}
        for spoiled in (
            {"signature": "v1=" + "0" * 64},
            {"secret": "another secret of many bytes"},
            {"timestamp": "1000000000"},
            {"direction": "send"},
            {"nonce": "short"},
        ):
            assert await twin.report(reached.url, "sms", said, **spoiled) == 403
        assert await twin.report(reached.url, "wechat", said) == 403, "a channel without a secret takes none"
        assert await twin.report(reached.url, "sms", b"[1]") == 400
        assert await twin.report(reached.url, "sms", {"key": key, "state": "opened"}) == 400
        assert await state() == "accepted"
        assert await twin.report(reached.url, "sms", said, nonce="n" * 16) == 200
        assert await state() == "on_device"
        assert await twin.report(reached.url, "sms", said, nonce="n" * 16) == 403, "played again"
        assert await twin.report(reached.url, "sms", {"key": key, "state": "failed"}) == 200
        assert await twin.report(reached.url, "sms", {"key": "nobody's", "state": "delivered"}) == 200
        assert await state() == "on_device", "what was proven stays proven"
        one = await one_of(clerk, case_id, defendant)
    assert one["grade"] == "on_device"
    assert twin.by_key[key] == 1


async def _calls(twin: GatewayTwin, key: str) -> int:
    return twin.by_key[key]


async def test_board__clerk__sends_again_once_a_minute_and_hands_over(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(court, clerk)
        made = (await remind(clerk, case_id, defendant))["obligations"][0]
        shown = (await clerk.get("/reminders/unfinished"))["items"]
        assert [one["id"] for one in shown] == [made["id"]]
        assert shown[0]["next_step_at"] is not None
        again = await clerk.post(f"/obligations/{made['id']}/attempts", {"channel": "voice"})
        by_hand = [try_ for try_ in again["attempts"] if try_["by_hand"]]
        assert [(try_["channel"], try_["level"]) for try_ in by_hand] == [("voice", 100)]
        with pytest.raises(Problem) as too_soon:
            await clerk.post(f"/obligations/{made['id']}/attempts", {"channel": "voice"})
        assert too_soon.value.code == "reminder.just_sent"
        with pytest.raises(Problem) as never:
            await clerk.post(f"/obligations/{made['id']}/attempts", {"channel": "in_app"})
        assert never.value.code == "reminder.channel"
        done = await clerk.post(f"/obligations/{made['id']}/hand-over", {"note": "电话告知本人"})
        assert (done["state"], done["task"]) == ("handed_over", None)
        assert (await zhao.get("/me/obligations"))["items"] == []
        with pytest.raises(Problem) as ended:
            await zhao.post(f"/obligations/{made['id']}/acknowledgment", {"text_sha256": made["text_sha256"]})
        assert ended.value.code == "reminder.ended"
        assert (await clerk.get("/reminders/unfinished"))["items"] == []
        proof = await clerk.get(f"/obligations/{made['id']}/proof")
        kinds = [act["kind"] for act in proof["acts"]]
    assert proof["handed_over"]["note"] == "电话告知本人"
    assert kinds[0] == "reminder.issued"
    assert kinds[-1] == "obligation.handed_over"
    assert proof["serves"] is False
    assert proof["effect"] is None


async def test_board__strangers__see_nothing_of_it(court: RunningCourt) -> None:
    async with (
        court.staff("clerk") as clerk,
        court.staff("clerk2") as colleague,
        court.party("林书瑶") as lin,
        court.party("赵建国") as zhao,
    ):
        case_id, _, defendant = await case_and_parties(court, clerk)
        made = await remind(clerk, case_id, defendant)
        one = made["obligations"][0]["id"]
        assert (await colleague.get("/reminders/unfinished"))["items"] == []
        for who in (colleague, lin):
            with pytest.raises(Problem) as unseen:
                await who.get(f"/obligations/{one}/proof")
            assert (unseen.value.status, unseen.value.code) == (404, "not_found")
        assert (await zhao.get(f"/obligations/{one}/proof"))["state"] == "active", "the recipient's own"
        with pytest.raises(Problem) as foreign:
            await colleague.post(f"/obligations/{one}/hand-over", {"note": "x"})
        assert foreign.value.status == 404
        with pytest.raises(Problem) as foreign:
            await colleague.post(f"/reminders/{made['id']}/withdrawal", {"reason": "x"})
        assert foreign.value.status == 404
        with pytest.raises(Problem) as clerks:
            await clerk.post(f"/reminders/{made['id']}/urgent")
        assert clerks.value.code == "right.missing", "ringing at night is the judge's to order"
        with pytest.raises(Problem) as at_issue:
            await remind(clerk, case_id, defendant, urgent=True)
        assert at_issue.value.code == "right.missing"


async def test_urgent_and_withdrawn__by_the_court__are_acts(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(court, judge)
        made = await remind(judge, case_id, defendant)
        assert (await judge.post(f"/reminders/{made['id']}/urgent"))["urgent"] is True
        assert (await zhao.get("/me/obligations"))["items"][0]["urgent"] is True
        gone = await judge.post(f"/reminders/{made['id']}/withdrawal", {"reason": "发错了人"})
        assert gone["obligations"][0]["state"] == "cancelled"
        assert (await zhao.get("/me/obligations"))["items"] == []
        log = await judge.get(f"/cases/{case_id}/acts?after=0")
    kinds = [act["kind"] for act in log["items"]]
    assert {"reminder.made_urgent", "reminder.cancelled", "obligation.cancelled"} <= set(kinds)


async def test_objection__leaves_the_clerk_a_task_that_is_on_the_todo_list(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(court, clerk)
        made = (await remind(clerk, case_id, defendant))["obligations"][0]
        assert "acknowledge_reminder" in _kinds(await zhao.get("/me/todos"))
        done = await zhao.post(f"/obligations/{made['id']}/objection", {"text": "我不是本案被告"})
        assert done["state"] == "objected"
        assert "acknowledge_reminder" not in _kinds(await zhao.get("/me/todos"))
        todos = await clerk.get("/me/todos")
        assert "answer_objection" in _kinds(todos)
        shown = (await clerk.get("/reminders/unfinished"))["items"][0]
        assert (shown["objection"], shown["task"]["kind"], shown["is_overdue"]) == (
            "我不是本案被告",
            "objection",
            True,
        )
        await clerk.post(f"/obligations/{made['id']}/hand-over", {"note": "已核实"})
        assert "answer_objection" not in _kinds(await clerk.get("/me/todos"))


def _kinds(answer: Any) -> set[str]:
    return {todo["kind"] for todo in answer["items"]}


async def test_expiry__nobody_answers__is_a_named_clerks_task(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with court.staff("clerk") as clerk:
        case_id, _, defendant = await case_and_parties(court, clerk)
        soon = court.server.clock.utc_now() + timedelta(minutes=40)
        made = (await remind(clerk, case_id, defendant, due_at=soon.isoformat()))["obligations"][0]
        ahead = timedelta(minutes=45)
        clock = type(court.server.clock)
        wall, steady = clock.utc_now, clock.monotonic_s
        # The wall clock alone jumps: nothing climbs, nothing expires.
        monkeypatch.setattr(clock, "utc_now", lambda self: wall(self) + ahead)
        await court.server.services.reminders.climb_due()
        assert (await one_of(clerk, case_id, defendant))["state"] == "active"
        # Time really passes.
        monkeypatch.setattr(clock, "monotonic_s", lambda self: steady(self) + ahead.total_seconds())
        while await court.server.services.reminders.climb_due():
            pass
        monkeypatch.undo()
        one = await one_of(clerk, case_id, defendant)
        assert "hand_over_reminder" in _kinds(await clerk.get("/me/todos"))
    assert (one["state"], one["task"]["kind"], one["id"]) == ("expired", "expired", made["id"])
    assert one["task"]["clerk"]


async def test_document__hearing_moved__is_asked_again_of_everybody_who_was_asked(
    court: RunningCourt,
) -> None:
    async with (
        court.staff("clerk") as clerk,
        court.party("赵建国") as zhao,
        court.party("林书瑶") as lin,
    ):
        case_id, plaintiff, defendant = await case_and_parties(court, clerk)
        hearing = (await clerk.get(f"/cases/{case_id}"))["hearings"][0]
        named = {"documents": [{"kind": "hearing", "id": hearing["id"]}]}
        made = await remind(clerk, case_id, plaintiff, defendant, **named)
        old = {one["person"]["id"]: one for one in made["obligations"]}
        await lin.post(
            f"/obligations/{old[plaintiff]['id']}/acknowledgment",
            {"text_sha256": old[plaintiff]["text_sha256"]},
        )
        moved = await clerk.post(
            f"/hearings/{hearing['id']}/move", {"starts_at": "2199-05-01T01:00:00Z", "duration_min": 90}
        )
        assert moved["starts_at"].startswith("2199-05-01T01:00")
        for person in (zhao, lin):
            now = (await person.get("/me/obligations"))["items"]
            assert len(now) == 1
            assert now[0]["id"] not in {one["id"] for one in made["obligations"]}
            assert now[0]["text_sha256"] != old[plaintiff]["text_sha256"]
        with pytest.raises(Problem) as gone:
            await zhao.post(
                f"/obligations/{old[defendant]['id']}/acknowledgment",
                {"text_sha256": old[defendant]["text_sha256"]},
            )
        assert gone.value.code == "reminder.cancelled"
        states = {
            one["id"]: (one["state"], one["cancel_reason"])
            for item in (await clerk.get(f"/cases/{case_id}/reminders"))["items"]
            for one in item["obligations"]
        }
        with pytest.raises(Problem) as unknown:
            await remind(clerk, case_id, plaintiff, documents=[{"kind": "hearing", "id": "hrg_none"}])
        assert unknown.value.code == "reminder.documents"
    assert states[old[defendant]["id"]] == ("cancelled", "document_changed")
    assert states[old[plaintiff]["id"]] == ("acknowledged", ""), "what was acknowledged stays on record"


async def test_served_document__agent_acknowledges__certificate_names_rule_and_consent(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk, court.party("徐静") as xu:
        case_id, plaintiff, _ = await case_and_parties(court, clerk)
        made = (await remind(clerk, case_id, plaintiff, ground="document_served"))["obligations"]
        assert [one["person"]["name"] for one in made] == ["徐静"], "service falls on the agent"
        assert [one["name"] for one in made[0]["on_behalf_of"]] == ["林书瑶"]
        one = made[0]
        rested = await xu.post(f"/obligations/{one['id']}/later")
        assert (rested["later_left"], rested["later_until"] is not None) == (1, True)
        text = (await xu.get(f"/cases/{case_id}/service-consent"))["text"]
        with pytest.raises(Problem) as old:
            await xu.post(f"/cases/{case_id}/service-consent", {"granted": True, "text_version": "1999-1"})
        assert old.value.code == "consent.old_text"
        await xu.post(f"/cases/{case_id}/service-consent", {"granted": True, "text_version": text["version"]})
        before = (await clerk.get(f"/obligations/{one['id']}/proof"))["effect"]
        assert before["missing"] == "evidence", "a simulated SMS proves nothing"
        await xu.post(f"/obligations/{one['id']}/opened", {})
        await xu.post(f"/obligations/{one['id']}/acknowledgment", {"text_sha256": one["text_sha256"]})
        proof = await clerk.get(f"/obligations/{one['id']}/proof")
    assert proof["acknowledgment"]["identity"]
    assert proof["acknowledgment"]["text_sha256"] == one["text_sha256"]
    assert proof["service_consent"]["granted"] is True
    assert proof["effect"]["rule"] in ("online_litigation_31_2_1", "online_litigation_31_2_2")
    assert proof["effect"]["at"] <= proof["acknowledged_at"]
    assert json.dumps(proof, ensure_ascii=False)
