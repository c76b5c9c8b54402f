"""Seeing attachments: the original bit by bit, and what was derived from it: preview, pages, rendition, text.

Who may: the sender always; others once it is ready and they may see one of the places where it is used: a lane it was
posted into, an exhibit it belongs to. All of them say no alike.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hearing_server.domain.acts import ActKind, ActObject
from hearing_server.domain.case_space.attachments import (
    Attachment,
    AttachmentKind,
    AttachmentState,
    PageImage,
    attachment_view,
)
from hearing_server.domain.case_space.lanes import COURT_ROLES
from hearing_server.domain.case_space.refusals import refusal_error
from hearing_server.errors import Conflict, HearingError, NotFound
from hearing_server.filing.cases import Case, CaseMember
from hearing_server.kernel import Actor, AttachmentId, Clock, PersonId
from hearing_server.ports.attachments import Inspection, RefusedFile
from hearing_server.ports.objects import Objects
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_member_case
from hearing_server.services.acts import record_act
from hearing_server.services.case_space.inspecting import Inspecting
from hearing_server.services.case_space.upload_intake import ReadSome
from hearing_server.services.case_space.uploads import UploadDraft, Uploads
from hearing_server.services.exhibits.files import opens_by_exhibit

_PDF = "application/pdf"
# Players ask for a film in pieces; one person's looking at one file within this time is one act.
_SAME_LOOK_S = 600.0
_KEPT_LOOKS = 5000
# Pages drawn at a time, over all readers: each takes a second of one core at most.
_PAGES_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class SeenFile:
    """Bytes somebody may see. `read(start, until)` gives them in pieces."""

    attachment: Attachment
    media_type: str
    size_bytes: int
    sha256: str
    objects: Objects

    def read(self, start: int, until: int) -> AsyncIterator[bytes]:
        return self.objects.read(self.sha256, case_id=self.attachment.case_id, start=start, until=until)


class Attachments:
    """Use-cases of readers, and of senders of small files."""

    def __init__(
        self,
        units: Units,
        clock: Clock,
        objects: Objects,
        uploads: Uploads,
        inspecting: Inspecting,
        inspection: Inspection,
        *,
        scratch: Path,
    ) -> None:
        self._units = units
        self._clock = clock
        self._objects = objects
        self.uploads = uploads
        self.inspecting = inspecting
        self._inspection = inspection
        self._scratch = scratch
        self._looks: OrderedDict[tuple[PersonId, AttachmentId], float] = OrderedDict()
        self._drawing = asyncio.Semaphore(_PAGES_AT_ONCE)

    async def upload(
        self, actor: Actor, case_id: str, *, name: str, size_bytes: int, read: ReadSome
    ) -> Attachment:
        """A small file in one request, looked at before the answer. Errors: those of `Uploads`; `attachment.…`."""
        draft = UploadDraft(case_id, size_bytes, name)
        place = await self.uploads.begin(actor, draft)
        upload_id = place.attachment.id
        try:
            await self.uploads.append(actor, upload_id, offset=0, read=read, length=size_bytes)
        except BaseException:
            # Whole after all, or gone: then there is nothing to give up.
            with suppress(HearingError):
                await self.uploads.give_up(actor, upload_id)
            raise
        attachment = await self.inspecting.checked(upload_id)
        if attachment.state is AttachmentState.REFUSED:
            raise refusal_error(attachment.reason)
        return attachment

    async def view(self, actor: Actor, attachment_id: str) -> dict[str, object]:
        """State and facts. Errors: NotFound."""
        async with self._units.read() as unit:
            attachment = await self._access(unit, actor, attachment_id)
        return attachment_view(attachment)

    async def views_of_case(self, actor: Actor, case_id: str) -> list[dict[str, object]]:
        """The actor's own files of a case, newest first. Errors: NotFound."""
        async with self._units.read() as unit:
            case, _ = await access_member_case(unit, actor, case_id)
            found = await unit.attachments.of_case(case.id, uploader_id=actor.person_id)
        return [attachment_view(attachment) for attachment in found]

    async def readers(self, attachment_id: str) -> tuple[dict[str, object], set[PersonId]] | None:
        """An attachment and who may see it now, for those who carry the news."""
        async with self._units.read() as unit:
            attachment = await unit.attachments.get(AttachmentId(attachment_id))
            case = await unit.cases.get(attachment.case_id) if attachment else None
            if attachment is None or case is None:
                return None
            seen_by = {
                member.person_id
                for member in case.members()
                if member.person_id == attachment.uploader_id
                or (attachment.is_ready and await is_shown(unit, case, member, attachment.id))
            }
        return attachment_view(attachment), seen_by

    async def original(self, actor: Actor, attachment_id: str) -> SeenFile:
        """The bytes as they came; taking them is an act. Errors: NotFound, Conflict `attachment.not_ready`."""
        async with self._units.read() as unit:
            attachment = _ready(await self._access(unit, actor, attachment_id))
        if self._is_new_look(actor, attachment):
            await self._record_look(actor, attachment)
        return self._file(attachment, attachment.media_type, attachment.size_bytes, attachment.sha256)

    async def preview(self, actor: Actor, attachment_id: str) -> SeenFile:
        """A JPEG without metadata. Errors: NotFound, Conflict `attachment.not_ready`."""
        async with self._units.read() as unit:
            attachment = _ready(await self._access(unit, actor, attachment_id))
        if not attachment.has_preview:
            raise NotFound
        size_bytes = await self._size_of(attachment, attachment.preview_sha256)
        return self._file(attachment, "image/jpeg", size_bytes, attachment.preview_sha256)

    async def rendition(self, actor: Actor, attachment_id: str) -> SeenFile:
        """An office document as PDF, sound as AAC in MP4: what was made here to be shown. Errors: NotFound."""
        async with self._units.read() as unit:
            attachment = _ready(await self._access(unit, actor, attachment_id))
        if not attachment.rendition_sha256:
            raise NotFound
        media_type = _PDF if attachment.kind is AttachmentKind.DOCUMENT else "audio/mp4"
        return self._file(attachment, media_type, attachment.rendition_bytes, attachment.rendition_sha256)

    async def text(self, actor: Actor, attachment_id: str) -> dict[str, object]:
        """What was read out of a document, per page. Errors: NotFound, Conflict `attachment.not_ready`."""
        async with self._units.read() as unit:
            attachment = _ready(await self._access(unit, actor, attachment_id))
            texts = await unit.attachments.texts(attachment.id)
        return {"items": [{"page": page, "text": text} for page, text in texts.items()]}

    async def page(self, actor: Actor, attachment_id: str, page: int) -> SeenFile:
        """One page as a picture, drawn when first asked for. Errors: NotFound, Unavailable `inspection.down`."""
        async with self._units.read() as unit:
            attachment = _ready(await self._access(unit, actor, attachment_id))
            known = await unit.attachments.page(attachment.id, page)
        if not 1 <= page <= attachment.pages:
            raise NotFound
        image = known or await self._draw(attachment, page)
        return self._file(attachment, "image/jpeg", image.size_bytes, image.sha256)

    async def _draw(self, attachment: Attachment, page: int) -> PageImage:
        source_sha256 = attachment.rendition_sha256 or attachment.sha256
        async with self._drawing:
            work = await asyncio.to_thread(_work_folder, self._scratch)
            try:
                source = await self._plain(attachment, source_sha256, work)
                try:
                    drawn, width, height = await self._inspection.page(source, page=page, work=work)
                finally:
                    os.close(source)
                content = await asyncio.to_thread(drawn.read_bytes)
            except RefusedFile as refused:
                raise refusal_error(refused.reason) from refused
            finally:
                await asyncio.to_thread(shutil.rmtree, work, True)
        sha256 = await self._objects.put(content, case_id=attachment.case_id)
        image = PageImage(attachment.id, page, sha256, width, height, len(content))
        async with self._units.write() as unit:
            await unit.attachments.save_page(image)
        return image

    async def _plain(self, attachment: Attachment, sha256: str, work: Path) -> int:
        """The object in the clear, in a file without a name."""
        file = tempfile.TemporaryFile(dir=work)  # noqa: SIM115 - closed below, after its descriptor was doubled
        try:
            async for piece in self._objects.read(sha256, case_id=attachment.case_id):
                await asyncio.to_thread(file.write, piece)
            file.flush()
            file.seek(0)
            return os.dup(file.fileno())
        finally:
            file.close()

    async def _access(self, unit: Unit, actor: Actor, attachment_id: str) -> Attachment:
        """The one door to an attachment: its sender, and those who see a place where it is used."""
        attachment = await unit.attachments.get(AttachmentId(attachment_id))
        if attachment is None:
            raise NotFound
        case, member = await access_member_case(unit, actor, attachment.case_id)
        if attachment.uploader_id == actor.person_id:
            return attachment
        if not attachment.is_ready or not await is_shown(unit, case, member, attachment.id):
            raise NotFound
        return attachment

    def _is_new_look(self, actor: Actor, attachment: Attachment) -> bool:
        key, now_s = (actor.person_id, attachment.id), self._clock.monotonic_s()
        before_s = self._looks.get(key)
        if before_s is not None and now_s - before_s < _SAME_LOOK_S:
            return False
        self._looks[key] = now_s
        self._looks.move_to_end(key)
        if len(self._looks) > _KEPT_LOOKS:
            self._looks.popitem(last=False)
        return True

    async def _record_look(self, actor: Actor, attachment: Attachment) -> None:
        try:
            async with self._units.write() as unit:
                await record_act(
                    unit, actor, kind=ActKind.ATTACHMENT_VIEWED, chain_id=attachment.case_id,
                    at=self._clock.utc_now(), payload={"attachment_id": attachment.id},
                    objects=(ActObject(attachment.sha256, attachment.size_bytes),),
                )  # fmt: skip
        except BaseException:
            self._looks.pop((actor.person_id, attachment.id), None)
            raise

    async def _size_of(self, attachment: Attachment, sha256: str) -> int:
        size_bytes = await self._objects.size_bytes(sha256, case_id=attachment.case_id)
        if size_bytes is None:
            raise NotFound
        return size_bytes

    def _file(self, attachment: Attachment, media_type: str, size_bytes: int, sha256: str) -> SeenFile:
        return SeenFile(attachment, media_type, size_bytes, sha256, self._objects)


async def is_shown(unit: Unit, case: Case, member: CaseMember, attachment_id: AttachmentId) -> bool:
    """Whether one of the places where a file is used opens it to this member of the case."""
    if await is_shown_in_a_lane(unit, attachment_id, member):
        return True
    return await opens_by_exhibit(unit, case, member.person_id, attachment_id)


async def is_shown_in_a_lane(unit: Unit, attachment_id: AttachmentId, member: CaseMember) -> bool:
    """Whether it was posted by an event that this member of the case may read."""
    for lane, seq in await unit.space.uses(attachment_id):
        first_seq = lane.first_seq_for(member)
        if first_seq is not None and first_seq <= seq:
            return True
    # Taken out of sight it stays in the file, for those who conduct the case.
    return member.role in COURT_ROLES and bool(await unit.messages.lanes_withholding(attachment_id))


def _ready(attachment: Attachment) -> Attachment:
    """For its sender, who may ask too soon; nobody else gets here before it is ready."""
    if attachment.is_ready:
        return attachment
    if attachment.state is AttachmentState.REFUSED:
        raise refusal_error(attachment.reason)
    raise Conflict(
        "attachment.not_ready",
        zh="文件还在检查，请稍候",
        en="The file is still being checked; please wait a moment",
    )


def _work_folder(scratch: Path) -> Path:
    scratch.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=scratch, prefix="page-"))
