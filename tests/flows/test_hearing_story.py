"""The whole story of a hearing with robots: link, lobby, opening, orders, recess, closing, film, publication, acts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hearing_server.robots.court_client import Problem
from hearing_server.robots.senses import PITCHES_HZ
from recorder.film.grid import grid_cells
from tests.flows.court_story import Story, story
from tests.recorder.film_probe import FilmProbe
from tests.rest.recorded import confirmed


@pytest.mark.timeout(300)
async def test_hearing__from_link_to_public_film__is_conducted_recorded_and_published(tmp_path: Path) -> None:
    async with story(tmp_path / "court") as told:
        await told.begin()
        with pytest.raises(Problem) as refused:
            await told.order("recess", {"reason": "未开庭"})
        assert refused.value.code == "hearing.not_in_session"
        await told.admit_all()
        opened = await told.order("open")
        assert opened["state"] == "in_session"
        assert opened["recording"]["state"] == "writing"
        plaintiff, defendant = (party.client.me["id"] for party in told.parties)
        await asyncio.gather(
            *(told.sees(p, s) for p in (plaintiff, defendant) for s in ("camera", "microphone"))
        )
        await _mute_and_lift(told, plaintiff)
        await asyncio.sleep(2)
        recess = await told.order("recess", {"reason": "合议庭评议"})
        assert recess["recording"]["state"] == "paused"
        assert told.bench is not None
        await asyncio.sleep(1)
        still = sum(told.bench.frames.values())
        await asyncio.sleep(1)
        assert sum(told.bench.frames.values()) - still <= 2, "media crossed a recess"
        assert (await told.order("resume"))["state"] == "in_session"
        await told.sees(defendant, "camera", more=15)
        await asyncio.sleep(1.5)  # a loaded machine decodes late: frames seen are not seconds in session
        closed = await told.order("close")
        assert closed["undo_close_until"]
        recording = await told.film()
        await _check_film(told, recording, tmp_path)
        await _publish(told, recording)
        await _check_acts(told, recording)


async def _mute_and_lift(told: Story, person_id: str) -> None:
    assert told.bench is not None
    await told.order("mutes", {"person_id": person_id, "source": "microphone", "muted": True})
    await asyncio.sleep(0.5)
    before = told.bench.frames[person_id, "microphone"]
    await asyncio.sleep(1)
    assert told.bench.frames[person_id, "microphone"] - before <= 1, "a muted voice was forwarded"
    await told.order("mutes", {"person_id": person_id, "source": "microphone", "muted": False})
    await told.sees(person_id, "microphone", more=10)


async def _check_film(told: Story, recording: dict[str, object], tmp_path: Path) -> None:
    film = recording["film"]
    assert isinstance(film, dict)
    assert film["state"] == "ready", film
    hearing = await told.judge.get(f"/hearings/{told.hearing_id}")
    path = tmp_path / "film.mp4"
    url = f"{told.url}/api/v1/recordings/{recording['id']}/film"
    async with told.clerk.http.get(url) as answer:
        assert answer.status == 200
        path.write_bytes(await answer.read())
    probe = await asyncio.to_thread(FilmProbe, path)
    # In session plus the card of three seconds for the recess.
    assert abs(probe.duration_s - (hearing["in_session_s"] + 3)) <= 1.5
    assert (probe.video_codec, probe.audio_codec) == ("h264", "aac")
    for pitch in PITCHES_HZ[:3]:
        assert probe.beeps(pitch), f"the voice of {pitch} Hz is not in the film"
    boxes = [cell.picture for cell in grid_cells(3)]
    # Any moment of the film: a flash makes a face white, a card covers the recess.
    moments = [step / 8 for step in range(int(probe.duration_s * 8))]
    assert any(_all_differ([probe.colour(box, at_s) for box in boxes]) for at_s in moments)


def _all_differ(colours: list[tuple[float, float, float]]) -> bool:
    return all(
        max(abs(a - b) for a, b in zip(one, other, strict=True)) > 20
        for n, one in enumerate(colours)
        for other in colours[n + 1 :]
    )


async def _publish(told: Story, recording: dict[str, object]) -> None:
    submitted = await told.clerk.post(
        f"/recordings/{recording['id']}/publications", {"title": "民间借贷纠纷庭审", "cause": "民间借贷纠纷"}
    )
    for party in told.parties:
        await party.client.put(f"/publications/{submitted['id']}/response", {"objects": False})
    with pytest.raises(Problem) as refused:
        await confirmed(told.clerk, submitted["id"])
    assert refused.value.code == "publication.same_person"
    assert (await told.clerk.get("/public/recordings"))["items"] == []
    await confirmed(told.president, submitted["id"])
    public = (await told.clerk.get("/public/recordings"))["items"][0]
    film_url = told.url + public["film_url"]
    async with told.clerk.http.get(film_url, headers={"Range": "bytes=100-199"}) as answer:
        assert answer.status == 206
        assert len(await answer.read()) == 100
    async with told.clerk.http.get(told.url + public["poster_url"]) as answer:
        assert answer.content_type == "image/jpeg"
    await told.judge.post(f"/publications/{submitted['id']}/withdraw", {"reason": "当事人申请"})
    async with told.clerk.http.get(film_url) as answer:
        assert answer.status == 404


async def _check_acts(told: Story, recording: dict[str, object]) -> None:
    hearing = recording["hearing"]
    assert isinstance(hearing, dict)
    log = await told.parties[0].client.get(f"/cases/{hearing['case_id']}/acts")
    kinds = {act["kind"] for act in log["items"]}
    assert log["intact"]
    wanted = {
        "case.filed", "hearing.scheduled", "participant.identity_checked", "participant.consent_decided",
        "participant.admitted", "hearing.opened", "recording.started", "participant.muted", "hearing.recessed",
        "hearing.resumed", "hearing.closed", "recording.sealed", "film.ready", "publication.confirmed",
        "publication.withdrawn",
    }  # fmt: skip
    assert wanted <= kinds, wanted - kinds


async def test_closing__undone_within_a_minute__goes_on_in_session(tmp_path: Path) -> None:
    async with story(tmp_path / "court") as told:
        await told.begin(parties=1)
        await told.admit_all()
        await told.order("open")
        person = told.parties[0].client.me["id"]
        await told.sees(person, "camera")
        await told.order("close")
        reopened = await told.order("reopen")
        assert reopened["state"] == "in_session"
        await told.sees(person, "camera", more=10)


async def test_removed_person__asks_for_a_grant__is_refused_until_the_order_is_lifted(tmp_path: Path) -> None:
    async with story(tmp_path / "court") as told:
        await told.begin(parties=1)
        await told.admit_all()
        party = told.parties[0]
        person = party.client.me["id"]
        await told.order("removals", {"person_id": person, "reason": "扰乱法庭秩序"})
        assert party.seat is not None
        seat = party.seat
        async with asyncio.timeout(15):
            while seat.ended is None:  # noqa: ASYNC110 - a field set by the socket
                await asyncio.sleep(0.05)
        with pytest.raises(Problem) as refused:
            await party.client.post(f"/hearings/{told.hearing_id}/grants")
        assert refused.value.code == "hearing.removed"
        await told.judge.call("DELETE", f"/hearings/{told.hearing_id}/removals/{person}")
        await seat.report("waiting")
        await told.admit_all()
        assert told.bench is not None
        await told.sees(person, "camera")
