"""不公开审理 of one hearing: ordered by the judge before, while or after it is held, and never lifted."""

from __future__ import annotations

from hearing_server.domain.hearing.hearings import Change, Hearing, HearingFactKind, HearingState, changed
from hearing_server.errors import Conflict
from hearing_server.filing.closed_doors import ClosedDoors, doors_ordered


def hold_behind_closed_doors(hearing: Hearing, doors: ClosedDoors) -> Change:
    """Errors: Conflict `closed_doors.ordered`, `hearing.cancelled`."""
    if hearing.closed_doors is not None:
        raise doors_ordered()
    if hearing.state is HearingState.CANCELLED:
        raise Conflict("hearing.cancelled", zh="该庭审已取消", en="This hearing was cancelled")
    return changed(
        hearing, HearingFactKind.DOORS_CLOSED, doors.at, note=doors.ground.value, closed_doors=doors
    )
