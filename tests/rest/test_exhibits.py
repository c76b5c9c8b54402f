"""Exhibits over the real server: a side submits, the clerk checks and exchanges, the others answer, the judge rules."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pypdfium2
import pytest
import pytest_asyncio

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt, invented_id, new_case, running_court
from tests.rest.test_attachments import fetch, upload
from tests.sample_files import photo
from tests.sockets.devices import device

pytestmark = pytest.mark.asyncio(loop_scope="module")

ACCEPT = {"authenticity": "accepted", "legality": "accepted", "relevance": "accepted", "purpose": "none"}
DISPUTE = ACCEPT | {"authenticity": "disputed", "reason": "落款不是本人所签", "asks_original": True}
SECRET = "供货底价与客户名单"


@dataclass(frozen=True, slots=True)
class People:
    """A plaintiff (`lin`) with a lawyer (`xu`) against `zhao`; `wen` is of another case."""

    case_id: str
    clerk: CourtClient
    judge: CourtClient
    lin: CourtClient
    xu: CourtClient
    zhao: CourtClient
    wen: CourtClient


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def court(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCourt]:
    """One court for all: each test files a case of its own."""
    async with running_court(tmp_path_factory.mktemp("court")) as running:
        yield running


_sequence = count(100)
_uploads: dict[tuple[str, str], dict[str, Any]] = {}


@asynccontextmanager
async def people(court: RunningCourt) -> AsyncIterator[People]:
    async with AsyncExitStack() as stack:
        clerk, judge = [await stack.enter_async_context(court.staff(one)) for one in ("clerk", "judge")]
        number = next(_sequence)
        body = new_case(judge.me["id"], sequence=number)
        body["parties"][0]["representatives"] = [
            {
                "name": "丙律师",
                "phone": f"138{number:08d}",
                "id_number": invented_id(500 + number),
                "authority": "special",
            }
        ]
        case = await clerk.post("/cases", body)
        phones = [f"137{number * 2:08d}", f"138{number:08d}", f"137{number * 2 + 1:08d}"]
        lin, xu, zhao = [await stack.enter_async_context(court.client()) for _ in phones]
        for client, phone in zip((lin, xu, zhao), phones, strict=True):
            await client.sign_in_phone(phone)
        wen = await stack.enter_async_context(court.party("温晓岚"))
        yield People(case["id"], clerk, judge, lin, xu, zhao, wen)


async def drafted(person: CourtClient, case_id: str, **changes: Any) -> dict[str, Any]:
    # One photo serves many; what is kept from others has its own.
    known = None if "sealed" in changes else _uploads.get((person.me["id"], case_id))
    made = known or _uploads.setdefault((person.me["id"], case_id), await upload(person, case_id, photo()))
    body = {
        "title": "借条", "kind": "document", "source": "被告出具，原告保管", "purpose": "证明借款五万元",
        "form": "original", "attachment_ids": [made["id"]],
    } | changes  # fmt: skip
    found: dict[str, Any] = await person.post(f"/cases/{case_id}/exhibits", body)
    return found


async def submitted(person: CourtClient, case_id: str, **changes: Any) -> dict[str, Any]:
    draft = await drafted(person, case_id, **changes)
    done: dict[str, Any] = await person.post(
        f"/exhibits/{draft['id']}/submission", {"revision": draft["revision"]}
    )
    return done


async def exchanged(here: People, *ids: str, **more: Any) -> list[dict[str, Any]]:
    for one in ids:
        await here.clerk.post(f"/exhibits/{one}/check", {})
    body = {"exhibit_ids": list(ids), "remind": False} | more
    items: list[dict[str, Any]] = (await here.clerk.post(f"/cases/{here.case_id}/exchanges", body))["items"]
    return items


async def listed(person: CourtClient, case_id: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await person.get(f"/cases/{case_id}/exhibits"))["items"]
    return items


SEALED = {"title": "供货合同", "sealed": {"ground": "trade_secret", "reason": SECRET}}


async def test_exhibit__from_draft_to_ruling__is_seen_by_whom_it_is_for_at_each_step(
    court: RunningCourt,
) -> None:
    async with people(court) as here:
        draft = await drafted(here.lin, here.case_id)
        path = f"/exhibits/{draft['id']}"
        assert (draft["state"], draft["number"], draft["may"]) == (
            "draft",
            None,
            ["edit", "submit", "discard"],
        )
        assert [len(await listed(one, here.case_id)) for one in (here.lin, here.xu, here.clerk, here.zhao)] == [
            1, 1, 0, 0,
        ]  # fmt: skip
        with pytest.raises(Problem, match=r"exhibit\.changed"):
            await here.xu.post(path + "/submission", {"revision": draft["revision"] + 1})
        sent = await here.xu.post(path + "/submission", {"revision": draft["revision"]})
        assert (sent["number"], sent["number_en"], sent["state"]) == (
            "原告证1",
            "Plaintiff's exhibit 1",
            "submitted",
        )
        file = f"/attachments/{sent['files'][0]['attachment_id']}"
        assert sent["files"][0]["sha256"] == hashlib.sha256((await fetch(here.lin, file))[2]).hexdigest()
        for stranger in (here.zhao, here.wen):
            with pytest.raises(Problem, match="not_found"):
                await stranger.get(path)
            assert (await fetch(stranger, file))[0] == 404
        assert (await fetch(here.clerk, file + "/preview"))[0] == 200
        with pytest.raises(Problem, match=r"exhibit\.state"):
            await here.lin.put(path, {"title": "改了"})

        until = (datetime.now(UTC) + timedelta(days=3)).isoformat()
        await exchanged(here, draft["id"], opinions_until=until, remind=True)
        seen = await here.zhao.get(path)
        assert (seen["sight"], seen["state"], seen["may"]) == ("full", "exchanged", ["opine"])
        assert [step["what"] for step in seen["steps"]] == ["submitted", "exchanged"], (
            "the check is the court's"
        )
        assert (await fetch(here.zhao, file))[0] == 200
        with pytest.raises(Problem, match="not_found"):
            await here.wen.get(path)
        assert any("证据已交换" in one["title"] for one in (await here.zhao.get("/me/obligations"))["items"])
        assert not [one for one in (await here.lin.get("/me/obligations"))["items"] if "证据" in one["title"]]

        with pytest.raises(Problem, match=r"opinion\.reason"):
            await here.zhao.post(path + "/opinions", ACCEPT | {"relevance": "partly"})
        for _ in range(2):
            # The second is what a phone sends whose answer got lost.
            await here.zhao.post(path + "/opinions", DISPUTE)
        said = await here.zhao.post(path + "/opinions", ACCEPT | {"reason": "核对后认可"})
        assert [one["authenticity"] for one in said["opinions"]] == ["disputed", "accepted"]
        assert (await here.lin.get(path))["opinions"] == said["opinions"]
        for _ in range(2):
            ruled = await here.judge.post(path + "/rulings", {"result": "admitted", "reason": "来源真实"})
        assert (ruled["state"], [one["result"] for one in ruled["rulings"]]) == ("ruled", ["admitted"])
        assert (await here.zhao.get(path))["rulings"] == ruled["rulings"]

        log = await here.clerk.get(f"/cases/{here.case_id}/acts")
        kinds = [act["kind"] for act in log["items"] if act["kind"].startswith("exhibit.")]
        assert log["intact"]
        assert kinds == [f"exhibit.{word}" for word in (
            "submitted", "checked", "exchanged", "opinion_given", "opinion_given", "ruled",
        )]  # fmt: skip
        docket = [line["kind"] for line in (await here.zhao.get(f"/cases/{here.case_id}"))["docket"]]
        assert {"exhibits_exchanged", "exhibit_ruled"} <= set(docket)


async def test_numbers__over_withdrawals_and_supplements__have_no_gap_and_come_once(
    court: RunningCourt,
) -> None:
    async with people(court) as here:
        first, second = [await submitted(here.lin, here.case_id) for _ in range(2)]
        theirs = await submitted(here.zhao, here.case_id)
        own = await submitted(here.clerk, here.case_id, title="银行流水", source="本院依职权调取")
        paper = await submitted(here.clerk, here.case_id, party_id=theirs["side"]["party_ids"][0])
        assert [one["number"] for one in (first, second, theirs, own, paper)] == [
            "原告证1", "原告证2", "被告证1", "法院调取1", "被告证2",
        ]  # fmt: skip
        assert paper["may"] == ["supplement", "withdraw", "check", "return"], "the clerk's and its party's"
        again = await drafted(here.zhao, here.case_id, supersedes=paper["id"])
        assert (again["side"]["is_mine"], again["may"]) == (True, ["edit", "submit", "discard"])
        assert again["id"] not in [one["id"] for one in await listed(here.clerk, here.case_id)]
        await here.lin.post(f"/exhibits/{second['id']}/withdrawal", {"reason": "重复"})
        assert (await submitted(here.lin, here.case_id))["number"] == "原告证3"

        returned = await here.clerk.post(f"/exhibits/{first['id']}/return", {"reason": "缺第二页"})
        assert returned["state"] == "returned"
        newer = await submitted(here.lin, here.case_id, supersedes=first["id"])
        assert (newer["number"], newer["version"], newer["supersedes"]) == ("原告证1", 2, first["id"])
        assert (await here.lin.get(f"/exhibits/{first['id']}"))["superseded_by"] == newer["id"]
        with pytest.raises(Problem, match=r"exhibit\.superseded"):
            await drafted(here.lin, here.case_id, supersedes=first["id"])
        with pytest.raises(Problem, match=r"exhibit\.state"):
            await here.clerk.post(f"/exhibits/{first['id']}/check", {})
        await here.lin.post(f"/exhibits/{newer['id']}/withdrawal", {})
        assert (await here.lin.get(f"/exhibits/{first['id']}"))["superseded_by"] is None
        third = await submitted(here.lin, here.case_id, supersedes=first["id"])
        assert third["version"] == 3, "a version isn't used again either"

        seen, _ = await exchanged(here, third["id"], theirs["id"])
        later = await submitted(here.lin, here.case_id, supersedes=seen["id"])
        assert (await here.zhao.get(f"/exhibits/{seen['id']}"))["state"] == "exchanged"
        assert later["id"] not in [one["id"] for one in await listed(here.zhao, here.case_id)]
        await exchanged(here, later["id"])
        assert (await here.lin.get(f"/exhibits/{seen['id']}"))["superseded_by"] == later["id"]
        with pytest.raises(Problem, match=r"exhibit\.exchanged"):
            await here.lin.post(f"/exhibits/{seen['id']}/withdrawal", {})


async def test_files__of_somebody_else__cannot_be_named(court: RunningCourt) -> None:
    async with people(court) as here:
        stolen = await upload(here.zhao, here.case_id, photo())
        for wrong in ([stolen["id"]], ["att_x"]):
            with pytest.raises(Problem, match=r"exhibit\.file"):
                await here.lin.post(f"/cases/{here.case_id}/exhibits", {"attachment_ids": wrong})
        with pytest.raises(Problem, match=r"exhibit\.party"):
            await drafted(here.lin, here.case_id, party_id="pty_x")
        empty = await here.lin.post(f"/cases/{here.case_id}/exhibits", {})
        with pytest.raises(Problem, match=r"exhibit\.incomplete"):
            await here.lin.post(f"/exhibits/{empty['id']}/submission", {"revision": 1})
        await here.lin.http.delete(f"{court.url}/api/v1/exhibits/{empty['id']}", json={})
        with pytest.raises(Problem, match="not_found"):
            await here.lin.get(f"/exhibits/{empty['id']}")


async def told(person: CourtClient, here: People, exhibit: dict[str, Any]) -> str:
    """Everything the server says to this person of anything in the case, as one text."""
    file = f"/attachments/{exhibit['files'][0]['attachment_id']}"
    space = await person.get(f"/cases/{here.case_id}/space")
    lanes = [await person.get(f"/lanes/{lane['lane']}/events") for lane in space["lanes"]]
    pdf = await fetch(person, f"/cases/{here.case_id}/exhibits/catalogue")
    pages = pypdfium2.PdfDocument(pdf[2])
    printed = "".join(pages[n].get_textpage().get_text_range() for n in range(len(pages)))
    answers = [
        await person.get(f"/cases/{here.case_id}/exhibits"), await person.get(f"/exhibits/{exhibit['id']}"),
        await person.get(f"/cases/{here.case_id}"), await person.get(f"/cases/{here.case_id}/acts"), lanes, printed,
        [(await fetch(person, path))[0] for path in (file, file + "/preview")],
    ]  # fmt: skip
    return repr(answers)


async def test_sealed_exhibit__before_the_court_opens_it__is_a_stub_on_every_way_and_used_on_none(
    court: RunningCourt,
) -> None:
    async with people(court) as here, device(here.zhao) as phone:
        sealed = await submitted(here.lin, here.case_id, **SEALED)
        path, file = f"/exhibits/{sealed['id']}", sealed["files"][0]
        stub = await here.zhao.get(path)
        assert (stub["sight"], stub["number"], stub["ground"], stub["title"], stub["files"], stub["may"]) == (
            "stub", "原告证1", "trade_secret", None, [], [],
        )  # fmt: skip
        await here.clerk.post(path + "/check", {})
        doors: dict[str, tuple[CourtClient, str, dict[str, Any]]] = {
            "exhibit.sealed exchange": (
                here.clerk, f"/cases/{here.case_id}/exchanges", {"exhibit_ids": [sealed["id"]]},
            ),
            "exhibit.sealed rule": (here.judge, path + "/rulings", {"result": "admitted", "reason": "采信"}),
            "exhibit.sealed show": (here.judge, path + "/showings", {"hearing_id": "hrg_1", "audience": "court"}),
            "opinion.unseen": (here.zhao, path + "/opinions", ACCEPT),
        }  # fmt: skip
        for name, (person, door, body) in doors.items():
            with pytest.raises(Problem) as refused:
                await person.post(door, body)
            assert refused.value.code == name.split()[0], name
        secrets = ("供货合同", SECRET, file["sha256"], file["attachment_id"], sealed["sha256"])
        words = await told(here.zhao, here, sealed)
        assert not [secret for secret in secrets if secret in words]
        assert "[404, 404]" in words
        assert "原告证1" in words
        own = await told(here.lin, here, sealed)
        assert not [secret for secret in secrets[:3] if secret not in own], (
            "the way of looking finds what is there"
        )
        await here.judge.post(path + "/disclosure", {"kind": "keep", "reason": "确属商业秘密"})
        assert (await here.zhao.get(path))["title"] is None
        await here.judge.post(path + "/disclosure", {"kind": "disclose", "reason": "须经质证"})
        assert (await here.zhao.get(path))["sight"] == "stub", "only the exchange discloses"
        await here.clerk.post(
            f"/cases/{here.case_id}/exchanges", {"exhibit_ids": [sealed["id"]], "remind": False}
        )
        assert (await here.zhao.get(path))["title"] == "供货合同"
        with pytest.raises(Problem, match=r"disclosure\.taken_back"):
            await here.judge.post(path + "/disclosure", {"kind": "keep", "reason": "反悔"})
        await phone.until(lambda: any(name == "exhibit_updated" for name, _ in phone.heard))
        news = [body for name, body in phone.heard if name == "exhibit_updated"]
        assert {one["exhibit_id"] for one in news} == {sealed["id"]}


async def test_redacted_version__disclosed__is_all_that_the_others_get(court: RunningCourt) -> None:
    async with people(court) as here:
        sealed = await submitted(here.lin, here.case_id, **SEALED)
        path = f"/exhibits/{sealed['id']}"
        copy = await upload(here.clerk, here.case_id, photo(300, 200))
        theirs = await upload(here.zhao, here.case_id, photo())
        decision = {"kind": "redacted", "reason": "遮去底价"}
        version = {"title": "供货合同（遮蔽版）", "attachment_id": copy["id"]}
        for wrong in ({}, {"redacted": version | {"attachment_id": theirs["id"]}}):
            with pytest.raises(Problem, match=r"exhibit\.file|disclosure\.malformed"):
                await here.judge.post(path + "/disclosure", decision | wrong)
        await here.judge.post(path + "/disclosure", decision | {"redacted": version})
        assert (await fetch(here.zhao, f"/attachments/{copy['id']}"))[0] == 404, "not before the exchange"
        await exchanged(here, sealed["id"])
        seen = await here.zhao.get(path)
        assert (seen["sight"], seen["title"], seen["source"], seen["sha256"]) == (
            "redacted", "供货合同（遮蔽版）", "", None,
        )  # fmt: skip
        assert [one["attachment_id"] for one in seen["files"]] == [copy["id"]]
        assert (await fetch(here.zhao, f"/attachments/{copy['id']}"))[0] == 200
        words = await told(here.zhao, here, sealed)
        assert not [one for one in (SECRET, sealed["files"][0]["sha256"]) if one in words]
        await here.zhao.post(path + "/opinions", DISPUTE)
        assert len((await here.lin.get(path))["opinions"]) == 1


async def test_exchange__of_a_set_with_one_that_cannot__exchanges_none(court: RunningCourt) -> None:
    async with people(court) as here:
        good, bad = [await submitted(here.lin, here.case_id) for _ in range(2)]
        await here.clerk.post(f"/exhibits/{good['id']}/check", {})
        with pytest.raises(Problem, match=r"exhibit\.state"):
            await here.clerk.post(
                f"/cases/{here.case_id}/exchanges", {"exhibit_ids": [good["id"], bad["id"]]}
            )
        assert await listed(here.zhao, here.case_id) == []
        for wrong, code in (
            ({"exhibit_ids": [good["id"], good["id"]]}, "exchange.set"),
            ({"exhibit_ids": [good["id"]], "opinions_until": "2020-01-01T00:00:00Z"}, "exchange.until"),
        ):
            with pytest.raises(Problem) as refused:
                await here.clerk.post(f"/cases/{here.case_id}/exchanges", wrong)
            assert refused.value.code == code


async def test_terms__set_by_the_court__mark_what_comes_late(court: RunningCourt) -> None:
    async with people(court) as here:
        early = await submitted(here.lin, here.case_id)
        await here.judge.put(f"/cases/{here.case_id}/exhibit-terms", {"submit_until": "2026-01-01T00:00:00Z"})
        late = await submitted(here.lin, here.case_id)
        assert (early["is_late"], late["is_late"], late["due_at"]) == (
            False,
            True,
            "2026-01-01T00:00:00.000Z",
        )
        page = await here.lin.get(f"/cases/{here.case_id}/exhibits")
        assert page["terms"]["submit_until"] == "2026-01-01T00:00:00.000Z"
        with pytest.raises(Problem, match=r"role\.staff_only"):
            await here.lin.put(f"/cases/{here.case_id}/exhibit-terms", {"submit_until": None})


async def test_catalogue__printed_twice__is_the_same_file_and_each_ones_own(court: RunningCourt) -> None:
    async with people(court) as here:
        one = await submitted(here.lin, here.case_id, title="转账记录 #let x = 1 *强调*")
        side = f"/cases/{here.case_id}/exhibits/catalogue?side={one['side']['key']}"
        first, again = await fetch(here.lin, side), await fetch(here.clerk, side)
        assert (first[0], first[1]["Content-Type"], first[2][:5]) == (200, "application/pdf", b"%PDF-")
        assert first[2] == again[2], "same exhibits, same bytes"
        text = pypdfium2.PdfDocument(first[2])[0].get_textpage().get_text_range()
        for word in (
            "原告证1",
            "#let x",
            "被告出具，原告保管",
            "证明借款五万元",
            one["files"][0]["sha256"][:8],
        ):
            assert word in text, word
        assert (await fetch(here.zhao, side))[0] == 404
        whole = await fetch(here.zhao, f"/cases/{here.case_id}/exhibits/catalogue")
        assert whole[0] == 200
        assert "原告证1" not in pypdfium2.PdfDocument(whole[2])[0].get_textpage().get_text_range()
