"""Every kind of message over real sockets: live and later the same, and what is hidden stays hidden."""

from __future__ import annotations

from typing import Any

from hearing_server.domain.case_space.bodies import text_sha256
from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt
from tests.sockets.devices import Device, device, space_of


async def said(one: Device, lane: str, number: int, type: str, **body: Any) -> dict[str, Any]:
    answer = await one.ask("message_post", lane=lane, client_id=f"client-said-{number}", type=type, body=body)
    return answer


async def history(person: CourtClient, lane: str) -> dict[int, dict[str, Any]]:
    items = (await person.get(f"/lanes/{lane}/events?limit=200"))["items"]
    return {event["seq"]: event for event in items}


async def test_talk__corrected_quoted_and_taken_down__is_the_same_live_and_later(court: RunningCourt) -> None:
    async with court.party("林书瑶") as lin, court.staff("judge") as judge, court.staff("clerk") as clerk:
        lane = (await space_of(lin))["by_kind"]["everyone"]["lane"]
        async with device(lin) as phone, device(judge) as desk, device(clerk) as counter:
            await desk.resume(lane)
            first = await said(phone, lane, 1, "text", text="身份证号 330199199003070011")
            assert first["ok"], first
            await said(phone, lane, 2, "correction", target_seq=first["seq"], text="身份证号 3301991990")
            quote = await said(
                desk, lane, 3, "text", text="请勿公开", reply_to={"lane": lane, "seq": first["seq"]}
            )
            refused = await said(desk, lane, 4, "correction", target_seq=first["seq"], text="改")
            hidden = await said(
                counter, lane, 5, "tombstone", target_seq=first["seq"], ground="personal_data"
            )
            assert (refused["code"], hidden["ok"]) == ("message.not_own", True)
            await desk.until(lambda: any(event["type"] == "tombstone" for event in desk.lanes.get(lane, [])))
            live = {event["seq"]: event for event in desk.lanes[lane]}
            # Live, the words had come before they were hidden; who reads now finds them nowhere.
            assert live[quote["seq"]]["quoted"]["excerpt"] == "身份证号 3301991990"
            for person, one in ((lin, phone), (judge, desk)):
                later = await history(person, lane)
                pulled = await one.ask("lane_pull", lane=lane, after_seq=0)
                assert "3301991990" not in str(later) + str(pulled)
                assert later[first["seq"]]["withheld"]["seq"] == hidden["seq"]
                assert later[first["seq"]]["hash"] == live[first["seq"]]["hash"] == first["hash"]
                assert later[quote["seq"]]["quoted"]["is_withheld"]
            path = f"/lanes/{lane}/events/{first['seq']}/withheld"
            content = await judge.post(path, {})
            assert content["body"]["text"] == "身份证号 330199199003070011"
            shown = {
                act["kind"]: act
                for act in (await lin.get(f"/cases/{(await space_of(lin))['case_id']}/acts?after=0"))["items"]
            }
            assert {"message.corrected", "message.withheld"} <= set(shown)


async def test_litigation_act_and_mention__reach_the_log_and_the_marks_of_who_is_named(
    court: RunningCourt,
) -> None:
    async with court.party("林书瑶") as lin, court.staff("clerk") as clerk:
        space = await space_of(lin)
        lane = space["by_kind"]["everyone"]["lane"]
        names = {member["role"]: member for member in space["members"]}
        words = f"@{names['clerk']['name']} 我方变更诉讼请求，将本金减为一万元。"
        async with device(lin) as phone:
            body = {"text": words, "label": "litigation_act", "mentions": [names["clerk"]["person_id"]]}
            unconfirmed = await said(phone, lane, 1, "text", **body)
            stated = await said(phone, lane, 2, "text", **body, text_sha256=text_sha256(words))
            withdrawn = await said(phone, lane, 3, "tombstone", target_seq=stated["seq"], ground="withdrawn")
        assert (unconfirmed["code"], withdrawn["code"]) == ("message.not_confirmed", "message.litigation_act")
        acts = (await clerk.get(f"/cases/{space['case_id']}/acts?after=0"))["items"]
        assert any(act["kind"] == "litigation.stated" for act in acts)
        lanes = (await clerk.get(f"/cases/{space['case_id']}/space"))["lanes"]
        assert next(one for one in lanes if one["lane"] == lane)["mentions"] == [stated["seq"]]
        mine = (await lin.get(f"/cases/{space['case_id']}/space"))["lanes"]
        assert all(one["mentions"] == [] for one in mine)


async def test_malformed_messages__of_each_type__are_named_and_leave_nothing(court: RunningCourt) -> None:
    async with court.party("林书瑶") as lin:
        lane = (await space_of(lin))["by_kind"]["everyone"]
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("card", {"card": "hearing_opened"}, "command.malformed"),
            ("text", {"text": "x", "html": "<b>"}, "message.body"),
            ("text", {"text": {"text": "x"}}, "message.body"),
            ("audio", {"attachment_id": "att_nothing"}, "message.file"),
            ("image", {"attachment_id": "att_nothing"}, "message.image"),
            ("correction", {"target_seq": 999, "text": "x"}, "message.target"),
            ("tombstone", {"target_seq": 1, "ground": "because"}, "message.ground"),
            ("text", {"text": "x", "reply_to": {"lane": lane["lane"], "seq": 999}}, "message.target"),
        ]
        for number, (type, body, code) in enumerate(cases):
            # A socket each: three faults of form close one.
            async with device(lin) as phone:
                answer = await said(phone, lane["lane"], number, type, **body)
            assert not answer["ok"], (type, body)
            assert answer["code"] == code or code == "command.malformed", (type, body, answer)
        after = (await space_of(lin))["by_kind"]["everyone"]
        assert after["head_seq"] == lane["head_seq"]
