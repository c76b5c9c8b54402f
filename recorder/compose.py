"""Makes the film of a recording. Runs in a process of its own, at low priority:

    python -m recorder.compose FOLDER OUT.mp4 --labels LABELS.json [--redactions REDACTIONS.json] [--progress]

With --progress it prints one JSON object per line: {"stage": "survey" | "film", "progress": 0…1, …}; the last
line is always {"stage": "done", "progress": 1, …} or {"stage": "failed", "code", "title"}. Beside OUT.mp4 stands
OUT.mp4.timeline.json.
Exit codes: 0 done, 2 wrong arguments or labels, 3 no readable recording, 4 the film could not be written,
5 a limit was reached, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from recorder.durable import Disk
from recorder.film import FilmError, FilmWriter
from recorder.folder import segment_files
from recorder.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX
from recorder.labels import Labels, LabelsError, load_labels
from recorder.manifest import Manifest, ManifestError
from recorder.recording import Recording, RecordingError, open_recording
from recorder.redactions import RedactionPlan, Redactions, RedactionsError, load_redactions
from recorder.second_pass import SecondPass
from recorder.survey import Problem, Survey, survey_recording
from recorder.timeline import FILM_RATE_HZ, Timeline, build_timeline, timeline_map

NICE_LEVEL = 10
# A film of nine people stays below 400 MB; address space counts libraries and thread stacks as well.
DEFAULT_MEMORY_MIB = 3072
# Free space asked for before starting: 720p at this crf stays below 3 Mbit/s with restless pictures.
FILM_BYTES_PER_S = 400_000
_PROGRESS_EVERY_S = 0.5
# Reading everything once takes about a twentieth of the work.
_SURVEY_SHARE = 0.05

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
    folder: Path,
    film: Path,
    labels: Labels,
    *,
    redactions: Redactions | None = None,
    progress: Progress = lambda _: None,
) -> FilmReport:
    """Make the film of the recording in `folder`, or a copy with redactions. Blocking; seconds to hours.

    Sealed spans are in no film. The files appear whole or not at all; unusable parts become `problems`, the rest is shown.
    Raises RecordingError (nothing readable), ValueError (longer than a day), FilmError (not written).
    """
    started_s = time.monotonic()
    progress({"stage": "survey", "progress": 0.0})
    recording = _open(folder)
    tell = _paced(progress, started_s)
    survey = survey_recording(recording, progress=lambda share: tell(_survey_line(share)))
    manifest = recording.manifest
    redactions = redactions or Redactions()
    labels = redactions.labels(labels)
    timeline, plan = _timeline(recording, survey, redactions)
    _check_space(film, timeline)
    composer = SecondPass(recording, survey, timeline, labels, plan)
    title = " ".join(part for part in (labels.case_number, labels.title) if part)
    comment = _origin(manifest, redactions)
    with FilmWriter(film, width=FILM_WIDTH_PX, height=FILM_HEIGHT_PX, title=title, comment=comment) as writer:
        composer.run(writer, lambda film_s: tell(_film_line(film_s, timeline, started_s)))
    problems = (*survey.problems, *composer.problems())
    facts = {
        "recording_id": manifest.recording_id,
        "source_sha256": manifest.root_sha256,
        "redactions_sha256": redactions.sha256,
        "problems": [{"code": problem.code, "detail": problem.detail} for problem in problems],
    }
    _write_whole(map_path_of(film), timeline_map(timeline, recording.clock, **facts))
    spent_s = max(time.monotonic() - started_s, 1e-6)
    speed = timeline.duration_s / spent_s
    return FilmReport(timeline.duration_s, film.stat().st_size, speed, map_path_of(film), problems)


def _timeline(recording: Recording, survey: Survey, redactions: Redactions) -> tuple[Timeline, RedactionPlan]:
    """The film's timeline; times of the redactions are those of the film without them."""
    manifest = recording.manifest
    duration_ns = max(manifest.duration_ns, survey.last_ns)
    build = partial(
        build_timeline,
        duration_ns=duration_ns,
        pauses=manifest.pauses,
        marks=manifest.marks,
        incidents=(*manifest.incidents, *survey.breaks),
        sealed=redactions.sealed(recording.clock, duration_ns),
    )
    plain = build()
    plan = redactions.plan(plain)
    return (build(cuts=plan.cuts) if plan.cuts else plain), plan


def _origin(manifest: Manifest, redactions: Redactions) -> str:
    """What a redacted copy says of itself in its own bytes: of which record, by which list."""
    if not redactions.sha256:
        return ""
    return f"source-sha256={manifest.root_sha256} redactions-sha256={redactions.sha256}"


def _open(folder: Path) -> Recording:
    """The recording as its manifest knows it, so that a segment gone since then is missed; else what lies there."""
    if segment_files(folder):
        with contextlib.suppress(OSError, ManifestError):
            return Recording(folder, Manifest.load(folder))
    return open_recording(folder)


def _paced(progress: Progress, started_s: float) -> Progress:
    """At most one line per half second, however fast the work goes."""
    last_s = started_s

    def tell(line: dict[str, Any]) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= _PROGRESS_EVERY_S:
            last_s = now_s
            progress(line)

    return tell


def _survey_line(share: float) -> dict[str, Any]:
    return {"stage": "survey", "progress": round(share * _SURVEY_SHARE, 4)}


def _film_line(film_s: float, timeline: Timeline, started_s: float) -> dict[str, Any]:
    share = min(film_s / max(timeline.duration_s, 1 / FILM_RATE_HZ), 1.0)
    progress = round(_SURVEY_SHARE + share * (1 - _SURVEY_SHARE), 4)
    speed = round(film_s / max(time.monotonic() - started_s, 1e-6), 2)
    return {"stage": "film", "progress": progress, "film_s": film_s, "speed": speed}


def _check_space(film: Path, timeline: Timeline) -> None:
    try:
        stat = os.statvfs(film.parent)
    except OSError as error:
        raise FilmError("film.unwritable", f"cannot write to the folder of {film.name}") from error
    if stat.f_bavail * stat.f_frsize < FILM_BYTES_PER_S * timeline.duration_s:
        raise FilmError("film.disk_full", "not enough free space for the film")


def _write_whole(path: Path, text: str) -> None:
    disk, part = Disk(), path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        disk.write_file(part, (text.encode(),))
        disk.publish(part, path)
    finally:
        disk.discard(part)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    _lower(options.memory_mib)
    tell = _print_line if options.progress else (lambda _: None)
    try:
        labels = load_labels(options.labels)
        redactions = load_redactions(options.redactions) if options.redactions else None
        report = compose_film(options.folder, options.film, labels, redactions=redactions, progress=tell)
    except LabelsError as error:
        return _failed(2, "labels.invalid", str(error))
    except RedactionsError as error:
        return _failed(2, "redactions.invalid", str(error))
    except OSError as error:
        return _failed(2, "file.unreadable", str(error))
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
            "progress": 1.0,
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
    parser.add_argument("--redactions", type=Path, help="JSON file of what a derived copy leaves out")
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
    # A caller that went away does not make the film worthless: it is finished all the same.
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(content, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(main())
