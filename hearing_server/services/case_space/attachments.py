"""Pictures of a case space: the original is kept bit by bit under its hash, people see a re-encoded preview."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.case_space.messages import MAX_FILE_NAME_CHARS
from hearing_server.errors import Invalid, Malformed, NotFound, RateLimited, TooLarge, Unavailable
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import Actor, AttachmentId, Clock, new_id
from hearing_server.ports.objects import Objects, PictureReader
from hearing_server.ports.space import Attachment
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act

# A phone on a bad link sends at least one piece in this time.
_PIECE_TIMEOUT_S = 30
# A file of evidence photographed page by page stays far below; a script that fills the disk does not.
UPLOADS_PER_HOUR = 200
# Path separators, control characters and marks that turn reading direction don't belong into a name.
_UNWANTED = re.compile(r"[\\/:*?\"<>|\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SeenPicture:
    """A picture somebody may see, as bytes in pieces."""

    attachment: Attachment
    media_type: str
    size_bytes: int
    pieces: AsyncIterator[bytes]


class Attachments:
    """Use-cases of pictures."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        objects: Objects,
        pictures: PictureReader,
        *,
        spool: Path,
        limit_bytes: int,
        reserve_bytes: int = 0,
    ) -> None:
        self._units = units
        self._clock = clock
        self._objects = objects
        self._pictures = pictures
        self._spool = spool
        self._limit_bytes = limit_bytes
        self._reserve_bytes = reserve_bytes

    async def upload(
        self, actor: Actor, case_id: str, *, name: str, size_bytes: int | None, pieces: AsyncIterator[bytes]
    ) -> Attachment:
        """Take a picture into the case; nobody but its sender sees it until it is posted into a lane.

        Errors: NotFound, TooLarge `attachment.too_large`, Invalid `attachment.type`, `.unreadable`,
        `.too_many_pixels`, `.empty`, Malformed `body.cut_off`, Unavailable `disk.full`.
        """
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            case, _ = await access_member_case(unit, actor, case_id)
            sent = await unit.people.count_attempt(f"upload:{actor.person_id}", now=now, window_s=3600)
        if sent > UPLOADS_PER_HOUR:
            raise RateLimited(
                "attachment.too_many",
                zh="一小时内上传的图片太多，请稍后再试",
                en="Too many pictures within an hour; please try again later",
                retry_after_s=600,
            )
        await asyncio.to_thread(self._require_space)
        if (size_bytes or 0) > self._limit_bytes:
            raise self._too_large()
        path, digest, length = await self._receive(pieces)
        try:
            if size_bytes is not None and length != size_bytes:
                raise _cut_off()
            seen = await self._pictures.read(path)
            await self._objects.put_file(path, sha256=digest, case_id=case.id)
            preview = await self._objects.put(seen.preview, case_id=case.id)
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        attachment = Attachment(
            id=AttachmentId(new_id("att")),
            case_id=case.id,
            uploader_id=actor.person_id,
            sha256=digest,
            preview_sha256=preview,
            media_type=seen.media_type,
            size_bytes=length,
            width=seen.width,
            height=seen.height,
            name=_clean_name(name),
            uploaded_at=self._clock.utc_now(),
        )
        async with self._units.write() as unit:
            await record_act(
                unit,
                actor,
                kind=ActKind.ATTACHMENT_UPLOADED,
                chain_id=case.id,
                at=attachment.uploaded_at,
                payload={"attachment_id": attachment.id, "sha256": digest, "preview_sha256": preview},
                objects=(ActObject(digest, length),),
            )
            await unit.space.add_attachment(attachment)
        return attachment

    async def original(self, actor: Actor, attachment_id: str) -> SeenPicture:
        """The bytes as they came; taking them is an act. Errors: NotFound."""
        async with self._units.write() as unit:
            attachment, case = await self._access(unit, actor, attachment_id)
            await record_act(
                unit,
                actor,
                kind=ActKind.ATTACHMENT_VIEWED,
                chain_id=case.id,
                at=self._clock.utc_now(),
                payload={"attachment_id": attachment.id},
                objects=(ActObject(attachment.sha256, attachment.size_bytes),),
            )
        return await self._open(attachment, attachment.sha256, attachment.media_type)

    async def preview(self, actor: Actor, attachment_id: str) -> SeenPicture:
        """A JPEG without metadata. Errors: NotFound."""
        async with self._units.read() as unit:
            attachment, _ = await self._access(unit, actor, attachment_id)
        return await self._open(attachment, attachment.preview_sha256, "image/jpeg")

    async def _access(self, unit: Unit, actor: Actor, attachment_id: str) -> tuple[Attachment, Case]:
        """The door: its sender, and the members of the lanes it was posted into."""
        attachment = await unit.space.attachment(AttachmentId(attachment_id))
        if attachment is None:
            raise NotFound
        case, member = await access_member_case(unit, actor, attachment.case_id)
        is_own = attachment.uploader_id == actor.person_id
        if not is_own and not await is_shown_in_a_lane(unit, attachment.id, member):
            raise NotFound
        return attachment, case

    async def _open(self, attachment: Attachment, sha256: str, media_type: str) -> SeenPicture:
        case_id = attachment.case_id
        size_bytes = await self._objects.size_bytes(sha256, case_id=case_id)
        if size_bytes is None:
            raise Unavailable(
                "object.missing",
                zh="文件暂时无法读取，请联系法院",
                en="The file can't be read now; please contact the court",
            )
        return SeenPicture(attachment, media_type, size_bytes, self._objects.read(sha256, case_id=case_id))

    def _require_space(self) -> None:
        """What the recorder needs is no room for pictures: a hearing comes before a chat."""
        self._spool.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(self._spool).free - self._limit_bytes < self._reserve_bytes:
            raise Unavailable(
                "disk.reserved",
                zh="存储空间不足，暂不能上传图片",
                en="Too little disk space is left to take pictures",
            )

    async def _receive(self, pieces: AsyncIterator[bytes]) -> tuple[Path, str, int]:
        """Spool to disk while hashing: (file, SHA-256 hex, bytes). The file is the caller's to remove."""
        path = await asyncio.to_thread(_new_file, self._spool)
        digest, length = hashlib.sha256(), 0
        try:
            with await asyncio.to_thread(path.open, "wb") as file:
                while True:
                    async with asyncio.timeout(_PIECE_TIMEOUT_S):
                        piece = await anext(pieces, b"")
                    if not piece:
                        break
                    length += len(piece)
                    if length > self._limit_bytes:
                        raise self._too_large()
                    digest.update(piece)
                    await asyncio.to_thread(file.write, piece)
            if length == 0:
                raise Invalid("attachment.empty", zh="文件是空的", en="The file is empty")
        except BaseException as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            if isinstance(error, ConnectionError | TimeoutError):
                raise _cut_off() from error
            if isinstance(error, OSError):
                raise Unavailable(
                    "disk.full",
                    zh="服务器存储空间不足，请稍后重试",
                    en="The server's disk is full; try again later",
                ) from error
            raise
        return path, digest.hexdigest(), length

    def _too_large(self) -> TooLarge:
        mib = self._limit_bytes // (1024 * 1024)
        return TooLarge(
            "attachment.too_large",
            zh=f"图片超过上限 {mib} MB",
            en=f"The picture is larger than {mib} MB",
        )


async def is_shown_in_a_lane(unit: Unit, attachment_id: AttachmentId, member: CaseMember) -> bool:
    """Whether it was posted by an event that this member of the case may read."""
    for lane, seq in await unit.space.uses(attachment_id):
        first_seq = lane.first_seq_for(member)
        if first_seq is not None and first_seq <= seq:
            return True
    return False


def _new_file(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(handle)
    return Path(name)


def _clean_name(name: str) -> str:
    """What people see as the file's name; never used as a path."""
    return _UNWANTED.sub("_", name).strip(" .")[-MAX_FILE_NAME_CHARS:] or "图片"


def _cut_off() -> Malformed:
    return Malformed("body.cut_off", zh="请求没有传完", en="The request was cut off")
