"""Bad input over HTTP: a clear answer, nothing lost, nobody else harmed."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from hearing_server.errors import Unavailable
from hearing_server.robots.court_client import Problem
from hearing_server.site import listening
from tests.court import RunningCourt, court_settings, running_court
from tests.rest.recorded import case_of

JSON = {"Content-Type": "application/json"}
SIGN_IN = b'{"username":"judge","password":"yunhe-demo"}'


async def send(court: RunningCourt, content: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with (
        court.client() as client,
        client.http.post(f"{court.url}/api/v1/sign-in/staff", data=content, headers=headers) as answer,
    ):
        return answer.status, await answer.json(content_type=None)


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", JSON, 400, "body.not_json"),
        (b"", JSON, 422, "body.invalid"),
        (b"[]", JSON, 422, "body.invalid"),
        (b"\xff\xfe", JSON, 400, "body.not_json"),
        (b'{"a":' * 5000, JSON, 400, "body.not_json"),
        (b'{"username":"\\ud800","password":"x"}', JSON, 400, "body.not_json"),
        (b'{"username":"a\\u0000b","password":"x"}', JSON, 422, "body.invalid"),
        (b'{"username":1,"password":"x"}', JSON, 422, "body.invalid"),
        (b'{"username":"judge","password":"x","role":"president"}', JSON, 422, "body.invalid"),
        (SIGN_IN, {"Content-Type": "text/plain"}, 400, "body.content_type"),
        (SIGN_IN, {"Content-Type": "application/x-www-form-urlencoded"}, 400, "body.content_type"),
        (SIGN_IN, {**JSON, "Origin": "https://evil.example"}, 403, "request.foreign_origin"),
        (SIGN_IN, {**JSON, "Origin": "null"}, 403, "request.foreign_origin"),
        (b" " * (256 * 1024 + 1), JSON, 413, "body.too_large"),
    ],
)
async def test_body__that_cannot_be_taken__is_a_problem_in_both_languages(
    court: RunningCourt, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answered, problem = await send(court, content, headers)
    _, english = await send(court, content, {**headers, "Accept-Language": "en-GB,en"})
    assert (answered, problem["code"], problem["status"]) == (status, code, status)
    assert problem["request_id"]
    assert problem["title"] != english["title"]
    assert english["title"].isascii()


async def test_body__streamed_beyond_the_limit_without_a_length__is_cut(court: RunningCourt) -> None:
    async def endless() -> Any:
        for _ in range(1000):
            yield b" " * 1024

    async with court.client() as client:
        address = f"{court.url}/api/v1/sign-in/staff"
        async with client.http.post(address, data=endless(), headers=JSON) as answer:
            assert (answer.status, (await answer.json(content_type=None))["code"]) == (413, "body.too_large")


async def test_body__from_our_own_page__is_taken(court: RunningCourt) -> None:
    status, me = await send(court, SIGN_IN, {**JSON, "Origin": court.url})
    assert (status, me["role"]) == (200, "judge")


async def test_request__that_is_no_http__harms_nobody(court: RunningCourt) -> None:
    port = int(court.url.rsplit(":", 1)[1])
    for garbage in (
        b"\x16\x03\x01\x00",
        b"GET\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"x" * 70_000,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(garbage)
        writer.write_eof()
        async with asyncio.timeout(20):
            answer = await reader.read()
        assert not answer.startswith(b"HTTP/1.1 5")
        writer.close()
    async with court.client() as client:
        assert (await client.get("/config"))["demo"] is True


@pytest.mark.parametrize(
    "path", ["/hearings?day=x", "/cases/{case}/acts?after=-1", "/cases/{case}/acts?after=" + "9" * 5000]
)
async def test_query__malformed__is_no_server_error(court: RunningCourt, path: str) -> None:
    case_id, _ = await case_of(court)
    async with (
        court.staff("clerk") as clerk,
        clerk.http.get(court.url + "/api/v1" + path.format(case=case_id)) as answer,
    ):
        assert answer.status in (200, 400, 422)


async def test_answers__carry_the_headers_of_the_house(court: RunningCourt) -> None:
    async with court.client() as client, client.http.get(f"{court.url}/api/v1/nothing") as answer:
        assert answer.status == 404
        assert (await answer.json(content_type=None))["code"] == "not_found"
        for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Request-Id"):
            assert answer.headers[name]


async def test_second_server__on_the_same_folder__is_refused(court: RunningCourt) -> None:
    settings = court.server.settings
    with pytest.raises(Unavailable, match=r"data_dir\.in_use"):
        async with running_court(settings.storage.data_dir):
            pass
    async with court.client() as client:
        assert (await client.get("/config"))["demo"] is True


async def test_port__taken__is_said_in_one_line(court: RunningCourt, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = court_settings(tmp_path / "other", server={"port": taken.getsockname()[1]})
        with pytest.raises(Unavailable, match=r"port\.taken"):
            async with listening(court.server.app, settings):
                pass


async def test_opening__disk_nearly_full__is_refused_and_nothing_changed(tmp_path: Path) -> None:
    async with running_court(tmp_path, storage={"reserve_bytes": 2**62}) as court:
        _, hearing_id = await case_of(court)
        async with court.staff("judge") as judge:
            # The judge's own grant opens the lobby.
            await judge.post(f"/hearings/{hearing_id}/grants")
            before = await judge.get(f"/hearings/{hearing_id}")
            with pytest.raises(Problem) as refused:
                await judge.post(f"/hearings/{hearing_id}/open")
            after = await judge.get(f"/hearings/{hearing_id}")
    assert refused.value.code == "disk.full", refused.value
    assert refused.value.status == 503
    assert after["state"] == "lobby"
    assert (after["state"], after["recording"], after["version"]) == (
        before["state"], before["recording"], before["version"]
    )  # fmt: skip
