"""Files on their way into a case: begun, gone on with after any break, finished once, forgotten when given up.

What is said to be here is on the disk. A client's word about length, type or name decides nothing: the length is
held against the bytes, the type is found in them later (`inspecting.py`), the name is shown and never used.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.case_space.attachments import (
    UPLOAD_LIFE,
    Attachment,
    AttachmentState,
    Purpose,
    Refusal,
    checked_sha256,
    clean_name,
)
from hearing_server.domain.case_space.refusals import refusal_error
from hearing_server.domain.roles import Action, capacity_of, require
from hearing_server.errors import (
    ChecksumMismatch,
    Conflict,
    DiskFull,
    HearingError,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
)
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, AttachmentId, Clock, new_id, system_actor
from hearing_server.ports.attachments import Upload, UploadSpool
from hearing_server.ports.bus import Doorbell
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.upload_intake import Intake, ReadSome
from hearing_server.settings import LimitSettings

# A file of evidence photographed page by page stays far below; a script that fills the disk does not.
UPLOADS_PER_HOUR = 400
# The row's life is moved on in steps: not a commit for every piece.
_EXTEND_BELOW_S = (UPLOAD_LIFE.days * 86400) - 3600
_SWEEP_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class UploadDraft:
    """What a sender says of a file before its first byte; `sha256` hex or "" when not known yet."""

    case_id: str
    size_bytes: int
    name: str = ""
    purpose: Purpose = Purpose.MESSAGE
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class UploadPlace:
    """An upload and how many of its bytes are safe here."""

    attachment: Attachment
    offset: int


class Uploads:
    """Use-cases of senders."""

    def __init__(
        self, units: Units, clock: Clock, spool: UploadSpool, limits: LimitSettings, *, reserve_bytes: int
    ) -> None:
        self._units = units
        self._clock = clock
        self._spool = spool
        self._limits = limits
        self._reserve_bytes = reserve_bytes

    @property
    def max_bytes(self) -> int:
        """The largest file of any kind."""
        limits = self._limits
        return max(limits.attachment_bytes, limits.document_bytes, limits.audio_bytes, limits.video_bytes)

    async def begin(self, actor: Actor, draft: UploadDraft) -> UploadPlace:
        """Make room for a file. Errors: NotFound, Forbidden, RateLimited, TooLarge, Invalid, DiskFull."""
        if draft.size_bytes == 0:
            raise refusal_error(Refusal.EMPTY)
        if draft.size_bytes > self.max_bytes:
            raise refusal_error(Refusal.TOO_LARGE)
        now = self._clock.utc_now()
        attachment = Attachment(
            id=AttachmentId(new_id("att")), case_id=(await self._admit(actor, draft)).id,
            uploader_id=actor.person_id, sha256="", preview_sha256="", media_type="application/octet-stream",
            size_bytes=draft.size_bytes, width=0, height=0, name=clean_name(draft.name), uploaded_at=now,
            purpose=draft.purpose, declared_sha256=checked_sha256(draft.sha256), expires_at=now + UPLOAD_LIFE,
        )  # fmt: skip
        await self._require_room(draft.size_bytes)
        await self._spool.create(attachment.id, case_id=attachment.case_id)
        try:
            async with self._units.write() as unit:
                # Once more, and now for good: two at a time must not both take the last place.
                await unit.acts.lock_head(attachment.case_id)
                await self._check_held(unit, actor, attachment)
                await unit.attachments.add(attachment)
        except BaseException:
            await self._spool.remove(attachment.id)
            raise
        return UploadPlace(attachment, 0)

    async def place(self, actor: Actor, upload_id: str) -> UploadPlace:
        """How far it is. Errors: NotFound, Locked `upload.busy` while its bytes come on another connection."""
        attachment = await self._own(actor, upload_id)
        if attachment.state is not AttachmentState.UPLOADING:
            return UploadPlace(attachment, attachment.size_bytes)
        async with self._spool.open(attachment.id, case_id=attachment.case_id) as upload:
            if upload.size_bytes == attachment.size_bytes:
                # The last answer was lost together with the server: nothing more will come.
                attachment = await self._finish(actor, attachment, upload)
            return UploadPlace(attachment, upload.size_bytes)

    async def append(
        self,
        actor: Actor,
        upload_id: str,
        *,
        offset: int,
        read: ReadSome,
        length: int | None,
        checksum: tuple[str, bytes] | None = None,
    ) -> UploadPlace:
        """Take bytes from `offset` on; with a checksum (algorithm, digest) all of them or none.

        Whatever ends the request, what came is kept and safe before the sender hears of it.
        Errors: NotFound, Conflict `upload.offset`, TooLarge `upload.beyond_length`, Invalid `upload.checksum`,
        Malformed `body.cut_off`, Locked `upload.busy`, DiskFull `upload.disk_full`, `disk.reserved`.
        """
        attachment = await self._own(actor, upload_id)
        if attachment.state is not AttachmentState.UPLOADING:
            if offset != attachment.size_bytes:
                raise _wrong_offset()
            return UploadPlace(attachment, attachment.size_bytes)
        async with self._spool.open(attachment.id, case_id=attachment.case_id) as upload:
            if offset != upload.size_bytes:
                raise _wrong_offset()
            room = attachment.size_bytes - offset
            if (length or 0) > room:
                raise _beyond_length()
            await self._require_room(min(length or room, room))
            digest = hashlib.new(checksum[0]) if checksum else None
            intake = Intake(upload, room_bytes=room, digest=digest)
            try:
                await intake.take(read)
                if digest is not None and checksum is not None:
                    if not hmac.compare_digest(digest.digest(), checksum[1]):
                        await upload.drop_tentative()
                        raise _wrong_checksum()
                    await upload.confirm()
            finally:
                await upload.settle()
            if length is not None and intake.size_bytes < length:
                raise Malformed("body.cut_off", zh="请求没有传完", en="The request was cut off")
            if upload.size_bytes == attachment.size_bytes:
                attachment = await self._finish(actor, attachment, upload)
            else:
                attachment = await self._live_on(attachment)
            return UploadPlace(attachment, upload.size_bytes)

    async def give_up(self, actor: Actor, upload_id: str) -> None:
        """The sender wants it no more. Errors: NotFound, Conflict `upload.finished`."""
        attachment = await self._own(actor, upload_id)
        if attachment.state is not AttachmentState.UPLOADING:
            raise Conflict(
                "upload.finished",
                zh="文件已经传完，不能取消上传",
                en="The file has arrived; its upload can't be taken back",
            )
        async with self._spool.open(attachment.id, case_id=attachment.case_id), self._units.write() as unit:
            await unit.attachments.remove(attachment.id)
        await self._spool.remove(attachment.id)

    async def sweep_due(self) -> int:
        """Forget uploads whose time is over; finish those whose last answer was lost. How many."""
        now, done = self._clock.utc_now(), 0
        async with self._units.read() as unit:
            over = await unit.attachments.expired(now=now, limit=_SWEEP_AT_ONCE)
        for attachment in over:
            async with self._units.write() as unit:
                held = await unit.attachments.get(attachment.id, lock=True)
                if (
                    held is None
                    or held.state is not AttachmentState.UPLOADING
                    or (held.expires_at or now) > now
                ):
                    continue
                await unit.attachments.remove(attachment.id)
                unit.ring(Doorbell("attachment_changed", attachment.id))
            await self._spool.remove(attachment.id)
            done += 1
        return done

    async def recover(self) -> None:
        """After a start: finish what had arrived whole, remove files nobody knows."""
        async with self._units.read() as unit:
            coming = await unit.attachments.in_state(AttachmentState.UPLOADING, limit=5000)
            checking = await unit.attachments.in_state(AttachmentState.CHECKING, limit=5000)
            cases = {one.case_id: await unit.cases.get(one.case_id) for one in coming}
        for attachment in coming:
            case = cases[attachment.case_id]
            at_rest = await self._spool.bytes_at_rest(attachment.id)
            if case is None or at_rest is None or at_rest < attachment.size_bytes:
                continue
            try:
                async with self._spool.open(attachment.id, case_id=case.id, yields=False) as upload:
                    if upload.size_bytes == attachment.size_bytes:
                        await self._finish(system_actor(case.court.id), attachment, upload)
            except HearingError:
                continue  # its sender finds out by asking
        await self._spool.sweep({one.id for one in (*coming, *checking)})

    async def _admit(self, actor: Actor, draft: UploadDraft) -> Case:
        async with self._units.write() as unit:
            case, member = await access_member_case(unit, actor, draft.case_id)
            require(capacity_of(actor.role, member.role), Action.SPACE_WRITE)
            sent = await unit.people.count_attempt(
                f"upload:{actor.person_id}", now=self._clock.utc_now(), window_s=3600
            )
        if sent > UPLOADS_PER_HOUR:
            raise RateLimited(
                "attachment.too_many",
                zh="一小时内上传的文件太多，请稍后再试",
                en="Too many files within an hour; please try again later",
                retry_after_s=600,
            )
        return case

    async def _check_held(self, unit: Unit, actor: Actor, attachment: Attachment) -> None:
        held = await unit.attachments.held(attachment.case_id, actor.person_id)
        if held.unfinished >= self._limits.unfinished_uploads:
            raise RateLimited(
                "upload.too_many_unfinished",
                zh="同时上传的文件太多，请等前面的传完",
                en="Too many files are on their way; wait until some have arrived",
                retry_after_s=30,
            )
        if (
            held.person_bytes + attachment.size_bytes > self._limits.person_case_bytes
            or held.case_bytes + attachment.size_bytes > self._limits.case_bytes
        ):
            raise TooLarge(
                "upload.quota",
                zh="本案的存储额度已用完，请联系书记员",
                en="The case's room for files is used up; please ask the clerk",
            )

    async def _require_room(self, size_bytes: int) -> None:
        """What the recorder needs is no room for files: a hearing comes before a chat."""
        if await self._spool.free_bytes() - size_bytes < self._reserve_bytes:
            raise DiskFull(
                "disk.reserved",
                zh="存储空间不足，暂不能上传文件；已传的部分不会丢失",
                en="Too little disk space is left to take files; what arrived is kept",
                retry_after_s=300,
            )

    async def _own(self, actor: Actor, upload_id: str) -> Attachment:
        """The sender's own, as long as they are on the case."""
        async with self._units.read() as unit:
            attachment = await unit.attachments.get(AttachmentId(upload_id))
            if attachment is None or attachment.uploader_id != actor.person_id:
                raise NotFound
            await access_member_case(unit, actor, attachment.case_id)
        return attachment

    async def _live_on(self, attachment: Attachment) -> Attachment:
        now = self._clock.utc_now()
        left_s = (attachment.expires_at - now).total_seconds() if attachment.expires_at else 0.0
        if left_s > _EXTEND_BELOW_S:
            return attachment
        async with self._units.write() as unit:
            held = await unit.attachments.get(attachment.id, lock=True)
            if held is None or held.state is not AttachmentState.UPLOADING:
                raise NotFound
            later = replace(held, expires_at=now + UPLOAD_LIFE)
            await unit.attachments.save(later)
        return later

    async def _finish(self, actor: Actor, attachment: Attachment, upload: Upload) -> Attachment:
        """All bytes are here: from now on it is the court's to look at. Once, however often it is asked for."""
        await upload.settle()
        sha256 = await upload.sha256()
        differs = attachment.declared_sha256 not in ("", sha256)
        now = self._clock.utc_now()
        async with self._units.write() as unit:
            await unit.acts.lock_head(attachment.case_id)
            held = await unit.attachments.get(attachment.id, lock=True)
            if held is None:
                raise NotFound
            if held.state is not AttachmentState.UPLOADING:
                return held
            finished = replace(
                held,
                sha256=sha256,
                state=AttachmentState.REFUSED if differs else AttachmentState.CHECKING,
                reason=Refusal.HASH_MISMATCH.value if differs else "",
                expires_at=None,
                uploaded_at=now,
            )
            await unit.attachments.save(finished)
            payload = {"attachment_id": held.id, "sha256": sha256, "uploader_id": held.uploader_id}
            await record_act(
                unit, actor, kind=ActKind.ATTACHMENT_UPLOADED, chain_id=held.case_id, at=now,
                payload=payload | ({"declared_sha256": held.declared_sha256} if differs else {}),
                objects=(ActObject(sha256, held.size_bytes),),
            )  # fmt: skip
            unit.ring(Doorbell("attachment_changed", held.id))
            unit.ring(Doorbell("attachment_received", held.id))
        return finished


def _wrong_offset() -> Conflict:
    return Conflict(
        "upload.offset",
        zh="续传位置不符，请先查询已收到的长度",
        en="The upload goes on at another place; ask how far it is first",
    )


def _beyond_length() -> TooLarge:
    return TooLarge(
        "upload.beyond_length",
        zh="收到的内容超过所声明的文件大小",
        en="More bytes came than the file was said to have",
    )


def _wrong_checksum() -> ChecksumMismatch:
    return ChecksumMismatch(
        "upload.checksum",
        zh="这一段在传输中受损，请重新发送",
        en="This part was damaged on its way; please send it again",
    )
