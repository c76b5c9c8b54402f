"""Single tracks over real HTTP: offered from the film's map, made once by the job, marked and logged like the film."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hearing_server.domain.recording.single_tracks import MOST_WAITING, Shown, TrackKey, TrackState, ask
from hearing_server.errors import Unavailable
from hearing_server.kernel import PersonId, RecordingId
from hearing_server.ports.media import FilmMade
from hearing_server.robots.court_client import CourtClient, Problem
from tests.court import RunningCourt
from tests.recorder.small_film import write_small_film
from tests.rest.recorded import Objects
from tests.rest.test_replays import SECONDS, _first_picture, watchable


class Maker:
    """Writes a small film instead of composing; `wrong_by_s` makes it another length, `fails` an error."""

    def __init__(self) -> None:
        self.labels: list[dict[str, Any]] = []
        self.redactions: list[dict[str, Any]] = []
        self.wrong_by_s = 0.0
        self.fails = False

    async def track(self, folder: Path, target: Path, **given: Any) -> FilmMade:
        self.labels.append(dict(given["labels"]))
        self.redactions.append(dict(given["redactions"]))
        if self.fails:
            raise Unavailable("film.failed", zh="失败", en="failed")
        await given["progress"](400)
        target.parent.mkdir(parents=True, exist_ok=True)
        await asyncio.to_thread(write_small_film, target, SECONDS)
        return FilmMade(target, SECONDS + self.wrong_by_s, 1, "0" * 64)


@pytest.fixture
def maker(court: RunningCourt, monkeypatch: pytest.MonkeyPatch) -> Maker:
    made = Maker()
    monkeypatch.setattr(court.server.services.single_tracks, "_maker", made)
    return made


async def offered(court: RunningCourt, *names: str) -> tuple[Objects, dict[str, str]]:
    """A watchable film whose map offers these people's cameras and voices, and somebody unknown's: (things, ids)."""
    things = await watchable(court)
    async with court.server.units.read() as unit:
        hearing = (await unit.hearings.of_case(things.case_id))[0]  # type: ignore[arg-type]
    ids = {person.name: str(person.person_id) for person in hearing.participants}
    beside = court.server.settings.recordings_dir / things.recording_id / "film" / "film.mp4.timeline.json"
    content = json.loads(beside.read_text())
    content["tracks"] = [
        {"identity": who, "source": source, "spans": [[0.0, 8.0]]}
        for who in [*(ids[name] for name in names), "per_unknown"]
        for source in ("camera", "voice")
    ]
    beside.write_text(json.dumps(content))
    return things, ids


async def ready(client: CourtClient, things: Objects, *wanted: tuple[str, str]) -> list[dict[str, Any]]:
    """Asked for, and looked at until the job has made or refused them."""
    place = f"/recordings/{things.recording_id}/replay/tracks"
    await client.post(place, {"tracks": [{"person_id": who, "shown": shown} for who, shown in wanted]})
    async with asyncio.timeout(30):
        while True:
            items: list[dict[str, Any]] = (await client.get(place))["items"]
            found = [one for one in items if (one["person_id"], one["shown"]) in wanted]
            if all(one["state"] in ("ready", "failed") for one in found):
                return found
            await asyncio.sleep(0.05)


async def test_track__asked_for_by_a_party__is_made_once_and_watched_under_marks_and_acts(
    court: RunningCourt, maker: Maker
) -> None:
    things, ids = await offered(court, "林书瑶")
    lin_id = ids["林书瑶"]
    async with court.party("林书瑶") as lin, court.staff("clerk") as clerk:
        listed = await lin.get(f"/recordings/{things.recording_id}/replay/tracks")
        assert [(one["person_id"], one["shown"], one["state"]) for one in listed["items"]] == [
            (lin_id, "camera", "none"), (lin_id, "voice", "none"),
        ]  # fmt: skip
        (track,) = await ready(lin, things, (lin_id, "camera"))
        assert (track["state"], track["name"]) == ("ready", "林书瑶")
        assert maker.labels[0]["single"] == {"identity": lin_id, "shown": "camera"}
        assert "sealed_utc_ns" in maker.redactions[0], "what the film withholds a track withholds"
        await ready(clerk, things, (lin_id, "camera"))
        assert len(maker.labels) == 1, "made already"
        small = track["small_playlist_url"]
        async with lin.http.get(court.url + small) as answer:
            assert [line for line in (await answer.text()).splitlines() if line.endswith(".ts")] == [
                "small-0.ts", "small-1.ts", "small-2.ts",
            ]  # fmt: skip
        pieces = {}
        for client in (lin, clerk):
            async with client.http.get(court.url + small.replace("small.m3u8", "small-0.ts")) as answer:
                assert answer.status == 200, await answer.text()
                pieces[client] = _first_picture(await answer.read())
        assert sum(abs(value - 90) > 8 for value in pieces[lin]) > 500, "a mark all over"
        assert pieces[lin] != pieces[clerk], "each one's own"
        acts = (await clerk.get(f"/cases/{things.case_id}/acts"))["items"]
    viewed = [act["summary"] for act in acts if act["kind"] == "film.viewed"]
    assert [(one["of_person_id"], one["shown"]) for one in viewed] == [(lin_id, "camera")] * 2


async def test_track__of_nobody_in_the_hearing__does_not_exist(court: RunningCourt, maker: Maker) -> None:
    things, ids = await offered(court, "林书瑶")
    place = f"/recordings/{things.recording_id}/replay/tracks"
    async with court.staff("clerk") as clerk, court.party("温晓岚") as stranger:
        for who, shown in (("per_unknown", "camera"), (ids["林书瑶"], "screen"), ("x", "voice")):
            with pytest.raises(Problem) as caught:
                await clerk.post(place, {"tracks": [{"person_id": who, "shown": shown}]})
            assert caught.value.status == 404
        with pytest.raises(Problem) as caught:
            await stranger.get(place)
        assert caught.value.status == 404
        for path in ("camera/film.m3u8", "camera/film-0.ts", "hands/film.m3u8", "camera/huge.m3u8"):
            async with clerk.http.get(f"{court.url}/api/v1{place}/{ids['林书瑶']}/{path}") as answer:
                assert answer.status in (404, 409), path
    assert maker.labels == []


async def test_track__of_another_length_or_failed__is_not_played_and_may_be_asked_for_again(
    court: RunningCourt, maker: Maker
) -> None:
    things, ids = await offered(court, "林书瑶")
    lin_id = ids["林书瑶"]
    async with court.staff("clerk") as clerk:
        maker.wrong_by_s = 1.0
        (track,) = await ready(clerk, things, (lin_id, "voice"))
        assert track["state"] == "failed"
        async with clerk.http.get(court.url + track["playlist_url"]) as answer:
            assert (answer.status, (await answer.json())["code"]) == (409, "track.not_ready")
        maker.wrong_by_s, maker.fails = 0.0, True
        assert (await ready(clerk, things, (lin_id, "voice")))[0]["state"] == "failed"
        maker.fails = False
        assert (await ready(clerk, things, (lin_id, "voice")))[0]["state"] == "ready"


async def test_track__of_a_film_composed_anew__is_made_anew(court: RunningCourt, maker: Maker) -> None:
    things, ids = await offered(court, "林书瑶")
    wanted = (ids["林书瑶"], "camera")
    async with court.staff("clerk") as clerk:
        await ready(clerk, things, wanted)
        key = TrackKey(RecordingId(things.recording_id), PersonId(wanted[0]), Shown.CAMERA)
        async with court.server.units.write() as unit:
            known = await unit.single_tracks.get(key)
            assert known is not None
            assert known.state is TrackState.READY
            recording = await unit.recordings.get(key.recording_id)
            assert recording is not None
            again = recording.film.queued().ready(duration_s=float(SECONDS), size_bytes=1, sha256="1" * 64)
            await unit.recordings.save(replace(recording, film=again))
        listed = (await clerk.get(f"/recordings/{things.recording_id}/replay/tracks"))["items"]
        assert listed[0]["state"] == "none"
        await ready(clerk, things, wanted)
    assert len(maker.labels) == 2


async def test_tracks__more_than_wait_at_most__are_refused_by_name(court: RunningCourt) -> None:
    key = TrackKey(RecordingId("rec_1"), PersonId("per_1"), Shown.VOICE)
    now = court.server.clock.utc_now()
    with pytest.raises(Unavailable, match=r"track\.queue_full"):
        ask(key, None, film_attempt=1, waiting=MOST_WAITING, at=now)
    assert ask(key, None, film_attempt=1, waiting=0, at=now).state is TrackState.QUEUED
