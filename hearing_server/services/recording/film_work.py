"""Work on one recording's film, whatever comes of it: its facts, one attempt with the maker, how it ended.

Films, public copies and single tracks are made by the same composer under one rule: whoever finds the place taken looks
again at its next turn; whatever else goes wrong is a reason by name, and none of it ends the job.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.recording.recordings import Recording
from hearing_server.errors import HearingError
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import RecordingId
from hearing_server.ports.media import FilmMade
from hearing_server.ports.units import Units
from hearing_server.services.recording.film_labels import film_labels, sealed_spans

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FilmSubject:
    """Whose film it is."""

    recording: Recording
    hearing: Hearing
    case: Case

    def labels(self, profile: CourtProfile) -> dict[str, object]:
        """LABELS.json."""
        return dict(film_labels(profile, self.hearing, self.case))

    def withheld(self) -> Mapping[str, object]:
        """REDACTIONS.json: the court's account of sealed spans. Nothing is composed without it."""
        return {"sealed_utc_ns": sealed_spans(self.hearing)}


@dataclass(frozen=True, slots=True)
class FilmOutcome:
    """What an attempt came to: `made`, or `reason` by name."""

    made: FilmMade | None
    reason: str = ""


async def read_subject(units: Units, recording_id: RecordingId) -> FilmSubject:
    """The recording's facts as they stand; foreign keys hold, so all are there."""
    async with units.read() as unit:
        recording = await unit.recordings.get(recording_id)
        hearing = await unit.hearings.get(recording.hearing_id) if recording else None
        case = await unit.cases.get(hearing.case_id) if hearing else None
    assert recording is not None
    assert hearing is not None
    assert case is not None
    return FilmSubject(recording, hearing, case)


async def attempt(
    what: str, subject: FilmSubject, make: Callable[[], Awaitable[FilmMade]]
) -> FilmOutcome | None:
    """One attempt. None when another worker is at it; the caller looks again at its next turn."""
    try:
        return FilmOutcome(await make())
    except (HearingError, OSError) as error:
        reason = error.code if isinstance(error, HearingError) else type(error).__name__
        if reason == "film.in_work":
            return None
        _log.exception("%s failed", what, extra={"recording": subject.recording.id})
        return FilmOutcome(None, reason)
