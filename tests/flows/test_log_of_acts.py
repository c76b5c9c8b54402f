"""A hearing whose record cannot be exchanged unseen: witness, time stamps, receipts, and a check with all off."""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hearing_server.adapters.trust.ends import default_origin
from hearing_server.adapters.trust.signer_link import SignerLink
from hearing_server.demo_court import PASSWORD
from hearing_server.domain.trust.checkpoints import Checkpoint
from hearing_server.domain.trust.merkle import leaf_hash, root_of
from hearing_server.domain.trust.signed_notes import Note
from hearing_server.robots.court_client import CourtClient
from recorder.account.manifest import Manifest
from tests.contract.test_witness import running_witness
from tests.flows.court_story import Story, story
from tests.flows.demo_process import demo_process
from tests.openssl_tsa import openssl_tsa
from tests.unit.court_pieces import profile


async def verify(*words: str | Path) -> tuple[int, list[str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hearing_server", "verify", *map(str, words), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode().splitlines()


def exchange_a_segment(record: Path) -> None:
    """One bit of the second segment."""
    target = record / "journal" / "00000002.seg"
    data = target.read_bytes()
    target.write_bytes(
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    )


async def segment_acts(told: Story, case_id: str) -> list[dict[str, Any]]:
    acts: list[dict[str, Any]] = []
    while page := (await told.judge.get(f"/cases/{case_id}/acts?after={len(acts)}"))["items"]:
        acts += page
    return [act for act in acts if act["kind"] == "recording.segment_sealed"]


async def take_receipts(told: Story, acts: list[dict[str, Any]], folder: Path) -> None:
    for act in acts:
        async with told.judge.http.get(f"{told.url}/api/v1/acts/{act['act_id']}/proof") as answer:
            assert answer.status == 200
            (folder / f"{act['act_id']}.receipt.json").write_bytes(await answer.read())


async def settled(told: Story) -> dict[str, Any]:
    """When every act is signed, cosigned and the newest checkpoint stamped."""
    async with asyncio.timeout(60):
        while True:
            status: dict[str, Any] = await told.judge.get("/log")
            witness, stamps = status["witnesses"][0], status["time_stamps"]
            if status["size"] == status["signed_size"] == witness["size"] == stamps["size"]:
                return status
            await asyncio.sleep(0.3)


@pytest.mark.timeout(300)
async def test_record__of_a_witnessed_hearing__is_checked_offline_to_the_segment(tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    # The court makes its key before its first start, so that the witness can be told.
    signer = SignerLink(
        origin=default_origin(profile().court.id), folder=tmp_path / "signer", socket_path=None
    )
    log_key, _ = await signer.state()
    await signer.close()
    async with openssl_tsa(tmp_path / "tsa") as tsa, running_witness(tmp_path / "w", log_key) as witness:
        policy = tmp_path / "policy.txt"
        policy.write_text(
            f"#tsa tsa/ca.pem\nlog {log_key.text()}\n"
            f"witness w {witness.key.text()} {witness.client.url}\nquorum w\n"
        )
        trust = {
            "signer_dir": tmp_path / "signer", "policy_file": policy, "tsa_url": tsa.url,
            "tsa_roots_file": tsa.roots, "tsa_every_s": 1.0,
        }  # fmt: skip
        record = tmp_path / "record"
        async with story(tmp_path / "court", trust=trust) as told:
            await told.begin(parties=1)
            await told.admit_all()
            opened = await told.order("open")
            case_id = opened["case"]["id"]
            async with asyncio.timeout(60):
                while not (during := await segment_acts(told, case_id)):  # noqa: ASYNC110 - over HTTP
                    await asyncio.sleep(0.5)
            assert during[0]["actor"]["name"] == "系统"
            await told.order("close")
            recording = await told.film()
            folder = tmp_path / "court" / "recordings" / recording["id"]
            shutil.copytree(folder, record)
            status = await settled(told)
            assert [status["signer"]["code"], status["witnesses"][0]["code"]] == ["", ""]
            acts = await segment_acts(told, case_id)
            await take_receipts(told, acts, record)
    logged = {
        (act["summary"]["recorder"], piece["number"]): piece["sha256"]
        for act in acts
        for piece in act["summary"]["segments"]
    }
    manifest = Manifest.from_json((record / "manifest.json").read_text())
    assert {number: digest for (who, number), digest in logged.items() if who == "first"} == {
        segment.number: segment.sha256 for segment in manifest.segments
    }
    code, said = await verify(record, "--policy", policy)
    assert (code, said[-1]) == (0, "intact / 完好")
    assert sum(": witnesses: holds" in line for line in said) == len(acts)
    assert sum(": time: holds" in line for line in said) == len(acts)
    exchange_a_segment(record)
    code, said = await verify(record, "--policy", policy, "--quiet")
    assert code == 1
    named = [line for line in said if "[segment.not_as_logged]" in line]
    assert len(named) == 1
    assert "journal/00000002.seg, 20" in named[0]


async def sign_in_until_it_dies(url: str, username: str, count: list[int]) -> None:
    """Each sign-in that is answered is an act that must be in the log for ever."""
    async with CourtClient(url) as client:
        while True:
            try:
                await client.sign_in_staff(username, PASSWORD)
            except (aiohttp.ClientError, OSError):
                return
            count[0] += 1


@pytest.mark.timeout(300)
@pytest.mark.sqlite_file
async def test_acts__acknowledged_before_a_kill__are_in_the_signed_log_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEARING_TRUST__CHECKPOINT_EVERY_S", "0.2")
    acknowledged, dice = [0], random.Random(12)
    for _ in range(2):
        async with demo_process(tmp_path, port=0, media_port=0) as (process, url):
            signing_in = [
                asyncio.create_task(sign_in_until_it_dies(url, username, acknowledged))
                for username in ("judge", "clerk", "president")
            ]
            wanted = acknowledged[0] + 3
            async with asyncio.timeout(60):
                while acknowledged[0] < wanted:  # noqa: ASYNC110 - of another process
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.5 * dice.random())
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*signing_in)
    async with demo_process(tmp_path, port=0, media_port=0) as (_, url), CourtClient(url) as judge:
        await judge.sign_in_staff("judge", PASSWORD)
        async with asyncio.timeout(60):
            while (status := await judge.get("/log"))["signed_size"] < status["size"]:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert status["signer"]["code"] == ""
        async with judge.http.get(f"{url}/log/checkpoint") as answer:
            head = Checkpoint.parse(Note.parse(await answer.text()).text).head
    with closing(sqlite3.connect(tmp_path / "court.db")) as database:
        entries = database.execute(
            "SELECT acts.kind, acts.entry FROM log_leaves JOIN acts ON acts.id = log_leaves.act_id "
            "ORDER BY leaf_index"
        ).fetchall()
        total = database.execute("SELECT count(*) FROM acts").fetchone()[0]
    assert len(entries) == total >= head.size
    assert root_of(leaf_hash(entry) for _, entry in entries[: head.size]) == head.root
    assert sum(kind == "session.started" for kind, _ in entries) > acknowledged[0]
