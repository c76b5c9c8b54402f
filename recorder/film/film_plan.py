"""The plan of one film, and the key of every section: a digest over all that its bytes follow from.

Equal keys, equal bytes: the libraries' versions, the encoder's settings and this code's version are inside. Names,
redactions and gaps are in the keys of those sections alone that they touch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import av
import PIL

from recorder.account.manifest import Incident, RecordedTrack
from recorder.film.film import KEY_FRAME_TICKS, SOUND_BITS_PER_S, VIDEO_OPTIONS
from recorder.film.grid import FILM_HEIGHT_PX, FILM_WIDTH_PX
from recorder.film.labels import Labels
from recorder.film.scenes import SCREEN, Attendance, attendances
from recorder.film.survey import SCREEN_SILENCE_NS
from recorder.film.timeline import (
    ALIGNMENT_TICKS,
    TICK_NS,
    PieceKind,
    Section,
    Timeline,
    build_timeline,
    closing_ns,
)
from recorder.journal import compact_json
from recorder.reading.recording import Recording
from recorder.reading.windows import AFTER_NS, BEFORE_NS, segments_between
from recorder.redactions import RedactionPlan, Redactions

# Raise it with every change after which the same record gives other pictures or sounds.
COMPOSITION_VERSION = 2
# What an AAC frame at the end still hears: one frame and the encoder's delay are less than two film frames.
TAIL_TICKS = 2


@dataclass(frozen=True, slots=True)
class FilmPlan:
    """What all sections of one film share. `known_breaks`: stretches that cannot be read and have their card."""

    recording: Recording
    timeline: Timeline
    labels: Labels
    plan: RedactionPlan
    there: tuple[Attendance, ...]
    known_breaks: frozenset[tuple[int, int]]

    @property
    def is_closed(self) -> bool:
        """Nothing will be added to the film any more."""
        manifest = self.recording.manifest
        return manifest.closed or closing_ns(manifest.marks) is not None

    def tracks_between(self, from_ns: int, until_ns: int) -> tuple[RecordedTrack, ...]:
        """The tracks of a window, of everybody or of the one person whom the film shows."""
        single = self.labels.single
        return tuple(
            track
            for track in self.recording.tracks
            if track.started_ns < until_ns
            and track.ended_ns >= from_ns
            and (single is None or single.is_of(track.info))
        )


def plan_film(
    recording: Recording, labels: Labels, redactions: Redactions, breaks: Iterable[Incident] = ()
) -> FilmPlan:
    """Plan the film as the record stands. `breaks`: damage found while reading. ValueError: longer than a day."""
    breaks = tuple(breaks)
    labels = redactions.labels(labels)
    timeline, plan = _timeline(recording, redactions, breaks)
    return FilmPlan(
        recording=recording,
        timeline=timeline,
        labels=labels,
        plan=plan,
        there=tuple(attendances(_seen(recording, labels), list(labels.people))),
        known_breaks=frozenset((one.from_ns, one.until_ns) for one in breaks),
    )


def _seen(recording: Recording, labels: Labels) -> Iterator[RecordedTrack]:
    return (one for one in recording.tracks if labels.single is None or labels.single.is_of(one.info))


def _timeline(
    recording: Recording, redactions: Redactions, breaks: tuple[Incident, ...]
) -> tuple[Timeline, RedactionPlan]:
    """The film's timeline; times of the redactions are those of the film without them."""
    manifest = recording.manifest
    build = partial(
        build_timeline,
        duration_ns=manifest.duration_ns,
        pauses=manifest.pauses,
        marks=manifest.marks,
        incidents=(*manifest.incidents, *breaks),
        sealed=redactions.sealed(recording.clock, manifest.duration_ns),
    )
    plain = build()
    plan = redactions.plan(plain)
    return (build(cuts=plan.cuts) if plan.cuts else plain), plan


def window_of(film: FilmPlan, section: Section) -> tuple[int, int] | None:
    """The stretch of the journal a section is made from; None when it shows cards alone."""
    shown = [part for part in section.parts if part.kind is PieceKind.HEARING]
    if not shown:
        return None
    from_ns, until_ns = shown[0].from_ns - BEFORE_NS, shown[-1].until_ns + AFTER_NS
    has_screen = any(track.info.source == SCREEN for track in film.tracks_between(from_ns, until_ns))
    # A page that stands still is sent rarely.
    return (min(from_ns, shown[0].from_ns - SCREEN_SILENCE_NS) if has_screen else from_ns), until_ns


def sound_ticks(timeline: Timeline, section: Section) -> Iterator[int | None]:
    """Hearing time of every film frame heard by a section's encoder; None where a card or nothing stands.

    From `ALIGNMENT_TICKS` before the section to `TAIL_TICKS` after it.
    """
    for tick in range(section.film_tick - ALIGNMENT_TICKS, section.film_tick + section.ticks + TAIL_TICKS):
        piece = timeline.at_tick(tick)
        if piece is None or piece.kind is not PieceKind.HEARING:
            yield None
        else:
            yield piece.from_ns + (tick - piece.film_tick) * TICK_NS


def section_key(film: FilmPlan, section: Section) -> str:
    """32 hex digits over everything the section's bytes follow from."""
    heard = list(sound_ticks(film.timeline, section))
    clock = film.recording.clock
    content: dict[str, Any] = {
        "made_by": _made_by(),
        "recording": film.recording.manifest.recording_id,
        "parts": [[part.kind, part.word, part.from_ns, part.until_ns, part.ticks] for part in section.parts],
        "utc": [[str(clock.utc_ns(at)) for at in (part.from_ns, part.until_ns)] for part in section.parts],
        "edges": [heard[:ALIGNMENT_TICKS], heard[-TAIL_TICKS:]],
        "case": [
            film.labels.case_number,
            film.labels.title,
            film.labels.utc_offset_minutes,
            film.labels.language,
            film.labels.layout,
        ],
    }
    if film.labels.single is not None:
        content["single"] = asdict(film.labels.single)
    span = window_of(film, section)
    if span is not None:
        content |= _of_window(film, section, *span)
    return hashlib.sha256(compact_json(content)).hexdigest()[:32]


def _of_window(film: FilmPlan, section: Section, from_ns: int, until_ns: int) -> dict[str, Any]:
    manifest = film.recording.manifest
    tracks = film.tracks_between(from_ns, until_ns)
    there = _attendances_within(film, section)
    people = sorted({identity for _, identities, _ in there for identity in identities})
    heard = sorted({track.info.identity for track in tracks})
    return {
        "runs": [
            asdict(run) | {"utc_ns": str(run.utc_ns)} for run in manifest.runs if run.elapsed_ns < until_ns
        ],
        "there": there,
        "people": [[identity, asdict(film.labels.person(identity))] for identity in people],
        "tracks": [
            [
                track.number,
                asdict(track.info),
                max(track.started_ns, from_ns),
                min(track.ended_ns, until_ns),
                track.end_cause if track.ended_ns < until_ns else "",
            ]
            for track in tracks
        ],
        "muted": [
            gap.track
            for gap in manifest.gaps
            if gap.cause == "mute" and gap.from_ns <= from_ns < gap.until_ns
        ],
        "segments": [
            [segment.number, segment.sha256, segment.valid_bytes]
            for segment in segments_between(film.recording, from_ns, until_ns)
        ],
        "withheld": _near(film.timeline.withheld.spans, from_ns, until_ns),
        "mutes": {one: _near(film.plan.muted(one).spans, from_ns, until_ns) for one in heard},
        "masks": {one: _near(film.plan.masked(one).spans, from_ns, until_ns) for one in heard},
        "regions": [
            [*span, asdict(region)]
            for span, region in film.plan.regions
            if span[0] < until_ns and span[1] > from_ns
        ],
    }


def _attendances_within(film: FilmPlan, section: Section) -> list[tuple[int, tuple[str, ...], str | None]]:
    out: list[tuple[int, tuple[str, ...], str | None]] = []
    for index, now in enumerate(film.there):
        until_ns = film.there[index + 1].from_ns if index + 1 < len(film.there) else None
        if now.from_ns < section.until_ns and (until_ns is None or until_ns > section.from_ns):
            out.append((max(now.from_ns, section.from_ns), now.people, now.screen))
    return out


def _near(spans: Iterable[tuple[int, int]], from_ns: int, until_ns: int) -> list[tuple[int, int]]:
    return [
        (max(first, from_ns), min(last, until_ns))
        for first, last in spans
        if first < until_ns and last > from_ns
    ]


@lru_cache(maxsize=1)
def _made_by() -> dict[str, Any]:
    return {
        "composition": COMPOSITION_VERSION,
        "av": av.__version__,
        "libraries": {name: list(version) for name, version in av.library_versions.items()},
        "pillow": PIL.__version__,
        "video": VIDEO_OPTIONS,
        "key_frame_ticks": KEY_FRAME_TICKS,
        "sound_bits_per_s": SOUND_BITS_PER_S,
        "size": [FILM_WIDTH_PX, FILM_HEIGHT_PX],
    }
