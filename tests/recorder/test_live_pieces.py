"""The court's side of films that begin while the hearing runs: real child processes, real pieces."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from hearing_server.adapters.films import ProcessFilms, film_path
from hearing_server.adapters.live_films import CALM_S, ProcessPieces
from recorder.film.pieces import PieceIndex, read_index
from tests.recorder.synthetic_hearing import Actor, Order, Stage

HUM = Actor("per_a", (90, 90, 160), 440, size=(160, 120), rate_hz=5, until_s=19, bit_rate=60_000)
LABELS = {"case_number": "案号", "title": "试", "people": {"per_a": {"name": "甲", "role": "原告"}}}
HIDDEN: dict[str, object] = {"sealed_utc_ns": []}


async def _until_ready(film: Path) -> PieceIndex:
    async with asyncio.timeout(240):
        while not read_index(film).pieces:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.2)
    return read_index(film)


async def test_pieces__made_by_the_quiet_child__then_the_film_is_joined_from_them(
    tmp_path: Path,
) -> None:
    stage = Stage(tmp_path / "recording")
    stage.play([HUM], [Order(0, "opened"), Order(19, "closed")])
    await stage.session.close()
    folder, film = stage.folder, film_path(stage.folder)
    pieces = ProcessPieces(share=2.0)
    try:
        await pieces.make(folder, labels=LABELS, redactions=HIDDEN)
        assert pieces.folders == {folder}
        live = await _until_ready(film)
        # The same again is nothing; another name is told to the child that runs.
        await pieces.make(folder, labels=LABELS, redactions=HIDDEN)
        assert pieces.folders == {folder}
        await pieces.stop(folder)
        assert pieces.folders == frozenset()
    finally:
        await pieces.close()
    told: list[int] = []

    async def progress(permille: int) -> None:
        told.append(permille)

    made = await ProcessFilms().compose(folder, labels=LABELS, redactions=HIDDEN, progress=progress)
    assert made.path == film
    assert made.duration_s == 19
    assert read_index(film).pieces[: len(live.pieces)] == live.pieces, "what was there was not made again"


async def test_pieces__while_somebody_else_composes_the_film__then_no_child_begins(tmp_path: Path) -> None:
    folder = tmp_path / "recording"
    first, second = ProcessPieces(share=1.0), ProcessPieces(share=1.0)
    try:
        folder.mkdir()
        await first.make(folder, labels=LABELS, redactions=HIDDEN)
        await second.make(folder, labels=LABELS, redactions=HIDDEN)
        assert (len(first.folders), len(second.folders)) == (1, 0)
    finally:
        await second.close()
        await first.close()


async def test_pieces__the_loop_wakes_late__then_they_wait_until_it_has_been_calm(tmp_path: Path) -> None:
    now_s = [100.0]
    folder = tmp_path / "recording"
    folder.mkdir()
    pieces = ProcessPieces(share=1.0, clock=lambda: now_s[0])
    try:
        await pieces.make(folder, labels=LABELS, redactions=HIDDEN)
        for _ in range(100):
            if pressed := pieces.is_pressed:
                break
            time.sleep(0.3)  # noqa: ASYNC251 - the loop is late, as it would be in a crowded room
            await asyncio.sleep(0.05)
        assert pressed
        now_s[0] += CALM_S + 1
        assert not pieces.is_pressed
    finally:
        await pieces.close()
