"""A publication from the application to the withdrawal: who is told, who is heard, what everybody is served."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt
from tests.rest.recorded import FILM, accepted, confirmed, copied, published, recorded

DRAFT = {"title": "林书瑶诉案庭审", "cause": "民间借贷纠纷"}
NOBODY = "pub_01HXXXXXXXXXXXXXXXXXXXXXXX"


async def _asked(clerk: CourtClient, recording_id: str, **more: Any) -> str:
    return str((await clerk.post(f"/recordings/{recording_id}/publications", DRAFT | more))["id"])


async def _answers(anybody: CourtClient, publication_id: str) -> list[tuple[int, bytes]]:
    """Everything that the public may ask about one publication."""
    found = []
    for method, path in (
        ("GET", ""),
        ("GET", "/film"),
        ("GET", "/poster"),
        ("HEAD", "/film"),
        ("POST", "/film"),
    ):
        address = f"{anybody.url}/api/v1/public/recordings/{publication_id}{path}"
        async with anybody.http.request(method, address) as answer:
            body = await answer.read()
            if answer.status == 200 and method == "GET" and path:
                assert answer.headers["Cache-Control"] == "no-store"
            # The request's id is another one each time.
            said = body if answer.status == 200 else body.split(b'"request_id"')[0]
            found.append((answer.status, said))
    return found


async def test_application__made__is_told_to_every_party_and_waits_for_its_word(court: RunningCourt) -> None:
    here = await recorded(court)
    async with court.staff("clerk") as clerk, court.party("林书瑶") as lin:
        publication_id = await _asked(clerk, here.recording_id)
        obligations = (await lin.get("/me/obligations"))["items"]
        assert any("拟公开庭审录像" in one["title"] for one in obligations)
        mine = (await lin.get(f"/cases/{here.case_id}/publications"))["items"]
        assert [(one["id"], one["state"], one["responses"]) for one in mine] == [
            (publication_id, "submitted", [])
        ]
        with pytest.raises(Problem, match=r"objection\.reason"):
            await lin.put(f"/publications/{publication_id}/response", {"objects": True})
        said = await lin.put(
            f"/publications/{publication_id}/response", {"objects": True, "reason": "涉及家庭住址"}
        )
        assert [(one["objects"], one["upheld"]) for one in said["responses"]] == [(True, None)]
        events = {act["kind"] for act in (await clerk.get(f"/cases/{here.case_id}/acts"))["items"]}
        assert {"publication.submitted", "publication.responded", "reminder.issued"} <= events
        docket = {line["kind"] for line in (await clerk.get(f"/cases/{here.case_id}"))["docket"]}
        assert {"publication_submitted", "publication_objected"} <= docket


async def test_objection__answered_by_a_second_official__no_longer_stands_in_the_way(
    court: RunningCourt,
) -> None:
    here = await recorded(court)
    async with (
        court.staff("clerk") as clerk,
        court.staff("president") as president,
        court.party("林书瑶") as lin,
    ):
        publication_id = await _asked(clerk, here.recording_id)
        await accepted(court, here.case_id, publication_id)
        objects = {"objects": True, "reason": "涉及家庭住址"}
        await lin.put(f"/publications/{publication_id}/response", objects)
        with pytest.raises(Problem, match=r"objection\.open"):
            await confirmed(president, publication_id)
        answer = f"/publications/{publication_id}/responses/{lin.me['id']}/answer"
        with pytest.raises(Problem, match=r"publication\.same_person"):
            await clerk.put(answer, {"upheld": False, "answer": "住址已遮挡"})
        await president.put(answer, {"upheld": False, "answer": "住址已遮挡"})
        own = (await lin.get(f"/publications/{publication_id}"))["responses"][0]
        assert (own["upheld"], own["answer"]) == (False, "住址已遮挡")
        assert (await confirmed(president, publication_id))["state"] == "public"


async def test_public__in_every_state_but_one__answers_as_if_there_was_nothing(court: RunningCourt) -> None:
    here = await recorded(court)
    async with (
        court.staff("clerk") as clerk,
        court.staff("president") as president,
        court.client() as anybody,
    ):
        nothing = await _answers(anybody, NOBODY)
        assert {status for status, _ in nothing} == {404, 405}
        first = await _asked(clerk, here.recording_id)
        assert await _answers(anybody, first) == nothing
        await copied(clerk, first)
        assert await _answers(anybody, first) == nothing
        await president.post(f"/publications/{first}/reject", {"reason": "涉及隐私"})
        assert await _answers(anybody, first) == nothing
        second = await published(court, here, title="公开版")
        served = await _answers(anybody, second)
        assert [status for status, _ in served] == [200, 200, 200, 404, 405]
        assert served[1][1] == FILM
        approved = (await clerk.get(f"/publications/{second}"))["approved_sha256"]
        assert approved == hashlib.sha256(served[1][1]).hexdigest()
        await clerk.post(f"/publications/{second}/withdraw", {"reason": "涉及隐私"})
        assert await _answers(anybody, second) == nothing
        assert (await anybody.get("/public/recordings"))["items"] == []


async def test_public__of_a_case_that_is_not_open__is_nowhere(court: RunningCourt) -> None:
    here = await recorded(court)
    publication_id = await published(court, here)
    async with court.server.units.write() as unit:
        # No use-case closes a case afterwards; whatever does one day, nothing of it stays public.
        await unit.cases._db.exec_driver_sql(  # type: ignore[attr-defined]
            f"UPDATE cases SET openness = 'closed', revision = revision + 1 WHERE id = '{here.case_id}'"
        )
    async with court.client() as anybody, court.staff("clerk") as clerk:
        assert await _answers(anybody, publication_id) == await _answers(anybody, NOBODY)
        assert (await anybody.get("/public/recordings"))["items"] == []
        await clerk.post(f"/publications/{publication_id}/withdraw", {"reason": "不公开审理"})
        with pytest.raises(Problem, match=r"publication\.closed_hearing"):
            await _asked(clerk, here.recording_id)


async def test_public_list__searched__finds_by_number_day_and_court(court: RunningCourt) -> None:
    here = await recorded(court)
    await published(court, here)
    async with court.client() as anybody:
        one = (await anybody.get("/public/recordings"))["items"][0]
        number, day, court_id = one["case_number"], one["held_on"], one["court"]["id"]
        found = {
            f"number={number}": 1, "number=民初": 1, "number=%25": 0, "number=_": 0, f"held_on={day}": 1,
            "held_on=1999-01-01": 0, f"court={court_id}": 1, "court=crt_other": 0,
            f"number=民初&held_on={day}&court={court_id}": 1, f"before={one['published_at']}": 0,
        }  # fmt: skip
        for query, count in found.items():
            assert len((await anybody.get(f"/public/recordings?{query}"))["items"]) == count, query
        for query in ("held_on=yesterday", "before=x", "number=" + "9" * 61):
            with pytest.raises(Problem, match=r"query\.malformed"):
                await anybody.get(f"/public/recordings?{query}")


async def test_redactions__changed__make_a_new_copy_that_must_be_looked_at_again(court: RunningCourt) -> None:
    here = await recorded(court)
    async with court.staff("clerk") as clerk, court.staff("president") as president:
        publication_id = await _asked(clerk, here.recording_id)
        await accepted(court, here.case_id, publication_id)
        before = (await copied(president, publication_id))["copy"]
        rows = [{"kind": "name", "name": "林书瑶", "substitute": "林某"}]
        changed = await clerk.put(f"/publications/{publication_id}/redactions", {"redactions": rows})
        assert changed["copy"]["state"] == "queued"
        with pytest.raises(Problem, match=r"publication\.copy_not_ready|publication\.other_copy"):
            await president.post(f"/publications/{publication_id}/confirm", {"copy_sha256": before["sha256"]})
        # This record holds no journal to compose from: the failure is told, and nothing becomes public by it.
        assert (await copied(clerk, publication_id))["copy"]["state"] == "failed"
        for body in (
            [{"kind": "mute", "from_s": 1, "until_s": 2}],
            [{"kind": "cut", "from_s": 1, "until_s": 999}],
        ):
            with pytest.raises(Problem, match=r"redaction\."):
                await clerk.put(f"/publications/{publication_id}/redactions", {"redactions": body})
        plain = await clerk.put(f"/publications/{publication_id}/redactions", {"redactions": []})
        assert plain["redactions"] == []
        assert (await confirmed(president, publication_id))["state"] == "public"
        public = await president.get(f"/public/recordings/{publication_id}")
        assert public["title"] == DRAFT["title"]


async def test_party__of_another_case__knows_nothing_of_a_publication(court: RunningCourt) -> None:
    here = await recorded(court)
    async with court.staff("clerk") as clerk, court.party("温晓岚") as stranger:
        publication_id = await _asked(clerk, here.recording_id)
        for path in (f"/publications/{publication_id}", f"/cases/{here.case_id}/publications"):
            with pytest.raises(Problem, match="not_found"):
                await stranger.get(path)
