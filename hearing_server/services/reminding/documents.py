"""Documents of the case space and of hearings that a reminder can name; exhibits have their own source."""

from __future__ import annotations

import hashlib
from datetime import tzinfo

from hearing_server.domain.canonical_json import canonical_json
from hearing_server.domain.case_space.lanes import LaneKind
from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.filing.cases import Case
from hearing_server.kernel import AttachmentId, HearingId, to_wire
from hearing_server.ports.documents import FoundDocument
from hearing_server.ports.units import Unit


class AttachmentDocuments:
    """Files that were posted where everybody on the case reads: naming one shows nobody anything new."""

    async def find(self, unit: Unit, case: Case, document_id: str) -> FoundDocument | None:
        attachment = await unit.space.attachment(AttachmentId(document_id))
        if attachment is None or attachment.case_id != case.id or not attachment.is_ready:
            return None
        uses = await unit.space.uses(attachment.id)
        if not any(lane.kind is LaneKind.EVERYONE for lane, _ in uses):
            return None
        return FoundDocument(attachment.name, attachment.sha256)


class HearingDocuments:
    """A hearing's date: moved or cancelled, it is another document, and everybody is asked again."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    async def find(self, unit: Unit, case: Case, document_id: str) -> FoundDocument | None:
        hearing = await unit.hearings.get(HearingId(document_id))
        if hearing is None or hearing.case_id != case.id:
            return None
        there = hearing.starts_at.astimezone(self._zone)
        title = f"{hearing.title}（{there.month}月{there.day}日{there:%H:%M}）"
        return FoundDocument(title, hearing_digest(hearing))


def hearing_digest(hearing: Hearing) -> str:
    """SHA-256 (hex) over title, time, length and whether it was cancelled; that it opens and closes changes nothing."""
    said = {
        "title": hearing.title,
        "starts_at": to_wire(hearing.starts_at),
        "duration_min": hearing.duration_min,
        "is_cancelled": hearing.cancel_reason is not None,
    }
    return hashlib.sha256(canonical_json(said)).hexdigest()
