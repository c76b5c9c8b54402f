"""The card that a hearing starts soon: a quarter of an hour before, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.court import RunningCourt


async def test_hearing_soon__looked_for_again_and_again__posts_one_card_in_its_quarter_hour(
    court: RunningCourt,
) -> None:
    job = court.server.services.hearing_soon
    now = court.server.clock.utc_now()
    async with court.staff("clerk") as clerk:
        cases = (await clerk.get("/cases"))["items"]
        case = next(one for one in cases if one["cause"] == "房屋租赁合同纠纷")
        lane = (await clerk.get(f"/cases/{case['id']}/space"))["lanes"][0]["lane"]

        async def cards() -> list[Any]:
            events = (await clerk.get(f"/lanes/{lane}/events?limit=200"))["items"]
            return [one["body"] for one in events if one["body"].get("card") == "hearing_starting_soon"]

        later = {"title": "较晚", "starts_at": (now + timedelta(minutes=30)).isoformat(), "duration_min": 30}
        soon = {"title": "马上", "starts_at": (now + timedelta(minutes=9)).isoformat(), "duration_min": 30}
        for hearing in (later, soon):
            await clerk.post(f"/cases/{case['id']}/hearings", hearing)
        for _ in range(3):
            await job.announce_due()
        assert [card["title"] for card in await cards()] == ["马上"]
        assert (await cards())[0]["fallback"] == "庭审即将开始：马上"
