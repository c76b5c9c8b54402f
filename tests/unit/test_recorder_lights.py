"""Recorders seen from outside: a word that no file bears out is none, and a volume that hangs keeps nobody."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from hearing_server.domain.recording.recorders import RecorderName
from hearing_server.kernel import RecordingId
from hearing_server.ports.media import RecorderWriting, Writing
from hearing_server.services.recording import record_growth
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.recording.recorder_lights import RecorderLights

REC = RecordingId("rec_1")


def _said(*, advancing: bool = True, free_bytes: int = 100) -> Writing:
    parts = tuple(
        RecorderWriting(name, is_advancing=advancing, size_bytes=1, failure=None, free_bytes=free_bytes)
        for name in ("first", "second")
    )
    return Writing(advancing, 1, 1, None, free_bytes, recorders=parts)


def _grow(root: Path, number: int = 1, ending: str = ".part") -> None:
    journal = root / REC / "journal"
    journal.mkdir(parents=True, exist_ok=True)
    with (journal / f"{number:08d}{ending}").open("ab") as file:
        file.write(b"x" * 10)


def _writing(lights: RecorderLights, said: Writing) -> list[bool]:
    return [light.is_writing for light in lights.of(REC, said)]


async def test_lights__when_files_grow_or_stand_still__then_only_growth_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_growth, "GROWTH_S", 0.2)
    lights = RecorderLights(RecordFolders(tmp_path / "a", tmp_path / "b"), reserve_bytes=0)
    assert _writing(lights, _said()) == [False, False]
    for _ in range(2):
        _grow(tmp_path / "a")
        _grow(tmp_path / "b")
        await lights.look(REC)
    assert _writing(lights, _said()) == [True, True]
    assert _writing(lights, _said(advancing=False)) == [False, False]
    await asyncio.sleep(0.3)
    _grow(tmp_path / "a", number=3)  # sealed and gone on; a number was left out
    await lights.look(REC)
    assert _writing(lights, _said()) == [True, False]


async def test_lights__when_a_volume_lacks_the_reserve__then_no_hearing_opens_on_it(tmp_path: Path) -> None:
    lights = RecorderLights(RecordFolders(tmp_path / "a", tmp_path / "b"), reserve_bytes=1000)
    for _ in range(2):
        _grow(tmp_path / "a")
        _grow(tmp_path / "b")
        await lights.look(REC)
    assert [light.is_good for light in lights.of(REC, _said(free_bytes=1000))] == [True, True]
    assert [light.is_good for light in lights.of(REC, _said(free_bytes=999))] == [False, False]


async def test_look__when_one_volume_hangs__then_the_other_is_seen_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, real = threading.Event(), record_growth._look

    def look(folder: Path, known: Any) -> None:
        if folder.parent.name == "b":
            assert gate.wait(30)
        real(folder, known)

    monkeypatch.setattr(record_growth, "_look", look)
    growth = record_growth.RecordGrowth()
    first, second = tmp_path / "a" / REC, tmp_path / "b" / REC
    try:
        for _ in range(3):
            _grow(tmp_path / "a")
            _grow(tmp_path / "b")
            began_s = time.monotonic()
            await growth.look(RecorderName.SECOND, second)
            await growth.look(RecorderName.FIRST, first)
            assert time.monotonic() - began_s < 10  # not for as long as the volume hangs
        assert growth.is_growing(first)
        assert not growth.is_growing(second)
    finally:
        gate.set()
