"""tus 1.0 against the real server: what is acknowledged stays, what is not said is not believed."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tusclient.client import TusClient

from hearing_server.robots.court_client import CourtClient
from tests.court import RunningCourt, running_court
from tests.rest.recorded import case_of
from tests.rest.tus_wire import RawLine, ask, begin, offset_of, send, settled
from tests.sample_files import pdf, photo
from tests.sockets.devices import device

# One court for all of them: nothing here touches what another test looks at.
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def court(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCourt]:
    async with running_court(tmp_path_factory.mktemp("uploads")) as running:
        yield running


def noise_picture(size_bytes: int) -> bytes:
    """A picture of at least so many bytes: noise doesn't compress."""
    side = max(64, int((size_bytes / 2.2) ** 0.5))
    return photo(side, side, kind="PNG")


async def test_tus_client_of_others__sends_a_document__it_is_checked_told_and_shown(
    court: RunningCourt,
) -> None:
    case_id, _ = await case_of(court)
    content = pdf("IOU two million", "signed")
    async with court.party("林书瑶") as lin, device(lin) as phone:
        cookies = {c.key: c.value for c in lin.http.cookie_jar}

        def by_the_library() -> str:
            client = TusClient(
                f"{court.url}/api/v1/uploads",
                headers={"Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())},
            )
            uploader = client.uploader(
                file_stream=io.BytesIO(content), chunk_size=300, upload_checksum=True,
                metadata={"case_id": case_id, "filename": "借条.pdf", "purpose": "exhibit"},
            )  # fmt: skip
            uploader.upload()
            return str(uploader.url)

        url = await asyncio.to_thread(by_the_library)
        facts = await settled(lin, url)
        assert (facts["state"], facts["kind"], facts["name"]) == ("ready", "document", "借条.pdf")
        assert facts["sha256"] == hashlib.sha256(content).hexdigest()
        await phone.until(
            lambda: any(e["attachment"]["state"] == "ready" for e in phone.events("attachment_updated"))
        )
        async with lin.http.get(f"{lin.url}/api/v1/attachments/{facts['id']}") as answer:
            assert await answer.read() == content
        text = await lin.get(f"/attachments/{facts['id']}/text")
        assert [item["text"] for item in text["items"]] == ["IOU two million", "signed"]


async def test_protocol__asked_what_it_can__says_so(court: RunningCourt) -> None:
    async with court.client() as stranger:
        status, headers, _ = await ask(stranger, "OPTIONS", "/api/v1/uploads")
        assert (status, headers["Tus-Version"]) == (204, "1.0.0")
        said = set(headers["Tus-Extension"].split(","))
        assert said == {"creation", "creation-with-upload", "checksum", "expiration", "termination"}
        assert headers["Tus-Checksum-Algorithm"] == "sha256,sha1"
        status, headers, _ = await ask(stranger, "POST", "/api/v1/uploads", Upload_Length="3")
        assert status == 401


async def test_upload__in_pieces__goes_on_where_it_was(court: RunningCourt) -> None:
    case_id, _ = await case_of(court)
    content = pdf(*[f"Page {n} {'x' * 400}" for n in range(200)])
    async with court.party("林书瑶") as lin, court.party("赵建国") as zhao:
        before = len((await lin.get(f"/cases/{case_id}/acts?after=0"))["items"])
        path = await begin(lin, case_id, len(content), body=content[:1000], filename="合同.pdf")
        assert await offset_of(lin, path) == 1000, "creation with upload"
        digest = base64.b64encode(hashlib.sha256(content[1000:5000]).digest()).decode()
        bad = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
        assert (await send(lin, path, 1000, content[1000:5000], Upload_Checksum=f"sha256 {bad}"))[0] == 460
        assert await offset_of(lin, path) == 1000, "a part whose checksum is wrong is as if it never came"
        status, headers, _ = await send(
            lin, path, 1000, content[1000:5000], Upload_Checksum=f"sha256 {digest}"
        )
        assert (status, headers["Upload-Offset"]) == (204, "5000")
        assert "Upload-Expires" in headers
        for wrong in (0, 4999, 5001):
            assert (await send(lin, path, wrong, b"abc"))[0] == 409
        assert (await send(lin, path, 5000, content[5000:] + b"more"))[0] == 413
        assert (await ask(zhao, "HEAD", path))[0] == 404, "another's upload isn't there"
        assert (await send(zhao, path, 5000, b"abc"))[0] == 404
        assert (await send(lin, path, 5000, content[5000:]))[0] == 204
        assert (await send(lin, path, len(content), b""))[0] == 204, "finishing again changes nothing"
        facts = await settled(lin, path)
        assert (facts["state"], facts["pages"], facts["findings"]) == ("ready", 200, [])
        assert (await ask(lin, "DELETE", path))[0] == 409, "what has arrived can't be taken back"
        acts = (await lin.get(f"/cases/{case_id}/acts?after=0"))["items"]
        assert [act["kind"] for act in acts[before:]] == ["attachment.uploaded", "attachment.ready"]


async def test_upload__given_up_or_forgotten__leaves_nothing(court: RunningCourt) -> None:
    case_id, _ = await case_of(court)
    uploads = court.server.services.uploads
    async with court.party("林书瑶") as lin:
        path = await begin(lin, case_id, 5000, body=b"x" * 100)
        assert (await ask(lin, "POST", path, X_HTTP_Method_Override="DELETE"))[0] == 204
        assert (await ask(lin, "HEAD", path))[0] == 404
        path = await begin(lin, case_id, 5000, body=b"x" * 100)
        attachment_id = path.rsplit("/", 1)[1]
        async with court.server.units.write() as unit:
            held = await unit.attachments.get(attachment_id)  # type: ignore[arg-type]
            assert held is not None
            await unit.attachments.save(replace(held, expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        assert await uploads.sweep_due() == 1
        assert (await ask(lin, "HEAD", path))[0] == 404
    left = {file.stem for file in court.server.settings.uploads_dir.iterdir()}
    assert attachment_id not in left


async def test_line__cut_in_the_middle__what_came_is_kept(court: RunningCourt) -> None:
    case_id, _ = await case_of(court)
    content = noise_picture(900_000)
    async with court.party("林书瑶") as lin:
        path = await begin(lin, case_id, len(content), filename="照片.png")
        line = await RawLine.patch(lin, path, 0, len(content))
        await line.feed(content[:700_000])
        await until_stored(court, path, 700_000)
        await line.cut()
        at = await offset_of(lin, path)
        assert at == 700_000
        assert (await send(lin, path, at, content[at:]))[0] == 204
        facts = await settled(lin, path)
        assert (facts["state"], facts["sha256"]) == ("ready", hashlib.sha256(content).hexdigest())


async def until_stored(court: RunningCourt, path: str, size_bytes: int) -> None:
    """Until the half-sent file holds so much; nobody tells while a request is under way."""
    file = court.server.settings.uploads_dir / f"{path.rsplit('/', 1)[1]}.part"
    async with asyncio.timeout(20):
        while file.stat().st_size < size_bytes:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_two_at_once__lively__second_waits__silent__second_takes_over(court: RunningCourt) -> None:
    case_id, _ = await case_of(court)
    content = noise_picture(300_000)
    async with court.party("林书瑶") as lin:
        path = await begin(lin, case_id, len(content), filename="a.png")
        line = await RawLine.patch(lin, path, 0, len(content))
        await line.feed(content[:1000])
        await until_stored(court, path, 1000)
        status, _, said = await send(lin, path, 0, content)
        assert (status, said["code"]) == (423, "upload.busy")
        # The first line went silent: a phone that changed its network.
        await asyncio.sleep(2.2)
        at = await offset_of(lin, path)
        assert at == 1000
        assert (await send(lin, path, at, content[at:]))[0] == 204
        assert (await settled(lin, path))["state"] == "ready"
        await line.cut()


async def test_sender__lies_about_type_name_and_hash__only_the_bytes_count(court: RunningCourt) -> None:
    case_id, _ = await case_of(court)
    async with court.party("林书瑶") as lin:
        program = b"MZ" + os.urandom(3000)
        path = await begin(
            lin, case_id, len(program), body=program, filename="照片.jpg", filetype="image/jpeg"
        )
        facts = await settled(lin, path)
        assert (facts["state"], facts["reason"]) == ("refused", "executable")
        picture = photo()
        wrong = hashlib.sha256(b"another").hexdigest()
        path = await begin(lin, case_id, len(picture), body=picture, sha256=wrong)
        facts = await settled(lin, path)
        assert (facts["state"], facts["reason"]) == ("refused", "hash_mismatch")
        path = await begin(lin, case_id, len(picture), body=picture, filename="../../etc/\u202egpj.exe")
        facts = await settled(lin, path)
        assert (facts["state"], facts["name"]) == ("ready", "_.._etc__gpj.exe")
        assert facts["findings"] == ["location", "name_ending"]
        async with lin.http.get(f"{lin.url}/api/v1/attachments/{facts['id']}") as answer:
            assert answer.headers["Content-Disposition"].startswith("attachment;")


BAD_STARTS: list[tuple[dict[str, str], int, str]] = [
    ({}, 400, "upload.header"),
    ({"Upload_Length": "-1"}, 400, "upload.header"),
    ({"Upload_Length": "1e9"}, 400, "upload.header"),
    ({"Upload_Length": "0"}, 422, "attachment.empty"),
    ({"Upload_Length": "99999999999"}, 413, "attachment.too_large"),
    ({"Upload_Length": "5", "Upload_Metadata": "case_id %%%"}, 400, "upload.metadata"),
    ({"Upload_Length": "5", "Upload_Metadata": "case_id"}, 404, "not_found"),
    ({"Upload_Length": "5"}, 404, "not_found"),
]


async def test_beginnings__malformed__are_refused_with_a_word(court: RunningCourt) -> None:
    case_id, _ = await case_of(court)
    async with court.party("林书瑶") as lin, court.staff("clerk2") as colleague:
        for headers, status, code in BAD_STARTS:
            got = await ask(lin, "POST", "/api/v1/uploads", body=None, **headers)
            assert (got[0], got[2]["code"]) == (status, code), headers
            assert got[1]["Tus-Resumable"] == "1.0.0"
        said = (
            f"case_id {base64.b64encode(case_id.encode()).decode()},purpose {base64.b64encode(b'x').decode()}"
        )
        got = await ask(lin, "POST", "/api/v1/uploads", Upload_Length="5", Upload_Metadata=said)
        assert got[2]["code"] == "upload.purpose"
        said = said.split(",")[0]
        got = await ask(colleague, "POST", "/api/v1/uploads", Upload_Length="5", Upload_Metadata=said)
        assert got[0] == 404, "no case of theirs"
        got = await ask(lin, "POST", "/api/v1/uploads", Upload_Length="5", Tus_Resumable="0.2.2")
        assert (got[0], got[1]["Tus-Version"]) == (412, "1.0.0")
        path = await begin(lin, case_id, 5)
        got = await ask(lin, "PATCH", path, body=b"abc", Upload_Offset="0", Content_Type="text/plain")
        assert got[0] == 415
        for offset in ("", "abc", "-5", "99999999999999999"):
            got = await send_at(lin, path, offset)
            assert (got[0], got[2]["code"]) == (400, "upload.header"), offset
        assert (await ask(lin, "HEAD", "/api/v1/uploads/att_%2e%2e%2fx"))[0] == 404


async def send_at(person: CourtClient, path: str, offset: str) -> tuple[int, dict[str, str], dict[str, Any]]:
    return await ask(
        person,
        "PATCH",
        path,
        body=b"abc",
        Upload_Offset=offset,
        Content_Type="application/offset+octet-stream",
    )


async def test_quotas__used_up__are_said_before_a_byte_travels(tmp_path: Path) -> None:
    limits = {"unfinished_uploads": 2, "person_case_bytes": 10_000}
    async with running_court(tmp_path, limits=limits) as court:
        case_id, _ = await case_of(court)
        async with court.party("林书瑶") as lin:
            await _begin_refused(lin, case_id, 10_001, "upload.quota")
            first = await begin(lin, case_id, 4000)
            await begin(lin, case_id, 4000)
            await _begin_refused(lin, case_id, 100, "upload.too_many_unfinished")
            assert (await ask(lin, "DELETE", first))[0] == 204
            await _begin_refused(lin, case_id, 7000, "upload.quota")
            await begin(lin, case_id, 100)


async def _begin_refused(person: CourtClient, case_id: str, size_bytes: int, code: str) -> None:
    said = f"case_id {base64.b64encode(case_id.encode()).decode()}"
    got: tuple[int, Any, dict[str, Any]] = await ask(
        person, "POST", "/api/v1/uploads", Upload_Length=str(size_bytes), Upload_Metadata=said
    )
    assert got[2]["code"] == code
