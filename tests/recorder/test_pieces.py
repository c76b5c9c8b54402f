"""Pieces of a film: made while the recording grows, kept under a key, joined without a seam."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import av
import pytest

from recorder.film.captions import CaptionLine
from recorder.film.compose import compose_film
from recorder.film.composer import Composer, Wanted
from recorder.film.labels import Labels, labels_of
from recorder.film.live_film import Pace, Stopped, compose_while_recording
from recorder.film.pieces import PieceIndex, read_index
from recorder.film.timeline import FILM_RATE_HZ
from recorder.reading.growing import GrowingRecording
from recorder.reading.recording import Recording, TimedRecord, open_recording
from recorder.redactions import redactions_of
from tests.recorder.synthetic_hearing import Actor, Network, Order, Stage

NS = 1_000_000_000
# A tone that never stops (a flash longer than its period), so that a seam would be heard.
HUM = Actor(
    "per_hum", (90, 90, 160), 440, size=(160, 120), rate_hz=5, until_s=38, flash_every_s=0.1, key_every_s=30,
    bit_rate=60_000, network=Network(jitter_ms=4),
)  # fmt: skip
LATE = replace(HUM, identity="per_late", from_s=30.0, microphone=False, colour=(120, 160, 90))
NAMES = {
    "per_hum": {"name": "张慧", "role": "审判员", "presides": True},
    "per_late": {"name": "李明", "role": "证人"},
}


def labels(**people: dict[str, object]) -> Labels:
    return labels_of({"case_number": "（2026）京0491民初1号", "title": "试", "people": {**NAMES, **people}})


@dataclass(frozen=True)
class Played:
    """A recording of 38 s, what was composed of it before it was closed, and after."""

    folder: Path
    film: Path
    made_live: int
    live: PieceIndex
    made_after: int
    sections: int


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    place = tmp_path_factory.mktemp("pieces")
    folder, film = place / "recording", place / "film" / "film.mp4"
    film.parent.mkdir()
    stage = Stage(folder)
    orders = [Order(0, "opened"), Order(20, "phase"), Order(36, "closed")]
    stage.play([HUM, LATE], orders)
    stage.until_synced()
    growing, composer = GrowingRecording(folder), Composer(film)
    growing.refresh()
    made_live = composer.compose_ready(growing.recording(), Wanted(labels()), growing.sealed_ns)
    live = read_index(film)
    assert growing.refresh() == 0, "each segment is read once"
    stage.close()
    report = compose_film(folder, film, labels())
    return Played(folder, film, made_live, live, report.made, report.sections)


def test_pieces__while_the_recording_runs__then_what_cannot_change_is_made_and_after_it_the_rest(
    played: Played,
) -> None:
    assert played.sections == 3
    assert played.made_live == 1, "38 s are sealed almost whole, clocks look 15 s ahead"
    assert played.made_live + played.made_after == played.sections
    assert not played.live.is_complete
    whole = read_index(played.film)
    assert whole.is_complete
    assert whole.pieces[: played.made_live] == played.live.pieces, (
        "the record's end changed nothing before it"
    )
    assert sum(piece.ticks for piece in whole.pieces) == 36 * FILM_RATE_HZ


def test_pieces__each_alone__then_it_plays_from_its_first_frame(played: Played) -> None:
    for piece in read_index(played.film).pieces:
        with av.open(str(played.film.parent / "pieces" / piece.name)) as container:
            packets = [packet for packet in container.demux(video=0) if packet.size]
            assert packets[0].is_keyframe
            assert len(packets) == piece.ticks
        with av.open(str(played.film.parent / "pieces" / piece.name)) as container:
            assert len(list(container.decode(video=0))) == piece.ticks


def test_composition__repeated_by_two_cold_processes__then_it_is_the_same_to_the_byte(
    played: Played, tmp_path: Path
) -> None:
    again = tmp_path / "film.mp4"
    report = compose_film(played.folder, again, labels(), workers=2)
    assert report.made == played.sections
    assert read_index(again) == read_index(played.film), "keys and digests"
    assert again.read_bytes() == played.film.read_bytes()


def test_composition__repeated_beside_its_shelf__then_nothing_is_made(played: Played) -> None:
    before = played.film.read_bytes()
    assert compose_film(played.folder, played.film, labels()).made == 0
    assert played.film.read_bytes() == before


@pytest.fixture
def copy(played: Played, tmp_path: Path) -> Path:
    """A shelf of one's own with everything on it."""
    shutil.copytree(played.film.parent, tmp_path / "film")
    return tmp_path / "film" / "film.mp4"


def test_late_name__of_somebody_who_came_late__then_only_pieces_with_that_person_are_made(
    played: Played, copy: Path
) -> None:
    named = labels(per_late={"name": "王五", "role": "鉴定人"})
    report = compose_film(played.folder, copy, named)
    assert report.made == 2, "seen from second 30 on: the second piece and the third"
    before, after = read_index(played.film).pieces, read_index(copy).pieces
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False, False]


def test_span_sealed_afterwards__by_the_books__then_only_the_pieces_it_touches_are_made(
    played: Played, copy: Path
) -> None:
    start = open_recording(played.folder).clock.utc_ns(0)
    books = redactions_of({"sealed_utc_ns": [[str(start + 33 * NS), str(start + 34 * NS)]]})
    report = compose_film(played.folder, copy, labels(), redactions=books)
    before, after = read_index(played.film).pieces, read_index(copy).pieces
    # The one before it listens to 15 s behind its end, the one after to what was before.
    same = [old == new for old, new in zip(before, after, strict=True)]
    assert same[0]
    assert not same[2]
    assert report.made == same.count(False)


def test_digest_of_one_segment_differs__then_pieces_far_from_it_stay(played: Played, tmp_path: Path) -> None:
    """What a hole filled from the second recorder does: other bytes for a stretch of time."""
    recording = open_recording(played.folder)
    manifest = recording.manifest
    segments = [replace(one, sha256="00" * 32) if one.first_ns < 2 * NS else one for one in manifest.segments]
    filled = replace(recording, manifest=replace(manifest, segments=tuple(segments)))
    film = tmp_path / "film" / "film.mp4"
    shutil.copytree(played.film.parent, film.parent)
    made = Composer(film).compose(filled, Wanted(labels())).made
    assert 0 < made < played.sections
    assert read_index(film).pieces[2] == read_index(played.film).pieces[2]


@dataclass(frozen=True, slots=True)
class Swept(Recording):
    """A record without segments of its own, as two journals read at once are: it goes from the beginning only."""

    plain: Recording

    def records(self, *, first_segment: int = 1) -> Iterator[TimedRecord]:
        return self.plain.records()


def test_record_of_two_journals__read_from_its_beginning_only__then_the_film_is_the_same(
    played: Played, tmp_path: Path
) -> None:
    plain = open_recording(played.folder)
    swept = Swept(plain.folder, replace(plain.manifest, segments=()), plain)
    film = tmp_path / "film.mp4"
    assert Composer(film).compose(swept, Wanted(labels())).made == played.sections
    assert film.read_bytes() == played.film.read_bytes()


def test_piece_lost_or_cut__then_it_is_made_again(played: Played, copy: Path) -> None:
    before = read_index(copy).pieces
    (copy.parent / "pieces" / before[0].name).unlink()
    shortened = copy.parent / "pieces" / before[2].name
    shortened.write_bytes(shortened.read_bytes()[:-1])
    assert compose_film(played.folder, copy, labels()).made == 2
    assert read_index(copy).pieces == before
    assert copy.read_bytes() == played.film.read_bytes()


def _sound(film: Path) -> array[int]:
    samples = array("h")
    with av.open(str(film)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                samples.frombytes(bytes(part.planes[0])[: 2 * part.samples])
    return samples


def test_join__of_a_voice_that_never_stops__then_no_seam_is_heard(played: Played) -> None:
    """A click is a jump of the curvature; at the joins it is no larger than anywhere else."""
    sound = _sound(played.film)

    def roughest(from_s: float, until_s: float) -> int:
        part = sound[int(from_s * 48_000) : int(until_s * 48_000)]
        return max(abs(a - 2 * b + c) for a, b, c in zip(part, part[1:], part[2:], strict=False))

    usual = max(roughest(at, at + 0.1) for at in (5.0, 9.3, 20.1, 27.7, 30.2, 34.5))
    assert usual > 0
    for seam_s in (16.0, 32.0):
        assert roughest(seam_s - 0.05, seam_s + 0.05) <= 1.5 * usual + 20, seam_s
    power = [
        max(sound[int(at * 48_000) : int(at * 48_000) + 480]) for at in (15.98, 15.99, 16.0, 16.01, 16.02)
    ]
    assert min(power) > 0.9 * max(power), "nor a dip"


def test_chapters__of_a_film_with_phase_and_pause__then_a_player_can_jump_to_them(
    played: Played, tmp_path: Path
) -> None:
    stage = Stage(tmp_path / "recording")
    actor = replace(HUM, until_s=9)
    orders = [Order(0, "opened"), Order(3, "recess"), Order(5, "resume"), Order(9, "closed")]
    stage.play([actor], orders)
    stage.session.mark(kind="phase", text="法庭辩论", at_ns=stage.zero_ns + 7 * NS)
    stage.close()
    film = tmp_path / "film.mp4"
    report = compose_film(tmp_path / "recording", film, labels())
    with av.open(str(film)) as container:
        found = [
            (round(one["start"] * float(one["time_base"] or 0), 1), one["metadata"]["title"])
            for one in container.chapters()
        ]
    card_s = report.duration_s - 7
    assert found == [
        (0.0, "开庭"),
        (3.0, "休庭"),
        (round(3 + card_s, 1), "继续开庭"),
        (round(5 + card_s, 1), "法庭辩论"),
    ]
    told = json.loads(report.map_path.read_text())["chapters"]
    assert [one["title"] for one in told] == [title for _, title in found]


def test_captions__given_with_the_transcript__then_film_and_file_carry_them_but_nothing_sealed(
    played: Played, copy: Path
) -> None:
    at = 250_000_000
    lines = [
        CaptionLine(at + 2 * NS, at + 4 * NS, "现在开庭。", "审判员"),
        CaptionLine(at + 17 * NS, at + 18 * NS, "我有意见。"),
        CaptionLine(at + 33 * NS, at + 35 * NS, "秘密"),
    ]
    start = open_recording(played.folder).clock.utc_ns(0)
    books = redactions_of({"sealed_utc_ns": [[str(start + 34 * NS), str(start + 35 * NS)]]})
    compose_film(played.folder, copy, labels(), captions=lines, redactions=books)
    with av.open(str(copy)) as container:
        words = container.streams.subtitles[0]
        told = [bytes(packet)[2:].decode() for packet in container.demux(words) if packet.size > 2]
    assert told == ["审判员：现在开庭。", "我有意见。"]
    text = copy.with_suffix(".vtt").read_text()
    assert text.startswith("WEBVTT\n")
    assert "00:00:02.000 --> 00:00:04.000\n审判员：现在开庭。" in text
    assert "秘密" not in text


def test_composing_while_recording__told_to_wait_then_to_go__then_pieces_come_and_stay(
    played: Played, tmp_path: Path
) -> None:
    read_end, write_end = os.pipe()
    told: list[dict[str, object]] = []
    film = tmp_path / "film.mp4"
    with os.fdopen(read_end) as lines, os.fdopen(write_end, "w", buffering=1) as orders:
        orders.write('{"share": 0}\n')
        worker = threading.Thread(
            target=compose_while_recording,
            args=(played.folder, film, Wanted(labels())),
            kwargs={"tell": told.append, "lines": lines},
        )
        worker.start()
        time.sleep(1.5)
        assert not list(tmp_path.rglob("*.mp4")), "it waits"
        orders.write("no order\n")
        orders.write('{"share": 1.0}\n')
        until_s = time.monotonic() + 100
        while len(told) < 2 and time.monotonic() < until_s:
            time.sleep(0.1)
        orders.write('{"stop": true}\n')
        worker.join(timeout=30)
        assert not worker.is_alive()
    assert [line["stage"] for line in told] == ["begun", "pieces"]
    # The journal is closed here: nothing is waited for.
    assert read_index(film) == read_index(played.film)


def test_pace__stopped_while_it_waits__then_it_ends_at_once() -> None:
    pace = Pace(share=0.0)
    threading.Timer(0.2, pace.stop).start()
    with pytest.raises(Stopped):
        pace.wait()


def test_pace__busy_process__then_it_takes_no_more_than_its_share() -> None:
    pace = Pace(share=0.2)
    began_s, cpu_s = time.monotonic(), time.process_time()
    while time.monotonic() - began_s < 1.5:
        until_cpu_s = time.process_time() + 0.005
        while time.process_time() < until_cpu_s:
            pass
        pace.wait()
    spent_s = time.process_time() - cpu_s
    assert spent_s / (time.monotonic() - began_s) < 0.2 + 0.05
