"""Repository of case spaces: lanes, events, receipts, attachments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from hearing_server.domain.case_space.attachments import Attachment
from hearing_server.domain.case_space.lanes import Lane, LaneKind, LanePerson
from hearing_server.domain.case_space.messages import LaneEvent
from hearing_server.domain.case_space.receipts import Receipt
from hearing_server.kernel import AttachmentId, CaseId, LaneId, PersonId


class Space(Protocol):
    """Lanes and what is in them."""

    async def open_lanes(self, case_id: CaseId, *, now: datetime) -> None:
        """The lanes every case has: everyone and bench."""
        ...

    async def open_private_lane(
        self, case_id: CaseId, kind: LaneKind, *, slot: str, title: str, now: datetime
    ) -> Lane:
        """The lane of this kind and slot: opened now, or the one that is there already."""
        ...

    async def close_lane(self, lane_id: LaneId, *, now: datetime) -> None: ...
    async def let_in(self, lane_id: LaneId, person: LanePerson, *, now: datetime) -> None:
        """Name somebody for a mediation; who is in already stays as they are."""
        ...

    async def let_out(self, lane_id: LaneId, person_id: PersonId, *, now: datetime) -> None: ...
    async def lane(self, lane_id: LaneId) -> Lane | None: ...
    async def lock_lane(self, lane_id: LaneId) -> Lane:
        """The lane with its head, locked until the commit. Lock the case's act chain first: one order for all."""
        ...

    async def lane_of_case(self, case_id: CaseId, kind: LaneKind, *, slot: str = "") -> Lane | None: ...
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
    async def unread(self, person_id: PersonId, floors: Mapping[LaneId, int]) -> dict[LaneId, int]:
        """Events beyond the person's read mark that others wrote, per lane and from the first one that is theirs.

        Lanes without any are left out.
        """
        ...

    async def attachment(self, attachment_id: AttachmentId) -> Attachment | None: ...
    async def note_use(self, attachment_id: AttachmentId, lane_id: LaneId, *, seq: int) -> None:
        """It was posted into this lane by event `seq`: whoever may read that may see it from now on."""
        ...

    async def uses(self, attachment_id: AttachmentId) -> list[tuple[Lane, int]]:
        """The lanes it was posted into, with the event that brought it first."""
        ...

    async def mark_once(self, key: str, *, now: datetime) -> bool:
        """True for the first one to mark `key`, ever: for cards that are posted once."""
        ...
