"""Filing at the counter: numbers, faults by field, people who are known already."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt, invented_id, new_case


async def judge_id(client: CourtClient) -> str:
    return next(str(one["id"]) for one in (await client.get("/staff"))["items"] if one["role"] == "judge")


async def test_filing__two_cases__take_the_next_numbers(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        judge = await judge_id(clerk)
        first = await clerk.post("/cases", new_case(judge, sequence=1))
        second = await clerk.post("/cases", new_case(judge, sequence=2))
    serials = [int(case["number"].split("民初")[1].rstrip("号")) for case in (first, second)]
    assert serials == [3, 4], "the demo court has filed two"
    assert [entry["kind"] for entry in second["docket"]] == ["case_filed"]


async def test_filing__several_faults__are_all_named_and_no_number_is_used(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        body = new_case(await judge_id(clerk))
        bad = new_case(await judge_id(clerk), cause="  \u200b")
        bad["parties"][0]["phone"] = "123"
        bad["parties"][1]["id_number"] = "330199199003070019"
        with pytest.raises(Problem) as refused:
            await clerk.post("/cases", bad)
        filed = await clerk.post("/cases", body)
    assert refused.value.status == 422
    assert {error["field"] for error in refused.value.body["errors"]} == {
        "cause", "parties[0].phone", "parties[1].id_number"
    }  # fmt: skip
    assert filed["number"].endswith("民初3号")


async def test_filing__known_id_with_another_name__is_refused(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        judge = await judge_id(clerk)
        await clerk.post("/cases", new_case(judge))
        again = new_case(judge)
        again["parties"][0]["name"] = "丙某"
        with pytest.raises(Problem) as refused:
            await clerk.post("/cases", again)
    assert (refused.value.code, refused.value.body["errors"][0]["field"]) == (
        "identity.name_mismatch", "parties[0].name"
    )  # fmt: skip


async def test_filing__phone_of_somebody_else__is_refused(court: RunningCourt) -> None:
    """Or the owner of the phone would sign in as the other person."""
    async with court.staff("clerk") as clerk:
        judge = await judge_id(clerk)
        await clerk.post("/cases", new_case(judge, sequence=1))
        other = new_case(judge, sequence=2)
        other["parties"][1]["phone"] = new_case(judge, sequence=1)["parties"][0]["phone"]
        with pytest.raises(Problem) as refused:
            await clerk.post("/cases", other)
    assert (refused.value.code, refused.value.body["errors"][0]["field"]) == (
        "phone.of_another_person", "parties[1].phone"
    )  # fmt: skip


async def test_party__added_to_a_case__is_labelled_with_an_ordinal(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        case = await clerk.post("/cases", new_case(await judge_id(clerk)))
        party = {
            "standing": "plaintiff",
            "name": "丙某",
            "phone": "13600000009",
            "id_number": invented_id(900),
        }
        changed = await clerk.post(f"/cases/{case['id']}/parties", party)
        acts = await clerk.get(f"/cases/{case['id']}/acts")
    assert [one["label"] for one in changed["parties"] if one["standing"] == "plaintiff"] == [
        "原告一",
        "原告二",
    ]
    assert ([act["kind"] for act in acts["items"]], acts["intact"]) == (
        ["case.filed", "case.party_added"],
        True,
    )


async def test_party__added_by_a_clerk_of_another_case__is_refused(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.staff("clerk2") as other:
        case = await clerk.post("/cases", new_case(await judge_id(clerk)))
        party = {
            "standing": "plaintiff",
            "name": "丙某",
            "phone": "13600000009",
            "id_number": invented_id(900),
        }
        with pytest.raises(Problem) as refused:
            await other.post(f"/cases/{case['id']}/parties", party)
    assert (refused.value.status, refused.value.code) == (403, "right.missing")


async def test_party__added_after_scheduling__is_in_the_coming_hearing_and_gets_a_link(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk:
        case = await clerk.post("/cases", new_case(await judge_id(clerk)))
        starts_at = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        hearing = await clerk.post(
            f"/cases/{case['id']}/hearings",
            {"title": "第一次庭审", "starts_at": starts_at, "duration_min": 60},
        )
        newcomer = {
            "standing": "third_party", "kind": "natural", "name": "丁某", "phone": "13712340000",
            "id_number": invented_id(77),
        }  # fmt: skip
        await clerk.post(f"/cases/{case['id']}/parties", newcomer)
        view = await clerk.get(f"/hearings/{hearing['id']}")
    assert [person["label"] for person in view["people"] if person["name"] == "丁某"] == ["第三人"]
    assert any("/j/" in text for text in await court.messages("13712340000"))
