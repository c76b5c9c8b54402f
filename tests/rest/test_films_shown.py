"""Films on their way out: every view is an act, a withdrawal stops what runs, and slow strangers hold no place."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from hearing_server import site
from hearing_server.rest import film_stream, routing
from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt, running_court
from tests.rest.recorded import FILM, published, recorded


async def _views(clerk: CourtClient, case_id: str) -> int:
    acts = (await clerk.get(f"/cases/{case_id}/acts"))["items"]
    return sum(act["kind"] == "film.viewed" for act in acts)


async def test_film__watched_from_the_middle_only__is_an_act_all_the_same(court: RunningCourt) -> None:
    things = await recorded(court)
    async with court.staff("clerk") as clerk, court.party("林书瑶") as lin:
        await clerk.post(f"/recordings/{things.recording_id}/downloads", {"allowed": True})
        film = f"{court.url}/api/v1/recordings/{things.recording_id}/film"
        for _ in range(3):
            async with lin.http.get(film, headers={"Range": "bytes=1-"}) as answer:
                assert (answer.status, await answer.read()) == (206, FILM[1:])
        assert await _views(clerk, things.case_id) == 1, "one view, however many ranges"
        async with lin.http.get(film) as answer:
            assert await answer.read() == FILM
        assert await _views(clerk, things.case_id) == 2


async def test_public_film__by_range__is_what_players_expect(court: RunningCourt) -> None:
    publication = await published(court, await recorded(court))
    size = len(FILM)
    expected = {
        "": (200, FILM, None),
        "bytes=0-": (206, FILM, f"bytes 0-{size - 1}/{size}"),
        "bytes=10-19": (206, FILM[10:20], f"bytes 10-19/{size}"),
        "bytes=-5": (206, FILM[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
        f"bytes=5-{size * 9}": (206, FILM[5:], f"bytes 5-{size - 1}/{size}"),
        f"bytes={size}-": (416, b"", f"bytes */{size}"),
        "bytes=9-5": (416, b"", f"bytes */{size}"),
        "bytes=a-b": (416, b"", f"bytes */{size}"),
    }
    async with court.client() as anybody:
        film = f"{court.url}/api/v1/public/recordings/{publication}/film"
        for asked, (status, content, range_said) in expected.items():
            async with anybody.http.get(film, headers={"Range": asked} if asked else {}) as answer:
                assert (answer.status, await answer.read(), answer.headers.get("Content-Range")) == (
                    status, content, range_said,
                ), asked  # fmt: skip
                assert status == 416 or answer.headers["Cache-Control"] == "no-store"
        async with anybody.http.get(film, headers={"Range": "bytes=5-9", "If-Range": '"older"'}) as answer:
            assert (answer.status, await answer.read()) == (200, FILM)


async def test_public_film__withdrawn_in_the_middle_of_a_download__is_cut(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_stream, "_ASK_EVERY_S", 0.05)
    # Far more than sockets hold.
    things = await recorded(court, film=FILM * 4000)
    publication = await published(court, things)
    address = f"{court.url}/api/v1/public/recordings/{publication}/film"
    async with court.client() as anybody, court.staff("clerk") as clerk, anybody.http.get(address) as answer:
        await answer.content.readexactly(100_000)
        await clerk.post(f"/publications/{publication}/withdraw", {"reason": "涉及隐私"})
        with pytest.raises(aiohttp.ClientError):
            await answer.read()
        async with anybody.http.get(address) as after:
            assert after.status == 404


async def test_public_film__withdrawn_while_its_player_stands_still__is_cut_as_well(
    court: RunningCourt, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read for a while, so the server can't write either: the connection must not wait for that."""
    monkeypatch.setattr(film_stream, "_ASK_EVERY_S", 0.05)
    publication = await published(court, await recorded(court, film=FILM * 4000))
    port = int(court.url.rsplit(":", 1)[1])
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(f"GET /api/v1/public/recordings/{publication}/film HTTP/1.1\r\nHost: court\r\n\r\n".encode())
    await reader.readexactly(1024)
    await asyncio.sleep(0.3)
    async with court.staff("judge") as judge:
        await judge.post(f"/publications/{publication}/withdraw", {"reason": "涉及隐私"})
    await asyncio.sleep(0.5)
    got = 1024
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(15):
            while piece := await reader.read(65536):
                got += len(piece)
    writer.close()
    # What lay in the sockets may come; the rest never leaves.
    assert got < len(FILM) * 4000 / 2


async def test_public_film__whose_file_is_not_the_approved_one__is_not_served(court: RunningCourt) -> None:
    things = await recorded(court)
    publication = await published(court, things)
    folder = court.server.settings.recordings_dir / things.recording_id / "public" / publication
    (folder / "0001.mp4").write_bytes(FILM[:-1] + b"!")
    async with court.client() as anybody:
        for part in ("/film", "/poster"):
            async with anybody.http.get(
                f"{court.url}/api/v1/public/recordings/{publication}{part}"
            ) as answer:
                assert answer.status == 404


async def test_connections__that_send_no_whole_request__are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "_SILENT_CONNECTION_S", 0.3)
    monkeypatch.setattr(routing, "BODY_S", 0.3 - 256 * 1024 / 64_000)
    head = b"POST /api/v1/sign-in/staff HTTP/1.1\r\nHost: court\r\n"
    body = b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    async with running_court(tmp_path) as court:
        port = int(court.url.rsplit(":", 1)[1])
        for sent, expected in ((b"", b""), (head + b"X: ", b""), (head + body, b"body.too_slow")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            async with asyncio.timeout(15):
                assert expected in await reader.read()
            writer.close()


async def test_public_film__to_be_composed_again__must_be_withdrawn_first(court: RunningCourt) -> None:
    """What a second official confirmed must stay what the public sees."""
    things = await recorded(court)
    publication = await published(court, things)
    async with court.staff("clerk") as clerk:
        with pytest.raises(Problem) as refused:
            await clerk.post(f"/recordings/{things.recording_id}/film")
        assert refused.value.code == "film.published"
        await clerk.post(f"/publications/{publication}/withdraw", {"reason": "重新合成"})
        again = await clerk.post(f"/recordings/{things.recording_id}/film")
    assert again["film"]["state"] == "queued"
