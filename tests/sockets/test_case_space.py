"""The case space over real sockets: posting, resuming, several devices, receipts, ended sessions."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import socketio.exceptions

from hearing_server.domain.case_space.lanes import GENESIS_HASH
from tests.court import RunningCourt
from tests.sockets.devices import Device, device, space_of


def assert_is_chain(events: list[dict[str, Any]]) -> None:
    """Gapless from 1, each event linked to the one before."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    head = GENESIS_HASH.hex()
    for event in events:
        assert event["prev_hash"] == head
        head = event["hash"]


async def test_message__posted__reaches_the_other_side_once_in_order(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        space = await space_of(clerk)
        lane = space["by_kind"]["everyone"]
        async with device(clerk) as ours, device(judge) as theirs:
            for one in (ours, theirs):
                answer = await one.resume(lane["lane"])
                assert answer[lane["lane"]] == {
                    "status": "complete", "epoch": lane["epoch"], "head_seq": lane["head_seq"], "first_seq": 1
                }  # fmt: skip
            texts = [f"第{number}条" for number in range(12)]
            acks = [await ours.post(lane["lane"], f"client-{i:04d}", text) for i, text in enumerate(texts)]
            assert [ack["seq"] for ack in acks] == list(range(lane["head_seq"] + 1, lane["head_seq"] + 13))
            await theirs.until(lambda: len(theirs.texts(lane["lane"])) == 12)
            await ours.until(lambda: len(ours.texts(lane["lane"])) == 12)
    for one in (ours, theirs):
        assert one.texts(lane["lane"]) == texts
        assert not one.gaps
        assert_is_chain(one.lanes[lane["lane"]])
    sender = theirs.lanes[lane["lane"]][-1]["sender"]
    assert (sender["name"], sender["label"]) == ("顾小雨", "书记员")


async def test_resume__after_being_offline__brings_what_was_missed_before_what_is_new(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        lane = (await space_of(clerk))["by_kind"]["everyone"]["lane"]
        away = Device(judge)
        await away.connect()
        await away.resume(lane)
        async with device(clerk) as ours:
            await ours.post(lane, "client-before", "离线前")
            await away.until(lambda: "离线前" in away.texts(lane))
            await away.leave()
            missed = [f"离线时{number}" for number in range(7)]
            for number, text in enumerate(missed):
                await ours.post(lane, f"client-missed-{number}", text)
            back = Device(judge)
            back.lanes, back.epochs = away.lanes, away.epochs
            await back.connect()
            posting = asyncio.create_task(ours.post(lane, "client-after", "回来后"))
            resumed = await back.resume(lane)
            assert (await posting)["ok"]
            assert resumed[lane]["status"] == "complete"
            await back.until(lambda: "回来后" in back.texts(lane))
            await back.leave()
    assert back.texts(lane) == ["离线前", *missed, "回来后"]
    assert not back.gaps
    assert_is_chain(back.lanes[lane])


async def test_resume__too_much_missed__is_never_given_in_part_and_can_be_pulled(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        lane = (await space_of(clerk))["by_kind"]["bench"]["lane"]
        async with device(clerk) as ours, device(judge) as theirs:
            long = "长" * 4900
            for number in range(29):
                assert (await ours.post(lane, f"client-long-{number}", long))["ok"]
            answer = await theirs.resume(lane)
            assert answer[lane] == {"status": "more", "epoch": 1, "head_seq": 29, "first_seq": 1}
            pulled: list[dict[str, Any]] = []
            while len(pulled) < 29:
                page = await theirs.ask("lane_pull", lane=lane, after_seq=len(pulled))
                assert page["events"], "a page is never empty below the head"
                pulled += page["events"]
            assert lane not in theirs.lanes
    assert_is_chain(pulled)


@pytest.mark.parametrize(
    ("cursor", "status"),
    [
        ({"epoch": 1, "last_seq": 0}, "complete"),
        ({"epoch": 2, "last_seq": 0}, "reset"),
        ({"epoch": 0, "last_seq": 1}, "reset"),
        ({"epoch": 1, "last_seq": 1_000_000}, "reset"),
    ],
)
async def test_resume__cursor__decides_the_answer(
    court: RunningCourt, cursor: dict[str, int], status: str
) -> None:
    async with court.staff("judge") as judge:
        lane = (await space_of(judge))["by_kind"]["everyone"]
        async with device(judge) as one:
            answer = await one.ask("lanes_resume", lanes={lane["lane"]: cursor})
            got = answer["lanes"][lane["lane"]]
            assert got == {"status": status, "epoch": 1, "head_seq": lane["head_seq"], "first_seq": 1}
            if status == "complete":
                await one.until(lambda: len(one.lanes.get(lane["lane"], [])) == lane["head_seq"])


async def test_client_id__used_again__gets_the_first_answer_and_other_words_are_refused(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk:
        lane = (await space_of(clerk))["by_kind"]["everyone"]["lane"]
        async with device(clerk) as phone, device(clerk) as desk:
            first = await phone.post(lane, "client-same-1", "只发一次")
            again = await desk.post(lane, "client-same-1", "只发一次")
            both = await asyncio.gather(*(one.post(lane, "client-race-1", "同时") for one in (phone, desk)))
            other = await desk.post(lane, "client-same-1", "别的内容")
            history = (await clerk.get(f"/lanes/{lane}/events?limit=200"))["items"]
    assert first == again
    assert both[0] == both[1]
    assert (other["ok"], other["code"], other["retryable"]) == (False, "message.client_id_reused", False)
    words = [event["body"]["text"] for event in history if event["type"] == "text"]
    assert words == ["只发一次", "同时"]


async def test_bench_lane__a_party__neither_sees_nor_finds_it(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("林书瑶") as party:
        cases = {case["id"] for case in (await party.get("/cases"))["items"]}
        case_id = next(iter(cases))
        bench = next(
            lane["lane"]
            for lane in (await judge.get(f"/cases/{case_id}/space"))["lanes"]
            if lane["kind"] == "bench"
        )
        async with device(judge) as ours, device(party) as theirs:
            await ours.resume(bench)
            assert (await theirs.resume(bench))[bench] == {
                "status": "reset", "epoch": 0, "head_seq": 0, "first_seq": 1
            }  # fmt: skip
            posted = await ours.post(bench, "client-secret", "合议内容")
            refused = await theirs.post(bench, "client-secret", "偷看")
            pulled = await theirs.ask("lane_pull", lane=bench, after_seq=0)
            marked = await theirs.ask("receipt_update", lane=bench, read_seq=1)
            beat = await theirs.ask("heartbeat")
            await ours.until(lambda: "合议内容" in ours.texts(bench))
            unknown = await theirs.ask("lane_pull", lane="lan_00000000000000000000000000", after_seq=0)
    assert posted["ok"]
    assert [answer["code"] for answer in (refused, pulled, marked)] == ["not_found"] * 3
    assert unknown == pulled, "not yours and not there answer alike"
    assert bench not in beat["heads"]
    assert bench not in str(theirs.heard)


async def test_heartbeat__lane_grown_unheard__shows_the_head(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        lane = (await space_of(clerk))["by_kind"]["everyone"]
        async with device(clerk) as ours, device(judge) as unresumed:
            await unresumed.until(lambda: bool(unresumed.events("heads_moved")))
            assert unresumed.events("heads_moved")[0]["heads"][lane["lane"]] == lane["head_seq"]
            posted = await ours.post(lane["lane"], "client-unheard", "有新消息")
            await unresumed.until(
                lambda: any(
                    news["heads"].get(lane["lane"]) == posted["seq"]
                    for news in unresumed.events("heads_moved")
                )
            )
            beat = await unresumed.ask("heartbeat")
    assert beat["heads"][lane["lane"]] == posted["seq"]
    assert not unresumed.events("events_appended"), "whoever didn't resume gets positions, not content"


async def test_receipts__of_the_judge__are_not_shown_to_a_party(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("林书瑶") as party:
        case_id = (await party.get("/cases"))["items"][0]["id"]
        lane = (await party.get(f"/cases/{case_id}/space"))["lanes"][0]
        async with device(judge) as ours, device(party) as theirs:
            head = lane["head_seq"]
            assert (await ours.ask("receipt_update", lane=lane["lane"], read_seq=head))["ok"]
            assert (await theirs.ask("receipt_update", lane=lane["lane"], delivered_seq=head))["ok"]
            await ours.until(lambda: len(ours.events("receipts_updated")) == 2)
            await theirs.until(lambda: bool(theirs.events("receipts_updated")))
            beyond = await theirs.ask("receipt_update", lane=lane["lane"], read_seq=head + 1)
        seen_by_party = (await party.get(f"/cases/{case_id}/space"))["receipts"][lane["lane"]]
        seen_by_judge = (await judge.get(f"/cases/{case_id}/space"))["receipts"][lane["lane"]]
    assert [news["person_id"] for news in theirs.events("receipts_updated")] == [party.me["id"]]
    assert [one["person_id"] for one in seen_by_party] == [party.me["id"]]
    assert {one["person_id"]: one["read_seq"] for one in seen_by_judge} == {
        judge.me["id"]: head, party.me["id"]: 0
    }  # fmt: skip
    assert beyond["code"] == "receipt.beyond_head"


async def test_session__ended__closes_its_sockets_at_once_and_no_other(court: RunningCourt) -> None:
    async with (
        court.staff("clerk") as first,
        court.staff("clerk") as second,
        device(first) as gone,
        device(second) as stays,
    ):
        await first.call("DELETE", "/me/session")
        await gone.until(lambda: gone.is_gone)
        assert gone.events("session_ended") == [{"reason": "signed_out"}]
        assert (await stays.ask("heartbeat"))["ok"]


async def test_ticket__used_or_invented__opens_nothing(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        ticket = await clerk.ticket()
        async with device(clerk):
            first = Device(clerk)
            await first.connect(ticket=ticket)
            await first.leave()
            for wrong in (ticket, "invented", ""):
                with pytest.raises(socketio.exceptions.ConnectionError):
                    await Device(clerk).connect(ticket=wrong)


async def test_messages__are_acts_of_the_case__without_their_words(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        space = await space_of(clerk)
        async with device(clerk) as ours:
            posted = await ours.post(space["by_kind"]["everyone"]["lane"], "client-act-1", "不在存证里的原文")
        log = await clerk.get(f"/cases/{space['case_id']}/acts?after=0")
    assert log["intact"]
    assert [act["kind"] for act in log["items"]][-1] == "message.posted"
    assert "不在存证里的原文" not in str(log)
    assert posted["ok"]


async def test_ninth_device__connects__and_the_oldest_is_told_why_it_ends(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        devices = [Device(clerk) for _ in range(9)]
        for one in devices:
            await one.connect()
        await devices[0].until(lambda: devices[0].is_gone)
        assert devices[0].events("session_ended") == [{"reason": "too_many_devices"}]
        assert (await devices[8].ask("heartbeat"))["ok"]
        for one in devices[1:]:
            await one.leave()


async def test_unread__in_the_list_of_cases__counts_others_messages_until_read(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge:
        space = await space_of(judge)
        lane = space["by_kind"]["everyone"]["lane"]

        async def unread(person: Any) -> int:
            cases = (await person.get("/cases"))["items"]
            return int(next(case["unread"] for case in cases if case["id"] == space["case_id"]))

        async with device(clerk) as ours, device(judge) as theirs:
            before = (await unread(clerk), await unread(judge))
            posted = await ours.post(lane, "client-unread", "请查收")
            assert (await unread(clerk), await unread(judge)) == (before[0], before[1] + 1)
            await theirs.ask("receipt_update", lane=lane, read_seq=posted["seq"])
            assert await unread(judge) == 0
