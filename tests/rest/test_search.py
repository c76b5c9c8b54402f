"""Searching over HTTP: by words, Chinese included; what one's own doors show and nothing else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt
from tests.rest.test_attachments import upload
from tests.sample_files import docx
from tests.sockets.devices import device

PATIENCE_S = 30.0


async def found(
    person: CourtClient, query: str, *, at_least: int = 0, case_id: str = "", sources: str = ""
) -> list[dict[str, Any]]:
    """The hits, as soon as there are that many: what was posted is taken in soon after."""
    parameters = f"&case_id={case_id}" if case_id else ""
    parameters += f"&in={sources}" if sources else ""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            hits: list[dict[str, Any]] = (await person.get(f"/search?q={query}{parameters}"))["items"]
            if len(hits) >= at_least:
                return hits
            await asyncio.sleep(0.6)


async def lanes_of(person: CourtClient, case_id: str) -> dict[str, str]:
    return {lane["kind"]: lane["lane"] for lane in (await person.get(f"/cases/{case_id}/space"))["lanes"]}


async def test_message__posted_corrected_and_taken_back__is_found_as_it_is_shown(court: RunningCourt) -> None:
    async with court.staff("clerk") as clerk, court.party("林书瑶") as lin, device(clerk) as desk:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        lanes = await lanes_of(clerk, case_id)
        posted = await desk.post(lanes["everyone"], "client-s-1", "请双方于周三前补交转帐凭证")
        assert posted["ok"]
        (hit,) = await found(lin, "转帐凭证", at_least=1)
        assert (hit["source"], hit["seq"], hit["lane_kind"]) == ("message", posted["seq"], "everyone")
        first, last = hit["marks"][0]
        assert hit["text"][first:last] == "转帐凭证"

        corrected = await desk.ask(
            "message_post", lane=lanes["everyone"], client_id="client-s-2", type="correction",
            body={"target_seq": posted["seq"], "text": "请双方于周三前补交转账凭证"},
        )  # fmt: skip
        assert corrected["ok"], corrected
        (hit,) = await found(lin, "转账凭证", at_least=1)
        assert hit["seq"] == posted["seq"], "a correction is what its message says now"
        assert not await found(lin, "转帐凭证")

        gone = await desk.ask(
            "message_post", lane=lanes["everyone"], client_id="client-s-3", type="tombstone",
            body={"target_seq": posted["seq"], "ground": "withdrawn"},
        )  # fmt: skip
        assert gone["ok"], gone
        assert not await found(lin, "转账凭证"), "out of sight at once: it is read again at its source"


async def test_bench__speaks_of_a_party__who_finds_nothing_of_it(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("林书瑶") as lin, device(judge) as desk:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        lanes = await lanes_of(judge, case_id)
        assert (await desk.post(lanes["bench"], "client-b-1", "合议要点：违约金过高"))["ok"]
        assert (await found(judge, "违约金过高", at_least=1))[0]["lane_kind"] == "bench"
        assert not await found(lin, "违约金过高")
        assert not await found(lin, "违约金过高", case_id=case_id)


async def test_document__posted_to_one_lane__is_found_by_its_readers_at_its_page(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("林书瑶") as lin, device(judge) as desk:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        lanes = await lanes_of(judge, case_id)
        made = await upload(
            judge, case_id, docx("补充鉴定意见：桥梁荷载不足"), name="a.docx", type="application/octet-stream"
        )
        (own,) = await found(judge, "桥梁荷载", at_least=1)
        assert (own["source"], own["attachment_id"], own["page"]) == ("document", made["id"], 1)
        assert not await found(lin, "桥梁荷载")
        body = {"attachment_id": made["id"]}
        answer = await desk.ask(
            "message_post", lane=lanes["everyone"], client_id="client-d-1", type="document", body=body
        )
        assert answer["ok"], answer
        assert (await found(lin, "桥梁荷载", at_least=1))[0]["attachment_id"] == made["id"]
        assert not await found(lin, "桥梁荷载", sources="message,exhibit")


@pytest.mark.parametrize(
    ("query", "code"),
    [("q=", "search.query"), ("q=a&in=secret", "search.in"), ("q=a&after=%7B", "search.cursor"),
     ("q=a&after=WzEsMiwzLDRd", "search.cursor")],
)  # fmt: skip
async def test_search__of_nonsense__is_refused(court: RunningCourt, query: str, code: str) -> None:
    async with court.party("林书瑶") as lin:
        with pytest.raises(Problem) as refused:
            await lin.get(f"/search?{query}")
        assert refused.value.code == code


async def test_search__in_a_case_of_others__is_like_one_that_does_not_exist(court: RunningCourt) -> None:
    async with court.party("林书瑶") as lin:
        with pytest.raises(Problem) as refused:
            await lin.get("/search?q=a&case_id=cas_nobody")
        assert refused.value.status == 404
