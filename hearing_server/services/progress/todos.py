"""我的待办 over all cases of a person, and one case's timeline: put together from their sources, stored nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hearing_server.domain.hearing.hearings import Hearing, HearingState
from hearing_server.domain.progress.nodes import Node, NodeKind, node_view
from hearing_server.domain.progress.todos import Todo, in_order, todo_view
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, Clock, PersonId
from hearing_server.ports.todos import TodoSource
from hearing_server.ports.units import Unit, Units
from hearing_server.services.access import access_case

# What a person can take in; the rest waits behind the first.
MAX_TODOS = 200


@dataclass(frozen=True, slots=True)
class CaseProgress:
    """Timeline and things to do, as views."""

    case: Case
    timeline: tuple[dict[str, object], ...]
    todos: tuple[dict[str, object], ...]


class Todos:
    """Use-cases of the home page and the case's progress page."""

    def __init__(self, units: Units, clock: Clock, sources: Sequence[TodoSource]) -> None:
        self._units = units
        self._clock = clock
        self._sources = tuple(sources)

    async def mine(self, actor: Actor) -> list[dict[str, object]]:
        """Everything the actor must do, by deadline."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            cases = await unit.cases.of_person(actor.person_id)
            found = await self._collect(unit, actor, cases, now)
        numbers = {case.id: str(case.number) for case in cases}
        return [
            todo_view(todo, case_number=numbers.get(todo.case_id, ""), now=now) for todo in found[:MAX_TODOS]
        ]

    async def of_case(self, actor: Actor, case_id: str) -> CaseProgress:
        """What happened and what is ahead. Errors: NotFound."""
        now = self._clock.utc_now()
        async with self._units.read() as unit:
            case, member = await access_case(unit, actor, case_id)
            todos = await self._collect(unit, actor, [case] if member is not None else [], now)
            nodes = await unit.progress.of_case(case.id)
            hearings = await unit.hearings.of_case(case.id)
        lines = _with_what_is_known(nodes, case, hearings)
        views = [node_view(node) for node in sorted(lines, key=lambda node: (node.at, node.id))]
        ahead = [_ahead(hearing, case) for hearing in hearings if _is_ahead(hearing, now)]
        shown = tuple(todo_view(todo, case_number=str(case.number), now=now) for todo in todos)
        return CaseProgress(case, (*views, *ahead), shown)

    async def _collect(self, unit: Unit, actor: Actor, cases: Sequence[Case], now: datetime) -> list[Todo]:
        found: list[Todo] = []
        if cases:
            for source in self._sources:
                found += await source.todos(unit, actor, cases, now=now)
        return in_order(found)


def _with_what_is_known(nodes: list[Node], case: Case, hearings: list[Hearing]) -> list[Node]:
    """Cases of before this release have no nodes: what their own rows tell stands in for them."""
    told = {(node.kind, node.facts.get("hearing_id", "")) for node in nodes}
    known: list[tuple[NodeKind, datetime, dict[str, str]]] = [(NodeKind.CASE_FILED, case.filed_at, {})]
    for hearing in hearings:
        facts = {"hearing_id": hearing.id, "title": hearing.title}
        if hearing.opened_at is not None:
            known.append((NodeKind.HEARING_OPENED, hearing.opened_at, facts))
        if hearing.closed_at is not None:
            known.append((NodeKind.HEARING_CLOSED, hearing.closed_at, facts))
    missing = [
        Node(f"known-{place}", case.id, kind, "", at, PersonId("per_system"), facts)
        for place, (kind, at, facts) in enumerate(known)
        if (kind, facts.get("hearing_id", "")) not in told
    ]
    return [*nodes, *missing]


def _is_ahead(hearing: Hearing, now: datetime) -> bool:
    return hearing.state in (HearingState.SCHEDULED, HearingState.LOBBY) and hearing.starts_at > now


def _ahead(hearing: Hearing, case: Case) -> dict[str, object]:
    facts = {"hearing_id": hearing.id, "title": hearing.title}
    node = Node("", case.id, NodeKind.HEARING_OPENED, "", hearing.starts_at, PersonId("per_system"), facts)
    return node_view(node) | {"is_ahead": True}
