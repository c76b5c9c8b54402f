"""Archive packages over real HTTP: made when the film is ready, checked, held, taken, and never wrong in silence."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import random
import struct
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hearing_server.adapters.trust.offline_check import Trusted
from hearing_server.adapters.trust.package_check import examine_any
from hearing_server.domain.acts import Act, ActKind
from hearing_server.kernel import RecordingId, system_actor
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.services.acts import record_act
from recorder.writing.session import RecordingSession
from tests.court import RunningCourt
from tests.recorder.packets import feed_audio, microphone
from tests.rest.recorded import FILM, recorded


async def _package(client: CourtClient, court: RunningCourt, recording_id: str) -> zipfile.ZipFile:
    async with client.http.get(f"{court.url}/api/v1/recordings/{recording_id}/archive/package") as answer:
        assert answer.status == 200
        return zipfile.ZipFile(io.BytesIO(await answer.read()))


async def until_signed(court: RunningCourt) -> None:
    """Until the signer vouches for every act there is."""
    async with asyncio.timeout(30):
        while True:
            await court.server.services.log.checkpoints.run_due()
            status = await court.server.services.log.checkpoints.status()
            if status.signed_size == status.size:
                return
            await asyncio.sleep(0.1)


async def _made(court: RunningCourt) -> Any:
    things = await recorded(court)
    folder = court.server.settings.recordings_dir / things.recording_id
    session = RecordingSession.create(folder, recording_id=things.recording_id)
    session.track_started(microphone(), time.monotonic_ns())
    feed_audio(session, "audio-1", time.monotonic_ns(), 100)
    await session.close()
    async with court.server.units.write() as unit:
        await record_act(
            unit, system_actor(court.server.profile.court.id), kind=ActKind.RECORDING_SEALED,
            chain_id=things.case_id, at=court.server.clock.utc_now(),
            payload={"recording_id": things.recording_id},
        )  # fmt: skip
        recording = await unit.recordings.get(RecordingId(things.recording_id))
        assert recording is not None
        film = replace(recording.film, sha256=hashlib.sha256(FILM).hexdigest())
        await unit.recordings.save(replace(recording, film=film))
    await until_signed(court)
    assert await court.server.services.archives.make_due() == 1
    return things


async def test_package__of_a_finished_film__holds_record_film_acts_and_their_hashes(
    court: RunningCourt,
) -> None:
    things = await _made(court)
    async with court.staff("clerk") as clerk:
        said = await clerk.get(f"/recordings/{things.recording_id}/archive")
        assert (said["state"], said["retention"], said["check_error"]) == ("stored", "long", None)
        package = await _package(clerk, court, things.recording_id)
        acts = [act["kind"] for act in (await clerk.get(f"/cases/{things.case_id}/acts"))["items"]]
    about = json.loads(package.read("package.json"))
    listed = {file["path"]: file for file in about["files"]}
    assert set(listed) == set(package.namelist()) - {"package.json"}
    assert {"record/journal/00000001.seg", "film/film.mp4", "acts.jsonl", "docket.json", "README.txt"} <= set(
        listed
    )
    for path, file in listed.items():
        data = package.read(path)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"]), path
    assert package.read("film/film.mp4") == FILM
    lines = [json.loads(line) for line in package.read("acts.jsonl").decode().splitlines()]
    assert all(hashlib.sha256(line["entry"].encode()).hexdigest() == line["entry_sha256"] for line in lines)
    assert lines[0]["seq"] == 1
    assert {"recording.archived", "recording.archive_taken"} <= set(acts)


async def test_package__at_rest__shows_nothing_of_the_film(court: RunningCourt) -> None:
    await _made(court)
    stored = [
        path for path in (court.server.settings.storage.data_dir / "objects").rglob("*") if path.is_file()
    ]
    assert stored
    assert not any(FILM[:200] in path.read_bytes() for path in stored)


async def test_hold__ordered_and_lifted__is_shown_and_is_an_act(court: RunningCourt) -> None:
    things = await _made(court)
    here = f"/recordings/{things.recording_id}/archive"
    async with court.staff("judge") as judge:
        assert (await judge.post(f"{here}/hold", {"reason": "当事人上诉"}))["hold"]["reason"] == "当事人上诉"
        with pytest.raises(Problem) as caught:
            await judge.post(f"{here}/hold", {"reason": "再审"})
        assert caught.value.code == "archive.held"
        assert (await judge.post(f"{here}/release", {"reason": "已结案"}))["hold"] is None
        acts = [act["kind"] for act in (await judge.get(f"/cases/{things.case_id}/acts"))["items"]]
    assert acts.count("recording.archive_held") == acts.count("recording.archive_released") == 1


async def test_stored_package__damaged__is_found_by_the_next_reading_and_said(court: RunningCourt) -> None:
    things = await _made(court)
    services, units = court.server.services, court.server.units
    stored = max(
        (
            path
            for path in (court.server.settings.storage.data_dir / "objects" / "cases").rglob("*")
            if path.is_file()
        ),
        key=lambda path: path.stat().st_size,
    )
    data = bytearray(stored.read_bytes())
    data[len(data) // 2] ^= 1
    stored.write_bytes(data)
    assert await services.archives.check_due() == 0, "not due yet"
    async with units.write() as unit:
        archive = await unit.archives.get(RecordingId(things.recording_id))
        assert archive is not None
        await unit.archives.save(
            archive.checked(None, at=court.server.clock.utc_now() - timedelta(days=99), check_s=1)
        )
    assert await services.archives.check_due() == 1
    async with court.staff("clerk") as clerk:
        said = await clerk.get(f"/recordings/{things.recording_id}/archive")
        assert (said["state"], said["check_error"]) == ("stored", "object.damaged")
    async with units.read() as unit:
        acts: list[Act] = await unit.acts.after(things.case_id, 0, 1000)
    assert [act.payload["error"] for act in acts if act.kind == "recording.archive_checked"] == [
        "object.damaged"
    ]


async def test_making__while_the_film_is_missing__says_so_and_works_once_it_is_back(
    court: RunningCourt,
) -> None:
    things = await recorded(court)
    film: Path = court.server.settings.recordings_dir / things.recording_id / "film" / "film.mp4"
    os.rename(film, film.with_suffix(".away"))
    assert await court.server.services.archives.make_due() == 1
    async with court.staff("clerk") as clerk:
        here = f"/recordings/{things.recording_id}/archive"
        said = await clerk.get(here)
        assert (said["state"], said["error"]) == ("failed", "film.missing")
        assert await court.server.services.archives.make_due() == 0, "not before its time"
        os.rename(film.with_suffix(".away"), film)
        await clerk.post(here)
        assert await court.server.services.archives.make_due() == 1
        assert (await clerk.get(here))["state"] == "stored"
    spool = court.server.settings.storage.data_dir / "spool"
    assert not list(spool.glob("package-*"))


def _data_place(whole: bytes, header: int) -> int:
    """Where a file's bytes begin: behind its local header, name and extra field (APPNOTE 4.3.7)."""
    name, extra = struct.unpack_from("<HH", whole, header + 26)
    return header + 30 + int(name) + int(extra)


async def _taken(court: RunningCourt, recording_id: str, target: Path) -> Path:
    async with court.staff("clerk") as clerk:
        address = f"{court.url}/api/v1/recordings/{recording_id}/archive/package"
        async with clerk.http.get(address) as answer:
            data = await answer.read()
    await asyncio.to_thread(target.write_bytes, data)
    return target


async def test_package__checked_with_every_server_off__is_intact_or_names_what_was_changed(
    court: RunningCourt, tmp_path: Path
) -> None:
    things = await _made(court)
    path = await _taken(court, things.recording_id, tmp_path / "package.zip")
    report = await asyncio.to_thread(examine_any, path, Trusted())
    assert report.findings == []
    assert any("receipt" in line and "signature" in line for line in report.lines)
    whole = path.read_bytes()
    missed = []
    with zipfile.ZipFile(path) as package:
        places = {info.filename: _data_place(whole, info.header_offset) for info in package.infolist()}
        sizes = {info.filename: info.file_size for info in package.infolist()}
    draw = random.Random(7)
    for _ in range(40):
        name = draw.choice(sorted(places))
        changed = bytearray(whole)
        changed[places[name] + draw.randrange(sizes[name])] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        if not examine_any(path, Trusted()).findings:
            missed.append(name)
    assert not missed


async def test_package__put_together_anew__betrays_itself_by_its_acts_and_receipts(
    court: RunningCourt, tmp_path: Path
) -> None:
    """Whoever writes a new list as well can't write the log anew."""
    things = await _made(court)
    path = await _taken(court, things.recording_id, tmp_path / "package.zip")
    with zipfile.ZipFile(path) as package:
        files = {name: package.read(name) for name in package.namelist()}
    seen = {}
    changes: dict[str, Callable[[bytes], bytes]] = {
        "film/film.mp4": lambda data: data + b"!",
        "acts.jsonl": lambda data: data.replace(b'"seq": 2', b'"seq": 3'),
        "record/manifest.json": lambda data: data.replace(b'"closed": true', b'"closed": false'),
    }
    for name, change in changes.items():
        forged = {**files, name: change(files[name])}
        about = json.loads(forged.pop("package.json"))
        about["files"] = [
            {"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in forged.items()
        ]
        with zipfile.ZipFile(path, "w") as package:
            for inside, data in {**forged, "package.json": json.dumps(about).encode()}.items():
                package.writestr(inside, data)
        seen[name] = {finding.code for finding in examine_any(path, Trusted()).findings}
    assert all(seen.values()), seen
