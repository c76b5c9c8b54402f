"""Events of a lane as its readers get them: with what later events did to them, cut to one page."""

from __future__ import annotations

from dataclasses import dataclass

from hearing_server.domain.case_space.amended_view import amended, body_weight
from hearing_server.domain.case_space.amendments import Amendments, amendments_of, reply_seq, target_seq
from hearing_server.domain.case_space.lane_view import event_view, sender_view
from hearing_server.domain.case_space.lanes import Lane
from hearing_server.domain.case_space.messages import EventType, LaneEvent
from hearing_server.filing.cases import Case
from hearing_server.kernel import PersonId
from hearing_server.ports.units import Unit

PAGE_BYTES = 256 * 1024
# The fields around a body.
_AROUND_BYTES = 600


@dataclass(frozen=True, slots=True)
class _Around:
    """What a page's events refer to: amendments, quoted events, names of people who left the case."""

    amendments: Amendments
    quoted: dict[int, LaneEvent]
    names: dict[PersonId, str]


async def lane_views(
    unit: Unit,
    case: Case,
    lane: Lane,
    events: list[LaneEvent],
    *,
    keep_last: bool,
    limit_bytes: int = PAGE_BYTES,
) -> tuple[dict[str, object], ...]:
    """The views, cut to `limit_bytes`: at the end, or at the beginning when `keep_last`. One event always fits."""
    around = await _around(unit, case, lane, events)
    views: list[dict[str, object]] = []
    size_bytes = 0
    for event in reversed(events) if keep_last else events:
        corrections = around.amendments.corrections.get(event.seq, ())
        size_bytes += _AROUND_BYTES + body_weight(event.body)
        size_bytes += sum(body_weight(correction.body) for correction in corrections)
        if views and size_bytes > limit_bytes:
            break
        views.append(_view(event, case, around))
    return tuple(reversed(views)) if keep_last else tuple(views)


def _view(event: LaneEvent, case: Case, around: _Around) -> dict[str, object]:
    quoted = around.quoted.get(reply_seq(event) or 0)
    return amended(
        event_view(event, case, around.names),
        event,
        around.amendments,
        quoted,
        lambda one: sender_view(one, case, around.names),
    )


async def _around(unit: Unit, case: Case, lane: Lane, events: list[LaneEvent]) -> _Around:
    """At most three queries more than the page itself; none for the newest message of plain talk."""
    replies = {seq for event in events if (seq := reply_seq(event)) is not None}
    targets = {seq for event in events if (seq := target_seq(event)) is not None}
    # Nothing came after the newest event: nothing amends it.
    seqs = {event.seq for event in events if event.type is not EventType.CARD and event.seq < lane.head_seq}
    amendments = amendments_of(await unit.messages.amending(lane.id, seqs | replies | targets))
    # Who was let in later than a message must not read it in somebody's quotation.
    floor = max((person.from_seq for person in lane.persons), default=1)
    quoted = await unit.messages.at(lane.id, (seq for seq in replies if seq >= floor))
    shown = [*events, *quoted.values(), *amendments.tombstones.values()]
    gone = {one.sender_id for one in shown if one.sender_id is not None and not case.member(one.sender_id)}
    people = await unit.people.many(sorted(gone)) if gone else {}
    return _Around(amendments, quoted, {person_id: person.name for person_id, person in people.items()})
