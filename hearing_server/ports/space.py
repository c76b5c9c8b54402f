"""Repository of case spaces: lanes, events, receipts, attachments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hearing_server.domain.case_space.messages import Lane, LaneEvent, LaneKind
from hearing_server.domain.case_space.receipts import Receipt
from hearing_server.kernel import AttachmentId, CaseId, LaneId, PersonId


@dataclass(frozen=True, slots=True)
class Attachment:
    """A picture of a case space. The original lies under `sha256`, its preview under `preview_sha256` (hex)."""

    id: AttachmentId
    case_id: CaseId
    uploader_id: PersonId
    sha256: str
    preview_sha256: str
    media_type: str
    size_bytes: int
    width: int
    height: int
    name: str
    uploaded_at: datetime


class Space(Protocol):
    """Lanes and what is in them."""

    async def open_lanes(self, case_id: CaseId, *, now: datetime) -> None:
        """The lanes every case has: everyone and bench."""
        ...

    async def lane(self, lane_id: LaneId) -> Lane | None: ...
    async def lock_lane(self, lane_id: LaneId) -> Lane:
        """The lane with its head, locked until the commit. Lock the case's act chain first: one order for all."""
        ...

    async def lane_of_case(self, case_id: CaseId, kind: LaneKind) -> Lane | None: ...
    async def lanes_of_cases(self, case_ids: list[CaseId]) -> list[Lane]: ...
    async def heads(self, lane_ids: list[LaneId]) -> dict[LaneId, int]: ...

    async def append(self, lane: Lane, event: LaneEvent, *, request_sha256: bytes | None) -> None:
        """Insert the event and move the lane's head to it; `lane` is the lane after the event."""
        ...

    async def posted(
        self, case_id: CaseId, sender_id: PersonId, client_id: str
    ) -> tuple[LaneEvent, bytes] | None:
        """The event a sender posted under this client id, with the digest of that request."""
        ...

    async def events(
        self, lane_id: LaneId, *, after: int = 0, before: int | None = None, limit: int
    ) -> list[LaneEvent]:
        """Ascending. With `before`: the newest ones below it; else the oldest ones above `after`."""
        ...

    async def receipts(self, lane_ids: list[LaneId]) -> list[Receipt]: ...
    async def receipt(self, lane_id: LaneId, person_id: PersonId) -> Receipt: ...
    async def save_receipt(self, receipt: Receipt, *, at: datetime) -> None: ...
    async def unread(self, person_id: PersonId, lane_ids: list[LaneId]) -> dict[LaneId, int]:
        """Events beyond the person's read mark that others wrote; lanes without any are left out."""
        ...

    async def add_attachment(self, attachment: Attachment) -> None: ...
    async def attachment(self, attachment_id: AttachmentId) -> Attachment | None: ...
    async def note_use(self, attachment_id: AttachmentId, lane_id: LaneId) -> None:
        """The picture was posted into this lane: its members may see it from now on."""
        ...

    async def lanes_using(self, attachment_id: AttachmentId) -> list[Lane]: ...

    async def mark_once(self, key: str, *, now: datetime) -> bool:
        """True for the first one to mark `key`, ever: for cards that are posted once."""
        ...
