"""Figures of a running hearing: for Prometheus, for support, in the judge's list; and gone when the room is."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hearing_server.kernel import HearingId, SystemClock
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.seat import Seat
from hearing_server.robots.senses import COLOURS, PITCHES_HZ, Face, Metronome, Voice
from tests.court import RunningCourt, running_court
from tests.sockets.test_seats import lobby

WAIT_S = 30


async def scrape(court: RunningCourt) -> dict[str, float]:
    """`/metrics` by series."""
    async with court.client() as client, client.http.get(f"{court.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


async def media(client: CourtClient, seat: Seat) -> dict[str, Any]:
    return dict(await client.get(f"/hearings/{seat.hearing_id}/media"))


async def measured(client: CourtClient, seat: Seat) -> dict[str, Any]:
    """The room's figures once its only speaker's packets are in them."""
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await media(client, seat)
            if found["people"] and found["people"][0]["up_bps"] and found["totals"][0]["packets_in"]:
                return found
            await asyncio.sleep(0.2)


async def test_figures__while_somebody_speaks__stand_in_metrics_support_page_and_list(tmp_path: Path) -> None:
    async with running_court(tmp_path, server={"metrics_per_hearing": True}) as court, lobby(court) as found:
        judge, lin, _ = found
        bench = Seat(judge, lin.hearing_id, decode=False)
        await bench.connect()
        before = await scrape(court)
        assert before["hearing_seats"] == 0
        await lin.take()
        beat = Metronome()
        await lin.publish(Voice(beat, PITCHES_HZ[0]), Face(beat, COLOURS[0], size=(320, 240), rate_hz=10))
        room = await measured(judge, lin)
        person = room["people"][0]
        assert person["person_id"] == lin.client.me["id"]
        assert {track["source"] for track in person["sends"]} == {"microphone", "camera"}
        assert person["transport"] == "udp"
        assert lin.client.me["name"] not in str(room)
        series = await scrape(court)
        labels = f'{{hearing="{lin.hearing_id}"}}'
        assert series[f"hearing_room_up_bps{labels}"] > 0
        assert series[f"hearing_room_seats{labels}"] == 1
        assert series["hearing_received_packets_total"] >= room["totals"][0]["packets_in"]
        assert sum(v for name, v in series.items() if name.startswith("hearing_seats_by_connection")) == 1
        assert (
            series['hearing_residence_seconds_bucket{le="+Inf"}'] == series["hearing_residence_seconds_count"]
        )
        view = await bench.until(lambda v: person_of(v, lin)["facts"]["up_kbps"], timeout_s=WAIT_S)
        facts = person_of(view, lin)["facts"]
        assert facts["up_height_px"] > 0
        assert facts["down_kbps"] == 0
        await bench.close()
        await lin.command("room_leave")
        await court.server.media.rooms.close_room(HearingId(lin.hearing_id), reason="closed")
        after = await scrape(court)
        assert not [name for name in after if lin.hearing_id in name], "a closed room leaves no series behind"
        assert after["hearing_received_packets_total"] >= series["hearing_received_packets_total"]
        with pytest.raises(Problem) as gone:
            await media(judge, lin)
        assert (gone.value.status, gone.value.code) == (409, "hearing.no_room")


def person_of(view: dict[str, Any], seat: Seat) -> dict[str, Any]:
    people: list[dict[str, Any]] = view["people"]
    return next(each for each in people if each["person_id"] == seat.client.me["id"])


async def test_metrics__by_default__name_no_hearing_and_no_person(court: RunningCourt) -> None:
    async with lobby(court) as (_, lin, _):
        await lin.take()
        text = str(await scrape(court))
        assert "hearing_seats" in text
        assert lin.hearing_id not in text
        assert lin.client.me["id"] not in text


async def test_support_page__asked_by_a_party_or_a_judge_of_another_case__is_not_theirs(
    court: RunningCourt,
) -> None:
    async with lobby(court) as (_, lin, _):
        await lin.take()
        with pytest.raises(Problem) as refused:
            await media(lin.client, lin)
        assert refused.value.status == 403
        async with court.staff("clerk2") as registry:
            assert (await media(registry, lin))["hearing_id"] == lin.hearing_id


class Later(SystemClock):
    """The minute to undo a closing is over."""

    def utc_now(self) -> datetime:
        return super().utc_now() + timedelta(seconds=90)


async def line_acts(client: CourtClient, case_id: str) -> list[dict[str, Any]]:
    acts = (await client.get(f"/cases/{case_id}/acts"))["items"]
    return [act for act in acts if act["kind"] == "participant.line_measured"]


async def test_closing__when_the_record_is_sealed__then_each_line_is_an_act_for_the_court_and_its_owner(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lobby(court) as (judge, lin, zhao):
        await judge.post(f"/hearings/{lin.hearing_id}/admissions", {"all": True})
        beat = Metronome()
        for place, seat in enumerate((lin, zhao)):
            await seat.take()
            await seat.publish(Voice(beat, PITCHES_HZ[place]))
        await judge.post(f"/hearings/{lin.hearing_id}/open")
        async with asyncio.timeout(WAIT_S):
            while not all(each["packets_in"] for each in (await media(judge, lin))["totals"]):  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        await judge.post(f"/hearings/{lin.hearing_id}/close")
        monkeypatch.setattr(court.server.services.sealing, "_clock", Later())
        case_id = (await judge.get(f"/hearings/{lin.hearing_id}"))["case"]["id"]
        async with asyncio.timeout(WAIT_S):
            while not (seen := await line_acts(judge, case_id)):  # noqa: ASYNC110 - the timer seals every 2 s
                await asyncio.sleep(0.2)
        assert {act["summary"]["person_ids"][0] for act in seen} == {
            lin.client.me["id"],
            zhao.client.me["id"],
        }
        assert all(act["summary"]["packets_in"] > 0 for act in seen)
        shown = [act for act in await line_acts(lin.client, case_id) if not act["withheld"]]
        assert [act["summary"]["person_ids"] for act in shown] == [[lin.client.me["id"]]]
