"""Single tracks of a recorded hearing: one person alone, as long as the film, under the same cards and seals."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recorder.film.compose import compose_film
from recorder.film.composer import map_path_of
from recorder.film.grid import grid_cells
from recorder.film.labels import LabelsError, labels_of
from tests.recorder.film_probe import FilmProbe
from tests.recorder.synthetic_hearing import Order, Stage
from tests.recorder.test_film import DEFENDANT, JUDGE, PEOPLE, PLAINTIFF, labels, near

LENGTH_S = 9.0
# What is said and shown in it is the court's alone.
SEALED_S = (3.0, 5.0)
# Flashes and beeps of the probe lie within a film frame and an AAC frame of each other.
IN_STEP_S = 0.08


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Judge and plaintiff talk; somebody is there in the sealed span alone."""
    place = tmp_path_factory.mktemp("single")
    stage = Stage(place / "recording")
    judge, plaintiff = replace(JUDGE, until_s=LENGTH_S), replace(PLAINTIFF, until_s=LENGTH_S, skew_ppm=200)
    witness = replace(DEFENDANT, from_s=3.3, until_s=4.6)
    orders = [
        Order(0, "opened"), Order(SEALED_S[0], "sealed"), Order(SEALED_S[1], "unsealed"), Order(LENGTH_S, "closed"),
    ]  # fmt: skip
    stage.play([judge, plaintiff, witness], orders)
    stage.close()
    return place / "recording"


@pytest.fixture(scope="module")
def film(recording: Path) -> FilmProbe:
    path = recording.parent / "film.mp4"
    compose_film(recording, path, labels())
    return FilmProbe(path)


def said_by_judge(probe: FilmProbe) -> int:
    """Beeps at the judge's moments: the onset of any beep holds a little of every tone."""
    return sum(abs(beep % 1 - JUDGE.first_flash_s) < 0.15 for beep in probe.beeps(JUDGE.tone_hz))


def single(recording: Path, identity: str, shown: str) -> FilmProbe:
    path = recording.parent / f"{identity}.{shown}.mp4"
    report = compose_film(recording, path, labels(single={"identity": identity, "shown": shown}))
    assert report.problems == ()
    return FilmProbe(path)


@pytest.fixture(scope="module")
def camera(recording: Path) -> FilmProbe:
    return single(recording, "per_plaintiff", "camera")


def test_camera__alone__is_as_long_as_the_film_and_fills_the_page(film: FilmProbe, camera: FilmProbe) -> None:
    assert abs(camera.duration_s - film.duration_s) < 0.04
    box = grid_cells(1)[0].picture
    assert near(camera.colour(box, 2.0), PLAINTIFF.colour)
    assert (camera.width, camera.height) == (1280, 720)


def test_voice_of_a_camera__alone__is_in_step_with_the_film_and_nobody_elses(
    film: FilmProbe, camera: FilmProbe
) -> None:
    alone, together = camera.beeps(PLAINTIFF.tone_hz), film.beeps(PLAINTIFF.tone_hz)
    assert len(alone) == len(together) >= 4
    assert max(abs(a - b) for a, b in zip(alone, together, strict=True)) < IN_STEP_S
    assert said_by_judge(film) >= 4
    assert said_by_judge(camera) == 0


def test_sealed_span__of_a_track__shows_and_sounds_nothing(camera: FilmProbe) -> None:
    box = grid_cells(1)[0].picture
    assert not near(camera.colour(box, 4.0), PLAINTIFF.colour)
    assert not [beep for beep in camera.beeps(PLAINTIFF.tone_hz) if SEALED_S[0] <= beep < SEALED_S[1]]


def test_voice__alone__is_heard_over_a_plate(recording: Path, film: FilmProbe) -> None:
    voice = single(recording, "per_judge", "voice")
    assert not near(voice.colour(grid_cells(1)[0].picture, 2.0), JUDGE.colour)
    alone, together = voice.beeps(JUDGE.tone_hz), film.beeps(JUDGE.tone_hz)
    assert len(alone) == len(together) > 0
    assert max(abs(a - b) for a, b in zip(alone, together, strict=True)) < IN_STEP_S


def test_offer__beside_the_film__names_who_was_there_outside_seals_alone(
    recording: Path, film: FilmProbe
) -> None:
    offered = json.loads(map_path_of(recording.parent / "film.mp4").read_text("utf-8"))["tracks"]
    assert {(one["identity"], one["source"]) for one in offered} == {
        ("per_judge", "camera"), ("per_judge", "voice"), ("per_plaintiff", "camera"), ("per_plaintiff", "voice"),
    }  # fmt: skip
    for one in offered:
        spans = one["spans"]
        assert spans[0][0] < 0.5
        assert spans[-1][1] == pytest.approx(LENGTH_S, abs=0.5)
        assert not any(first < 4.0 < last for first, last in spans), "a seal is no part of what is offered"


def test_track__of_the_same_record_made_again__has_the_same_bytes(recording: Path, camera: FilmProbe) -> None:
    before = (recording.parent / "per_plaintiff.camera.mp4").read_bytes()
    again = recording.parent / "again" / "film.mp4"
    again.parent.mkdir()
    compose_film(recording, again, labels(single={"identity": "per_plaintiff", "shown": "camera"}), workers=2)
    assert again.read_bytes() == before


@pytest.mark.parametrize("wrong", [{}, {"identity": "x"}, {"identity": "x", "shown": "hands"}, 7])
def test_labels__with_a_track_that_is_none__are_refused(wrong: object) -> None:
    with pytest.raises(LabelsError, match="single"):
        labels_of({"people": PEOPLE, "single": wrong})
