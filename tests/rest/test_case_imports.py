"""Case files over HTTP: whole or not at all, faults by line, also those only the database knows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt, invented_id, running_court

HEADER = "案号,案由,程序,公开,承办法官,诉讼地位,当事人类型,姓名或名称,手机号,证件号码"


def line(
    serial: int, standing: str, name: str, person: int, *, judge: str = "judge", phone: int | None = None
) -> str:
    number = f"（2026）浙0199民初{serial}号"
    return (
        f"{number},买卖合同纠纷,简易程序,公开,{judge},{standing},自然人,{name},"
        f"135{phone or person:08d},{invented_id(person)}"
    )


def table(*lines: str) -> str:
    return "\n".join((HEADER, *lines))


GOOD = table(
    line(501, "原告", "子某", 1),
    line(501, "被告", "丑某", 2),
    line(502, "原告", "寅某", 3),
    line(502, "被告", "子某", 1),
)


async def send(
    client: CourtClient, content: bytes, *, kind: str = "text/csv", dry_run: str = "0"
) -> tuple[int, dict[str, Any]]:
    address = f"{client.url}/api/v1/case-imports?dry_run={dry_run}"
    async with client.http.post(address, data=content, headers={"Content-Type": kind}) as answer:
        return answer.status, await answer.json(content_type=None)


async def numbers(client: CourtClient) -> list[str]:
    return [case["number"] for case in (await client.get("/cases"))["items"]]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
async def test_import__good_file__files_every_case_with_docket_act_and_next_serial(
    court: RunningCourt, encoding: str
) -> None:
    async with court.staff("clerk") as clerk:
        status, answer = await send(clerk, GOOD.encode(encoding), kind=f"text/csv; charset={encoding}")
        assert (status, answer["imported"]) == (200, 2), answer
        case = await clerk.get(f"/cases/{answer['cases'][0]['id']}")
        acts = await clerk.get(f"/cases/{case['id']}/acts")
        after = await clerk.post("/cases", _counter(case["judge"]["id"]))
    assert case["number"] == "（2026）浙0199民初501号"
    assert [party["name"] for party in case["parties"]] == ["子某", "丑某"]
    assert ([entry["kind"] for entry in case["docket"]], [act["kind"] for act in acts["items"]]) == (
        ["case_imported"], ["case.imported"]
    )  # fmt: skip
    assert after["number"] == "（2026）浙0199民初503号", (
        "the series goes on after the highest imported number"
    )


async def test_import__dry_run__tells_all_and_keeps_nothing(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk:
        before = await numbers(clerk)
        status, answer = await send(clerk, GOOD.encode(), dry_run="true")
        assert (status, answer["imported"], len(answer["cases"])) == (200, 0, 2)
        assert await numbers(clerk) == before
        status, answer = await send(clerk, GOOD.encode())
    assert (status, answer["imported"]) == (200, 2)


async def test_import__faults_the_database_knows__are_named_by_line_and_nothing_stays(
    court: RunningCourt,
) -> None:
    faulty = table(
        line(601, "原告", "卯某", 11),
        line(601, "被告", "辰某", 12),
        line(1, "原告", "巳某", 13),
        line(602, "原告", "午某", 1),
        line(603, "原告", "未某", 15, judge="nobody"),
        line(604, "原告", "申某", 16, phone=1),
        line(605, "原告", "酉某", 17, judge="clerk"),
    )
    async with court.staff("clerk") as clerk:
        assert (await send(clerk, GOOD.encode()))[0] == 200
        before = await numbers(clerk)
        status, answer = await send(clerk, faulty.encode())
        found = [(error["line"], error["field"], error["code"]) for error in answer["errors"]]
        assert (status, answer["code"], await numbers(clerk)) == (422, "import.faulty", before)
    assert found == [
        (4, "number", "case.number_taken"),
        (5, "name", "identity.name_mismatch"),
        (6, "judge", "case.no_such_staff"),
        (7, "phone", "phone.of_another_person"),
        (8, "judge", "case.no_such_staff"),
    ]


async def test_import__file_contradicts_itself__is_named_by_line(court: RunningCourt) -> None:
    faulty = table(
        line(701, "原告", "卯某", 11), line(702, "原告", "别某", 11), line(703, "原告", "辰某", 12, phone=11)
    )
    async with court.staff("clerk") as clerk:
        status, answer = await send(clerk, faulty.encode())
    assert status == 422
    assert [(error["line"], error["code"]) for error in answer["errors"]] == [
        (3, "identity.name_mismatch"),
        (4, "phone.of_another_person"),
    ]


async def test_import__json__is_read_too(court: RunningCourt) -> None:
    party = {"standing": "plaintiff", "name": "子某", "phone": "13500000001", "id_number": invented_id(1)}
    case = {
        "number": "（2026）浙0199民初801号",
        "cause": "借款合同纠纷",
        "judge": "Judge",
        "parties": [party],
    }
    async with court.staff("clerk") as clerk:
        status, answer = await send(clerk, json.dumps([case]).encode(), kind="application/json")
    assert (status, answer["imported"]) == (200, 1), answer


async def test_import__by_a_judge_or_a_party__is_forbidden(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("林书瑶") as party:
        refused = [await send(client, GOOD.encode()) for client in (judge, party)]
    assert [(status, answer["code"]) for status, answer in refused] == [
        (403, "right.missing"),
        (403, "role.staff_only"),
    ]


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "text/csv", 400, "import.empty"),
        (b"\xff\xfe\x00", "text/csv", 400, "import.encoding"),
        (b"[{", "application/json", 400, "import.json"),
        (GOOD.encode(), "text/plain", 400, "body.content_type"),
        (b"x" * 3000, "text/csv", 413, "body.too_large"),
    ],
)
async def test_import__unreadable__says_why(
    tmp_path: Any, content: bytes, kind: str, status: int, code: str
) -> None:
    async with running_court(tmp_path, limits={"import_bytes": 2000}) as court, court.staff("clerk") as clerk:
        answered, answer = await send(clerk, content, kind=kind)
    assert (answered, answer["code"]) == (status, code)


async def test_import__dry_run_misspelt__is_refused_and_not_taken_for_the_real_thing(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk:
        status, answer = await send(clerk, GOOD.encode(), dry_run="yes")
        assert (status, answer["code"], len(await numbers(clerk))) == (422, "query.malformed", 2)


def _counter(judge_id: str) -> dict[str, Any]:
    party = {"standing": "plaintiff", "name": "戌某", "phone": "13500000099", "id_number": invented_id(99)}
    return {
        "cause": "买卖合同纠纷",
        "procedure": "summary",
        "openness": "open",
        "judge_id": judge_id,
        "parties": [party],
    }
