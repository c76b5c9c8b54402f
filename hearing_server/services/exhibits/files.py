"""Files of exhibits: which uploads may be named, and to whom an exhibit opens the door to one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hearing_server.domain.case_space.attachments import Attachment
from hearing_server.domain.exhibits.content import ExhibitFile
from hearing_server.domain.exhibits.sight import may_open, viewer_of
from hearing_server.errors import Invalid
from hearing_server.filing.cases import Case
from hearing_server.kernel import AttachmentId, PersonId
from hearing_server.ports.units import Unit


async def named_files(
    unit: Unit,
    case: Case,
    attachment_ids: Sequence[str],
    *,
    uploaders: Iterable[PersonId],
    known: Iterable[ExhibitFile] = (),
) -> tuple[ExhibitFile, ...]:
    """The files of these uploads, in this order: of the case, ready, sent by one of `uploaders`, or `known` before.

    Errors: Invalid `exhibit.file`: one answer for what isn't there, isn't ready and isn't theirs.
    """
    senders, before = frozenset(uploaders), {file.attachment_id: file for file in known}
    found = []
    for one in attachment_ids:
        file = before.get(AttachmentId(one))
        if file is None:
            attachment = await unit.attachments.get(AttachmentId(one))
            if (
                attachment is None
                or attachment.case_id != case.id
                or attachment.uploader_id not in senders
                or not attachment.is_ready
            ):
                raise Invalid(
                    "exhibit.file",
                    zh="文件不存在或尚未检查完毕，请重新上传",
                    en="The file isn't there or isn't checked yet; please upload it again",
                )
            file = _file(attachment)
        found.append(file)
    return tuple(found)


async def opens_by_exhibit(unit: Unit, case: Case, person_id: PersonId, attachment_id: AttachmentId) -> bool:
    """Whether some exhibit shows this file to this person: asked by the one door to files."""
    viewer = viewer_of(case, person_id)
    if viewer is None:
        return False
    return any(may_open(one, viewer, attachment_id) for one in await unit.exhibits.using(attachment_id))


def _file(attachment: Attachment) -> ExhibitFile:
    return ExhibitFile(
        attachment_id=attachment.id,
        name=attachment.name,
        media_type=attachment.media_type,
        size_bytes=attachment.size_bytes,
        sha256=attachment.sha256,
        pages=max(1, attachment.pages),
    )
