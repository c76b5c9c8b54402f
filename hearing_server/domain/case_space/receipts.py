"""Receipts: how far a person has received and read a lane. They only ever grow, and reading implies having received."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hearing_server.errors import Invalid
from hearing_server.filing.cases import CaseRole
from hearing_server.kernel import LaneId, PersonId


@dataclass(frozen=True, slots=True)
class Receipt:
    """Sequence numbers up to which one person has received and read one lane."""

    lane: LaneId
    person_id: PersonId
    delivered_seq: int = 0
    read_seq: int = 0


def advance(
    receipt: Receipt, *, head_seq: int, delivered_seq: int | None = None, read_seq: int | None = None
) -> Receipt:
    """The receipt after a report; a lower report changes nothing (devices report in any order).

    Errors: Invalid `receipt.beyond_head` for a negative number or one that the lane hasn't reached.
    """
    for reported in (delivered_seq, read_seq):
        if reported is not None and not 0 <= reported <= head_seq:
            raise Invalid(
                "receipt.beyond_head", zh="回执序号无效", en="The receipt names an event that doesn't exist"
            )
    read = max(receipt.read_seq, read_seq or 0)
    delivered = max(receipt.delivered_seq, delivered_seq or 0, read)
    return replace(receipt, delivered_seq=delivered, read_seq=read)


def is_shown_to(*, owner: CaseRole, viewer: CaseRole) -> bool:
    """The court sees everybody's receipts; parties don't see whether the court has read."""
    is_court_owner = owner in (CaseRole.JUDGE, CaseRole.CLERK)
    is_court_viewer = viewer in (CaseRole.JUDGE, CaseRole.CLERK)
    return is_court_viewer or not is_court_owner
