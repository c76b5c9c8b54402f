"""Public copies: made from the record by the publication's list, in the composer's own process, one at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.domain.publishing.publications import CopyState, Publication
from hearing_server.domain.recording.recordings import Recording
from hearing_server.errors import HearingError
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock, PublicationId, system_actor
from hearing_server.ports.media import FilmMade, FilmMaker
from hearing_server.ports.units import Units
from hearing_server.services.acts import record_act
from hearing_server.services.recording.film_labels import film_labels, sealed_spans
from hearing_server.services.recording.record_folders import RecordFolders

_log = logging.getLogger(__name__)


class PublicCopies:
    """The derived film of every publication that waits for its decision."""

    def __init__(
        self, units: Units, clock: Clock, profile: CourtProfile, maker: FilmMaker, folders: RecordFolders
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._maker = maker
        self._folders = folders

    async def copy_due(self) -> int:
        """Make one copy that waits (or that a crash interrupted); how many were taken."""
        async with self._units.read() as unit:
            waiting = await unit.recordings.copies_due((CopyState.QUEUED, CopyState.COMPOSING))
        return int(await self._copy(waiting[0])) if waiting else 0

    async def _copy(self, publication: Publication) -> bool:
        async with self._units.read() as unit:
            recording = await unit.recordings.get(publication.recording_id)
            hearing = await unit.hearings.get(recording.hearing_id) if recording else None
            case = await unit.cases.get(hearing.case_id) if hearing else None
        # Foreign keys hold.
        assert recording is not None
        assert hearing is not None
        assert case is not None
        await self._change(publication, lambda one: one.copying())
        try:
            made = await self._make(publication, recording, hearing, case)
        except (HearingError, OSError) as error:
            reason = error.code if isinstance(error, HearingError) else type(error).__name__
            if reason == "film.in_work":
                return False
            _log.exception("public copy failed", extra={"publication": publication.id})
            await self._settle(publication, case, reason=reason)
            return True
        await self._settle(publication, case, made=made, root_sha256=recording.root_sha256 or "")
        return True

    async def _make(
        self, publication: Publication, recording: Recording, hearing: Hearing, case: Case
    ) -> FilmMade:
        target = self._folders.copy(publication)
        rows = [row.row() for row in publication.redactions]
        if not rows:
            # Without a list the plain film is the copy: it holds nothing sealed.
            film = self._folders.film(recording)
            return await self._maker.duplicate(film, target, duration_s=recording.film.duration_s or 0.0)
        return await self._maker.copy(
            self._folders.of(recording.id),
            target,
            labels=film_labels(self._profile, hearing, case),
            redactions={"sealed_utc_ns": sealed_spans(hearing), "list": rows},
        )

    async def _settle(
        self,
        publication: Publication,
        case: Case,
        *,
        made: FilmMade | None = None,
        root_sha256: str = "",
        reason: str = "",
    ) -> None:
        """Write the outcome and its act, unless the list has changed or it was decided meanwhile."""
        actor, now = system_actor(self._profile.court.id), self._clock.utc_now()

        def outcome(one: Publication) -> Publication:
            if made is None:
                return one.copy_failed(reason)
            return one.copied(
                sha256=made.sha256,
                size_bytes=made.size_bytes,
                duration_s=made.duration_s,
                source_sha256=root_sha256,
            )

        after = await self._change(publication, outcome)
        if after is None:
            return
        async with self._units.write() as unit:
            await record_act(
                unit, actor, chain_id=case.id, at=now,
                kind=ActKind.PUBLICATION_COPY_READY if made else ActKind.PUBLICATION_COPY_FAILED,
                payload={
                    "publication_id": publication.id, "reason": reason, "source_sha256": root_sha256,
                    "redactions_sha256": after.copy.redactions_sha256 or "",
                },
                objects=(ActObject(made.sha256, made.size_bytes),) if made else (),
            )  # fmt: skip

    async def _change(
        self, publication: Publication, change: Callable[[Publication], Publication]
    ) -> Publication | None:
        """The stored publication changed, if its copy is still the one in work."""
        async with self._units.write() as unit:
            current = await unit.recordings.publication(PublicationId(publication.id), lock=True)
            assert current is not None
            if current.copy.attempt != publication.copy.attempt or not current.is_waiting:
                return None
            after = change(current)
            await unit.recordings.save_publication(after)
        return after
