"""A case space as one file: what its member may see and nothing else; checked with every server off."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hearing_server.adapters.trust.offline_check import Trusted
from hearing_server.adapters.trust.package_check import examine_any
from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt
from tests.rest.test_attachments import upload
from tests.sample_files import photo
from tests.sockets.devices import device

PATIENCE_S = 30.0


async def exported(person: CourtClient, case_id: str) -> bytes:
    """As soon as the newest message is under a checkpoint."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            address = f"{person.url}/api/v1/cases/{case_id}/space/export"
            async with person.http.get(address) as answer:
                content = await answer.read()
                if answer.status == 200:
                    assert answer.headers["X-Content-SHA256"] == hashlib.sha256(content).hexdigest()
                    return content
                assert answer.status == 503, content
            await asyncio.sleep(0.5)


def lines(package: zipfile.ZipFile, start: str) -> list[dict[str, Any]]:
    (name,) = [name for name in package.namelist() if name.startswith(start)]
    return [json.loads(line) for line in package.read(name).decode().splitlines()]


def codes(path: Path) -> set[str]:
    return {finding.code for finding in examine_any(path, Trusted()).findings}


def rewritten(content: bytes, path: Path, change: Callable[[str, bytes], bytes]) -> Path:
    """The same package with some bytes exchanged and a list of files that says so."""
    with zipfile.ZipFile(io.BytesIO(content)) as package, zipfile.ZipFile(path, "w") as target:
        files = {name: change(name, package.read(name)) for name in package.namelist()}
        about = json.loads(files.pop("package.json"))
        about["files"] = [
            {"path": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in files.items()
        ]
        for name, data in files.items():
            target.writestr(name, data)
        target.writestr("package.json", json.dumps(about))
    return path


async def test_export__of_a_party__holds_what_they_see_and_is_verified_offline(
    court: RunningCourt, tmp_path: Path
) -> None:
    async with court.staff("judge") as judge, court.party("林书瑶") as lin, device(judge) as desk:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        space = await judge.get(f"/cases/{case_id}/space")
        lanes = {lane["kind"]: lane["lane"] for lane in space["lanes"]}
        everyone, bench = lanes["everyone"], lanes["bench"]
        first = await desk.post(everyone, "client-e-1", "请补交转账凭证")
        assert (await desk.post(bench, "client-e-2", "合议：违约金过高"))["ok"]
        picture = photo(turned=True)
        made = await upload(judge, case_id, picture)
        answer = await desk.ask(
            "message_post", lane=everyone, client_id="client-e-3", type="image",
            body={"attachment_id": made["id"]},
        )  # fmt: skip
        assert answer["ok"], answer
        gone = await desk.ask(
            "message_post", lane=everyone, client_id="client-e-4", type="tombstone",
            body={"target_seq": first["seq"], "ground": "withdrawn"},
        )  # fmt: skip
        assert gone["ok"], gone

        content = await exported(lin, case_id)
        path = tmp_path / "space.zip"
        path.write_bytes(content)
        assert codes(path) == set()
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            assert package.read("space.pdf").startswith(b"%PDF-")
            events = lines(package, "lanes/everyone-")
            assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
            withdrawn = next(event for event in events if event["seq"] == first["seq"])
            assert (withdrawn["body"], withdrawn["withheld"]) == (None, "withdrawn")
            name = f"attachments/{hashlib.sha256(picture).hexdigest()}"
            assert package.read(name) == picture, "the original, bit by bit"
            everything = b"".join(package.read(one) for one in package.namelist())
            assert bench.encode() not in everything
            assert "违约金".encode() not in everything
            assert "请补交转账凭证".encode() not in everything
            assert any(name.startswith("receipts/") for name in package.namelist())

        whole = await exported(judge, case_id)
        (tmp_path / "judge.zip").write_bytes(whole)
        assert codes(tmp_path / "judge.zip") == set()
        with zipfile.ZipFile(io.BytesIO(whole)) as package:
            assert len(lines(package, "lanes/bench-")) == 1
        acts = (await judge.get(f"/cases/{case_id}/acts"))["items"]
        assert [act["kind"] for act in acts].count("space.exported") == 2

        def other_words(name: str, data: bytes) -> bytes:
            return data.replace("违约金过高".encode(), "违约金不高".encode()) if "bench" in name else data

        def other_name(name: str, data: bytes) -> bytes:
            return (
                data.replace(b'"kind": "message.posted"', b'"kind": "message.edited"')
                if name == "acts.jsonl"
                else data
            )

        def no_event(name: str, data: bytes) -> bytes:
            return (
                b"".join(data.splitlines(keepends=True)[1:2]) + data.splitlines(keepends=True)[-1]
                if "everyone" in name
                else data
            )

        assert "space.changed" in codes(rewritten(whole, tmp_path / "a.zip", other_words))
        assert "package.act" in codes(rewritten(whole, tmp_path / "b.zip", other_name))
        assert "space.chain" in codes(rewritten(whole, tmp_path / "c.zip", no_event))


async def test_export__by_somebody_of_another_case__finds_no_such_case(court: RunningCourt) -> None:
    address = "/api/v1/cases/cas_other/space/export"
    async with court.party("林书瑶") as lin, lin.http.get(lin.url + address) as answer:
        assert answer.status == 404
