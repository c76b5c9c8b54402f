"""Closed doors over real HTTP: the judge's order takes down what is public and cuts what is on air, in one commit."""

from __future__ import annotations

import pytest

from hearing_server.robots.court_client import Problem
from tests.court import RunningCourt, new_case
from tests.rest.recorded import published, recorded

PRIVACY = {"ground": "privacy", "reason": "涉及原告健康信息"}


@pytest.mark.parametrize("of", ["cases", "hearings"])
async def test_order__for_a_case_with_a_public_film__takes_it_down_for_good(
    court: RunningCourt, of: str
) -> None:
    things = await recorded(court)
    shown = await published(court, things)
    place = f"/cases/{things.case_id}" if of == "cases" else f"/hearings/{things.hearing_id}"
    async with court.client() as anybody, court.staff("judge") as judge, court.staff("clerk") as clerk:
        assert [one["id"] for one in (await anybody.get("/public/recordings"))["items"]] == [shown]
        answer = await judge.post(f"{place}/closed-doors", PRIVACY)
        assert answer["closed_doors"]["law"].startswith("《民事诉讼法》第一百三十七条")
        assert (await anybody.get("/public/recordings"))["items"] == []
        for path in ("", "/film", "/poster"):
            async with anybody.http.get(f"{court.url}/api/v1/public/recordings/{shown}{path}") as gone:
                assert gone.status == 404
        draft = {"title": "t", "cause": "c"}
        with pytest.raises(Problem) as refused:
            await clerk.post(f"/recordings/{things.recording_id}/publications", draft)
        assert refused.value.code == "publication.closed_hearing"
        with pytest.raises(Problem) as twice:
            await judge.post(f"{place}/closed-doors", PRIVACY)
        assert twice.value.code == "closed_doors.ordered"
        case = await clerk.get(f"/cases/{things.case_id}")
        kinds = [line["kind"] for line in case["docket"]]
        acts = [act["kind"] for act in (await clerk.get(f"/cases/{things.case_id}/acts"))["items"]]
    brief = next(one for one in case["hearings"] if one["id"] == things.hearing_id)
    assert (brief["openness"], brief["closed_doors"]["ground"]) == ("closed", "privacy")
    assert case["openness"] == ("closed" if of == "cases" else "open")
    assert kinds[-2:] == [
        "doors_closed" if of == "cases" else "hearing_doors_closed",
        "publication_withdrawn",
    ]
    assert "case.doors_closed" in acts or "hearing.doors_closed" in acts
    assert acts[-1] == "publication.withdrawn"


async def test_order__for_a_hearing_with_an_approved_broadcast__cuts_it(court: RunningCourt) -> None:
    things = await recorded(court)
    place = f"/hearings/{things.hearing_id}"
    async with court.staff("judge") as judge, court.staff("clerk") as clerk:
        await clerk.post(f"{place}/broadcast", {"title": "庭审直播"})
        await judge.post(f"{place}/closed-doors", {"ground": "minor", "reason": "被告系未成年人"})
        broadcast = (await clerk.get(f"{place}/broadcast"))["broadcast"]
        seen = await judge.get(place)
    assert (broadcast["state"], "未成年人" in broadcast["reason"]) == ("cut", True)
    assert (seen["openness"], seen["closed_doors"]["ground"]) == ("closed", "minor")


async def test_order__by_anybody_but_the_judge_or_without_what_it_needs__is_refused(
    court: RunningCourt,
) -> None:
    things = await recorded(court)
    place = f"/cases/{things.case_id}/closed-doors"
    async with court.staff("judge") as judge, court.party("林书瑶") as lin, court.party("温晓岚") as stranger:
        for username, status in (("clerk", 403), ("president", 403)):
            async with court.staff(username) as other:
                with pytest.raises(Problem) as caught:
                    await other.post(place, PRIVACY)
                assert caught.value.status == status
        for person, status in ((lin, 403), (stranger, 403)):
            with pytest.raises(Problem) as caught:
                await person.post(place, PRIVACY)
            assert caught.value.status == status
        for body in (
            {"ground": "divorce", "reason": "离婚"},
            {"ground": "whim", "reason": "x"},
            {"ground": "minor"},
        ):
            with pytest.raises(Problem) as caught:
                await judge.post(place, body)
            assert caught.value.status == 422
        assert (await judge.get(f"/cases/{things.case_id}"))["openness"] == "open"
        ordered = await judge.post(
            place, {"ground": "divorce", "reason": "离婚案件", "request": "原告当庭口头申请，记录在案"}
        )
    assert ordered["closed_doors"]["request"].startswith("原告")


async def test_case__filed_behind_closed_doors__says_why(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        staff = (await clerk.get("/staff"))["items"]
        judge_id = next(one["id"] for one in staff if one["role"] == "judge")
        body = new_case(judge_id, sequence=77, openness="closed")
        with pytest.raises(Problem) as refused:
            await clerk.post("/cases", body)
        assert refused.value.status == 422
        filed = await clerk.post("/cases", {**body, "closed_ground": "minor", "closed_reason": "子女未成年"})
    assert (filed["openness"], filed["closed_doors"]["ground"]) == ("closed", "minor")
