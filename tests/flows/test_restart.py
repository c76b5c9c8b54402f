"""Stopped and started again: nobody is shown who isn't there, and one bad folder stops nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hearing_server.errors import Unavailable
from hearing_server.ports.media import Writing
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.seat import Seat
from tests.court import RunningCourt, running_court

_FAILED_AND_BACK = ["recording.failed", "recording.recovered"]
# The first of two: its folder was damaged before the start, which is one kind of recovery, and mended later.
_ONE_DOWN_AND_BACK = ["recording.recovered", "recording.one_stalled", "recording.one_recovered"]
_ALARMS = {"recording.failed", *_ONE_DOWN_AND_BACK}


async def _waits(court: RunningCourt, person: CourtClient, name: str) -> Seat:
    sign_in = (await court.person(name))["sign_in"]
    hearing_id = await person.enter_by_link(
        await court.join_token(name), sign_in["phone"], sign_in["id_last4"]
    )
    for text in (await person.get("/config"))["consents"]:
        await person.put(
            f"/hearings/{hearing_id}/consents/{text['stage']}",
            {"decision": "granted", "text_version": text["version"]},
        )
    seat = Seat(person, hearing_id, decode=False)
    await seat.connect()
    await seat.report("waiting")
    return seat


def _presence(view: dict[str, object], person_id: str) -> str:
    people = view["people"]
    assert isinstance(people, list)
    return str(next(person["presence"] for person in people if person["person_id"] == person_id))


async def _alarm_acts(person: CourtClient, case_id: str) -> list[str]:
    acts = (await person.get(f"/cases/{case_id}/acts"))["items"]
    return [a["kind"] for a in acts if a["kind"] in _ALARMS]


@pytest.mark.timeout(120)
async def test_lobby__after_a_restart__shows_nobody_who_is_gone(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, court.client() as lin:
        hearing_id = (await _waits(court, lin, "林书瑶")).hearing_id
        async with court.staff("judge") as judge:
            assert _presence(await judge.get(f"/hearings/{hearing_id}"), lin.me["id"]) == "waiting"
        # Stopped like a killed one: sockets still open, nobody said goodbye.
    async with running_court(tmp_path) as again, again.staff("judge") as judge:
        assert _presence(await judge.get(f"/hearings/{hearing_id}"), lin.me["id"]) == "absent"
        with pytest.raises(Problem) as refused:
            await judge.post(f"/hearings/{hearing_id}/admissions", {"person_ids": [lin.me["id"]]})
        assert refused.value.code == "hearing.person_not_waiting"


@pytest.mark.timeout(120)
async def test_start__in_session__is_proven_at_once_and_no_alarm(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, court.staff("judge") as judge:
        hearing = (await judge.get("/hearings"))["items"][0]
        await _take_seat(judge, hearing["id"])
        await judge.post(f"/hearings/{hearing['id']}/open")
    async with running_court(tmp_path) as again, again.staff("judge") as judge:
        view = await judge.get(f"/hearings/{hearing['id']}")
        assert (view["state"], view["recording"]["state"]) == ("in_session", "writing")
        # Two rounds of the watch: what it has to say is said by then.
        await asyncio.sleep(2.2)
        acts = (await judge.get(f"/cases/{hearing['case_id']}/acts"))["items"]
        told = [act["kind"] for act in acts if act["kind"].startswith("recording.")]
        told = [kind for kind in told if kind != "recording.segment_sealed"]
        assert told == ["recording.started", "recording.recovered"]
        await judge.post(f"/hearings/{hearing['id']}/close")


@pytest.mark.timeout(180)
async def test_start__with_a_damaged_recording__serves_and_says_so_until_it_is_mended(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court, court.staff("judge") as judge:
        hearing = (await judge.get("/hearings"))["items"][0]
        await _take_seat(judge, hearing["id"])
        await judge.post(f"/hearings/{hearing['id']}/open")
    journal = next((tmp_path / "recordings").iterdir()) / "journal"
    aside = journal.with_name("journal.aside")
    journal.rename(aside)
    journal.write_text("not a folder")
    async with running_court(tmp_path) as again, again.staff("judge") as judge:
        view = await judge.get(f"/hearings/{hearing['id']}")
        # The second recorder goes on alone, and everybody is told which one is missing.
        assert (view["state"], view["recording"]["state"]) == ("in_session", "writing")
        assert view["recording"]["alarm"]["code"] == "recording.first_down"
        assert view["recording"]["recorders"] == {"expected": 2, "writing": 1, "down": ["first"]}
        # A recorder that is only being taken up is no news; one that stays away is.
        async with asyncio.timeout(30):
            while "recording.one_stalled" not in await _alarm_acts(judge, hearing["case_id"]):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        journal.unlink()
        aside.rename(journal)
        async with asyncio.timeout(30):
            while view["recording"]["recorders"]["writing"] != 2:
                await asyncio.sleep(0.2)
                view = await judge.get(f"/hearings/{hearing['id']}")
        async with asyncio.timeout(30):
            while await _alarm_acts(judge, hearing["case_id"]) != _ONE_DOWN_AND_BACK:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await judge.post(f"/hearings/{hearing['id']}/close")


@pytest.mark.timeout(120)
async def test_alarm__while_the_storage_takes_nothing__is_in_the_log_when_it_does_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_court(tmp_path) as court, court.staff("judge") as judge:
        hearing = (await judge.get("/hearings"))["items"][0]
        await _take_seat(judge, hearing["id"])
        await judge.post(f"/hearings/{hearing['id']}/open")
        full = Writing(is_advancing=False, size_bytes=1, tracks=0, failure="disk.full", free_bytes=0)

        def refuse() -> None:
            raise Unavailable("storage.full", zh="满", en="full")

        with monkeypatch.context() as broken:
            broken.setattr(court.server.media.recorders, "writing", lambda _: full)
            broken.setattr(type(court.server.units), "write", lambda _: refuse())
            async with asyncio.timeout(30):
                while True:
                    view = await judge.get(f"/hearings/{hearing['id']}")
                    if view["recording"]["state"] == "failed":
                        break
                    await asyncio.sleep(0.1)
            assert view["recording"]["alarm"]["code"] == "recording.disk_full"
            with pytest.raises(Problem) as refused:
                await judge.post(f"/hearings/{hearing['id']}/recess", {"reason": "设备故障"})
            assert refused.value.code == "storage.full"
        async with asyncio.timeout(30):
            while await _alarm_acts(judge, hearing["case_id"]) != _FAILED_AND_BACK:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await judge.post(f"/hearings/{hearing['id']}/close")


async def _take_seat(judge: CourtClient, hearing_id: str) -> None:
    seat = Seat(judge, hearing_id, decode=False)
    await seat.connect()
    await seat.report("present")
    await seat.take()
    await seat.close()
