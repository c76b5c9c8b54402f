"""A court with two recorders: what the judge sees and decides when one of them fails, and what is sealed in the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hearing_server.kernel import SystemClock
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.robots.seat import Seat
from recorder.durable import Disk
from recorder.reading.recording import open_recording
from recorder.reading.verify import verify
from recorder.union.union import open_union
from tests.court import RunningCourt, running_court


class Later(SystemClock):
    """The minute to undo a closing is over."""

    def utc_now(self) -> datetime:
        return super().utc_now() + timedelta(seconds=90)


async def _in_lobby(judge: CourtClient) -> dict[str, Any]:
    hearing: dict[str, Any] = (await judge.get("/hearings"))["items"][0]
    seat = Seat(judge, hearing["id"], decode=False)
    await seat.connect()
    await seat.report("present")
    await seat.take()
    await seat.close()
    return hearing


async def _until(judge: CourtClient, hearing_id: str, holds: Callable[[Any], bool]) -> dict[str, Any]:
    """The recording light once something holds of it."""
    async with asyncio.timeout(30):
        while True:
            light: dict[str, Any] = (await judge.get(f"/hearings/{hearing_id}"))["recording"]
            if holds(light):
                return light
            await asyncio.sleep(0.1)


async def _acts(judge: CourtClient, case_id: str) -> list[str]:
    acts = (await judge.get(f"/cases/{case_id}/acts"))["items"]
    wanted = ("recording.one_stalled", "recording.one_recovered", "recording.by_one", "recording.stalled")
    return [act["kind"] for act in acts if act["kind"] in wanted]


async def _acts_are(judge: CourtClient, case_id: str, kinds: list[str]) -> None:
    async with asyncio.timeout(30):
        while await _acts(judge, case_id) != kinds:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def _second_pid(court: RunningCourt) -> int:
    recorders: Any = court.server.media.recorders
    pid: int = recorders._keeper.pid
    return pid


@pytest.mark.timeout(120)
async def test_second_recorder__stopped_in_session__alarm_names_it_and_the_record_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_court(tmp_path) as court, court.staff("judge") as judge:
        hearing = await _in_lobby(judge)
        await judge.post(f"/hearings/{hearing['id']}/open")
        light = await _until(judge, hearing["id"], lambda light: light["state"] == "writing")
        assert light["recorders"] == {"expected": 2, "writing": 2, "down": []}
        pid, stopped_s = _second_pid(court), time.monotonic()
        os.kill(pid, signal.SIGSTOP)
        try:
            light = await _until(judge, hearing["id"], lambda light: light["alarm"] is not None)
            # The promise is 3 s; this machine may be busy with everything else.
            assert time.monotonic() - stopped_s < 6
            assert light["alarm"]["code"] == "recording.second_down"
            assert (light["state"], light["recorders"]["down"]) == ("writing", ["second"])
        finally:
            os.kill(pid, signal.SIGCONT)
        await _until(judge, hearing["id"], lambda light: light["recorders"]["writing"] == 2)
        await _acts_are(judge, hearing["case_id"], ["recording.one_stalled", "recording.one_recovered"])
        await _alarmed_when_nothing_is_written(judge, hearing, pid, monkeypatch)
        await judge.post(f"/hearings/{hearing['id']}/close")
        monkeypatch.setattr(court.server.services.sealing, "_clock", Later())
        assert await court.server.services.sealing.seal_due() == 1
        recording = (await judge.get("/recordings"))["items"][0]
    (first,) = (tmp_path / "recordings").iterdir()
    (second,) = (tmp_path / "recordings-second").iterdir()
    assert first.name == second.name == recording["id"]
    union = json.loads((first / "union.json").read_text())
    assert open_union(first).union.root_sha256 == union["root_sha256"]
    assert [each["root_sha256"] for each in union["recorders"]] == [
        open_recording(folder).manifest.root_sha256 for folder in (first, second)
    ]
    assert verify(first) == verify(second) == []


async def _alarmed_when_nothing_is_written(
    judge: CourtClient, hearing: dict[str, Any], second: int, patch: pytest.MonkeyPatch
) -> None:
    """The first recorder's volume hangs while the second stands still; both come back."""
    syncs, real = threading.Event(), Disk.sync_data

    def sync_data(disk: Disk, fd: int) -> None:
        assert syncs.wait(60)
        real(disk, fd)

    patch.setattr(Disk, "sync_data", sync_data)
    os.kill(second, signal.SIGSTOP)
    stopped_s = time.monotonic()
    try:
        light = await _until(judge, hearing["id"], lambda light: light["state"] != "writing")
        alarm_s = time.monotonic() - stopped_s
        print(f"stall_alarm_s {alarm_s:.1f} (promised 3)")
        assert alarm_s < 6
        assert (light["state"], light["alarm"]["code"]) == ("stalled", "recording.stalled")
    finally:
        os.kill(second, signal.SIGCONT)
        syncs.set()
    await _until(judge, hearing["id"], lambda light: light["recorders"]["writing"] == 2)
    async with asyncio.timeout(30):
        while "recording.stalled" not in await _acts(judge, hearing["case_id"]):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


@pytest.mark.timeout(120)
async def test_open__when_one_recorder_refuses__judge_decides_with_a_reason_that_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "recordings-second").write_text("not a folder")
    async with running_court(tmp_path) as court, court.staff("judge") as judge:
        hearing = await _in_lobby(judge)
        with pytest.raises(Problem) as refused:
            await judge.post(f"/hearings/{hearing['id']}/open")
        assert refused.value.code == "recording.one_recorder"
        assert (await judge.get(f"/hearings/{hearing['id']}"))["state"] == "lobby"
        with pytest.raises(Problem) as refused:
            await judge.post(f"/hearings/{hearing['id']}/open", {"one_recorder_reason": "  "})
        assert refused.value.code == "body.invalid"
        opened = await judge.post(f"/hearings/{hearing['id']}/open", {"one_recorder_reason": "备录存储维修"})
        assert opened["state"] == "in_session"
        light = await _until(judge, hearing["id"], lambda light: light["alarm"] is not None)
        assert light["alarm"]["code"] == "recording.second_down"
        await _acts_are(judge, hearing["case_id"], ["recording.by_one"])
        (tmp_path / "recordings-second").unlink()
        await _until(judge, hearing["id"], lambda light: light["recorders"]["writing"] == 2)
        await _acts_are(judge, hearing["case_id"], ["recording.by_one", "recording.one_recovered"])
        await judge.post(f"/hearings/{hearing['id']}/close")
    (first,) = (tmp_path / "recordings").iterdir()
    assert ("one_recorder", "备录存储维修") in [
        (mark.kind, mark.text) for mark in open_recording(first).marks
    ]
