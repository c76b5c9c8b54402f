"""Pauses and sealed spans ordered in a running hearing: who is told what, and what the record on disk says."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.seat import Seat
from recorder.reading.recording import take_inventory
from tests.court import RunningCourt, running_court

WHY = {"reason": "涉及商业秘密"}


async def _in_session(judge: CourtClient) -> str:
    hearing_id = str((await judge.get("/hearings"))["items"][0]["id"])
    seat = Seat(judge, hearing_id, decode=False)
    await seat.connect()
    await seat.report("present")
    await seat.take()
    await seat.close()
    await judge.post(f"/hearings/{hearing_id}/open")
    return hearing_id


async def _acts(judge: CourtClient, case_id: str) -> list[str]:
    kinds = [act["kind"] for act in (await judge.get(f"/cases/{case_id}/acts"))["items"]]
    return [kind for kind in kinds if kind.startswith("hearing.") and "lobby" not in kind]


def _journal(folder: Path) -> Any:
    return take_inventory(next((folder / "recordings").iterdir()))


@pytest.mark.timeout(120)
async def test_sealed_span__ordered_and_ended__is_told_written_and_kept_over_a_restart(
    tmp_path: Path,
) -> None:
    async with (
        running_court(tmp_path) as court,
        court.staff("judge") as judge,
        court.staff("president") as other,
    ):
        hearing_id = await _in_session(judge)
        sealed = await judge.post(f"/hearings/{hearing_id}/seal", WHY)
        assert sealed["sealed"]["reason"] == "涉及商业秘密"
        assert sealed["recording"]["state"] == "writing"
        assert ("seal" in sealed["me"]["may"], "unseal" in sealed["me"]["may"]) == (False, True)
        assert (await other.get(f"/hearings/{hearing_id}"))["sealed"] is not None
        with pytest.raises(Problem, match=r"hearing\.sealed"):
            await judge.post(f"/hearings/{hearing_id}/seal", WHY)
    async with running_court(tmp_path) as again, again.staff("judge") as judge:
        view = await judge.get(f"/hearings/{hearing_id}")
        assert view["sealed"]["reason"] == "涉及商业秘密"
        open_again = await judge.post(f"/hearings/{hearing_id}/unseal")
        assert open_again["sealed"] is None
        await judge.post(f"/hearings/{hearing_id}/close")
        case = await judge.get(f"/cases/{view['case']['id']}")
        assert {"sealing_begun", "sealing_ended"} <= {line["kind"] for line in case["docket"]}
        acts = await _acts(judge, view["case"]["id"])
        assert [kind for kind in acts if "sealing" in kind] == [
            "hearing.sealing_begun",
            "hearing.sealing_ended",
        ]
    marks = [mark.kind for mark in _journal(tmp_path).marks]
    assert marks == ["opened", "sealed", "sealed", "unsealed", "closed"]


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("kind", "held", "line"),
    [
        ("recess", True, "hearing_recessed"),
        ("closed_exhibit", False, "record_paused_for_exhibit"),
        ("mediation", False, "record_paused_for_mediation"),
    ],
)
async def test_pause__of_each_kind__stands_in_the_record_and_holds_the_room_or_not(
    court: RunningCourt, tmp_path: Path, kind: str, held: bool, line: str
) -> None:
    async with court.staff("judge") as judge:
        hearing_id = await _in_session(judge)
        paused = await judge.post(f"/hearings/{hearing_id}/recess", {**WHY, "kind": kind})
        assert (paused["state"], paused["recess"]["kind"]) == ("recess", kind)
        assert (await judge.get(f"/hearings/{hearing_id}"))["recording"]["state"] == "paused"
        assert court.engine._rooms[hearing_id].held is held
        await judge.post(f"/hearings/{hearing_id}/resume")
        await judge.post(f"/hearings/{hearing_id}/close")
        case = await judge.get(f"/cases/{paused['case']['id']}")
        assert line in {entry["kind"] for entry in case["docket"]}
        async with asyncio.timeout(20):
            # The writer syncs every quarter of a second.
            while not (pauses := _journal(tmp_path).pauses):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert [pause.code for pause in pauses] == [kind]


async def test_pause__of_a_fourth_kind__does_not_exist(court: RunningCourt) -> None:
    async with court.staff("judge") as judge:
        hearing_id = await _in_session(judge)
        with pytest.raises(Problem, match=r"body\.invalid"):
            await judge.post(f"/hearings/{hearing_id}/recess", {**WHY, "kind": "tea"})
