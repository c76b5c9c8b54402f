"""Makes the film of a recording. Runs in a process of its own, at low priority:

    python -m recorder.film.compose FOLDER OUT.mp4 --labels LABELS.json [--redactions REDACTIONS.json]
        [--captions CAPTIONS.json] [--progress] [--workers N]
    python -m recorder.film.compose FOLDER OUT.mp4 --labels LABELS.json --while-recording

The film is made of pieces of 16 s that stay on a shelf beside it (`recorder.film.pieces`); what is on the shelf
is not made again. With --while-recording every piece that cannot change any more is made as the journal grows, and
no film yet; see `recorder.film.live_film` for what it reads from standard input.

With --progress it prints one JSON object per line: {"stage": "survey" | "film", "progress": 0…1, …}; the last
line is always {"stage": "done", "progress": 1, …} or {"stage": "failed", "code", "title"}. Beside OUT.mp4 stand
OUT.mp4.timeline.json, OUT.mp4.pieces.json and, with captions, OUT.vtt.
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
from pathlib import Path
from typing import Any

from recorder.account.manifest import Manifest, ManifestError
from recorder.film.captions import CaptionLine, CaptionsError, load_captions
from recorder.film.composer import Composed, Composer, Wanted, map_path_of
from recorder.film.film import FilmError
from recorder.film.labels import Labels, LabelsError, load_labels
from recorder.film.live_film import compose_while_recording
from recorder.film.survey import Problem
from recorder.film.timeline import FILM_RATE_HZ
from recorder.folder import segment_files
from recorder.reading.recording import Recording, RecordingError, open_recording
from recorder.redactions import Redactions, RedactionsError, load_redactions
from recorder.union.union import open_union, second_folder

NICE_LEVEL = 10
# While people are heard and seen, the film takes what nobody else wants.
LIVE_NICE_LEVEL = 19
# A film of nine people stays below 600 MB; address space counts libraries and thread stacks as well.
DEFAULT_MEMORY_MIB = 3072
# More processes than this fill the memory before they fill the cores.
MOST_WORKERS = 8
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
    sections: int = 0
    made: int = 0


def compose_film(
    folder: Path,
    film: Path,
    labels: Labels,
    *,
    redactions: Redactions | None = None,
    captions: Sequence[CaptionLine] = (),
    pieces: Path | None = None,
    workers: int = 1,
    progress: Progress = lambda _: None,
) -> FilmReport:
    """Make the film of the recording in `folder`, or a copy with redactions. Blocking; seconds to hours.

    Sealed spans are in no film. The film appears whole or not at all; unusable parts become `problems`, the rest is
    shown. RecordingError (nothing readable), ValueError (longer than a day), FilmError (not written).
    """
    started_s = time.monotonic()
    progress({"stage": "survey", "progress": 0.0})
    recording = open_for_film(folder)
    paced = _paced(progress, started_s)
    composer = Composer(
        film, pieces=pieces, workers=workers, told=lambda done, of: paced(_film_line(done, of, started_s))
    )
    made = composer.compose(recording, Wanted(labels, redactions or Redactions(), tuple(captions)))
    return _report(made, film, time.monotonic() - started_s)


def _report(made: Composed, film: Path, spent_s: float) -> FilmReport:
    return FilmReport(
        duration_s=made.duration_s,
        size_bytes=made.size_bytes,
        speed=made.duration_s / max(spent_s, 1e-6),
        map_path=map_path_of(film),
        problems=made.problems,
        sections=made.sections,
        made=made.made,
    )


def open_for_film(folder: Path) -> Recording:
    """The whole record of both recorders; of one, as its manifest knows it, so that a segment gone since is missed."""
    if second_folder(folder) is not None:
        return open_union(folder).recording
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


def _film_line(done_ticks: int, all_ticks: int, started_s: float) -> dict[str, Any]:
    film_s = done_ticks / FILM_RATE_HZ
    speed = round(film_s / max(time.monotonic() - started_s, 1e-6), 2)
    progress = round(min(done_ticks / max(all_ticks, 1), 1.0), 4)
    return {"stage": "film", "progress": progress, "film_s": film_s, "speed": speed}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    _lower(options.memory_mib, LIVE_NICE_LEVEL if options.while_recording else NICE_LEVEL)
    tell = _print_line if options.progress else (lambda _: None)
    try:
        labels = load_labels(options.labels)
        redactions = load_redactions(options.redactions) if options.redactions else Redactions()
        captions = load_captions(options.captions) if options.captions else ()
        if options.while_recording:
            compose_while_recording(
                options.folder, options.film, Wanted(labels, redactions), tell=_print_line
            )
            return 0
        report = compose_film(
            options.folder,
            options.film,
            labels,
            redactions=redactions,
            captions=captions,
            pieces=options.pieces,
            workers=options.workers or min(os.cpu_count() or 1, MOST_WORKERS),
            progress=tell,
        )
    except LabelsError as error:
        return _failed(2, "labels.invalid", str(error))
    except RedactionsError as error:
        return _failed(2, "redactions.invalid", str(error))
    except CaptionsError as error:
        return _failed(2, "captions.invalid", str(error))
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
            "sections": report.sections,
            "made": report.made,
            "timeline": report.map_path.name,
            "problems": [{"code": problem.code, "detail": problem.detail} for problem in report.problems],
        }
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m recorder.film.compose", description="Make the film of a recording."
    )
    parser.add_argument("folder", type=Path, help="folder of the recording")
    parser.add_argument("film", type=Path, help="the MP4 file to write")
    parser.add_argument(
        "--labels", type=Path, required=True, help="JSON file with case number, title and people"
    )
    parser.add_argument("--redactions", type=Path, help="JSON file of what a derived copy leaves out")
    parser.add_argument("--captions", type=Path, help="JSON file with the lines of the transcript")
    parser.add_argument("--pieces", type=Path, help="folder of pieces; default: pieces/ beside the film")
    parser.add_argument("--while-recording", action="store_true", help="make pieces as the journal grows")
    parser.add_argument("--workers", type=int, default=0, help="composing processes; 0 = one per core")
    parser.add_argument("--progress", action="store_true", help="print JSON progress lines")
    parser.add_argument(
        "--memory-mib", type=int, default=DEFAULT_MEMORY_MIB, help="limit of address space; 0 = none"
    )
    return parser


def _lower(memory_mib: int, nice_level: int) -> None:
    """Everything live goes first; a broken file must not take the machine's memory; SIGTERM cleans up."""
    os.nice(nice_level)
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
