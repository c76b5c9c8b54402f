"""One person's camera, screen or voice, made from the record when a viewer of the film asks for it.

`queued → composing → ready | failed`; asked for again it is queued again where it failed or where the film has been
composed anew since. It is a copy to watch, not a record: what nobody has watched for a while is thrown away.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hearing_server.errors import Conflict, Unavailable
from hearing_server.kernel import PersonId, RecordingId

# Side by side on a page, decoded and marked for one viewer: more than this no phone plays in step.
MOST_AT_ONCE: Final = 4
# Twelve hours of hearing wait behind each other then; whoever asks later is told so instead of waiting a day.
MOST_WAITING: Final = 24
# As long as people come back to a hearing they prepare.
KEPT_FOR: Final = timedelta(days=7)
# A frame of the film: farther apart it would not run in step.
OUT_OF_STEP_S: Final = 0.04


class Shown(StrEnum):
    """`camera` comes with the voice; `voice` shows a plate with name and clock."""

    CAMERA = "camera"
    SCREEN = "screen"
    VOICE = "voice"


class TrackState(StrEnum):
    QUEUED = "queued"
    COMPOSING = "composing"
    READY = "ready"
    FAILED = "failed"


WAITING: Final = (TrackState.QUEUED, TrackState.COMPOSING)


@dataclass(frozen=True, slots=True)
class TrackKey:
    """Which track of which recording."""

    recording_id: RecordingId
    person_id: PersonId
    shown: Shown


@dataclass(frozen=True, slots=True)
class SingleTrack:
    """A track that was asked for. `film_attempt`: the film whose length and cards it shares."""

    recording_id: RecordingId
    person_id: PersonId
    shown: Shown
    film_attempt: int
    state: TrackState
    progress_permille: int
    error: str | None
    asked_at: datetime

    @property
    def key(self) -> TrackKey:
        return TrackKey(self.recording_id, self.person_id, self.shown)

    def is_of(self, film_attempt: int) -> bool:
        """Whether it runs in step with that film."""
        return self.film_attempt == film_attempt

    def composing(self, progress_permille: int) -> SingleTrack:
        """Progress never goes back."""
        progress = min(1000, max(self.progress_permille, progress_permille))
        return replace(self, state=TrackState.COMPOSING, progress_permille=progress)

    def ready(self, *, duration_s: float, film_s: float) -> SingleTrack:
        """Made; of another length than the film it is of no use."""
        if abs(duration_s - film_s) > OUT_OF_STEP_S:
            return self.failed("track.out_of_step")
        return replace(self, state=TrackState.READY, progress_permille=1000)

    def failed(self, error: str) -> SingleTrack:
        return replace(self, state=TrackState.FAILED, error=error)

    def watched(self, at: datetime) -> SingleTrack:
        return replace(self, asked_at=at)


def ask(
    key: TrackKey, known: SingleTrack | None, *, film_attempt: int, waiting: int, at: datetime
) -> SingleTrack:
    """The track as it stands after somebody asked. `waiting`: tracks that wait already.

    Errors: Unavailable `track.queue_full`.
    """
    if known is not None and known.is_of(film_attempt) and known.state is not TrackState.FAILED:
        return known if known.state in WAITING else known.watched(at)
    if waiting >= MOST_WAITING:
        raise Unavailable(
            "track.queue_full",
            zh="等待生成的单独画面较多，请稍后再试",
            en="Many single tracks are waiting; please try later",
        )
    return SingleTrack(
        key.recording_id, key.person_id, key.shown, film_attempt, TrackState.QUEUED, 0, None, at
    )


def require_ready(track: SingleTrack | None, film_attempt: int) -> SingleTrack:
    """Errors: Conflict `track.not_ready`."""
    if track is None or track.state is not TrackState.READY or not track.is_of(film_attempt):
        raise Conflict("track.not_ready", zh="单独画面尚未生成", en="This track isn't ready yet")
    return track
