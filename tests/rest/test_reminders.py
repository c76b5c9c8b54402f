"""Forced reminders over HTTP and live: issued, pressed, seen, acknowledged by the recipient alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt
from tests.sockets.devices import device

TEXT = "请于庭前携带借条原件。"


async def case_and_parties(court: RunningCourt, clerk: CourtClient) -> tuple[str, str, str]:
    """The loan case, its plaintiff and its defendant."""
    cases = (await clerk.get("/cases"))["items"]
    case = next(one for one in cases if one["cause"] == "民间借贷纠纷")
    people = {party["standing"]: party["person_id"] for party in case["parties"]}
    return case["id"], people["plaintiff"], people["defendant"]


async def remind(staff: CourtClient, case_id: str, *person_ids: str, **changes: Any) -> dict[str, Any]:
    body = {"person_ids": list(person_ids), "title": "携带原件", "text": TEXT} | changes
    made: dict[str, Any] = await staff.post(f"/cases/{case_id}/reminders", body)
    return made


async def until(ask: Callable[[], Any], is_so: Callable[[Any], bool]) -> Any:
    """Ask again until it is so."""
    async with asyncio.timeout(20):
        while not is_so(found := await ask()):  # noqa: ASYNC110 - asked over HTTP, no event to wait for
            await asyncio.sleep(0.1)
    return found


async def test_reminder__issued__presses_in_app_and_by_sms_and_ends_by_acknowledgment(
    court: RunningCourt,
) -> None:
    async with court.staff("judge") as judge, court.party("赵建国") as zhao:
        case_id, _, defendant = await case_and_parties(court, judge)
        async with device(zhao) as phone, device(judge) as desk:
            made = await remind(judge, case_id, defendant)
            await phone.until(lambda: bool(phone.events("obligation_raised")))
            raised = phone.events("obligation_raised")[0]["obligation"]
            mine = (await zhao.get("/me/obligations"))["items"]
            assert [one["id"] for one in mine] == [raised["id"]] == [one["id"] for one in made["obligations"]]
            assert (mine[0]["text"], mine[0]["state"], mine[0]["author"]["label"]) == (
                TEXT,
                "active",
                "审判长",
            )

            shown = await zhao.post(f"/obligations/{raised['id']}/displayed")
            assert shown["state"] == "displayed"
            assert shown["displayed_at"] is not None
            done = await zhao.post(
                f"/obligations/{raised['id']}/acknowledgment", {"text_sha256": raised["text_sha256"]}
            )
            assert done["state"] == "acknowledged"
            await desk.until(
                lambda: (
                    {"obligation_id": raised["id"], "state": "acknowledged"}
                    in desk.events("obligation_settled")
                )
            )
            await phone.until(lambda: bool(phone.events("obligation_settled")))
        assert (await zhao.get("/me/obligations"))["items"] == []

        async def board() -> Any:
            return (await judge.get(f"/cases/{case_id}/reminders"))["items"][0]["obligations"][0]

        settled = await until(board, lambda one: all(try_["state"] != "queued" for try_ in one["attempts"]))
        tries = {try_["channel"]: (try_["state"], try_["simulated"]) for try_ in settled["attempts"]}
        assert tries == {"in_app": ("accepted", False), "sms": ("accepted", True)}
        again = await zhao.post(
            f"/obligations/{raised['id']}/acknowledgment", {"text_sha256": raised["text_sha256"]}
        )
        assert again["acknowledged_at"] == done["acknowledged_at"], "a repeat answers the first one"
        log = await judge.get(f"/cases/{case_id}/acts?after=0")
        docket = [entry["kind"] for entry in (await judge.get(f"/cases/{case_id}"))["docket"]]
    kinds = [act["kind"] for act in log["items"]]
    assert log["intact"]
    for kind in ("reminder.issued", "obligation.displayed", "obligation.acknowledged"):
        assert kinds.count(kind) == 1
    assert docket[-2:] == ["reminder_issued", "reminder_acknowledged"]
    assert [body for body in await court.messages("13900000002") if "携带原件" in body]


async def test_reminder__posts_a_card_that_does_not_hold_the_text(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        case_id, plaintiff, _ = await case_and_parties(court, clerk)
        made = await remind(clerk, case_id, plaintiff)
        lane = (await clerk.get(f"/cases/{case_id}/space"))["lanes"][0]
        card = (await clerk.get(f"/lanes/{lane['lane']}/events?before={lane['head_seq'] + 1}"))["items"][-1]
    assert card["type"] == "card"
    assert card["sender"] is None
    assert card["body"]["card"] == "reminder_issued"
    assert card["body"]["reminder_id"] == made["id"]
    assert TEXT not in str(card), "everybody on the case reads the lane; the text is for its recipients"


async def test_obligation__of_somebody_else__is_not_there(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.party("赵建国") as zhao, court.party("林书瑶") as lin:
        case_id, plaintiff, _ = await case_and_parties(court, clerk)
        made = (await remind(clerk, case_id, plaintiff))["obligations"][0]
        for path, body in (("displayed", None), ("acknowledgment", {"text_sha256": made["text_sha256"]})):
            for stranger in (zhao, clerk):
                with pytest.raises(Problem) as refused:
                    await stranger.post(f"/obligations/{made['id']}/{path}", body)
                assert refused.value.code == "not_found"
        with pytest.raises(Problem) as other_text:
            await lin.post(f"/obligations/{made['id']}/acknowledgment", {"text_sha256": "0" * 64})
        still = (await lin.get("/me/obligations"))["items"]
    assert (other_text.value.status, other_text.value.code) == (409, "reminder.other_text")
    assert [one["state"] for one in still] == ["active"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"person_ids": []}, "body.invalid"),
        ({"title": " "}, "body.invalid"),
        ({"text": "长" * 2001}, "body.invalid"),
        ({"due_at": "2001-01-01T00:00:00Z"}, "reminder.due_at"),
        ({"person_ids": ["per_00000000000000000000000000"]}, "reminder.recipients"),
    ],
)
async def test_reminder__wrong__is_refused_and_nobody_is_reminded(
    court: RunningCourt, changes: dict[str, Any], code: str
) -> None:
    async with court.staff("clerk") as clerk:
        case_id, plaintiff, _ = await case_and_parties(court, clerk)
        with pytest.raises(Problem) as refused:
            await remind(clerk, case_id, plaintiff, **changes)
        assert (refused.value.status, refused.value.code) == (422, code)
        assert (await clerk.get(f"/cases/{case_id}/reminders"))["items"] == []


async def test_reminder__by_a_party_or_a_colleague__is_refused(court: RunningCourt) -> None:
    async with (
        court.staff("clerk") as clerk,
        court.staff("clerk2") as colleague,
        court.party("林书瑶") as lin,
    ):
        case_id, _, defendant = await case_and_parties(court, clerk)
        for somebody, status in ((lin, 403), (colleague, 404)):
            with pytest.raises(Problem) as refused:
                await remind(somebody, case_id, defendant)
            assert refused.value.status == status
            with pytest.raises(Problem) as unseen:
                await somebody.get(f"/cases/{case_id}/reminders")
            assert unseen.value.status == status


async def test_ladder__time_passes__climbs_once_per_step_and_stops_when_acknowledged(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    reminders = court.server.services.reminders
    async with court.staff("clerk") as clerk, court.party("林书瑶") as lin:
        case_id, plaintiff, defendant = await case_and_parties(court, clerk)
        made = await remind(clerk, case_id, plaintiff, defendant)
        by_person = {one["person"]["id"]: one for one in made["obligations"]}
        mine = by_person[plaintiff]
        await lin.post(f"/obligations/{mine['id']}/acknowledgment", {"text_sha256": mine["text_sha256"]})

        clock = court.server.clock
        real = type(clock).utc_now
        ahead = timedelta(seconds=601)
        monkeypatch.setattr(type(clock), "utc_now", lambda self: real(self) + ahead)
        # Both clocks go on, as when time passes; the wall clock alone would be a jump.
        steady = type(clock).monotonic_s
        monkeypatch.setattr(type(clock), "monotonic_s", lambda self: steady(self) + ahead.total_seconds())
        while await reminders.climb_due():
            pass
        ahead = timedelta(seconds=1801)
        while await reminders.climb_due():
            pass
        assert await reminders.climb_due() == 0
        monkeypatch.undo()
        board = (await clerk.get(f"/cases/{case_id}/reminders"))["items"][0]["obligations"]
    steps = {
        one["person"]["id"]: [(try_["level"], try_["channel"]) for try_ in one["attempts"]] for one in board
    }
    assert sorted(steps[plaintiff]) == [(0, "in_app"), (0, "sms")]
    assert sorted(steps[defendant]) == [(0, "in_app"), (0, "sms"), (1, "sms"), (2, "clerk")]


async def test_sheet__open_obligation__comes_again_at_every_connection(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.party("林书瑶") as lin:
        case_id, plaintiff, _ = await case_and_parties(court, clerk)
        made = (await remind(clerk, case_id, plaintiff))["obligations"][0]
        for _ in range(2):
            async with device(lin) as phone:
                await phone.until(lambda: bool(phone.events("obligation_raised")))
                assert phone.events("obligation_raised")[0]["obligation"]["id"] == made["id"]
