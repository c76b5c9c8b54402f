"""Receipts and the public log over real HTTP: who gets what, and what an outsider can check with it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hearing_server.domain.acts import ActKind
from hearing_server.domain.trust.act_receipts import Step, check_receipt
from hearing_server.domain.trust.checkpoints import open_checkpoint
from hearing_server.domain.trust.merkle import root_of
from hearing_server.domain.trust.signed_notes import Note
from hearing_server.domain.trust.trust_policy import TrustPolicy
from hearing_server.kernel import system_actor
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.services.acts import record_act
from tests.court import RunningCourt, running_court


@pytest.fixture
async def court(tmp_path: Path) -> AsyncIterator[RunningCourt]:
    """Signs quickly, and shows its entries."""
    async with running_court(tmp_path, trust={"checkpoint_every_s": 0.2, "public_entries": True}) as running:
        yield running


async def signed(court: RunningCourt) -> None:
    """Until every act is under a checkpoint."""
    async with asyncio.timeout(30):
        while True:
            status = await court.server.services.log.checkpoints.status()
            if status.size == status.signed_size:
                return
            await asyncio.sleep(0.1)


async def fetch(court: RunningCourt, path: str) -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as browser, browser.get(court.url + path) as answer:
        return answer.status, await answer.read()


async def receipt(client: CourtClient, act_id: str) -> tuple[int, bytes]:
    async with client.http.get(f"{client.url}/api/v1/acts/{act_id}/proof") as answer:
        return answer.status, await answer.read()


async def remind_somebody_else(court: RunningCourt, case_id: str) -> None:
    """An act of the case that is between the court and one person."""
    system = system_actor(court.server.profile.court.id)
    async with court.server.units.write() as unit:
        await record_act(
            unit, system, kind=ActKind.REMINDER_ISSUED, chain_id=case_id, at=court.server.clock.utc_now(),
            payload={"person_ids": ["per_somebody_else"]},
        )  # fmt: skip


async def acts_of(client: CourtClient, case_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(f"/cases/{case_id}/acts"))["items"]
    return found


async def test_receipts__for_each_kind_of_person__follow_what_they_may_read(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("赵建国") as party:
        cases = (await party.get("/cases"))["items"]
        case_id = cases[0]["id"]
        await remind_somebody_else(court, case_id)
        await signed(court)
        seen_by_judge, seen_by_party = await acts_of(judge, case_id), await acts_of(party, case_id)
        assert seen_by_judge
        for act in seen_by_judge:
            status, data = await receipt(judge, act["act_id"])
            assert status == 200
            checked = check_receipt(data)
            assert checked.holds
            assert f"{checked.entry['cat']}.{checked.entry['sub']}" == act["kind"]
            assert checked.disclosed == {
                "case": case_id, "actor": act["actor"]["id"], "body": act["summary"]
            }  # fmt: skip
        for act in seen_by_party:
            status, _ = await receipt(party, act["act_id"])
            assert status == (404 if act["withheld"] else 200)
        assert any(act["withheld"] for act in seen_by_party)
        assert (await receipt(judge, "act_unknown"))[0] == 404
    async with court.client() as nobody:
        assert (await receipt(nobody, seen_by_judge[0]["act_id"]))[0] == 401


async def test_public_log__read_without_a_session__proves_itself_to_an_outsider(court: RunningCourt) -> None:
    await signed(court)
    _, policy_text = await fetch(court, "/log/policy")
    status, text = await fetch(court, "/log/checkpoint")
    assert status == 200
    log = TrustPolicy.parse(policy_text.decode()).logs[0]
    head = open_checkpoint(Note.parse(text.decode()), log).head
    assert 0 < head.size < 256
    status, tile = await fetch(court, f"/log/tile/0/000.p/{head.size}")
    assert status == 200
    assert root_of(tile[place : place + 32] for place in range(0, len(tile), 32)) == head.root
    status, bundle = await fetch(court, f"/log/tile/entries/000.p/{head.size}")
    assert status == 200
    for secret in ("赵建国", "per_", "cas_", "hrg_", "138"):
        assert secret.encode() not in bundle
    for wrong in (
        "/log/tile/0/001.p/1", "/log/tile/0/000", "/log/tile/0/0", "/log/tile/00/000.p/1", "/log/tile/x/000.p/1",
        "/log/tile/9/000.p/1", "/log/tile/0/000.p/300", "/log/tile/-1/000.p/1", "/log/tile/0/x999/999/999/999/999/999",
    ):  # fmt: skip
        assert (await fetch(court, wrong))[0] == 404


async def test_log_status__asked_by_staff__says_who_vouches(court: RunningCourt) -> None:
    async with court.staff("judge") as judge, court.party("赵建国") as party:
        await signed(court)
        view = await judge.get("/log")
        assert view["signed_size"] > 0
        assert view["signer"]["code"] == ""
        assert view["signer"]["key"].startswith("hearing-server/")
        assert (view["witnesses"], view["time_stamps"]) == ([], None)
        with pytest.raises(Problem) as refused:
            await party.get("/log")
        assert refused.value.code == "role.staff_only"
    status, ready = await fetch(court, "/readyz")
    assert (status, json.loads(ready)) == (200, {"ok": True, "signer": "ok"})


async def test_verify_command__given_a_receipt__needs_no_server(court: RunningCourt, tmp_path: Path) -> None:
    async with court.staff("judge") as judge:
        await signed(court)
        case_id = (await judge.get("/cases"))["items"][0]["id"]
        act = (await acts_of(judge, case_id))[-1]
        _, data = await receipt(judge, act["act_id"])
    (_, policy), file = await fetch(court, "/log/policy"), tmp_path / "one.receipt.json"
    (tmp_path / "policy.txt").write_bytes(policy)
    file.write_bytes(data)
    code, said = await verify(str(file), "--policy", str(tmp_path / "policy.txt"))
    assert code == 0
    for step in (Step.FORM, Step.CONTENT, Step.PLACE, Step.SIGNATURE):
        assert f"{step}: holds" in said
    changed = json.loads(data)
    changed["disclosed"]["actor"]["value"] = "per_somebody_else"
    file.write_bytes(
        json.dumps(changed, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"
    )
    code, said = await verify(str(file))
    assert code == 1
    assert "[receipt.content]" in said
    assert "1 problem(s)" in said


async def verify(*words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "verify", *words, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
