"""A server without rooms beside the one that holds them: same folder, same database, not even a Redis between them."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearing_server.app import running
from hearing_server.demo_court import PASSWORD
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.site import listening
from tests.court import court_settings, running_court
from tests.sockets.devices import device, space_of


async def test_case_space__on_two_servers__is_one_and_hearings_are_with_the_rooms(tmp_path: Path) -> None:
    async with running_court(tmp_path) as court:
        beside = court_settings(tmp_path, server={"port": 0, "rooms": False})
        async with (
            running(beside) as other,
            listening(other.app, beside) as url,
            court.staff("clerk") as clerk,
            CourtClient(url) as judge,
        ):
            assert other.media.udp_ports == ()
            await judge.sign_in_staff("judge", PASSWORD)
            hearing = (await judge.get("/hearings"))["items"][0]
            for path in (f"/hearings/{hearing['id']}", "/log"):
                with pytest.raises(Problem) as refused:
                    await judge.get(path)
                assert (refused.value.status, refused.value.code) == (503, "rooms.elsewhere")
            assert (await clerk.get(f"/hearings/{hearing['id']}"))["state"] == "scheduled"
            lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
            async with device(clerk) as here, device(judge) as there:
                for one in (here, there):
                    await one.resume(lane)
                for number in range(3):
                    assert (await here.post(lane, f"client-here-{number}", f"甲{number}"))["ok"]
                    assert (await there.post(lane, f"client-there-{number}", f"乙{number}"))["ok"]
                for one in (here, there):
                    await one.until(lambda one=one: len(one.texts(lane)) == 6)  # type: ignore[misc]
                assert here.texts(lane) == there.texts(lane) == ["甲0", "乙0", "甲1", "乙1", "甲2", "乙2"]
                assert here.gaps == there.gaps == []
