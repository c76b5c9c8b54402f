"""Who waits for an answer is something to do: for the clerk of the case, or the one who took it or was named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hearing_server.domain.case_space.contact_requests import ContactRequest
from hearing_server.domain.progress.todos import Todo, TodoKind
from hearing_server.filing.cases import Case
from hearing_server.kernel import Actor, PersonId
from hearing_server.ports.units import Unit

_QUEUE = "/desk/contacts"


class ContactTodos:
    """`ports.todos.TodoSource`."""

    async def todos(self, unit: Unit, actor: Actor, cases: Sequence[Case], *, now: datetime) -> list[Todo]:
        mine = {case.id for case in cases if case.clerk is not None and case.clerk.id == actor.person_id}
        if not actor.is_staff:
            return []
        found = await unit.contact_requests.open_of_cases([case.id for case in cases])
        return [
            Todo(TodoKind.ANSWER_CONTACT, request.id, request.case_id, _QUEUE, due_at=request.due_at)
            for request in found
            if _is_held_by(actor.person_id, request, is_clerk_of_case=request.case_id in mine)
        ]


def _is_held_by(person_id: PersonId, request: ContactRequest, *, is_clerk_of_case: bool) -> bool:
    named = request.assigned_to or (request.taken.by if request.taken else None)
    return named == person_id if named is not None else is_clerk_of_case
