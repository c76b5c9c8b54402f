"""What anybody may see, and nothing else: every answer about anything else is the same "no such thing"."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from datetime import date, datetime
from pathlib import Path

from hearing_server.domain.publishing.open_court import is_in_open_court
from hearing_server.domain.publishing.publications import Publication
from hearing_server.errors import NotFound
from hearing_server.kernel import PublicationId
from hearing_server.ports.units import Units
from hearing_server.services.recording.record_folders import RecordFolders

# Files whose bytes were compared with the approved hash; the least asked is compared again.
_MAX_CHECKED = 1000
_Stamp = tuple[int, int, int]


class PublicFilms:
    """The public page's list, search, films and posters."""

    def __init__(self, units: Units, folders: RecordFolders) -> None:
        self._units = units
        self._folders = folders
        self._checked: OrderedDict[Path, tuple[_Stamp, str]] = OrderedDict()
        self._checking = asyncio.Lock()

    async def list(
        self, *, number: str = "", held_on: date | None = None, before: datetime | None = None, limit: int
    ) -> list[Publication]:
        """Newest first. `number`: a part of the case number."""
        async with self._units.read() as unit:
            return await unit.recordings.public(number=number, held_on=held_on, before=before, limit=limit)

    async def one(self, publication_id: str) -> Publication:
        """NotFound from the moment of withdrawal, and for whatever was not held in open court."""
        async with self._units.read() as unit:
            publication = await unit.recordings.publication(PublicationId(publication_id))
            if publication is None or not publication.is_public or publication.approved_sha256 is None:
                raise NotFound
            recording = await unit.recordings.get(publication.recording_id)
            hearing = await unit.hearings.get(recording.hearing_id) if recording else None
            case = await unit.cases.get(hearing.case_id) if hearing else None
        if hearing is None or case is None or not is_in_open_court(case, hearing):
            raise NotFound
        return publication

    async def film(self, publication_id: str) -> Path:
        """The approved bytes. NotFound when the file holds any others."""
        publication = await self.one(publication_id)
        path = self._folders.copy(publication)
        try:
            digest = await self._digest(path)
        except FileNotFoundError:
            raise NotFound from None
        if digest != publication.approved_sha256:
            raise NotFound
        return path

    async def poster(self, publication_id: str) -> Path:
        """A picture of the approved film. NotFound when it isn't public or has none."""
        poster = self._folders.poster(await self.film(publication_id))
        if not poster.is_file():
            raise NotFound
        return poster

    async def _digest(self, path: Path) -> str:
        """SHA-256 of a file, read once for each state of it."""
        async with self._checking:
            stamp = await asyncio.to_thread(_stamp, path)
            known = self._checked.get(path)
            if known is None or known[0] != stamp:
                known = (stamp, await asyncio.to_thread(_sha256, path))
                self._checked[path] = known
                while len(self._checked) > _MAX_CHECKED:
                    self._checked.popitem(last=False)
            self._checked.move_to_end(path)
            return known[1]


def _stamp(path: Path) -> _Stamp:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
