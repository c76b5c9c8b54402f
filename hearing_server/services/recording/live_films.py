"""Films begin while the hearing runs: for every recording that runs, pieces are made as its journal grows."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path

from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.recording.recordings import RecordingState
from hearing_server.errors import HearingError
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock
from hearing_server.ports.media import PieceMaker
from hearing_server.ports.units import Units
from hearing_server.services.recording.film_labels import film_labels, sealed_spans
from hearing_server.services.recording.record_folders import RecordFolders

_log = logging.getLogger(__name__)
# Nothing is ready before a first piece (16 s) and what its clocks look ahead (15 s) are sealed.
BEGINS_AFTER = timedelta(seconds=25)


class LiveFilms:
    """Keeps the maker of pieces told of what runs."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        maker: PieceMaker,
        folders: RecordFolders,
        *,
        is_wanted: bool,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._maker = maker
        self._folders = folders
        self._is_wanted = is_wanted

    async def look(self) -> int:
        """Begin with what runs, tell new names and sealed spans, let go of what is over. Always 0: a look, no queue."""
        running = await self._running() if self._is_wanted else {}
        for folder in self._maker.folders - set(running):
            await self._maker.stop(folder)
        for folder, (hearing, case) in running.items():
            try:
                await self._maker.make(
                    folder,
                    labels=film_labels(self._profile, hearing, case),
                    redactions={"sealed_utc_ns": sealed_spans(hearing)},
                )
            except (HearingError, OSError):
                # The film is made after the hearing then; the record itself is not touched by this.
                _log.exception("film not begun", extra={"hearing": hearing.id})
        return 0

    async def _running(self) -> dict[Path, tuple[Hearing, Case]]:
        found: dict[Path, tuple[Hearing, Case]] = {}
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            for recording in await unit.recordings.in_state(RecordingState.RECORDING):
                hearing = await unit.hearings.get(recording.hearing_id)
                case = await unit.cases.get(hearing.case_id) if hearing is not None else None
                folder = self._folders.of(recording.id)
                if hearing is None or case is None or not folder.is_dir():
                    continue
                if hearing.opened_at is not None and now - hearing.opened_at > BEGINS_AFTER:
                    found[folder] = (hearing, case)
        return found
