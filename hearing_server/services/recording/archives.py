"""Archive packages: made when a film is ready, read back at once and then by schedule, held by order."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.recording.archives import Archive, ArchiveState, Retention, new_archive
from hearing_server.domain.roles import Action, require
from hearing_server.errors import HearingError, NotFound, Unavailable
from hearing_server.filing.courts import CourtProfile
from hearing_server.kernel import Actor, Clock, RecordingId, system_actor
from hearing_server.ports.archives import Packer
from hearing_server.ports.objects import Objects
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import SeenRecording, access_recording
from hearing_server.services.acts import record_act
from hearing_server.services.recording.archive_papers import papers_of
from hearing_server.services.recording.record_folders import RecordFolders
from hearing_server.services.trust.act_receipts import ActReceipts

_log = logging.getLogger(__name__)
_SECONDS_A_DAY = 86_400.0
# A package has no business beside a running hearing for longer than this; then it waits for the next turn.
_PACK_S = 3600.0
NOT_YET = "proof.not_yet"


@dataclass(frozen=True, slots=True)
class PackageStream:
    """A package on its way to an official."""

    name: str
    size_bytes: int
    pieces: AsyncIterator[bytes]


class Archives:
    """The packages of all recordings."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        profile: CourtProfile,
        objects: Objects,
        packer: Packer,
        folders: RecordFolders,
        receipts: ActReceipts,
        *,
        spool: Path,
        check_days: int,
    ) -> None:
        self._units = units
        self._clock = clock
        self._profile = profile
        self._objects = objects
        self._packer = packer
        self._folders = folders
        self._receipts = receipts
        self._spool = spool
        self._check_s = check_days * _SECONDS_A_DAY

    async def make_due(self) -> int:
        """Make one package that is due; how many were tried."""
        now = self._clock.utc_now()
        await self._note_new(now)
        async with self._units.read() as unit:
            due = await unit.archives.due((ArchiveState.WAITING, ArchiveState.FAILED), now, 1)
        for archive in due:
            try:
                async with asyncio.timeout(_PACK_S):
                    await self._make(archive)
            except (HearingError, OSError, TimeoutError) as error:
                if isinstance(error, HearingError) and error.code == NOT_YET:
                    # The newest acts wait for their checkpoint: a matter of seconds, or of a signer that doctor names.
                    await self._save(archive.postponed(NOT_YET, at=self._clock.utc_now()))
                    continue
                reason = error.code if isinstance(error, HearingError) else type(error).__name__
                _log.exception("archive failed", extra={"recording": archive.recording_id})
                await self._save(archive.failed(reason, at=self._clock.utc_now()))
        return len(due)

    async def _note_new(self, now: datetime) -> None:
        """A row for every film that has none yet. Mostly there is none: only then is anything written."""
        async with self._units.read() as unit:
            if not await unit.archives.without(1):
                return
        async with self._units.write() as unit:
            for recording in await unit.archives.without(20):
                hearing = await unit.hearings.get(recording.hearing_id)
                case = await unit.cases.get(hearing.case_id) if hearing else None
                if case is not None:
                    retention = Retention(self._profile.retention_of(case.number.type_code))
                    await unit.archives.add(new_archive(recording.id, case.id, retention=retention, at=now))

    async def check_due(self) -> int:
        """Read one package back that is due; how many were read."""
        async with self._units.read() as unit:
            due = await unit.archives.due((ArchiveState.STORED,), self._clock.utc_now(), 1)
        for archive in due:
            error = await self._read_back(archive.case_id, archive.sha256 or "")
            now = self._clock.utc_now()
            async with self._units.write() as unit:
                current = await unit.archives.get(archive.recording_id)
                if current is None or current.sha256 != archive.sha256:
                    continue  # made anew meanwhile
                await unit.archives.save(current.checked(error, at=now, check_s=self._check_s))
                await record_act(
                    unit, system_actor(self._profile.court.id), kind=ActKind.RECORDING_ARCHIVE_CHECKED,
                    chain_id=archive.case_id, at=now,
                    payload={"recording_id": archive.recording_id, "sha256": archive.sha256, "error": error},
                )  # fmt: skip
            if error is not None:
                _log.error("archive damaged", extra={"recording": archive.recording_id, "code": error})
        return len(due)

    async def get(self, actor: Actor, recording_id: str) -> Archive:
        """Errors: NotFound, also while there is none yet."""
        async with self._units.read() as unit:
            return (await self._access(unit, actor, recording_id, Action.ARCHIVE_SEE))[1]

    async def make_again(self, actor: Actor, recording_id: str) -> Archive:
        return await self._order(actor, recording_id, ActKind.RECORDING_ARCHIVE_ORDERED, reason="")

    async def hold(self, actor: Actor, recording_id: str, *, reason: str) -> Archive:
        """Errors: Conflict `archive.held`, Invalid `archive.reason`."""
        return await self._order(actor, recording_id, ActKind.RECORDING_ARCHIVE_HELD, reason=reason)

    async def release(self, actor: Actor, recording_id: str, *, reason: str) -> Archive:
        """Errors: Conflict `archive.not_held`."""
        return await self._order(actor, recording_id, ActKind.RECORDING_ARCHIVE_RELEASED, reason=reason)

    async def package(self, actor: Actor, recording_id: str) -> PackageStream:
        """The package as a file; taking it is an act. Errors: NotFound, Unavailable `object.…`."""
        async with self._units.write() as unit:
            seen, archive = await self._access(unit, actor, recording_id, Action.ARCHIVE_TAKE)
            if archive.state is not ArchiveState.STORED or archive.sha256 is None:
                raise NotFound
            await record_act(
                unit, actor, kind=ActKind.RECORDING_ARCHIVE_TAKEN, chain_id=seen.case.id,
                at=self._clock.utc_now(), payload={"recording_id": archive.recording_id},
                objects=(ActObject(archive.sha256, archive.size_bytes),),
            )  # fmt: skip
        pieces = self._objects.read(archive.sha256, case_id=archive.case_id)
        return PackageStream(f"{archive.recording_id}.zip", archive.size_bytes, pieces)

    async def _order(self, actor: Actor, recording_id: str, kind: ActKind, *, reason: str) -> Archive:
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            seen, archive = await self._access(unit, actor, recording_id, Action.ARCHIVE_HOLD)
            if kind is ActKind.RECORDING_ARCHIVE_HELD:
                ordered = archive.held(actor.person_id, at=now, reason=reason)
            elif kind is ActKind.RECORDING_ARCHIVE_RELEASED:
                ordered = archive.released()
            else:
                ordered = archive.again(at=now)
            await unit.archives.save(ordered)
            await record_act(
                unit, actor, kind=kind, chain_id=seen.case.id, at=now,
                payload={"recording_id": archive.recording_id, "reason": reason.strip()},
            )  # fmt: skip
        return ordered

    async def _access(
        self, unit: Unit, actor: Actor, recording_id: str, action: Action
    ) -> tuple[SeenRecording, Archive]:
        seen = await access_recording(unit, actor, recording_id)
        require(seen.capacity(actor), action)
        archive = await unit.archives.get(RecordingId(recording_id))
        if archive is None:
            raise NotFound
        return seen, archive

    async def _make(self, archive: Archive) -> None:
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            recording = await unit.recordings.get(archive.recording_id)
            assert recording is not None
            self._folders.film(recording)  # no package without its film
            texts, about = await papers_of(
                unit,
                recording,
                archive,
                self._receipts,
                court=self._profile.court,
                zone=self._profile.time_zone,
                at=now,
            )
        package = await self._packer.pack(
            self._spool,
            parts=self._folders.parts(recording.id),
            texts=texts,
            about=json.dumps(about, ensure_ascii=False).encode(),
        )
        try:
            await self._objects.put_file(package.path, sha256=package.sha256, case_id=archive.case_id)
        finally:
            with suppress(OSError):
                await asyncio.to_thread(package.path.unlink)
        error = await self._read_back(archive.case_id, package.sha256)
        if error is not None:
            raise Unavailable(error, zh="归档文件回读失败", en="The package couldn't be read back")
        await self._stored(archive, package.sha256, package.size_bytes, len(package.files), now)

    async def _stored(
        self, archive: Archive, sha256: str, size_bytes: int, files: int, now: datetime
    ) -> None:
        async with self._units.write() as unit:
            current = await unit.archives.get(archive.recording_id) or archive
            day = self._profile.local_day(now)
            stored = current.stored(
                sha256=sha256, size_bytes=size_bytes, files=files, at=now, day=day, check_s=self._check_s
            )
            await unit.archives.save(stored)
            await record_act(
                unit, system_actor(self._profile.court.id), kind=ActKind.RECORDING_ARCHIVED,
                chain_id=archive.case_id, at=now,
                payload={"recording_id": archive.recording_id, "sha256": sha256, "files": files},
                objects=(ActObject(sha256, size_bytes),),
            )  # fmt: skip

    async def _read_back(self, case_id: str, sha256: str) -> str | None:
        """None, or the code of what is wrong. Every byte is read and hashed."""
        digest = hashlib.sha256()
        try:
            async for piece in self._objects.read(sha256, case_id=case_id):
                await asyncio.to_thread(digest.update, piece)
        except HearingError as error:
            return error.code
        return None if digest.hexdigest() == sha256 else "object.damaged"

    async def _save(self, archive: Archive) -> None:
        async with self._units.write() as unit:
            await unit.archives.save(archive)
