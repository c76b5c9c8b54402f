"""What exhibits ask of a person: to check, to supplement, to submit in time, to say an opinion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hearing_server.domain.exhibits.exhibits import Exhibit, ExhibitState
from hearing_server.domain.exhibits.opinions import Opinion
from hearing_server.domain.exhibits.sight import Viewer, viewer_of
from hearing_server.domain.exhibits.ways import ways
from hearing_server.domain.progress.todos import Todo, TodoKind
from hearing_server.domain.roles import capacity_of
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor
from hearing_server.ports.exhibits import ExhibitTerms
from hearing_server.ports.units import Unit


class ExhibitTodos:
    """`ports.todos.TodoSource`."""

    async def todos(self, unit: Unit, actor: Actor, cases: Sequence[Case], *, now: datetime) -> list[Todo]:
        ids = [case.id for case in cases]
        exhibits = await unit.exhibits.of_cases(ids)
        opinions = await unit.exhibits.opinions_of_cases(ids)
        found: list[Todo] = []
        for case in cases:
            viewer, member = viewer_of(case, actor.person_id), case.member(actor.person_id)
            if viewer is None or member is None:
                continue
            capacity = capacity_of(actor.role, member.role)
            own = [(one, ways(one, viewer, capacity)) for one in exhibits if one.case_id == case.id]
            if viewer.is_court:
                found += _of_the_court(case, [one for one, can in own if "check" in can])
            else:
                terms = await unit.exhibits.terms(case.id)
                found += _of_a_side(case, viewer, own, opinions, terms, now)
        return found


def _of_the_court(case: Case, waiting: list[Exhibit]) -> list[Todo]:
    if not waiting:
        return []
    subject = "、".join(one.label.zh for one in waiting[:5] if one.label)
    link = f"/desk/cases/{case.id}/exhibits"
    return [Todo(TodoKind.CHECK_EXHIBITS, f"check:{case.id}", case.id, link, subject)]


def _of_a_side(
    case: Case,
    viewer: Viewer,
    own: list[tuple[Exhibit, tuple[str, ...]]],
    opinions: list[Opinion],
    terms: ExhibitTerms,
    now: datetime,
) -> list[Todo]:
    link = f"/cases/{case.id}/exhibits"
    found = [
        Todo(
            TodoKind.SUBMIT_EXHIBITS,
            f"return:{one.id}",
            case.id,
            f"/exhibits/{one.id}",
            one.label.zh if one.label else "",
            terms.submit_until,
        )
        for one, can in own
        if one.state is ExhibitState.RETURNED and "supplement" in can
    ]
    mine = [one for one, _ in own if viewer.owns(one) and one.state is not ExhibitState.DRAFT]
    until = terms.submit_until
    if not mine and until is not None and until > now:
        found.append(Todo(TodoKind.SUBMIT_EXHIBITS, f"submit:{case.id}", case.id, link, due_at=until))
    said = {one.exhibit_id for one in opinions if not viewer.party_ids.isdisjoint(one.party_ids)}
    silent = [one for one, can in own if "opine" in can and one.id not in said and one.superseded_by is None]
    if silent:
        times = [one.opinions_until for one in silent if one.opinions_until is not None]
        subject = "、".join(one.label.zh for one in silent[:5] if one.label)
        found.append(
            Todo(TodoKind.GIVE_OPINIONS, f"opine:{case.id}", case.id, link, subject, min(times, default=None))
        )
    return found
