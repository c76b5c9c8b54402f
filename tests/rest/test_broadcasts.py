"""Delayed live: approved beforehand, later than the hearing, cut with one tap; and nothing of it anywhere else."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.seat import Seat
from tests.court import RunningCourt, running_court
from tests.rest.recorded import case_of

TITLE = {"title": "民间借贷纠纷庭审直播"}
WHY = {"reason": "涉及隐私"}
SECOND_NS = 1_000_000_000
DELAY_S = 30.0


async def _approved(court: RunningCourt, judge: CourtClient) -> tuple[str, str]:
    """(hearing, broadcast): every party has agreed, a second official has approved."""
    case_id, hearing_id = await case_of(court)
    async with court.staff("clerk") as clerk, court.staff("president") as president:
        asked = await clerk.post(f"/hearings/{hearing_id}/broadcast", TITLE)
        with pytest.raises(Problem, match=r"publication\.same_person"):
            await clerk.post(f"/hearings/{hearing_id}/broadcast/approve")
        with pytest.raises(Problem, match=r"objection\.time_runs"):
            await president.post(f"/hearings/{hearing_id}/broadcast/approve")
        for party in (await clerk.get(f"/cases/{case_id}"))["parties"]:
            async with court.party(party["name"]) as person:
                await person.put(f"/hearings/{hearing_id}/broadcast/response", {"objects": False})
        await president.post(f"/hearings/{hearing_id}/broadcast/approve")
    return hearing_id, str(asked["id"])


async def _open(judge: CourtClient, hearing_id: str) -> None:
    seat = Seat(judge, hearing_id, decode=False)
    await seat.connect()
    await seat.report("present")
    await seat.take()
    await seat.close()
    await judge.post(f"/hearings/{hearing_id}/open")


def _lay_out(folder: Path, ages_s: list[float]) -> None:
    """Segments as the maker leaves them; `ages_s`: how long ago each one's last picture was taken."""
    out = next((folder / "recordings").iterdir()) / "live"
    out.mkdir(exist_ok=True)
    rows: list[dict[str, Any]] = []
    for number, age_s in enumerate(ages_s):
        (out / f"piece{number}.ts").write_bytes(b"G%d" % number)
        until_ns = time.time_ns() - int(age_s * SECOND_NS)
        rows.append(
            {"number": number, "name": f"piece{number}.ts", "duration_s": 16.0, "until_utc_ns": str(until_ns)}
        )
    (out / "index.json").write_text(json.dumps({"segments": rows}))


async def _get(anybody: CourtClient, path: str) -> tuple[int, str, str]:
    async with anybody.http.get(f"{anybody.url}/api/v1/public/live{path}") as answer:
        body = (await answer.read()).decode()
        said = body if answer.status == 200 else body.split('"request_id"')[0]
        return answer.status, said, answer.headers.get("Cache-Control", "")


@pytest.mark.timeout(180)
async def test_live__approved_and_running__shows_what_is_old_enough_and_ends_with_a_tap(
    tmp_path: Path,
) -> None:
    async with (
        running_court(tmp_path, public={"live_delay_s": DELAY_S}) as court,
        court.staff("judge") as judge,
        court.client() as anybody,
    ):
        hearing_id, live_id = await _approved(court, judge)
        nothing = await _get(anybody, "/brd_nothing")
        assert await _get(anybody, f"/{live_id}") == nothing, "not before the hearing runs"
        await _open(judge, hearing_id)
        _lay_out(tmp_path, [200, 100, DELAY_S + 2, DELAY_S - 15, 5])
        listed = (await anybody.get("/public/live"))["items"]
        assert [(one["id"], one["title"]) for one in listed] == [(live_id, TITLE["title"])]
        assert len((await anybody.get(f"/public/live?number={listed[0]['case_number']}"))["items"]) == 1
        assert (await anybody.get("/public/live?held_on=1999-01-01"))["items"] == []
        status, text, cache = await _get(anybody, f"/{live_id}/live.m3u8")
        assert (status, cache) == (200, "no-store")
        assert [line for line in text.split() if line.endswith(".ts")] == [
            "piece0.ts",
            "piece1.ts",
            "piece2.ts",
        ]
        assert "#EXT-X-ENDLIST" not in text
        assert await _get(anybody, f"/{live_id}/piece1.ts") == (200, "G1", "no-store")
        for number in (3, 4):
            assert (await _get(anybody, f"/{live_id}/piece{number}.ts"))[0] == 404
        assert (await _get(anybody, f"/{live_id}/..%2F..%2Findex.ts"))[0] == 404
        await judge.post(f"/hearings/{hearing_id}/broadcast/cut", WHY)
        assert (await anybody.get("/public/live"))["items"] == []
        for path in ("", "/live.m3u8", "/piece0.ts"):
            assert await _get(anybody, f"/{live_id}{path}") == nothing, (
                "what was said before waits no longer either"
            )
        again = await judge.post(f"/hearings/{hearing_id}/broadcast/cut", WHY)
        assert (again["state"], again["reason"]) == ("cut", WHY["reason"])
        acts = (await judge.get(f"/cases/{(await judge.get(f'/hearings/{hearing_id}'))['case']['id']}/acts"))[
            "items"
        ]
        told = [act["kind"] for act in acts if act["kind"].startswith("broadcast.")]
        assert (told[0], told[-2:]) == ("broadcast.submitted", ["broadcast.approved", "broadcast.cut"])


@pytest.mark.timeout(120)
async def test_broadcast__asked_for_in_session_or_not_approved__is_never_shown(court: RunningCourt) -> None:
    _, hearing_id = await case_of(court)
    async with (
        court.staff("judge") as judge,
        court.staff("clerk") as clerk,
        court.staff("president") as president,
        court.client() as anybody,
    ):
        asked = await clerk.post(f"/hearings/{hearing_id}/broadcast", TITLE)
        with pytest.raises(Problem, match=r"publication\.exists"):
            await clerk.post(f"/hearings/{hearing_id}/broadcast", TITLE)
        await _open(judge, hearing_id)
        assert (await _get(anybody, f"/{asked['id']}"))[0] == 404
        with pytest.raises(Problem, match=r"broadcast\.too_late"):
            await president.post(f"/hearings/{hearing_id}/broadcast/approve")
        await president.post(f"/hearings/{hearing_id}/broadcast/reject", WHY)
        with pytest.raises(Problem, match=r"broadcast\.not_on"):
            await judge.post(f"/hearings/{hearing_id}/broadcast/cut", WHY)
        with pytest.raises(Problem, match=r"broadcast\.too_late"):
            await clerk.post(f"/hearings/{hearing_id}/broadcast", TITLE)
        assert (await judge.get(f"/hearings/{hearing_id}/broadcast"))["broadcast"]["state"] == "rejected"
