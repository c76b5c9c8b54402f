"""Segments of a delayed live view: the film's pieces, one behind the other, and nothing that the film doesn't show."""

from __future__ import annotations

import itertools
import json
from fractions import Fraction
from pathlib import Path

import av
import pytest

from recorder.delivery.live_hls import INDEX_NAME, main, make_segments
from recorder.film.compose import compose_film
from recorder.film.pieces import read_index
from recorder.reading.recording import open_recording
from tests.recorder.film_probe import FilmProbe
from tests.recorder.test_nothing_withheld_is_shown import LABELS, PEOPLE, SLOTS, Case, heard, record, seen

SEALED = Case(orders=(("sealed", 3, 6), ("mediation", 8, 9)), redactions=())


def test_segments__of_a_film_with_a_sealed_span__are_the_film_and_hold_no_forbidden_code(
    tmp_path: Path,
) -> None:
    folder, film, out = tmp_path / "rec", tmp_path / "film" / "film.mp4", tmp_path / "live"
    film.parent.mkdir()
    record(folder, SEALED)
    compose_film(folder, film, LABELS)
    count = make_segments(folder, film, out)
    segments = json.loads((out / INDEX_NAME).read_text())["segments"]
    pieces = read_index(film).pieces
    assert count == len(segments) == len(pieces)
    assert sum(one["duration_s"] for one in segments) == pytest.approx(sum(one.ticks for one in pieces) / 25)
    clock = open_recording(folder).clock
    assert [int(one["until_utc_ns"]) for one in segments] == [clock.utc_ns(one.until_ns) for one in pieces]
    stream = tmp_path / "stream.ts"
    stream.write_bytes(b"".join((out / one["name"]).read_bytes() for one in segments))
    probe = FilmProbe(stream)
    pictures, tones = SEALED.forbidden()
    assert not seen(probe.frames) & pictures
    assert not heard(probe.sound, tones)
    assert {(person, slot) for person in PEOPLE for slot in range(SLOTS)} - pictures <= seen(probe.frames)
    times = [frame.at_s for frame in probe.frames]
    assert len(times) == sum(one.ticks for one in pieces)
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    _begins_with_a_key_frame([out / one["name"] for one in segments])


def _begins_with_a_key_frame(paths: list[Path]) -> None:
    for path in paths:
        with av.open(str(path)) as one:
            first = next(packet for packet in one.demux(video=0) if packet.size)
            assert first.is_keyframe
            assert first.pts is not None
            assert first.pts * (first.time_base or Fraction(0)) >= 10


def test_segments__made_again__are_written_once(tmp_path: Path) -> None:
    folder, film, out = tmp_path / "rec", tmp_path / "film" / "film.mp4", tmp_path / "live"
    film.parent.mkdir()
    assert main([str(folder), str(film), str(out)]) == 3, "nothing to read yet"
    record(folder, Case(orders=(), redactions=()))
    compose_film(folder, film, LABELS)
    assert main([str(folder), str(film), str(out)]) == 0
    before = {path: path.stat().st_mtime_ns for path in out.glob("*.ts")}
    assert main([str(folder), str(film), str(out)]) == 0
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.ts")} == before
