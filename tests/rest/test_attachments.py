"""Pictures: kept bit by bit, shown without metadata, seen by their lane alone; hostile files get a word and no room."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt, running_court
from tests.sample_files import docx, photo, png_claiming
from tests.sockets.devices import device, space_of


async def upload(
    person: CourtClient,
    case_id: str,
    data: bytes,
    *,
    name: str = "%E5%80%9F%E6%9D%A1.jpg",
    type: str = "image/jpeg",
) -> dict[str, Any]:
    headers = {"Content-Type": type, "X-File-Name": name}
    address = f"{person.url}/api/v1/cases/{case_id}/attachments"
    async with person.http.post(address, data=data, headers=headers) as answer:
        content: dict[str, Any] = await answer.json(content_type=None)
        if answer.status >= 400:
            raise Problem(answer.status, content)
        return content


async def fetch(person: CourtClient, path: str) -> tuple[int, dict[str, str], bytes]:
    async with person.http.get(f"{person.url}/api/v1{path}") as answer:
        return answer.status, dict(answer.headers), await answer.read()


async def test_picture__uploaded_and_posted__is_seen_by_its_lane_and_kept_bit_by_bit(
    court: RunningCourt,
) -> None:
    async with court.staff("clerk") as clerk, court.staff("judge") as judge, court.party("林书瑶") as lin:
        case_id = (await lin.get("/cases"))["items"][0]["id"]
        space = await judge.get(f"/cases/{case_id}/space")
        lanes = {lane["kind"]: lane["lane"] for lane in space["lanes"]}
        original = photo(turned=True)
        made = await upload(clerk, case_id, original)
        assert (made["width"], made["height"]) == (400, 600), "as it is shown: turned upright"
        assert (made["media_type"], made["name"]) == ("image/jpeg", "借条.jpg")
        assert (made["sha256"], made["size_bytes"]) == (hashlib.sha256(original).hexdigest(), len(original))

        path = f"/attachments/{made['id']}"
        assert (await fetch(clerk, path))[0] == 200
        assert (await fetch(judge, path))[0] == 404, "before it is posted it is its sender's alone"
        async with device(clerk) as phone:
            body = {"attachment_id": made["id"], "width": 1, "name": "谎言.jpg"}
            posted = await phone.ask(
                "message_post", lane=lanes["bench"], client_id="client-pic-1", type="image", body=body
            )
            assert posted["ok"], posted
            await phone.resume(lanes["bench"])
            await phone.until(lambda: bool(phone.lanes.get(lanes["bench"])))
            shown = phone.lanes[lanes["bench"]][0]["body"]
            assert (shown["width"], shown["name"]) == (400, "借条.jpg"), (
                "what the court measured, not what was said"
            )
        status, headers, content = await fetch(judge, path)
        assert (status, content) == (200, original)
        assert headers["Content-Disposition"].startswith("attachment;")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in headers["Content-Security-Policy"]
        for door in (path, f"{path}/preview"):
            assert (await fetch(lin, door))[0] == 404, "the bench's pictures aren't a party's"

        status, headers, preview = await fetch(judge, f"{path}/preview")
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        assert b"CAMERA-MAKER" in original
        assert b"CAMERA-MAKER" not in preview
        assert b"Exif" not in preview
        assert Image.open(io.BytesIO(preview)).size == (400, 600)
        log = await judge.get(f"/cases/{case_id}/acts?after=0")
        kinds = [act["kind"] for act in log["items"]]
        assert log["intact"]
        assert {"attachment.uploaded", "attachment.viewed"} <= set(kinds)
        async with device(judge) as desk:
            stolen = await desk.ask(
                "message_post", lane=lanes["everyone"], client_id="client-pic-2", type="image",
                body={"attachment_id": made["id"]},
            )  # fmt: skip
    assert stolen["code"] == "message.image", "only its sender posts a picture"


HOSTILE = {
    "a program": (b"MZ" + b"\0" * 2000, 422, "attachment.executable"),
    "a page": (b"<html><script>alert(1)</script></html>", 422, "attachment.type"),
    "an svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', 422, "attachment.type"),
    "truncated": (photo()[:9000], 422, "attachment.unreadable"),
    "head only": (photo()[:40], 422, "attachment.unreadable"),
    "pixel bomb": (png_claiming(20_000, 20_000), 422, "attachment.too_many_pixels"),
    "endless side": (png_claiming(60_000, 1), 422, "attachment.too_many_pixels"),
    "lying png": (png_claiming(2_000, 2_000), 422, "attachment.unreadable"),
    "empty": (b"", 422, "attachment.empty"),
    "too large": (photo(1400, 1000), 413, "attachment.too_large"),
    "a picture and an archive": (photo() + docx("x"), 422, "attachment.polyglot"),
}


async def test_hostile_files__uploaded__are_refused_with_a_word_and_leave_no_bytes(tmp_path: Path) -> None:
    async with (
        running_court(tmp_path, limits={"attachment_bytes": 250_000}) as court,
        court.staff("clerk") as clerk,
    ):
        case_id = (await space_of(clerk))["case_id"]
        before = len((await clerk.get(f"/cases/{case_id}/acts?after=0"))["items"])
        for what, (data, status, code) in HOSTILE.items():
            with pytest.raises(Problem) as refused:
                await upload(clerk, case_id, data)
            assert (refused.value.status, refused.value.code) == (status, code), what
        with pytest.raises(Problem) as wrong_type:
            await upload(clerk, case_id, photo(), type="multipart/form-data")
        assert wrong_type.value.code == "attachment.content_type"
        acts = (await clerk.get(f"/cases/{case_id}/acts?after=0"))["items"][before:]
        refused_acts = [act for act in acts if act["kind"] == "attachment.refused"]
        # An empty file never begins.
        assert len(refused_acts) == len(HOSTILE) - 1, "that the court refused it is on record"
        for folder in ("spool", "uploads"):
            assert list((tmp_path / folder).iterdir()) == []
        assert not [
            path for path in (tmp_path / "objects").rglob("*") if path.is_file() and "keys" not in path.parts
        ]
        assert (await upload(clerk, case_id, photo(200, 100)))["width"] == 200, (
            "and the next honest one is taken"
        )


async def test_upload__into_a_case_of_others__is_not_found(court: RunningCourt) -> None:
    async with court.staff("clerk2") as colleague, court.staff("clerk") as clerk:
        case_id = (await space_of(clerk))["case_id"]
        with pytest.raises(Problem) as refused:
            await upload(colleague, case_id, photo())
    assert refused.value.code == "not_found"
