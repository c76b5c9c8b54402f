"""Makes the film of a recording. Runs in a process of its own, at low priority:

    python -m recorder.compose FOLDER OUT.mp4 --labels LABELS.json [--progress]

With --progress it prints one JSON object per line: {"stage": "survey" | "film", "share": 0…1, …}; the last line is
always {"stage": "done", …} or {"stage": "failed", "code", "title"}. Beside OUT.mp4 stands OUT.mp4.timeline.json.
Exit codes: 0 done, 2 wrong arguments or labels, 3 no readable recording, 4 the film could not be written,
5 a limit was reached, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorder.director import Director
from recorder.film import FilmError, FilmWriter
from recorder.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX
from recorder.journal import Record, RecordKind
from recorder.labels import Labels, LabelsError, load_labels
from recorder.layers import plan_layers
from recorder.pictures import PicturePlayer
from recorder.recording import Recording, RecordingError, open_recording
from recorder.scenes import SCREEN, ScenePlan, plan_scenes
from recorder.sound import Mixer, VoicePlayer, is_speaking, sample_at
from recorder.survey import Problem, Survey, replay, survey_recording
from recorder.timeline import FILM_RATE_HZ, TICK_NS, Piece, PieceKind, Timeline, build_timeline, timeline_map

# A packet that fills a hole comes this much later than its neighbours (see rtp_order).
_HOLE_WAIT_NS = 2_000_000_000
NICE_LEVEL = 10
# A film of nine people stays below 400 MB; address space counts libraries and thread stacks as well.
DEFAULT_MEMORY_MIB = 3072
# Free space asked for before starting: 720p at this crf stays below 3 Mbit/s with restless pictures.
FILM_BYTES_PER_S = 400_000
_PROGRESS_EVERY_S = 0.5

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class FilmReport:
    """What was made. `duration_s` is the film's length; `speed` = film seconds per second of work."""

    duration_s: float
    size_bytes: int
    speed: float
    map_path: Path
    problems: tuple[Problem, ...]


def map_path_of(film: Path) -> Path:
    """Where the film's timeline map stands."""
    return film.with_name(film.name + ".timeline.json")


def compose_film(
    folder: Path, film: Path, labels: Labels, *, progress: Progress = lambda _: None
) -> FilmReport:
    """Make the film of the recording in `folder`. Blocking; seconds to hours.

    Raises RecordingError (nothing readable), ValueError (longer than a day), FilmError (not written). The
    files appear whole or not at all. Unusable parts become `problems`, the rest is shown.
    """
    started_s = time.monotonic()
    recording = open_recording(folder)
    survey = survey_recording(recording, progress=lambda share: progress({"stage": "survey", "share": share}))
    manifest = recording.manifest
    timeline = build_timeline(
        duration_ns=max(manifest.duration_ns, survey.last_ns),
        pauses=manifest.pauses,
        marks=manifest.marks,
        incidents=(*manifest.incidents, *survey.breaks),
    )
    _check_space(film, timeline)
    composer = _Composer(recording, survey, timeline, labels)
    title = " ".join(part for part in (labels.case_number, labels.title) if part)
    with FilmWriter(film, width=FILM_WIDTH_PX, height=FILM_HEIGHT_PX, title=title) as writer:
        composer.run(writer, _paced(progress, timeline, started_s))
    problems = (*survey.problems, *composer.problems())
    facts = {
        "recording_id": manifest.recording_id,
        "source_sha256": manifest.root_sha256,
        "problems": [{"code": problem.code, "detail": problem.detail} for problem in problems],
    }
    _write_whole(map_path_of(film), timeline_map(timeline, recording.clock, **facts))
    spent_s = max(time.monotonic() - started_s, 1e-6)
    speed = timeline.duration_s / spent_s
    return FilmReport(timeline.duration_s, film.stat().st_size, speed, map_path_of(film), problems)


class _Composer:
    """Second pass: replays the packets beside the film's own time."""

    def __init__(self, recording: Recording, survey: Survey, timeline: Timeline, labels: Labels) -> None:
        self._timeline, self._survey = timeline, survey
        stories = survey.stories
        scenes = plan_scenes(stories.values(), list(labels.people))
        self._voices = {
            number: VoicePlayer(story)
            for number, story in stories.items()
            if story.track.info.kind == "audio"
        }
        self._pictures = _picture_players(survey, scenes)
        self._player_of = {number: player for player in self._pictures.values() for number in player.tracks}
        self._director = Director(
            labels=labels,
            clock=recording.clock,
            scenes=scenes,
            stories=list(stories.values()),
            pictures=self._pictures,
        )
        self._mixer = Mixer()
        self._wait_ns = survey.wait_ns + _HOLE_WAIT_NS
        self._replay = replay(recording)
        self._next = next(self._replay, None)

    def run(self, writer: FilmWriter, progress: Callable[[float], None]) -> None:
        """Paint and mix the whole film into the writer."""
        for piece in self._timeline.pieces:
            is_hearing = piece.kind is PieceKind.HEARING
            for voices in self._hearing(piece) if is_hearing else self._card(piece):
                writer.picture(self._director.canvas.to_frame())
                self._write_sound(writer, self._mixer.mix(voices))
                progress(writer.duration_s)
        self._write_sound(writer, self._mixer.flush())

    def problems(self) -> list[Problem]:
        """What the decoders refused, per track."""
        found = [
            Problem("sound.undecodable", f"track {number}: {voice.broken_frames} frames")
            for number, voice in self._voices.items()
            if voice.broken_frames
        ]
        for (identity, is_screen), player in self._pictures.items():
            if player.broken_frames:
                source = "screen" if is_screen else "camera"
                detail = f"{identity} {source}: {player.broken_frames} frames"
                found.append(Problem("picture.undecodable", detail))
        return found

    def _hearing(self, piece: Piece) -> Iterator[list[array[int]]]:
        first_sample = sample_at(piece.from_ns)
        for tick in range(piece.ticks):
            at_ns = piece.from_ns + tick * TICK_NS
            self._feed_until(at_ns + TICK_NS + self._wait_ns)
            # Every chunk begins where the one before ended: 1920 samples are exactly one film frame.
            chunks = {
                number: chunk
                for number, voice in self._voices.items()
                if (chunk := voice.take(first_sample + tick * (sample_at(TICK_NS)))) is not None
            }
            speaking = frozenset(
                self._survey.stories[number].track.info.identity
                for number, chunk in chunks.items()
                if is_speaking(chunk)
            )
            self._director.paint_hearing(at_ns, speaking)
            yield list(chunks.values())

    def _card(self, piece: Piece) -> Iterator[list[array[int]]]:
        self._director.paint_card(piece)
        for _ in range(piece.ticks):
            yield []

    def _feed_until(self, until_ns: int) -> None:
        while self._next is not None and self._next[0] <= until_ns:
            at_ns, item = self._next
            if isinstance(item, Record):
                self._feed(item, at_ns)
            self._next = next(self._replay, None)
            if self._next is None:
                self._end_all()

    def _feed(self, record: Record, at_ns: int) -> None:
        number = record.track
        if record.kind == RecordKind.PACKET:
            if (voice := self._voices.get(number)) is not None:
                voice.feed(record.payload, at_ns)
            elif (player := self._player_of.get(number)) is not None:
                player.feed(number, record.payload, at_ns)
        elif record.kind == RecordKind.TRACK_END:
            if (voice := self._voices.get(number)) is not None:
                voice.end()
            elif (player := self._player_of.get(number)) is not None:
                player.end(number)

    def _end_all(self) -> None:
        for voice in self._voices.values():
            voice.end()
        for number, player in self._player_of.items():
            player.end(number)

    @staticmethod
    def _write_sound(writer: FilmWriter, chunk: array[int] | None) -> None:
        if chunk is not None:
            writer.sound(chunk)


def _picture_players(survey: Survey, scenes: ScenePlan) -> dict[tuple[str, bool], PicturePlayer]:
    sources: dict[tuple[str, bool], list[int]] = {}
    for number, story in survey.stories.items():
        info = story.track.info
        if info.kind == "video":
            sources.setdefault((info.identity, info.source == SCREEN), []).append(number)
    players = {}
    for (identity, is_screen), numbers in sources.items():

        def wanted(at_ns: int, identity: str = identity, is_screen: bool = is_screen) -> int:
            return scenes.at(at_ns).picture_height_px(identity, is_screen=is_screen)

        showings = plan_layers([survey.stories[number] for number in numbers], wanted)
        players[identity, is_screen] = PicturePlayer(survey.stories, showings)
    return players


def _paced(progress: Progress, timeline: Timeline, started_s: float) -> Callable[[float], None]:
    """At most one line per half second, however fast the film grows."""
    last_s = started_s

    def tell(film_s: float) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _PROGRESS_EVERY_S:
            last_s = now_s
            share = film_s / max(timeline.duration_s, 1 / FILM_RATE_HZ)
            speed = film_s / max(now_s - started_s, 1e-6)
            progress({"stage": "film", "share": round(share, 4), "film_s": film_s, "speed": round(speed, 2)})

    return tell


def _check_space(film: Path, timeline: Timeline) -> None:
    try:
        stat = os.statvfs(film.parent)
    except OSError as error:
        raise FilmError("film.unwritable", f"cannot write to the folder of {film.name}") from error
    if stat.f_bavail * stat.f_frsize < FILM_BYTES_PER_S * timeline.duration_s:
        raise FilmError("film.disk_full", "not enough free space for the film")


def _write_whole(path: Path, text: str) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    _lower(options.memory_mib)
    tell = _print_line if options.progress else (lambda _: None)
    try:
        labels = load_labels(options.labels)
        report = compose_film(options.folder, options.film, labels, progress=tell)
    except (LabelsError, OSError) as error:
        return _failed(
            2, "labels.invalid" if isinstance(error, LabelsError) else "file.unreadable", str(error)
        )
    except RecordingError as error:
        return _failed(3, "recording.unreadable", str(error))
    except FilmError as error:
        return _failed(4, error.code, error.title)
    except (ValueError, MemoryError) as error:
        return _failed(5, "limit.memory" if isinstance(error, MemoryError) else "limit.duration", str(error))
    except KeyboardInterrupt:
        return _failed(130, "interrupted", "stopped before the film was finished")
    _print_line(
        {
            "stage": "done",
            "share": 1.0,
            "duration_s": report.duration_s,
            "size_bytes": report.size_bytes,
            "speed": round(report.speed, 2),
            "timeline": report.map_path.name,
            "problems": [{"code": problem.code, "detail": problem.detail} for problem in report.problems],
        }
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recorder.compose", description="Make the film of a recording."
    )
    parser.add_argument("folder", type=Path, help="folder of the recording")
    parser.add_argument("film", type=Path, help="the MP4 file to write")
    parser.add_argument(
        "--labels", type=Path, required=True, help="JSON file with case number, title and people"
    )
    parser.add_argument("--progress", action="store_true", help="print JSON progress lines")
    parser.add_argument(
        "--memory-mib", type=int, default=DEFAULT_MEMORY_MIB, help="limit of address space; 0 = none"
    )
    return parser


def _lower(memory_mib: int) -> None:
    """Everything live goes first; a broken file must not take the machine's memory; SIGTERM cleans up."""
    os.nice(NICE_LEVEL)
    if memory_mib > 0:
        limit = memory_mib << 20
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def _failed(exit_code: int, code: str, title: str) -> int:
    _print_line({"stage": "failed", "code": code, "title": title})
    return exit_code


def _print_line(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
