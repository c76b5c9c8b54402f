"""What is public at all: a hearing held in open court of a case heard in open court, and nothing else, ever."""

from __future__ import annotations

from hearing_server.domain.hearing.hearings import Hearing
from hearing_server.errors import Conflict
from hearing_server.filing.cases import Case, Openness
from hearing_server.filing.closed_doors import ClosedDoors


def is_in_open_court(case: Case, hearing: Hearing) -> bool:
    """Whether copies of this hearing may be public."""
    return case.openness is Openness.OPEN and case.closed_doors is None and hearing.closed_doors is None


def doors_of(case: Case, hearing: Hearing) -> ClosedDoors | None:
    """The order that closes this hearing; the hearing's own says more than the case's. None also for old cases."""
    return hearing.closed_doors or case.closed_doors


def require_open(case: Case, hearing: Hearing) -> None:
    """Errors: Conflict `publication.closed_hearing`."""
    if not is_in_open_court(case, hearing):
        doors = doors_of(case, hearing)
        ground = (doors.rule.zh, doors.rule.en) if doors else ("", "")
        raise Conflict(
            "publication.closed_hearing",
            zh="不公开审理的案件不得公开录像" + (f"（{ground[0]}）" if ground[0] else ""),
            en="A closed hearing can't be published" + (f" ({ground[1]})" if ground[1] else ""),
        )
