"""Keeps a film's pieces up to date and joins them: what is on the shelf stays, what is missing is made.

Used by the command (`recorder.film.compose`) after the hearing and while it runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from recorder.account.manifest import Incident
from recorder.durable import Disk
from recorder.film.captions import CaptionLine, film_captions, web_vtt
from recorder.film.chapters import chapters_of
from recorder.film.crew import Task, make_sections
from recorder.film.film import FilmError
from recorder.film.film_plan import FilmPlan, plan_film, section_key
from recorder.film.joining import JoinedFilm, join_pieces
from recorder.film.labels import Labels
from recorder.film.pieces import FilmPiece, PieceIndex, PieceShelf, digest_of
from recorder.film.section_maker import NewBreaks, SectionMaker
from recorder.film.single_track import offered_tracks
from recorder.film.survey import Problem
from recorder.film.timeline import FILM_RATE_HZ, Section, cut_sections, timeline_map
from recorder.film.voices import BREATH_TICKS
from recorder.reading.recording import Recording
from recorder.reading.windows import AFTER_NS
from recorder.redactions import Redactions

# Free space asked for before starting: 720p at this crf stays below 3 Mbit/s with restless pictures; pieces and film.
FILM_BYTES_PER_S = 800_000
# Each look at a window finds all damage in it; a film with more stretches than this is no record any more.
MOST_PLANS = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a film is to show beside the record itself."""

    labels: Labels
    redactions: Redactions = field(default_factory=Redactions)
    captions: tuple[CaptionLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Composed:
    """A finished film. `made`: sections made now, the rest was on the shelf."""

    duration_s: float
    size_bytes: int
    problems: tuple[Problem, ...]
    sections: int
    made: int


class Composer:
    """One film and its shelf. `told(done_ticks, all_ticks)` after every section."""

    def __init__(
        self,
        film: Path,
        *,
        pieces: Path | None = None,
        workers: int = 1,
        between_frames: Callable[[], None] = lambda: None,
        told: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self._film = film
        self._workers = workers
        self._told = told
        self._shelf = PieceShelf(film, pieces)
        self._maker = SectionMaker(between_frames)
        self._breaks: tuple[Incident, ...] = ()

    def compose(self, recording: Recording, wanted: Wanted) -> Composed:
        """Make what is missing and join all. FilmError; ValueError when the recording is longer than a day."""
        plan = plan_film(recording, wanted.labels, wanted.redactions, self._breaks)
        _check_space(self._film, plan)
        self._shelf.prepare()
        made = 0
        for _ in range(MOST_PLANS):
            plan = plan_film(recording, wanted.labels, wanted.redactions, self._breaks)
            sections = cut_sections(plan.timeline)
            try:
                made += self._make(plan, sections)
                break
            except NewBreaks as found:
                self._breaks = (*self._breaks, *found.breaks)
        index = self._index(plan, sections)
        self._shelf.publish(PieceIndex(tuple(index), True))
        self._join(plan, index, wanted)
        self._shelf.forget_unused()
        problems = tuple(problem for piece in index for problem in self._problems(piece))
        self._write_map(plan, index, wanted, problems)
        size_bytes = self._film.stat().st_size
        return Composed(plan.timeline.duration_s, size_bytes, _once(problems), len(sections), made)

    def compose_ready(self, recording: Recording, wanted: Wanted, sealed_ns: int) -> int:
        """Make every section that cannot change any more, while the hearing runs; how many were made.

        `sealed_ns`: the hearing clock up to which segments are sealed. FilmError, ValueError.
        """
        plan = plan_film(recording, wanted.labels, wanted.redactions, self._breaks)
        _check_space(self._film, plan)
        self._shelf.prepare()
        sections = cut_sections(plan.timeline)
        if not plan.is_closed:
            sections.pop()  # the end moves still
        ready = []
        for section in sections:
            if section.until_ns + AFTER_NS > sealed_ns and not recording.manifest.closed:
                break
            ready.append(section)
        try:
            made = self._make(plan, ready)
        except NewBreaks as found:
            self._breaks = (*self._breaks, *found.breaks)
            return self.compose_ready(recording, wanted, sealed_ns)
        index = self._index(plan, ready)
        is_complete = plan.is_closed and len(ready) == len(cut_sections(plan.timeline))
        self._shelf.publish(PieceIndex(tuple(index), is_complete))
        return made

    def _make(self, plan: FilmPlan, sections: Iterable[Section]) -> int:
        keyed = [(section_key(plan, section), section) for section in sections]
        missing = {key: section for key, section in keyed if self._shelf.find(key) is None}
        total = sum(section.ticks for _, section in keyed)
        done = total - sum(section.ticks for section in missing.values())
        self._told(done, total)
        keys = {self._shelf.path(key): key for key in missing}
        tasks = [Task(section, self._shelf.path(key)) for key, section in missing.items()]
        made = 0
        for one in make_sections(plan, tasks, workers=self._workers, maker=self._maker):
            target = one.task.target
            sha256, size_bytes = digest_of(target)
            note = {
                "size_bytes": size_bytes,
                "sha256": sha256,
                "ticks": one.task.section.ticks,
                "problems": [asdict(problem) for problem in one.made.problems],
                "speech": [asdict(speech) for speech in one.made.speech],
            }
            self._shelf.note(keys[target], note)
            made += 1
            done += one.task.section.ticks
            self._told(done, total)
        return made

    def _index(self, plan: FilmPlan, sections: Iterable[Section]) -> list[FilmPiece]:
        index = []
        for section in sections:
            key = section_key(plan, section)
            note = self._shelf.find(key)
            if note is None:
                raise FilmError("film.encoding", "a piece has gone from the shelf")
            index.append(
                FilmPiece(
                    key=key,
                    name=self._shelf.path(key).name,
                    film_tick=section.film_tick,
                    ticks=section.ticks,
                    from_ns=section.from_ns,
                    until_ns=section.until_ns,
                    sha256=note["sha256"],
                    size_bytes=note["size_bytes"],
                )
            )
        return index

    def _join(self, plan: FilmPlan, index: list[FilmPiece], wanted: Wanted) -> None:
        manifest = plan.recording.manifest
        captions = film_captions(
            wanted.captions, plan.timeline, silent=plan.plan.silent, shown_as=wanted.redactions.shown
        )
        about = JoinedFilm(
            title=" ".join(part for part in (plan.labels.case_number, plan.labels.title) if part),
            comment=_origin(manifest.root_sha256, wanted.redactions),
            chapters=chapters_of(plan.timeline, manifest.marks, plan.labels),
            captions=captions,
        )
        pieces = [(self._shelf.path(piece.key), piece.film_tick) for piece in index]
        join_pieces(pieces, plan.timeline.ticks, self._film, about)
        words = self._film.with_suffix(".vtt")
        if captions:
            Disk().replace_file(words, web_vtt(captions).encode())
        else:
            Disk().discard(words)

    def _write_map(
        self, plan: FilmPlan, index: list[FilmPiece], wanted: Wanted, problems: tuple[Problem, ...]
    ) -> None:
        manifest = plan.recording.manifest
        facts: dict[str, Any] = {
            "recording_id": manifest.recording_id,
            "source_sha256": manifest.root_sha256,
            "redactions_sha256": wanted.redactions.sha256,
            "chapters": [
                {"from_s": one.from_ms / 1000, "title": one.title}
                for one in chapters_of(plan.timeline, manifest.marks, plan.labels)
            ],
            "speech": self._speech(index),
            "tracks": offered_tracks(plan.recording.tracks, plan.timeline),
            "problems": [asdict(problem) for problem in _once(problems)],
        }
        text = timeline_map(plan.timeline, plan.recording.clock, **facts)
        Disk().replace_file(map_path_of(self._film), text.encode())

    def _speech(self, index: list[FilmPiece]) -> list[dict[str, Any]]:
        """Who is heard when, in film seconds; what goes on over the edge of a piece is one."""
        spans: list[dict[str, Any]] = []
        last: dict[str, dict[str, Any]] = {}
        for piece in index:
            for one in (self._shelf.find(piece.key) or {}).get("speech", ()):
                from_s = (piece.film_tick + one["from_tick"]) / FILM_RATE_HZ
                until_s = (piece.film_tick + one["until_tick"]) / FILM_RATE_HZ
                before = last.get(one["identity"])
                if before is not None and from_s - before["until_s"] <= BREATH_TICKS / FILM_RATE_HZ:
                    before["until_s"] = until_s
                    continue
                last[one["identity"]] = span = {
                    "identity": one["identity"],
                    "from_s": from_s,
                    "until_s": until_s,
                }
                spans.append(span)
        return spans

    def _problems(self, piece: FilmPiece) -> list[Problem]:
        note = self._shelf.find(piece.key) or {}
        return [Problem(**one) for one in note.get("problems", ())]


def map_path_of(film: Path) -> Path:
    """Where the film's timeline map stands."""
    return film.with_name(film.name + ".timeline.json")


def _once(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Windows overlap: what two sections met is one problem."""
    return tuple(dict.fromkeys(problems))


def _origin(root_sha256: str, redactions: Redactions) -> str:
    """What a redacted copy says of itself in its own bytes: of which record, by which list."""
    if not redactions.sha256:
        return ""
    return f"source-sha256={root_sha256} redactions-sha256={redactions.sha256}"


def _check_space(film: Path, plan: FilmPlan) -> None:
    try:
        stat = os.statvfs(film.parent)
    except OSError as error:
        raise FilmError("film.unwritable", f"cannot write to the folder of {film.name}") from error
    if stat.f_bavail * stat.f_frsize < FILM_BYTES_PER_S * plan.timeline.ticks / FILM_RATE_HZ:
        raise FilmError("film.disk_full", "not enough free space for the film")
