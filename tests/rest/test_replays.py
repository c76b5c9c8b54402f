"""Watching a recording over real HTTP: marked pieces, every minute an act, moments to jump to, the file by leave."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import av
import pytest

from hearing_server.adapters.piece_markers import MarkerWorkers
from hearing_server.domain.acts import ActKind
from hearing_server.domain.recording.recordings import Film, FilmState
from hearing_server.kernel import RecordingId, system_actor
from hearing_server.robots.court_client import CourtClient, Problem
from hearing_server.services.acts import record_act
from tests.court import RunningCourt
from tests.recorder.small_film import write_small_film
from tests.rest.recorded import FILM, Objects, recorded

SECONDS = 14


async def watchable(court: RunningCourt) -> Objects:
    """A recording whose film really plays, with its map beside it and a line of the log in its tenth second."""
    things = await recorded(court)
    film = court.server.settings.recordings_dir / things.recording_id / "film" / "film.mp4"
    await asyncio.to_thread(write_small_film, film, SECONDS)
    start = court.server.clock.utc_now() - timedelta(hours=1)
    pieces = [
        _piece("hearing", "", 0, 8, start), _piece("pause", "recess", 8, 11, start),
        _piece("hearing", "", 11, SECONDS, start + timedelta(minutes=20)),
    ]  # fmt: skip
    content = {"format": 1, "duration_s": SECONDS, "pieces": pieces}
    film.with_name("film.mp4.timeline.json").write_text(json.dumps(content))
    async with court.server.units.write() as unit:
        recording = await unit.recordings.get(RecordingId(things.recording_id))
        assert recording is not None
        ready = Film(FilmState.READY, 1000, float(SECONDS), film.stat().st_size, "0" * 64, None, 1)
        await unit.recordings.save(replace(recording, film=ready))
        for kind, after_s in ((ActKind.HEARING_OPENED, 0), (ActKind.HEARING_RESUMED, 1200 + 12)):
            await record_act(
                unit, system_actor(court.server.profile.court.id), kind=kind, chain_id=things.case_id,
                at=start + timedelta(seconds=after_s),
                payload={"hearing_id": things.hearing_id, "person_ids": [], "note": ""},
            )  # fmt: skip
    return things


def _piece(kind: str, reason: str, from_s: float, until_s: float, start: Any) -> dict[str, object]:
    return {
        "kind": kind, "reason": reason, "film_from_s": from_s, "film_until_s": until_s,
        "utc_from": (start + timedelta(seconds=from_s)).isoformat(),
        "utc_until": (start + timedelta(seconds=until_s)).isoformat(),
    }  # fmt: skip


async def _piece_of(client: CourtClient, court: RunningCourt, things: Objects, number: int) -> bytes:
    address = f"{court.url}/api/v1/recordings/{things.recording_id}/replay/film-{number}.ts"
    async with client.http.get(address) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.headers["Cache-Control"] == "private, no-store"
        return await answer.read()


def _first_picture(piece: bytes) -> bytes:
    with av.open(io.BytesIO(piece), "r") as container:
        return bytes(next(container.decode(container.streams.video[0])).planes[0])


async def test_film__watched_by_a_party__carries_the_name_and_every_minute_is_an_act(
    court: RunningCourt,
) -> None:
    things = await watchable(court)
    async with court.party("林书瑶") as lin, court.staff("clerk") as clerk:
        here = f"{court.url}/api/v1/recordings/{things.recording_id}/replay/film.m3u8"
        async with lin.http.get(here) as answer:
            lines = (await answer.text()).splitlines()
        assert [line for line in lines if line.endswith(".ts")] == ["film-0.ts", "film-1.ts", "film-2.ts"]
        assert sum(float(line[8:-1]) for line in lines if line.startswith("#EXTINF")) == pytest.approx(
            SECONDS
        )
        for_lin = _first_picture(await _piece_of(lin, court, things, 0))
        for_clerk = _first_picture(await _piece_of(clerk, court, things, 0))
        assert sum(abs(value - 90) > 8 for value in for_lin) > 500, "a mark all over"
        assert sum(abs(a - b) > 8 for a, b in zip(for_lin, for_clerk, strict=True)) > 200, "each one's own"
        await _piece_of(lin, court, things, 2)
        acts = (await clerk.get(f"/cases/{things.case_id}/acts"))["items"]
    viewed = [act for act in acts if act["kind"] == "film.viewed"]
    assert len(viewed) == 2, "one minute, two viewers"
    assert viewed[0]["summary"]["until_s"] == 60


async def test_moments__of_a_film__stand_at_their_second(court: RunningCourt) -> None:
    things = await watchable(court)
    async with court.party("林书瑶") as lin:
        said = await lin.get(f"/recordings/{things.recording_id}/replay")
    assert [(chapter["kind"], chapter["reason"]) for chapter in said["chapters"]] == [
        ("hearing", ""), ("pause", "recess"), ("hearing", ""),
    ]  # fmt: skip
    notes = [(note["kind"], round(note["at_s"])) for note in said["notes"]]
    assert notes == [("hearing.opened", 0), ("hearing.resumed", 12)]
    assert (said["may_download"], said["may_release"]) == (False, False)


async def test_bare_film__is_for_the_court_and_for_parties_by_leave(court: RunningCourt) -> None:
    things = await recorded(court)
    film = f"{court.url}/api/v1/recordings/{things.recording_id}/film"
    downloads = f"/recordings/{things.recording_id}/downloads"
    async with court.party("林书瑶") as lin, court.staff("judge") as judge:
        async with judge.http.get(film) as answer:
            assert await answer.read() == FILM
        async with lin.http.get(film) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "film.not_released")
        with pytest.raises(Problem) as caught:
            await lin.post(downloads, {"allowed": True})
        assert caught.value.status == 403
        assert (await judge.post(downloads, {"allowed": True}))["parties_may_download"] is True
        async with lin.http.get(film) as answer:
            assert await answer.read() == FILM
        await judge.post(downloads, {"allowed": False})
        async with lin.http.get(film) as answer:
            assert answer.status == 403


async def test_piece__that_is_none__is_not_found_and_no_act(court: RunningCourt) -> None:
    things = await watchable(court)
    async with court.staff("clerk") as clerk:
        for number in ("3", "999999", "-1", "1e3", "x", "0000000000000000001"):
            address = f"{court.url}/api/v1/recordings/{things.recording_id}/replay/film-{number}.ts"
            async with clerk.http.get(address) as answer:
                assert answer.status == 404, number
        acts = (await clerk.get(f"/cases/{things.case_id}/acts"))["items"]
    assert not [act for act in acts if act["kind"] == "film.viewed"]


async def test_worker__that_died__is_replaced(court: RunningCourt) -> None:
    things = await watchable(court)
    workers = court.server.services.replays._pieces._marker
    assert isinstance(workers, MarkerWorkers)
    async with court.staff("clerk") as clerk:
        await _piece_of(clerk, court, things, 0)
        process = workers._idle[0]
        process.kill()
        await process.wait()
        assert _first_picture(await _piece_of(clerk, court, things, 1))
