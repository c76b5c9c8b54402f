"""Public copies: made from the record by the publication's list, in the composer's own process, one at a time."""

from __future__ import annotations

from collections.abc import Callable

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.publishing.publications import CopyState, Publication
from hearing_server.filing.cases import Case
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Clock, PublicationId, system_actor
from hearing_server.ports.media import FilmMade, FilmMaker
from hearing_server.ports.units import Units
from hearing_server.services.acts import record_act
from hearing_server.services.recording.film_work import FilmOutcome, FilmSubject, attempt, read_subject
from hearing_server.services.recording.record_folders import RecordFolders


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
        subject = await read_subject(self._units, publication.recording_id)
        await self._change(publication, lambda one: one.copying())
        done = await attempt("public copy", subject, lambda: self._make(publication, subject))
        if done is None:
            return False
        root_sha256 = subject.recording.root_sha256 or ""
        await self._settle(publication, subject.case, done, root_sha256=root_sha256)
        return True

    async def _make(self, publication: Publication, subject: FilmSubject) -> FilmMade:
        target = self._folders.copy(publication)
        rows = [row.row() for row in publication.redactions]
        if not rows:
            # Without a list the plain film is the copy: it holds nothing sealed.
            film = self._folders.film(subject.recording)
            duration_s = subject.recording.film.duration_s or 0.0
            return await self._maker.duplicate(film, target, duration_s=duration_s)
        return await self._maker.copy(
            self._folders.of(publication.recording_id),
            target,
            labels=subject.labels(self._profile),
            redactions={**subject.withheld(), "list": rows},
        )

    async def _settle(
        self,
        publication: Publication,
        case: Case,
        done: FilmOutcome,
        *,
        root_sha256: str,
    ) -> None:
        """Write the outcome and its act, unless the list has changed or it was decided meanwhile."""
        actor, now, made = system_actor(self._profile.court.id), self._clock.utc_now(), done.made

        def outcome(one: Publication) -> Publication:
            if made is None:
                return one.copy_failed(done.reason)
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
                    "publication_id": publication.id, "reason": done.reason, "source_sha256": root_sha256,
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
